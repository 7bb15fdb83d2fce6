"""The words of the page, from a file a language in `i18n`.

Labels are translated in the browser, by Gradio; `of` gives the words for what the server says to one visitor, and
`in_words` says what went wrong in them. What `lumachrome` says is English: `reasons` holds its sentences in other
languages. English is for everybody else.
"""

import contextlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.requests import Request

from demo.server.retention import KEPT_MINUTES
from lumachrome.errors import PhotoError, UserError

Words = dict[str, str]  # name to text

_FOLDER = Path(__file__).parent / 'i18n'


def _read(path: Path) -> Words:
    found = json.loads(path.read_text('utf-8'))
    return found | {'language': path.stem, 'limits': found['limits'].format(kept_minutes=KEPT_MINUTES)}


WORDS: dict[str, Words] = {path.stem: _read(path) for path in sorted(_FOLDER.glob('*.json'))}


def _read_reasons(path: Path) -> Words:
    found = json.loads(path.read_text('utf-8'))
    return dict(sorted(found.items(), key=lambda item: -len(item[0])))  # one may end as another does


# An English sentence, in which anything may stand for {0} and {1}, to the same in a language.
REASONS: dict[str, Words] = {path.stem: _read_reasons(path) for path in sorted((_FOLDER / 'reasons').glob('*.json'))}
LABELS = gr.I18n(**WORDS)


def label(name: str) -> Any:
    """A label that the browser translates. All components take it, though of some Gradio's types say text alone."""
    return LABELS(name)


def of(request: gr.Request | Request | None) -> Words:
    """The words for whoever sent a request; English where there is none."""
    wanted = request.headers.get('accept-language', '') if request is not None and request.headers else ''
    return WORDS['zh' if wanted.lower().startswith('zh') else 'en']


def reason(sentence: str, say: Words) -> str:
    """A sentence of `lumachrome` in a visitor's language; in English where the language has none."""
    for english, own in REASONS.get(say['language'], {}).items():
        pattern = re.sub(r'\\{\d\\}', '(.*)', re.escape(english))
        if found := re.fullmatch(pattern, sentence, re.DOTALL):
            return own.format(*found.groups())
    return sentence


def joined(sentences: Iterable[str]) -> str:
    """Sentences one after the other: Chinese ones are not kept apart by spaces."""
    return re.sub('(?<=[。！？]) ', '', ' '.join(filter(None, sentences)))


@contextlib.contextmanager
def in_words(say: Words = WORDS['en']) -> Iterator[None]:
    """What goes wrong inside reaches the visitor as a sentence, in the words `say`."""
    try:
        yield
    except MemoryError as error:
        raise gr.Error(say['memory'], print_exception=False) from error
    except PhotoError as error:
        raise gr.Error(_said(error, 'unreadable', say), print_exception=False) from error
    except UserError as error:
        raise gr.Error(_said(error, 'refused', say), print_exception=False) from error


def _said(error: UserError, lead: str, say: Words) -> str:
    """What went wrong in the words of a visitor; before an English sentence stands some of it."""
    english = str(error)
    said = reason(english, say)
    return say[lead].format(reason=english) if said == english else said
