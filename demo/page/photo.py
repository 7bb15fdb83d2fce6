"""What the page does with one photo: read it, show its colours, steer them, and colour it at full size.

What is seen is a preview, so that it answers at once however large the photo is: `look` runs the network on it, and
`tint` joins the colours that it gave in another way, without the network. Only `save` colours the photo itself.
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
from demo.page import words
from demo.page.words import Words, in_words
from demo.server.uploads import new_file
from lumachrome import adjustments, photofile
from lumachrome.colorizer import CUDA, Colorizer, Guess

MAX_PIXELS = 100_000_000  # of a photo on the page: a 16-bit one of that size takes some 3 GB while it is coloured
THUMBNAIL = 240  # long side in pixels of the other colourings
DECODED = 8  # previews in memory, of at most 8 MB each: one a visitor who moves a slider now


@dataclass(frozen=True)
class Seen:
    """What a visitor sees: enough to tint it without the network, and to colour the photo itself.

    Gradio keeps it for each visitor for an hour, so what is large lies in files.
    """

    photo: str
    name: str
    size: tuple[int, int]
    notes: tuple[str, ...]
    before: str
    model: str = ''
    render_size: int = 0
    hints: tuple[dict[str, Any], ...] = ()
    lean: str = ''
    guess: str = ''


class PhotoPage:
    """What the events of the page and the call /colorize run.

    Parameters
    ----------
    open_colorizer : OpenColorizer
    """

    def __init__(self, open_colorizer: OpenColorizer):
        self._open = open_colorizer

    def colorize(
        self,
        photo: str | None,
        model: str | None = None,
        saturation: float | None = 1.0,
        vividness: float | None = 1.0,
        render_size: int | None = 0,
        hints: list[dict[str, Any]] | None = None,
        request: gr.Request | None = None,
    ) -> tuple[str, str]:
        """Colour a black-and-white photo. Its size, detail, format and metadata stay.

        Args:
            photo: The photo. Of a colour photo only the luminance is used.
            model: The network that chooses the colours.
            saturation: Factor on the colours, 0 (gray) to 4; 1 is the network's own colour.
            vividness: From 0, faithful, to 1, vivid. Networks that know no vividness pass it over.
            render_size: Short side in pixels, 32 to 1024, at which the network looks at the photo; 0 is its own.
            hints: Known colours, such as [{"x": 0.5, "y": 0.2, "color": "#4060c0"}]; x, y: fractions of width, height.

        Returns:
            The photo in colour, and a line with its size, where it was coloured, and how long that took.
        """
        say = words.of(request)
        if photo is None:
            raise gr.Error(say['choose_first'], print_exception=False)
        with in_words(say):
            saturation, vividness, render_size = given(saturation, vividness, render_size)
            wishes = adjustments.Wishes(vividness)
            return _coloured(
                photo, self._open(model), saturation, render_size, adjustments.rows(hints or []), wishes, say
            )

    def begin(
        self, request: gr.Request, photo: str | None, model: str, render_size: int, saturation: float, *wished: Any
    ) -> tuple[Any, ...]:
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
            small = photofile.shrink(picture)
            before = new_file('before.jpg')
            photofile.write_preview(before, small)
            notes = tuple(
                key
                for key, holds in (('first_page', picture.note), ('has_colors', adjustments.has_colors(small)))
                if holds
            )
            height, width = picture.pixels.shape[:2]
            seen = Seen(photo, picture.name, (width, height), notes, str(before))
        seen, shown, status, warning, others = self.look(request, seen, model, render_size, saturation, *wished)
        shown |= {'hints': [], 'given': 'anew', 'swatches': []}
        shown = gr.update(value=shown, visible=True)
        return seen, shown, status, warning, others, gr.update(visible='hidden'), gr.update(visible=True)

    def paint(
        self,
        request: gr.Request,
        seen: Seen | None,
        painted: list[dict[str, Any]],
        model: str,
        render_size: int,
        saturation: float,
        *wished: Any,
    ) -> tuple[Any, ...]:
        """Show the photo with other hints."""
        if seen is None:
            return (gr.skip(),) * 5
        return self.look(request, replace(seen, hints=tuple(painted)), model, render_size, saturation, *wished)

    def look(
        self, request: gr.Request, seen: Seen | None, model: str, render_size: int, saturation: float, *wished: Any
    ) -> tuple[Any, ...]:
        """Run the network on the preview and show what it gives."""
        if seen is None:
            return (gr.skip(),) * 5
        say = words.of(request)
        with in_words(say):
            colorizer = self._open(model)
            hints = adjustments.rows(list(seen.hints)) if colorizer.takes_hints else []
            start = time.perf_counter()
            guess = colorizer.guess(_preview(seen, say), int(render_size), hints)
            path = new_file('guess.npz')
            np.savez(path, **{name: value for name, value in vars(guess).items() if value is not None})
            lean = seen.lean if colorizer.predicts_distribution else ''
            before, seen = seen, replace(seen, model=model, render_size=int(render_size), lean=lean, guess=str(path))
            shown = self._joined(seen, guess, saturation, _wishes(seen, say, *wished), say)
            if before.guess:
                Path(before.guess).unlink(missing_ok=True)  # a click brings a new one, and each takes megabytes
            seconds = time.perf_counter() - start
        warnings = [say[note] for note in seen.notes if note == 'has_colors']
        if adjustments.is_dull(guess.ab):
            warnings.append(' '.join([say['is_dull'], say['click_to_color']][: 2 if colorizer.takes_hints else 1]))
        shown |= {'steerable': colorizer.takes_hints}
        status = _status(seen.size, colorizer, 'previewed', seconds, 'first_page' in seen.notes, say)
        return seen, shown, status, '\n\n'.join(warnings), gr.update(open=False)

    def tint(self, request: gr.Request, seen: Seen | None, saturation: float, *wished: Any) -> dict[str, Any]:
        """Show the same guess by other wishes; the network does not run."""
        say = words.of(request)
        with in_words(say):
            wishes = _wishes(seen, say, *wished)  # what is wrong with these is said also while there is no photo
            return gr.skip() if seen is None else self._joined(seen, _guess(seen, say), saturation, wishes, say)

    def suggest(self, request: gr.Request, event: gr.EventData, seen: Seen | None) -> dict[str, Any]:
        """Likely colours for the place that was clicked."""
        if seen is None:
            return gr.skip()
        say = words.of(request)
        with in_words(say):
            colorizer, preview, x, y = self._open(seen.model), _preview(seen, say), float(event.x), float(event.y)
            if not colorizer.predicts_distribution:
                colors = np.array(adjustments.COMMON)
            elif event.hint < 0:
                colors = adjustments.suggestions(_guess(seen, say), x, y)
            else:  # at a hint, the network is sure of it: what else is likely there shows without
                others = [hint for i, hint in enumerate(seen.hints) if i != event.hint]
                colors = adjustments.suggestions(
                    colorizer.guess(preview, seen.render_size, adjustments.rows(others)), x, y
                )
            return {'swatches': adjustments.seen_at(colorizer, preview, x, y, colors)}

    def others(self, request: gr.Request, seen: Seen | None, saturation: float, *wished: Any) -> dict[str, Any]:
        """Small pictures of the other colourings that the network finds likely."""
        if seen is None:
            return gr.skip()
        say = words.of(request)
        with in_words(say):
            guess, colorizer = _guess(seen, say), self._open(seen.model)
            image = Image.fromarray(_preview(seen, say))
            image.thumbnail((THUMBNAIL, THUMBNAIL))
            small = np.asarray(image)
            found = []
            for lean in ('', *adjustments.LEANS):
                path = new_file('other.jpg')
                ab = adjustments.colors(guess, _wishes(replace(seen, lean=lean), say, *wished))
                photofile.write_preview(path, colorizer.join(small, ab, saturation))
                found.append((str(path), say[lean or 'as_it_was']))
        return gr.update(value=found, selected_index=None)

    def choose(
        self, request: gr.Request, event: gr.SelectData, seen: Seen | None, saturation: float, *wished: Any
    ) -> tuple[Any, Any]:
        """Take one of the other colourings."""
        if seen is None:
            return gr.skip(), gr.skip()
        seen = replace(seen, lean=('', *adjustments.LEANS)[event.index])
        return seen, self.tint(request, seen, saturation, *wished)

    def save(self, request: gr.Request, seen: Seen | None, saturation: float, *wished: Any) -> tuple[str, str]:
        """Colour the photo itself, at its full size."""
        say = words.of(request)
        seen = _still(seen, say)
        with in_words(say):
            colorizer = self._open(seen.model)
            hints = adjustments.rows(list(seen.hints)) if colorizer.takes_hints else []
            wishes = _wishes(seen, say, *wished)
            return _coloured(_present(seen.photo, say), colorizer, saturation, seen.render_size, hints, wishes, say)

    def save_hints(self, request: gr.Request, seen: Seen | None) -> str:
        """A JSON file of the hints, named after the photo."""
        seen = _still(seen, words.of(request))
        path = new_file(f'{Path(seen.name).stem}-hints.json')
        adjustments.write_hints(path, seen.name, list(seen.hints))
        return str(path)

    def load_hints(self, request: gr.Request, seen: Seen | None, path: str) -> tuple[Seen, dict[str, Any]]:
        """The hints of a JSON file, in the painter and in what is seen."""
        say = words.of(request)
        with in_words(say):
            hints = adjustments.read_hints(path)
        return replace(_still(seen, say), hints=tuple(hints)), {'hints': hints, 'given': 'loaded'}

    def suits(self, request: gr.Request, model: str) -> tuple[dict[str, Any], ...]:
        """Show what the chosen network can do: vividness, other colourings, hints."""
        with in_words(words.of(request)):
            colorizer = self._open(model)
        return (
            gr.update(visible=colorizer.takes_vividness),
            gr.update(visible=colorizer.predicts_distribution),
            gr.update(visible=colorizer.takes_hints),
        )

    def _joined(
        self, seen: Seen, guess: Guess, saturation: float, wishes: adjustments.Wishes, say: Words
    ) -> dict[str, str]:
        """The pictures for the painter."""
        after = new_file('after.jpg')
        ab = adjustments.colors(guess, wishes)
        photofile.write_preview(after, self._open(seen.model).join(_preview(seen, say), ab, saturation))
        return {'before': seen.before, 'after': str(after)}


def given(saturation: float | None, vividness: float | None, render_size: int | None) -> tuple[float, float, int]:
    """What a program sends for these three, null being the default, as `Colorizer.colorize` takes them."""
    return 1.0 if saturation is None else saturation, 1.0 if vividness is None else vividness, int(render_size or 0)


def _coloured(
    photo: str,
    colorizer: Colorizer,
    saturation: float,
    render_size: int,
    hints: list[tuple[float, ...]],
    wishes: adjustments.Wishes,
    say: Words,
) -> tuple[str, str]:
    picture = photofile.read(photo, max_pixels=MAX_PIXELS)
    start = time.perf_counter()
    guess = colorizer.guess(photofile.opaque(picture), render_size, hints)
    pixels = colorizer.join(picture.pixels, adjustments.colors(guess, wishes), saturation)
    seconds = time.perf_counter() - start
    path = new_file(f'{Path(picture.name).stem}-colour{picture.suffix}')
    photofile.write(path, pixels, picture)
    height, width = picture.pixels.shape[:2]
    return str(path), _status((width, height), colorizer, 'coloured', seconds, picture.note, say)


def _still(seen: Seen | None, say: Words) -> Seen:
    """What a visitor sees; Gradio forgets it some time after the page was closed or the server began anew."""
    if seen is None:
        raise gr.Error(say['gone'], print_exception=False)
    return seen


def _wishes(
    seen: Seen | None, say: Words, vividness: float, warmth: float, reference: str | None, strength: float
) -> adjustments.Wishes:
    palette = _palette(_present(reference, say)) if reference else None
    return adjustments.Wishes(vividness, warmth, seen.lean if seen else '', palette, strength)


@functools.lru_cache(maxsize=64)
def _palette(path: str) -> adjustments.Palette:
    return adjustments.palette(photofile.shrink(photofile.read(path, max_pixels=MAX_PIXELS), 256))


def _status(
    size: tuple[int, int], colorizer: Colorizer, done: str, seconds: float, first_page: bool | str, say: Words
) -> str:
    device = 'GPU' if colorizer.provider == CUDA else 'CPU'
    parts = [
        say['pixels'].format(width=size[0], height=size[1], name=colorizer.name, device=device),
        say[done].format(ms=f'{1000 * seconds:.0f}'),
    ]
    return ' · '.join([*parts, say['first_page']] if first_page else parts)


def _guess(seen: Seen, say: Words) -> Guess:
    with np.load(_present(seen.guess, say)) as kept:
        return Guess(**kept)


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
