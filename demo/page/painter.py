"""Colour hints, given by clicking on the photo: the before/after slider with marks to place, move, colour and remove.

A click marks a place, and the page offers likely colours for it (event `point`); a chosen colour makes it a hint (event
`hint`). All of it works from the keyboard too: a mark is a button that arrows move, and every hint has a row in a list.
The hints belong to the browser: what Python leaves out of a value stays as it is there.
"""

from pathlib import Path
from typing import Any

from gradio.data_classes import GradioModel, ImageData

from demo.page.component import Component


class PaintedHint(GradioModel):
    """A place whose colour is known: x and y as fractions of width and height, color as '#rrggbb'."""

    x: float
    y: float
    color: str


class Painted(GradioModel):
    """What the painter shows; a field that is None stays as it is in the browser.

    `steerable` says whether hints may be given, `swatches` are likely colours for the place that was asked about.
    `given` comes with hints from Python: 'anew' with a new photo, 'loaded' where they can be undone.
    """

    before: ImageData | None = None
    after: ImageData | None = None
    steerable: bool | None = None
    swatches: list[str] | None = None
    hints: list[PaintedHint] | None = None
    given: str | None = None


class HintPainter(Component):
    """The photo before and after, with hints: to Python a list of dict; from Python a dict of `Painted`'s fields."""

    data_model = Painted

    def __init__(self, **settings: Any):
        super().__init__(['slider', 'painter'], **settings)

    def preprocess(self, payload: Painted | None) -> list[dict[str, Any]]:
        return [] if payload is None else [hint.model_dump() for hint in payload.hints or []]

    def postprocess(self, value: dict[str, Any] | None) -> Painted | None:
        if value is None:
            return None
        pictures: dict[str, Any] = {
            name: ImageData(path=str(value[name]), orig_name=Path(value[name]).name)
            for name in ('before', 'after')
            if name in value
        }
        return Painted(**value | pictures)
