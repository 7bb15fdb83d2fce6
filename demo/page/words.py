"""The words of the page, from a file a language in `i18n`.

Labels are translated in the browser, by Gradio; `of` gives the words for what the server says to one visitor, and
`in_words` says what went wrong in them. English is for everybody else.
"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.requests import Request

from demo.server.retention import KEPT_MINUTES
from lumachrome.errors import PhotoError, UserError

Words = dict[str, str]  # name to text


def _read(path: Path) -> Words:
    found = json.loads(path.read_text('utf-8'))
    return found | {'limits': found['limits'].format(kept_minutes=KEPT_MINUTES)}


WORDS: dict[str, Words] = {path.stem: _read(path) for path in sorted((Path(__file__).parent / 'i18n').glob('*.json'))}
LABELS = gr.I18n(**WORDS)


def label(name: str) -> Any:
    """A label that the browser translates. All components take it, though of some Gradio's types say text alone."""
    return LABELS(name)


def of(request: gr.Request | Request | None) -> Words:
    """The words for whoever sent a request; English where there is none."""
    wanted = request.headers.get('accept-language', '') if request is not None and request.headers else ''
    return WORDS['zh' if wanted.lower().startswith('zh') else 'en']


@contextlib.contextmanager
def in_words(say: Words = WORDS['en']) -> Iterator[None]:
    """What goes wrong inside reaches the visitor as a sentence, in the words `say`."""
    try:
        yield
    except MemoryError as error:
        raise gr.Error(say['memory'], print_exception=False) from error
    except PhotoError as error:
        raise gr.Error(say['unreadable'].format(reason=error), print_exception=False) from error
    except UserError as error:
        raise gr.Error(say['refused'].format(reason=error), print_exception=False) from error
