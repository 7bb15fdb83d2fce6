"""Gradio's inputs for photos, albums and hints, changed where it would read, keep or describe them otherwise."""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData, ImageData, ListFiles
from pydantic import ModelWrapValidatorHandler, ValidationError, model_validator

from demo.page import words
from demo.server import uploads

A_FILE = 'A file that is uploaded; web addresses are not fetched.'  # for the API's pages


def _example(name: str) -> dict[str, Any]:
    """A file as the API's pages name one in their snippets."""
    return {'path': name, 'url': name, 'meta': {'_type': 'gradio.FileData'}}


class _Photo(ImageData):
    @model_validator(mode='wrap')
    @classmethod
    def _what_is_none(cls, value: Any, handler: ModelWrapValidatorHandler['_Photo']) -> '_Photo':
        """Of what is no photo, and no data: URL, `uploads.store` says what to send; Gradio would say nothing."""
        if isinstance(value, str):
            return cls(url=value)
        try:
            return handler(value)
        except ValidationError:
            return cls()


class PhotoInput(gr.Image):
    """Gradio's image input, which hands every file through untouched: `demo.page.photo` says what cannot be read."""

    is_template = True  # the page knows it as the image component that it is
    data_model = _Photo
    help = ''  # what the API's pages say of it; set later, as Gradio takes an `__init__` for what a component has

    def preprocess(self, payload: ImageData | None) -> str | None:
        if payload is not None and payload.path is None:
            with words.in_words():
                return uploads.store(payload.url or '')
        return payload and payload.path

    def api_info(self) -> dict[str, Any]:
        info = super().api_info()
        info['properties']['url'] |= {'description': 'A data: URL; web addresses are not fetched'}
        return info | {'additional_description': f'{self.help} {A_FILE}'.strip()}

    def example_payload(self) -> dict[str, Any]:
        return _example('photo.jpg')

    def example_value(self) -> None:
        return None


class NumberInput(gr.Number):
    """Gradio's number input for the API, whose pages say by `help` what the number does."""

    is_template = True
    help = ''

    def api_info(self) -> dict[str, Any]:
        return {**super().api_info(), 'additional_description': self.help}

    def example_payload(self) -> Any:
        return self.value  # a number that is right for it


class HintList(gr.JSON):
    """Gradio's JSON input, which says in the API pages and to assistants what hints are."""

    is_template = True

    def api_info(self) -> dict[str, Any]:
        side = {'type': 'number', 'minimum': 0, 'maximum': 1}
        hint = {'x': side, 'y': side, 'color': {'type': 'string', 'description': '#rrggbb'}}
        return {'type': 'array', 'items': {'type': 'object', 'properties': hint, 'required': list(hint)}}

    def example_payload(self) -> list[dict[str, Any]]:
        return [{'x': 0.5, 'y': 0.2, 'color': '#4060c0'}]


class _Files(ListFiles):
    @model_validator(mode='wrap')
    @classmethod
    def _one_is_a_list_of_one(cls, value: Any, handler: ModelWrapValidatorHandler['_Files']) -> '_Files':
        """Of what is no file, `demo.page.album` says what to choose; Gradio would say nothing."""
        try:
            return handler([value] if isinstance(value, dict) else value)
        except ValidationError:
            return cls([])


class AlbumFiles(gr.File):
    """Gradio's input for several files, for the API: to Python a list of (path, name), as they were called before."""

    is_template = True

    def __init__(self, label: str):
        super().__init__(label=label, file_count='multiple')
        self.data_model = _Files

    def example_payload(self) -> list[dict[str, Any]]:
        return [_example('album.zip')]

    def preprocess(self, payload: list[FileData] | None) -> list[tuple[str, str]]:
        return [] if payload is None else [(file.path, file.orig_name or Path(file.path).name) for file in payload]
