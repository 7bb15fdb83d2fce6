"""What the page does with one photo: read it, show its colours, steer them, and colour it at full size.

What is seen is a preview, so that it answers at once however large the photo is: `look` runs the network on it, `tint`
adjusts the colours that it gave, and `save` joins them to the photo itself: what was approved is what is downloaded.
What goes wrong reaches the visitor as a sentence.
"""

import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from demo.colorizers import OpenColorizer
from demo.page import compare, controls, words
from demo.page.studio import Given, data_url
from demo.page.words import Words, in_words
from demo.server.limits import MAX_PIXELS
from demo.server.retention import Kept
from demo.server.uploads import new_file
from lumachrome import hints, photofile
from lumachrome.adjustments import SETTINGS, Adjustments, Array, Colors
from lumachrome.colorizer import Colorizer
from lumachrome.hints import Hint
from lumachrome.session import CUDA

THUMBNAIL = 160  # long side in pixels of presets and other colourings
VARIANTS = SETTINGS['variant'].presets
DECODED = 8  # previews in memory, of at most 8 MB each: one a visitor who moves a slider now
ROUGH = 2  # by how much a preview is smaller while a slider moves
KEPT_PIXELS = 30_000_000  # of a photo that stays decoded, for the next look at its own pixels and for the download
MOST_SHOWN = 3000  # long side in pixels of a part of the photo, and of a comparison to share
EXAMPLES = {path.stem: path for path in (Path(__file__).parents[1] / 'examples').glob('*.jpg')}
HERO = 'grace-hopper'
HERO_SIDE = 800  # long side in pixels of what an empty page shows

Shown = dict[str, Any]  # fields of `studio.Answer`


@dataclass(frozen=True)
class Seen:
    """What a visitor sees: enough to adjust it without the network, and to colour the photo itself.

    Gradio keeps it for each visitor for an hour, so what is large lies in files.
    """

    photo: str
    name: str
    size: tuple[int, int]
    note: str  # what `photofile.Photo.note` says
    has_colors: bool
    before: str
    model: str = ''
    hints: tuple[Hint, ...] = ()
    variant: int = 0
    render_size: int = 0
    colors: str = ''


