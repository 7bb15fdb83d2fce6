"""One photo on the page: where it is dropped, how it looks before and after, and all that steers its colours.

Slider, painter and history are the custom elements of `demo/web/components`; `static/studio.js` puts them together with
the controls, which are made from the fields of `Adjustments`. What a visitor sets (the look) belongs to the browser,
where it can be undone, redone and kept; Python is told all of it with each event, and answers with what has become of
it.
"""

import base64
import io
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gradio.data_classes import FileData, GradioModel, ImageData
from PIL import Image

from demo.page import controls
from demo.page.component import Component
from demo.server.limits import FILE_MB
from lumachrome import contract, photofile, zipfiles

SCRIPTS = ('studio', 'studio_say', 'studio_keep', 'studio_open', 'studio_examples', 'studio_take', 'studio_files')
EXAMPLE_SIDE = 128  # long side in pixels of an example's picture


class PaintedHint(GradioModel):
    """A place whose colour is known: x and y as fractions of width and height, color as '#rrggbb'."""

    x: float
    y: float
    color: str


class Look(GradioModel):
    """All that a visitor sets; `settings` are the fields of `Adjustments` that are numbers."""

    hints: list[PaintedHint] | None = None
    settings: dict[str, float] | None = None
    palette: ImageData | None = None


class Came(GradioModel):
    """Where a photo of an album was opened: which album, and the place in its ZIP that its colours have."""

    album: str
    place: str


class Detail(GradioModel):
    """What an event is about: a place or a part of the photo, which hint lies there, an example's name, an album, a
    photo whose palette is wanted.

    It travels with the value because Gradio, where it drops all events but the last, mixes up their own data.
    """

    x: float = 0
    y: float = 0
    width: float = 1
    height: float = 1
    own: float = 1
    hint: int = -1
    asked: int = 0
    rough: bool = False
    example: str = ''
    came: Came | None = None
    palette: ImageData | None = None


class Brought(GradioModel):
    """A photo of an album that is to be looked at by itself, with the settings that it was coloured with."""

    photo: FileData
    settings: dict[str, float]
    model: str
    came: Came


class Hero(GradioModel):
    """What an empty page shows; the pictures are data: URLs."""

    width: int
    height: int
    before: str
    after: str


class Asked(GradioModel):
    """What the browser tells Python with each event."""

    photo: FileData | None = None
    model: str = ''
    look: Look | None = None
    detail: Detail | None = None


class Answer(GradioModel):
    """What Python tells the browser; None is no news.

    `rough` is a small picture in colour, as a data: URL; `failed` says that a photo could not be read, `missed` that a
    file that was asked for could not be made. `number` tells it from the answer before: one that were the same would
    never be heard, as Gradio passes on only what changes.
    """

    number: int | None = None
    before: ImageData | None = None
    after: ImageData | None = None
    rough: str | None = None
    size: tuple[int, int] | None = None
    features: list[str] | None = None
    status: str | None = None
    warning: str | None = None
    presets: list[str] | None = None
    variants: list[str] | None = None
    swatches: list[str] | None = None
    palette: ImageData | None = None
    ready: FileData | None = None
    patch: list[ImageData] | None = None
    asked: int | None = None
    failed: bool | None = None
    missed: bool | None = None
    hero: Hero | None = None
    brought: Brought | None = None
    put_back: bool | None = None


class Given(NamedTuple):
    """What an event comes with."""

    photo: str | None
    model: str
    hints: list[dict[str, Any]]
    settings: dict[str, Any]
    detail: Detail


class PhotoStudio(Component):
    """To Python a `Given`; what Python answers goes to `Answers`.

    Parameters
    ----------
    models : list of (name, value)
        The networks to choose from; the first is chosen.
    examples : list of Path
        Photos to try.
    clips : sequence of str
        The suffixes of the videos that the page takes as well; none where it takes no videos.
    **settings
        As `gr.HTML` takes them.
    """

    data_model = Asked

    def __init__(self, models: list[tuple[str, str]], examples: list[Path], clips: Sequence[str] = (), **settings: Any):
        constants = {
            'SETTINGS': controls.numbers(),
            'SLIDERS': list(controls.SLIDERS),
            'PRESETS': controls.PRESETS,
            'MODELS': models,
            'EXPLAINED': controls.EXPLAINED,
            'EXAMPLES': [[path.stem, picture(path)] for path in examples],
            'MOST_BYTES': FILE_MB * 2**20,
            'HINTS': contract.TAKES_HINTS,
            'SUFFIXES': sorted(photofile.PHOTO_SUFFIXES),
            'ZIP': zipfiles.SUFFIX,
            'CLIPS': list(clips),
        }
        self._models = {value for _, value in models}
        super().__init__('studio', constants, SCRIPTS, **settings)

    def preprocess(self, payload: Asked | None) -> Given:
        payload = payload or Asked()
        look = payload.look or Look()
        settings: dict[str, Any] = {**(look.settings or {}), 'palette': look.palette and look.palette.path}
        photo = payload.photo
        model = payload.model if payload.model in self._models else ''  # a path would be opened, whatever it is
        hints = [hint.model_dump() for hint in look.hints or ()]
        return Given(photo and photo.path, model, hints, settings, payload.detail or Detail())

    def postprocess(self, value: None) -> None:
        """What is set is set on the page alone."""


class Answers(Component):
    """From Python a dict of `Answer`'s fields, files as paths; the studio hears it.

    It is apart, because an answer that took the place of what the browser says would be sent with the next event.
    """

    data_model = Answer

    def __init__(self, **settings: Any):
        super().__init__('answers', **settings)
        self._numbers = itertools.count()

    def preprocess(self, payload: Answer | None) -> None:
        """Nothing comes back."""

    def postprocess(self, value: dict[str, Any] | None) -> Answer | None:
        if value is None:
            return None
        files: dict[str, Any] = {
            name: ImageData(path=str(value[name]), orig_name=Path(value[name]).name)
            for name in ('before', 'after', 'palette')
            if value.get(name)
        }
        if value.get('ready'):
            files['ready'] = FileData(path=str(value['ready']), orig_name=Path(value['ready']).name)
        if value.get('patch'):
            files['patch'] = [ImageData(path=str(path)) for path in value['patch']]
        if value.get('brought'):
            path = value['brought']['photo']
            file = FileData(path=path, orig_name=Path(path).name)
            files['brought'] = Brought(**value['brought'] | {'photo': file})
        return Answer(**value | files, number=next(self._numbers))


def picture(path: Path) -> str:
    """A small picture of a photo, as a data: URL."""
    with Image.open(path) as image:
        image.thumbnail((EXAMPLE_SIDE, EXAMPLE_SIDE))
        return data_url(image.convert('RGB'))


def data_url(image: Image.Image) -> str:
    """A picture as a data: URL, for small ones: nothing of it lies on the disk."""
    buffer = io.BytesIO()
    image.save(buffer, 'JPEG', quality=85)
    return f'data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}'
