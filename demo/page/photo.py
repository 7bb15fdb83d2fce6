"""What the page does with one photo: read it, show its colours, steer them, and colour it at full size.

What is seen is a preview, so that it answers at once however large the photo is: `look` runs the network on it, `tint`
adjusts the colours that it gave, and `save` joins them to the photo itself: what was approved is what is downloaded.
What goes wrong reaches the visitor as a sentence.
"""

import functools
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from demo.colorizers import OpenColorizer
from demo.page import controls, words
from demo.page.words import Words, in_words
from demo.server.uploads import MAX_PIXELS, new_file
from lumachrome import hints, photofile
from lumachrome.adjustments import SETTINGS, Adjustments, Colors
from lumachrome.colorizer import Colorizer
from lumachrome.hints import Hint
from lumachrome.session import CUDA

THUMBNAIL = 240  # long side in pixels of the other colourings
VARIANTS = SETTINGS['variant'].presets
DECODED = 8  # previews in memory, of at most 8 MB each: one a visitor who moves a slider now


@dataclass(frozen=True)
class Seen:
    """What a visitor sees: enough to adjust it without the network, and to colour the photo itself.

    Gradio keeps it for each visitor for an hour, so what is large lies in files.
    """

    photo: str
    name: str
    size: tuple[int, int]
    notes: tuple[str, ...]
    before: str
    model: str = ''
    hints: tuple[Hint, ...] = ()
    variant: int = 0
    render_size: int = 0
    colors: str = ''