class PhotoPage:
    """What the events of the page and the call /colorize run.

    Parameters
    ----------
    open_colorizer : OpenColorizer
    """

    def __init__(self, open_colorizer: OpenColorizer):
        self._open = open_colorizer
        self._hero: dict[str, Any] | None = None

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
            picture = photofile.read(photo, max_pixels=MAX_PIXELS)
            return _colored(picture, self._open(model), controls.adjustments(settings), None, say)

    def hero(self) -> Shown:
        """An example before and after, for a page that has no photo yet; it is coloured for the first visitor."""
        if self._hero is None:
            small = photofile.shrink(photofile.read(EXAMPLES[HERO]).pixels, HERO_SIDE)
            gray = np.asarray(Image.fromarray(small).convert('L').convert('RGB'))
            before, after = (data_url(Image.fromarray(pixels)) for pixels in (gray, self._open(None).colorize(gray)))
            self._hero = {'width': gray.shape[1], 'height': gray.shape[0], 'before': before, 'after': after}
        return {'hero': self._hero}

    def begin(self, request: gr.Request, given: Given) -> tuple[Seen, Shown]:
        """Show another photo: one that was uploaded, or an example."""
        say = words.of(request)
        with in_words(say):
            path = given.photo or _example(given.detail.example, say)
            picture = _decoded(_present(path, say))
            small = photofile.shrink(picture.pixels)
            before = new_file('before.jpg')
            photofile.write_preview(before, small)
            height, width = picture.pixels.shape[:2]
            has_colors = photofile.palette(small).is_colored
            seen = Seen(path, picture.name, (width, height), picture.note, has_colors, str(before))
        seen, shown = self.look(request, seen, given)
        return seen, shown | {'before': seen.before, 'size': seen.size}

    def look(self, request: gr.Request, seen: Seen | None, given: Given) -> tuple[Seen, Shown]:
        """Run the network on the preview and show what it gives."""
        say = words.of(request)
        seen = _still(seen, say)
        with in_words(say):
            colorizer = self._open(given.model)
            adjustments = _adjustments(given, colorizer, say)
            last, seen = (
                seen,
                replace(
                    seen,
                    model=given.model,
                    hints=adjustments.hints,
                    variant=adjustments.variant,
                    render_size=adjustments.render_size,
                    colors=str(new_file('colors.npz')),
                ),
            )
            start = time.perf_counter()
            preview = _preview(seen, say)
            colors = colorizer.colors(preview, adjustments)
            np.savez(seen.colors, **{name: value for name, value in vars(colors).items() if value is not None})
            _colors.get(seen.colors, lambda: colors)
            shown = self._joined(colorizer, adjustments, colors, preview)
            if last.colors:
                Path(last.colors).unlink(missing_ok=True)  # a click brings new ones, and each takes megabytes
            seconds = time.perf_counter() - start
            presets = _presets(colorizer, colors, preview, adjustments)
        warnings = [words.reason(seen.note, say)] if seen.note else []
        warnings += [say['has_colors']] if seen.has_colors else []
        if colors.is_dull:
            warnings += [say['is_dull'], say['click_to_color']][: 2 if colorizer.takes_hints else 1]
        return seen, shown | {
            'features': sorted(colorizer.features),
            'status': _status(seen.size, colorizer, 'previewed', seconds, say),
            'warning': words.joined(warnings),
            'presets': presets,
        }

    def tint(self, request: gr.Request, seen: Seen | None, given: Given) -> Shown:
        """Show the same colours adjusted otherwise; the network does not run, and while a slider moves it is small."""
        say = words.of(request)
        seen = _still(seen, say)
        with in_words(say):
            colorizer = self._open(seen.model)
            adjustments = _adjustments(given, colorizer, say)
            if given.detail.rough:  # inside the answer, as to fetch it would take as long again
                small = _preview(seen, say, ROUGH)
                pixels = colorizer.colorize(small, adjustments, _kept(seen, say))
                return {'rough': data_url(Image.fromarray(pixels))}
            colors, preview = _kept(seen, say), _preview(seen, say)
            shown = self._joined(colorizer, adjustments, colors, preview)
            return shown | {'presets': _presets(colorizer, colors, preview, adjustments)}  # they keep a palette

    def suggest(self, request: gr.Request, seen: Seen | None, given: Given) -> Shown:
        """Likely colours for the place that was clicked."""
        say = words.of(request)
        seen = _still(seen, say)
        with in_words(say):
            colorizer, preview, x, y = self._open(seen.model), _preview(seen, say), given.detail.x, given.detail.y
            if given.detail.hint < 0:
                colors = _kept(seen, say)
            else:  # at a hint, the network is sure of it: what else is likely there shows without
                others = tuple(hint for i, hint in enumerate(seen.hints) if i != given.detail.hint)
                wish = Adjustments(render_size=seen.render_size, variant=seen.variant, hints=others)
                colors = colorizer.colors(preview, wish.without(colorizer.lacks(wish)), vivid=False)
            return {'swatches': hints.swatches(colorizer, preview, x, y, hints.suggestions(colors, x, y))}

    def borrow(self, request: gr.Request, given: Given) -> Shown:
        """The photo whose palette is wanted, if it can be read: what is set is what every later event begins with."""
        say, photo = words.of(request), given.detail.palette
        with in_words(say):
            controls.adjustments({'palette': photo and photo.path})
        return {'palette': photo and photo.path}

    def variants(self, request: gr.Request, seen: Seen | None, given: Given) -> Shown:
        """Small pictures of the other colourings that the network finds likely, as all else is set."""
        say = words.of(request)
        seen = _still(seen, say)
        with in_words(say):
            colorizer, preview = self._open(seen.model), _preview(seen, say)
            now, small, found = _adjustments(given, colorizer, say), photofile.shrink(preview, THUMBNAIL), []
            for variant in VARIANTS:
                adjustments = replace(now, variant=variant)
                colors = _kept(seen, say) if variant == seen.variant else colorizer.colors(preview, adjustments)
                found.append(_thumbnail(colorizer, colors, small, adjustments))
        return {'variants': found}

    def part(self, request: gr.Request, seen: Seen | None, given: Given) -> Shown:
        """A part of the photo in its own pixels, before and after: its colours are those of the download."""
        say = words.of(request)
        seen = _still(seen, say)
        with in_words(say):
            colorizer, event = self._open(seen.model), given.detail
            adjustments, colors = _adjustments(given, colorizer, say), _kept(seen, say)
            photo = _decoded(_present(seen.photo, say)).pixels
            height, width = photo.shape[:2]
            left, top = (int(np.clip(place, 0, length - 1)) for place, length in ((event.x, width), (event.y, height)))
            right = int(np.clip(left + event.width, left + 1, width))
            bottom = int(np.clip(top + event.height, top + 1, height))
            own = photo[top:bottom, left:right]
            scale = min(1, event.own / (right - left), MOST_SHOWN / max(own.shape[:2]))
            shown = photofile.shrink(own, max(1, round(scale * max(own.shape[:2]))))
            box = (left / width, top / height, right / width, bottom / height)
            ab = _part_of(adjustments.applied(colors), box, shown.shape[:2])
            paths = [new_file('before.jpg'), new_file('after.jpg')]
            for path, pixels in zip(paths, (shown, colorizer.join(shown, ab)), strict=True):
                photofile.write_preview(path, pixels)
        return {'patch': [str(path) for path in paths], 'asked': event.asked}

    def save(self, request: gr.Request, seen: Seen | None, given: Given) -> Shown:
        """Colour the photo itself, at its full size, as the preview shows it."""
        say = words.of(request)
        seen = _still(seen, say)
        with in_words(say):
            colorizer = self._open(seen.model)
            adjustments = _adjustments(given, colorizer, say)
            photo = _decoded(_present(seen.photo, say))
            path, status = _colored(photo, colorizer, adjustments, _kept(seen, say), say)
        return {'ready': path, 'status': status}

    def compared(self, request: gr.Request, seen: Seen | None, given: Given) -> Shown:
        """Before and after in one picture, which says that software made the colours."""
        say = words.of(request)
        seen = _still(seen, say)
        with in_words(say):
            colorizer, preview = self._open(seen.model), _preview(seen, say)
            after = colorizer.colorize(preview, _adjustments(given, colorizer, say), _kept(seen, say))
            path = new_file(f'{Path(seen.name).stem}-before-after.jpg')
            photofile.write(path, compare.beside(preview, after, say), photofile.Photo(path.name, preview, 'jpeg'))
        return {'ready': str(path)}

    def _joined(self, colorizer: Colorizer, adjustments: Adjustments, colors: Colors, preview: Array) -> Shown:
        after = new_file('after.jpg')
        photofile.write_preview(after, colorizer.colorize(preview, adjustments, colors))
        return {'after': str(after)}


