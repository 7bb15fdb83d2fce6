"""What the page's own components have in common: each is a `gr.HTML` made of files in `static`.

The templates are static: a value reaches the page only as an address or as text, never as markup. A script runs as the
body of a function in which Gradio gives it `element`, `props`, `trigger`, `watch` and `upload`. What all of them need
is in the page's head, once.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import GradioModel

from demo.page import words

STATIC = Path(__file__).parent / 'static'


def static(name: str) -> str:
    """The text of a file in `static`."""
    return (STATIC / name).read_text('utf-8')


def head() -> str:
    """What the page's head brings to all components: the words of all languages, and the elements of `demo/web`."""
    said = json.dumps(words.WORDS, ensure_ascii=False).replace('<', '\\u003c')
    return f'<script>globalThis.allWords = {said};\n{static("components.js")}</script>'


class Component(gr.HTML):
    """A component of markup, style and script, in the visitor's language; to the API pages it has no value.

    Parameters
    ----------
    name : str
        Of the .html file in `static` of which it is made, and of the .css file if it has one.
    scripts : sequence of str
        The names of its scripts there, without suffix; by default the one of that name. They run in one function, in
        this order: what one declares is there for the next.
    constants : dict, optional
        What the scripts know from Python: a name to a JSON value.
    style : str, optional
        The name of a .css file there that it shares with another component.
    **settings
        As `gr.HTML` takes them.
    """

    data_model: type[GradioModel]

    def __init__(
        self,
        name: str,
        constants: dict[str, Any] | None = None,
        scripts: Sequence[str] = (),
        style: str = '',
        **settings: Any,
    ):
        given = constants or {}
        declared = [f'const {key} = {json.dumps(value, ensure_ascii=False)};\n' for key, value in given.items()]
        styled = (STATIC / f'{style or name}.css').exists()
        super().__init__(
            html_template=static(f'{name}.html'),
            css_template=static(f'{style or name}.css') if styled else '',
            js_on_load=''.join([*declared, *(static(f'{part}.js') for part in ('component', *(scripts or [name])))]),
            apply_default_css=False,
            **settings,
        )

    def api_info(self) -> dict[str, Any]:
        return self.data_model.model_json_schema()

    def example_payload(self) -> None:
        return None

    def example_value(self) -> None:
        return None