class PhotoPage:
    """What the events of the page and the call /colorize run.

    Of the events, `values` are those of the controls `controls.ON_PHOTO`, in that order.

    Parameters
    ----------
    open_colorizer : OpenColorizer
    """

    def __init__(self, open_colorizer: OpenColorizer):
        self._open = open_colorizer

    @controls.with_parameters(tuple(SETTINGS))
    def colorize(
        self,
        photo: str | None,
        model: str | None,
        settings: dict[str, Any],
        request: gr.Request | None = None,
    ) -> tuple[str, str]:
        """Colour a black-and-white photo. Its size, detail, format and metadata stay.

        Args:
            photo: The photo. Of a colour photo only the luminance is used.
            model: The network that chooses the colours.
            {settings}

        Returns:
            The photo in colour, and a line with its size, where it was coloured, and how long that took.
        """
        say = words.of(request)
        if photo is None:
            raise gr.Error(say['choose_first'], print_exception=False)
        with in_words(say):
            return _colored(photo, self._open(model), controls.adjustments(settings), None, say)

    def begin(self, request: gr.Request, photo: str | None, model: str, *values: Any) -> tuple[Any, ...]:
        """Show another photo, or none."""
        if photo is None:
            hidden = gr.update(visible=False)
            return (
                None,
                gr.update(value=None, visible='hidden'),
                '',
                '',
                gr.update(open=False),
                gr.update(visible=True),
                hidden,
            )
        with in_words(words.of(request)):
            picture = photofile.read(_present(photo, words.of(request)), max_pixels=MAX_PIXELS)
            small = photofile.shrink(picture.pixels)
            before = new_file('before.jpg')
            photofile.write_preview(before, small)
            found = {'first_page': picture.note, 'has_colors': photofile.palette(small).is_colored}
            height, width = picture.pixels.shape[:2]
            notes = tuple(key for key, holds in found.items() if holds)
            seen = Seen(photo, picture.name, (width, height), notes, str(before))
        seen, shown, status, warning, variants = self.look(request, seen, model, *values)
        shown |= {'hints': [], 'given': 'anew', 'swatches': []}
        shown = gr.update(value=shown, visible=True)
        return seen, shown, status, warning, variants, gr.update(visible='hidden'), gr.update(visible=True)

    def paint(
        self, request: gr.Request, seen: Seen | None, painted: list[dict[str, Any]], model: str, *values: Any
    ) -> tuple[Any, ...]:
        """Show the photo with other hints."""
        if seen is None:
            return (gr.skip(),) * 5
        with in_words(words.of(request)):
            seen = replace(seen, hints=hints.parse(painted))
        return self.look(request, seen, model, *values)

    def look(self, request: gr.Request, seen: Seen | None, model: str, *values: Any) -> tuple[Any, ...]:
        """Run the network on the preview and show what it gives."""
        if seen is None:
            return (gr.skip(),) * 5
        say = words.of(request)
        with in_words(say):
            colorizer = self._open(model)
            before, seen = seen, replace(seen, model=model, colors=str(new_file('colors.npz')))
            adjustments = _adjustments(seen, colorizer, say, values)
            start = time.perf_counter()
            colors = colorizer.colors(_preview(seen, say), adjustments)
            np.savez(seen.colors, **{name: value for name, value in vars(colors).items() if value is not None})
            seen = replace(seen, render_size=adjustments.render_size)
            shown = self._joined(seen, colorizer, adjustments, colors, say)
            if before.colors:
                Path(before.colors).unlink(missing_ok=True)  # a click brings new ones, and each takes megabytes
            seconds = time.perf_counter() - start
        warnings = [say[note] for note in seen.notes if note == 'has_colors']
        if colors.is_dull:
            warnings.append(' '.join([say['is_dull'], say['click_to_color']][: 2 if colorizer.takes_hints else 1]))
        shown |= {'steerable': colorizer.takes_hints}
        status = _status(seen.size, colorizer, 'previewed', seconds, 'first_page' in seen.notes, say)
        return seen, shown, status, '\n\n'.join(warnings), gr.update(open=False)

    def tint(self, request: gr.Request, seen: Seen | None, *values: Any) -> Any:
        """Show the same colours adjusted otherwise; the network does not run."""
        say = words.of(request)
        with in_words(say):
            if seen is None:
                controls.adjustments(_given(say, values))  # what is wrong with them is said all the same
                return gr.skip()
            colorizer = self._open(seen.model)
            adjustments = _adjustments(seen, colorizer, say, values)
            return self._joined(seen, colorizer, adjustments, _kept(seen, say), say)

    def suggest(self, request: gr.Request, event: gr.EventData, seen: Seen | None) -> Any:
        """Likely colours for the place that was clicked."""
        if seen is None:
            return gr.skip()
        say = words.of(request)
        with in_words(say):
            colorizer, preview, x, y = self._open(seen.model), _preview(seen, say), float(event.x), float(event.y)
            if event.hint < 0:
                colors = _kept(seen, say)
            else:  # at a hint, the network is sure of it: what else is likely there shows without
                others = tuple(hint for i, hint in enumerate(seen.hints) if i != event.hint)
                wish = Adjustments(render_size=seen.render_size, variant=seen.variant, hints=others)
                colors = colorizer.colors(preview, wish.without(colorizer.lacks(wish)), vivid=False)
            return {'swatches': hints.swatches(colorizer, preview, x, y, hints.suggestions(colors, x, y))}

    def variants(self, request: gr.Request, seen: Seen | None, *values: Any) -> Any:
        """Small pictures of the other colourings that the network finds likely."""
        if seen is None:
            return gr.skip()
        say = words.of(request)
        with in_words(say):
            colorizer, preview = self._open(seen.model), _preview(seen, say)
            image = Image.fromarray(preview)
            image.thumbnail((THUMBNAIL, THUMBNAIL))
            small = np.asarray(image)
            found = []
            for variant in VARIANTS:
                adjustments = _adjustments(replace(seen, variant=variant), colorizer, say, values)
                colors = _kept(seen, say) if variant == seen.variant else colorizer.colors(preview, adjustments)
                path = new_file('variant.jpg')
                photofile.write_preview(path, colorizer.colorize(small, adjustments, colors))
                found.append((str(path), say[f'variant_{variant}']))
        return gr.update(value=found, selected_index=None)

    def choose(self, request: gr.Request, event: gr.SelectData, seen: Seen | None, *values: Any) -> tuple[Any, ...]:
        """Show one of the other colourings; those on offer stay open."""
        if seen is None:
            return (gr.skip(),) * 4
        *shown, _ = self.look(request, replace(seen, variant=VARIANTS[event.index]), seen.model, *values)
        return tuple(shown)

    def save(self, request: gr.Request, seen: Seen | None, *values: Any) -> tuple[str, str]:
        """Colour the photo itself, at its full size, as the preview shows it."""
        say = words.of(request)
        seen = _still(seen, say)
        with in_words(say):
            colorizer = self._open(seen.model)
            adjustments = _adjustments(seen, colorizer, say, values)
            return _colored(_present(seen.photo, say), colorizer, adjustments, _kept(seen, say), say)

    def save_hints(self, request: gr.Request, seen: Seen | None) -> str:
        """A JSON file of the hints, named after the photo."""
        seen = _still(seen, words.of(request))
        path = new_file(f'{Path(seen.name).stem}-hints.json')
        hints.write(path, seen.name, seen.hints)
        return str(path)

    def load_hints(self, request: gr.Request, seen: Seen | None, path: str) -> tuple[Seen, dict[str, Any]]:
        """The hints of a JSON file, in the painter and in what is seen."""
        say = words.of(request)
        with in_words(say):
            given = Adjustments(hints=hints.read(path).hints).hints  # no more than it takes
        shown = {'hints': [hint.as_dict() for hint in given], 'given': 'loaded'}
        return replace(_still(seen, say), hints=given), shown

    def _joined(
        self, seen: Seen, colorizer: Colorizer, adjustments: Adjustments, colors: Colors, say: Words
    ) -> dict[str, Any]:
        """The pictures for the painter."""
        after = new_file('after.jpg')
        photofile.write_preview(after, colorizer.colorize(_preview(seen, say), adjustments, colors))
        return {'before': seen.before, 'after': str(after)}