def _colored(
    photo: photofile.Photo, colorizer: Colorizer, adjustments: Adjustments, colors: Colors | None, say: Words
) -> tuple[str, str]:
    start = time.perf_counter()
    pixels = colorizer.colorize(photo.pixels, adjustments, colors)
    seconds = time.perf_counter() - start
    result = new_file(f'{Path(photo.name).stem}-colour{photo.suffix}')
    photofile.write(result, pixels, photo)
    height, width = photo.pixels.shape[:2]
    return str(result), _status((width, height), colorizer, 'colored', seconds, say)


def _example(name: str, say: Words) -> str:
    """The path of the example that was chosen; a copy, as what visitors get lies among the uploads."""
    path = EXAMPLES.get(name)
    if path is None:
        raise gr.Error(say['choose_first'], print_exception=False)
    copy = new_file(path.name)
    shutil.copyfile(path, copy)
    return str(copy)


def _still(seen: Seen | None, say: Words) -> Seen:
    """What a visitor sees; Gradio forgets it some time after the page was closed or the server began anew."""
    if seen is None:
        raise gr.Error(say['gone'], print_exception=False)
    return seen


def _adjustments(given: Given, colorizer: Colorizer, say: Words) -> Adjustments:
    """All that a visitor has set; what the network has no use for, its hidden controls too, is left out."""
    settings = {name: value for name, value in given.settings.items() if name in SETTINGS}
    if settings.get('palette'):
        _present(settings['palette'], say)
    adjustments = controls.adjustments(settings | {'hints': given.hints})
    return adjustments.without(colorizer.lacks(adjustments))


