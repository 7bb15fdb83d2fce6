"""The frame of the page: what comes for an event is looked at before Gradio would write all of it into its log."""

from typing import Any

import gradio as gr

from demo.server.middleware import MOST_LETTERS


class Blocks(gr.Blocks):
    """Gradio's, whose visitors are told what is wrong with what they sent; a request may hold megabytes."""

    def validate_inputs(self, block_fn: Any, inputs: list[Any]) -> None:
        if len(inputs) < len(block_fn.inputs):
            text = f'{block_fn.name} takes {len(block_fn.inputs)} values, and {len(inputs)} came.'
            raise gr.Error(text, print_exception=False)
        for component, value in zip(block_fn.inputs, inputs, strict=False):
            if isinstance(component, gr.Dropdown | gr.Number | gr.Slider) and len(str(value)) > MOST_LETTERS:
                raise gr.Error(f'A text has at most {MOST_LETTERS:,} letters here.', print_exception=False)