def _colored(
    path: str, colorizer: Colorizer, adjustments: Adjustments, colors: Colors | None, say: Words
) -> tuple[str, str]:
    photo = photofile.read(path, max_pixels=MAX_PIXELS)
    start = time.perf_counter()
    pixels = colorizer.colorize(photo.pixels, adjustments, colors)
    seconds = time.perf_counter() - start
    result = new_file(f'{Path(photo.name).stem}-colour{photo.suffix}')
    photofile.write(result, pixels, photo)
    height, width = photo.pixels.shape[:2]
    return str(result), _status((width, height), colorizer, 'colored', seconds, bool(photo.note), say)


def _still(seen: Seen | None, say: Words) -> Seen:
    """What a visitor sees; Gradio forgets it some time after the page was closed or the server began anew."""
    if seen is None:
        raise gr.Error(say['gone'], print_exception=False)
    return seen


def _given(say: Words, values: tuple[Any, ...]) -> dict[str, Any]:
    """The controls' values by name; a photo that is no longer there is said."""
    settings = dict(zip(controls.ON_PHOTO, values, strict=True))
    if settings['palette']:
        _present(settings['palette'], say)
    return settings


def _adjustments(seen: Seen, colorizer: Colorizer, say: Words, values: tuple[Any, ...]) -> Adjustments:
    """All that a visitor has set; what the network has no use for, its hidden controls too, is left out."""
    adjustments = replace(controls.adjustments(_given(say, values)), hints=seen.hints, variant=seen.variant)
    return adjustments.without(colorizer.lacks(adjustments))


def _status(
    size: tuple[int, int], colorizer: Colorizer, done: str, seconds: float, first_page: bool, say: Words
) -> str:
    device = 'GPU' if colorizer.provider == CUDA else 'CPU'
    parts = [
        say['pixels'].format(width=size[0], height=size[1], name=colorizer.name, device=device),
        say[done].format(ms=f'{1000 * seconds:.0f}'),
    ]
    return ' · '.join([*parts, say['first_page']] if first_page else parts)


def _kept(seen: Seen, say: Words) -> Colors:
    with np.load(_present(seen.colors, say)) as kept:
        return Colors(**kept)


def _preview(seen: Seen, say: Words) -> np.ndarray:
    return _decoded(_present(seen.before, say))


@functools.lru_cache(maxsize=DECODED)  # each step of a slider asks for it
def _decoded(path: str) -> np.ndarray:
    with Image.open(path) as image:
        pixels = np.asarray(image)
    pixels.setflags(write=False)  # all who ask get this one
    return pixels


def _present(path: str, say: Words) -> str:
    if not Path(path).exists():
        raise gr.Error(say['gone'], print_exception=False)
    return path