def _presets(colorizer: Colorizer, colors: Colors, preview: Array, now: Adjustments) -> list[str]:
    """This photo as each preset would have it, with all else as it is set."""
    small, found = photofile.shrink(preview, THUMBNAIL), []
    for preset in controls.PRESETS.values():
        adjustments = replace(now, **preset)
        found.append(_thumbnail(colorizer, colors, small, adjustments.without(colorizer.lacks(adjustments))))
    return found


def _thumbnail(colorizer: Colorizer, colors: Colors, small: Array, adjustments: Adjustments) -> str:
    return data_url(Image.fromarray(colorizer.colorize(small, adjustments, colors)))


def _part_of(ab: Array, box: tuple[float, float, float, float], shape: tuple[int, int]) -> Array:
    """A part of a map of a and b, enlarged as the tail of the file enlarges the whole of it.

    Parameters
    ----------
    ab : float array [h, w, 2]
    box : left, top, right and bottom, as fractions of width and height
    shape : height and width wanted, in pixels

    Returns
    -------
    float32 array [height, width, 2]
    """
    height, width = ab.shape[:2]
    cut = (box[0] * width, box[1] * height, box[2] * width, box[3] * height)
    planes = [Image.fromarray(np.ascontiguousarray(ab[..., i], np.float32)) for i in range(2)]
    size = (shape[1], shape[0])
    return np.stack([np.asarray(plane.resize(size, Image.Resampling.BILINEAR, cut)) for plane in planes], axis=-1)


def _status(size: tuple[int, int], colorizer: Colorizer, done: str, seconds: float, say: Words) -> str:
    device = 'GPU' if colorizer.provider == CUDA else 'CPU'
    return ' · '.join(
        [
            say['pixels'].format(width=size[0], height=size[1], name=colorizer.name, device=device),
            say[done].format(ms=f'{1000 * seconds:.0f}'),
        ]
    )


# What is kept in memory for the next event: each step of a slider would read it again
_colors: Kept[Colors] = Kept(DECODED)
_previews: Kept[Array] = Kept(DECODED)
_photos: Kept[photofile.Photo] = Kept(1)


def _kept(seen: Seen, say: Words) -> Colors:
    path = _present(seen.colors, say)

    def read() -> Colors:
        with np.load(path) as kept:
            return Colors(**kept)

    return _colors.get(path, read)


def _preview(seen: Seen, say: Words, smaller: int = 1) -> Array:
    path = _present(seen.before, say)

    def read() -> Array:
        with Image.open(path) as image:
            pixels = np.asarray(image)
        if smaller > 1:
            pixels = photofile.shrink(pixels, max(1, max(pixels.shape[:2]) // smaller))
        pixels.setflags(write=False)  # all who ask get this one
        return pixels

    return _previews.get(path, read, smaller)


def _decoded(path: str) -> photofile.Photo:
    def read() -> photofile.Photo:
        photo = photofile.read(path, max_pixels=MAX_PIXELS)
        photo.pixels.setflags(write=False)
        return photo

    return _photos.get(path, read, fits=lambda photo: photo.pixels.shape[0] * photo.pixels.shape[1] <= KEPT_PIXELS)


def _present(path: str, say: Words) -> str:
    if not Path(path).exists():
        raise gr.Error(say['gone'], print_exception=False)
    return path
