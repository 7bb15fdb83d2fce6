"""One photo in, one photo out: a Lumachrome file and onnxruntime.

All color maths is in the file; what is here finds it, chooses where it runs, and brings a picture into the shape that
`lumachrome.contract` states and back.

    from lumachrome import Colorizer
    Colorizer().colorize(Image.open('grandmother.jpg')).save('grandmother-colour.jpg')
"""

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from lumachrome import compiled, contract, limits, pictures, session
from lumachrome.adjustments import SETTINGS, Adjustments, Colors, Setting
from lumachrome.errors import ModelError, ProviderError
from lumachrome.hints import Hint
from lumachrome.rows import Rows

Array = npt.NDArray[Any]
Photo = TypeVar('Photo', Array, Image.Image)

MODELS = Path(__file__).parent / 'models'
PREFERRED = ('lumachrome', 'unet', 'article')  # the first of these that is there is the default
AS_THEY_COME = Adjustments()
THREADS = Setting('threads', None, 'Of how many threads one photo is worked on.', 1, 1024, whole=True)
FARTHEST = 1e4  # of a and b, either way: the tail cubes them, and float32 still holds that
NO_HINT = (-1.0, 0.0, 0.0, 0.0, 0.0)  # what fills up the rows of a photo that has fewer hints than another


def models() -> dict[str, Path]:
    """The files that ship: name to path, the default first."""
    found = {path.stem: path for path in MODELS.glob('*.onnx') if path.name not in contract.PARTS}
    first = [name for name in PREFERRED if name in found]
    return {name: found[name] for name in first + sorted(found.keys() - set(first))}


def find_model(model: str | Path | None = None) -> Path:
    """The path that a model's name or path means; without one, the default's.

    Raises
    ------
    ModelError
        There is no such file.
    """
    shipped = models()
    if model is None:
        if not shipped:
            raise ModelError(f'There is no model in {MODELS}: export one with `python -m export`.')
        return next(iter(shipped.values()))
    if str(model) in shipped:
        return shipped[str(model)]
    path = Path(model)
    if path.is_file():
        return path
    if path.is_dir():
        raise ModelError(f'{path} is a folder: name an .onnx file, or one of {", ".join(shipped)}.')
    if path.suffix == '.onnx' or len(path.parts) > 1:
        raise ModelError(f'{path} does not exist.')
    raise ModelError(f'There is no model named {model}; there are: {", ".join(shipped) or "none"}.')


def digest(model: Path) -> str:
    """What tells a file of a network from every other one: its SHA-256, in hexadecimal."""
    with model.open('rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


class Colorizer:
    """A network in a Lumachrome file, ready to color photos. Safe to call from several threads.

    Parameters
    ----------
    model : str or Path, optional
        The name of a file in `lumachrome/models` ('lumachrome'), or the path of any other; by default the first of
        `models()`.
    providers : sequence of str, optional
        onnxruntime's execution providers in order of preference. By default CUDA where it works, else the CPU; with
        names given, the first must be had.
    threads : int, optional
        Of how many threads one photo is worked on, 1 to 1024. By default as many as there are cores; programs that
        color several photos at once do best with one or two.

    Attributes
    ----------
    name : str
        The network's name.
    path : Path
    provider : str
        The execution provider in use.
    metadata : dict of str
        What the file says about itself, without the prefix: see `contract.METADATA_KEYS`.
    features : frozenset of str
        What the network has: of `contract.DISTRIBUTION`, `TAKES_HINTS`, `REACHES` and `ANCHORED`.
    render_size : int
        Short side in pixels at which the network looks at a photo unless told otherwise.

    Raises
    ------
    ModelError
        There is no such file, or it is not one of ours.
    ProviderError
        The provider asked for cannot be had.
    AdjustmentError
        There are fewer threads than one, more than 1024, or they are no whole number.
    """

    def __init__(
        self, model: str | Path | None = None, providers: Sequence[str] | None = None, threads: int | None = None
    ) -> None:
        self._threads: int | None = THREADS.checked(threads)
        self.path = find_model(model)
        self._session = session.open_file(self.path, session.choose_providers(providers), self._threads)
        self.provider: str = self._session.get_providers()[0]
        if providers and self.provider != providers[0]:
            raise ProviderError(f'{providers[0]} does not work on this machine.')
        properties = self._session.get_modelmeta().custom_metadata_map
        self.metadata: dict[str, str] = {
            key.removeprefix(contract.METADATA_PREFIX): value
            for key, value in properties.items()
            if key.startswith(contract.METADATA_PREFIX)
        }
        self.features = session.check_contract(self.path, self.metadata, self._session)
        self.name = self.metadata.get('network', self.path.stem)
        self.render_size = int(self.metadata['render_size'])
        self._parts: dict[str, session.InferenceSession] = {}
        self._lock = threading.Lock()

    @property
    def takes_hints(self) -> bool:
        """Whether the network takes color hints."""
        return contract.TAKES_HINTS in self.features

    @property
    def predicts_distribution(self) -> bool:
        """Whether the network says how likely each color is, and so has a vividness."""
        return contract.DISTRIBUTION in self.features

    def lacks(self, adjustments: Adjustments) -> list[str]:
        """The names of the settings that are asked for and that the network has no use for."""
        return [name for name in adjustments.changed if SETTINGS[name].needs not in ('', *self.features)]

    def check(self, adjustments: Adjustments) -> None:
        """Raise ModelError if the network lacks a setting that is asked for."""
        for name in self.lacks(adjustments):
            if SETTINGS[name].needs == contract.TAKES_HINTS:
                raise ModelError(f'{self.name} takes no colour hints.')
            if SETTINGS[name].needs == contract.REACHES:
                raise ModelError(f'{self.name} has no reach: it takes no hints, or its file is of format 1.')
            if SETTINGS[name].needs == contract.ANCHORED:
                raise ModelError(f'{self.name} has no {name}: it cannot give itself hints.')
            raise ModelError(f'{self.name} has no {name}: its colours are a single guess, not a distribution.')

    def colorize(self, photo: Photo, adjustments: Adjustments = AS_THEY_COME, colors: Colors | None = None) -> Photo:
        """Color a photo: the one way that every door takes.

        Parameters
        ----------
        photo : array [H, W] or [H, W, 1, 3 or 4], uint8 or uint16, or PIL.Image
            sRGB; of a color photo only the luminance is used. A fourth channel is transparency, and stays. A Pillow
            image is turned upright first.
        adjustments : Adjustments
            What is set; by default the file's own colors.
        colors : Colors, optional
            What `colors` gave for this photo, or for a smaller copy of it, with the same hints, variant and render
            size. With it no network runs: what was approved in a preview is what is joined to the photo.

        Returns
        -------
        array [H, W, 3 or 4] of the same type, or PIL.Image
            sRGB with the photo's own luminance. A Pillow image of 16 bits comes back with 8, because Pillow holds no
            more in color.

        Raises
        ------
        ModelError
            The network lacks a setting that was asked for.
        TypeError, ValueError
            The photo is of another type or shape.
        """
        if isinstance(photo, Image.Image):
            return Image.fromarray(self.colorize(pictures.array_of(photo), adjustments, colors))
        if colors is None:
            colors = self.colors(photo, adjustments, vivid=adjustments.vividness > 0)
        else:
            self.check(adjustments)
        return self.join(photo, adjustments.applied(colors))

    def colorize_rows(self, rows: Rows, adjustments: Adjustments = AS_THEY_COME) -> Array:
        """Color a photo in the file where its pixels lie, so that its size needs no memory; otherwise as `colorize`.

        The small copy for the network is made of bands, and within a level of what the file itself would make.

        Parameters
        ----------
        rows : Rows
            As `photofile.read_rows` gives them; what comes out takes their place.
        adjustments : Adjustments

        Returns
        -------
        uint8 array [h, w, 3]
            The small copy, uncolored.

        Raises
        ------
        ModelError
            The network lacks a setting that was asked for; then the rows are as they were.
        """
        self.check(adjustments)
        shown = self.small(rows, adjustments)
        self.join_rows(rows, adjustments.applied(self._colors_of(shown, adjustments, vivid=adjustments.vividness > 0)))
        return shown

    def small(self, rows: Rows, adjustments: Adjustments = AS_THEY_COME) -> Array:
        """The small copy of a photo that the network is shown: uint8 [h, w, 3]."""
        height, width, _ = rows.shape
        size = contract.rendered_shape(height, width, adjustments.render_size or self.render_size)
        return rows.shrunk(*size, pictures.seen)

    def join_rows(self, rows: Rows, ab: Array) -> None:
        """Join colors to a photo in the file where its pixels lie: `join`, band by band."""
        for first, band in rows.bands():
            rows.put(first, self.join(band, ab, (first, rows.shape[0])))

    def colors(self, photo: Array | Image.Image, adjustments: Adjustments = AS_THEY_COME, vivid: bool = True) -> Colors:
        """What the network says of a photo's colors: the only place where it runs.

        It is shown a small copy, made as the file itself would make it: asked for its colors alone, onnxruntime would
        join them to the whole photo nevertheless.

        Parameters
        ----------
        photo
            As of `colorize`. What is transparent is seen as white: below it there may be anything.
        adjustments : Adjustments
            Of these the hints, their reach, the variant and the render size count here.
        vivid : bool
            Whether the vivid point is wanted. Without it `Colors.ab` is the mean, and a network that gives itself hints
            looks once.

        Returns
        -------
        Colors

        Raises
        ------
        ModelError, TypeError, ValueError
            As of `colorize`.
        """
        self.check(adjustments)
        seen = pictures.seen(pictures.array_of(photo) if isinstance(photo, Image.Image) else pictures.checked(photo))
        size = {contract.RENDER_SIZE: np.array([adjustments.render_size or self.render_size], np.int64)}
        [[shown]] = session.compute(self._part(contract.RENDER), [contract.SHOWN], {contract.PHOTO: seen[None], **size})
        return self._colors_of(shown, adjustments, vivid)

    def _colors_of(self, shown: Array, adjustments: Adjustments, vivid: bool) -> Colors:
        """What the network says of a small copy, which it is shown as it is."""
        [colors] = self.colors_together([shown], [adjustments.hints], adjustments.variant, vivid, adjustments.reach)
        return colors

    def colors_together(
        self,
        shown: Sequence[Array],
        hints: Sequence[tuple[Hint, ...]],
        variant: int = 0,
        vivid: bool = True,
        reach: float = 1.0,
    ) -> list[Colors]:
        """What the network says of several photos, in one run.

        Parameters
        ----------
        shown : sequence of uint8 array [h, w, 3]
            Small copies as `small` gives them, of one shape.
        hints : sequence of tuple of Hint
            Those of each photo.
        variant : int
        vivid : bool
        reach : float
            As of `colors`.

        Returns
        -------
        list of Colors
        """
        feed = {
            contract.PHOTO: np.stack(shown),
            contract.RENDER_SIZE: np.array([min(shown[0].shape[:2])], np.int64),  # so they are looked at as they are
            contract.SATURATION: np.array([1.0], np.float32),
        }
        wanted = [contract.AB]
        if self.predicts_distribution:
            feed[contract.VIVIDNESS] = np.array([vivid], np.float32)
            wanted += [contract.PROBABILITIES, contract.BINS]
        if self.takes_hints:
            most = max(map(len, hints))
            rows = [[hint.row for hint in own] + [NO_HINT] * (most - len(own)) for own in hints]
            feed[contract.HINTS] = np.array(rows, np.float32).reshape(len(shown), most, 5)
        if contract.REACHES in self.features:
            feed[contract.REACH] = np.array([reach], np.float32)
        if contract.ANCHORED in self.features:
            feed[contract.VARIANT] = np.array([variant], np.int64)
        ab, *likely = session.compute(self._session, wanted, feed)
        if not likely:
            return [Colors(own) for own in ab]
        probabilities, bins = likely
        return [Colors(own, likely, bins) for own, likely in zip(ab, probabilities, strict=True)]

    def join(self, photo: Array, ab: Array, rows: tuple[int, int] | None = None) -> Array:
        """Join colors to a photo's luminance; no network runs.

        Of a photo that is joined band by band every pixel comes out as if it were joined at once.

        Parameters
        ----------
        photo : array [H, W] or [H, W, 1, 3 or 4], uint8 or uint16
        ab : float array [h, w, 2]
            CIELAB a and b of the whole photo at any resolution, as `Adjustments.applied` gives them. What is no number
            is no color, and what is beyond all colors comes to `FARTHEST`: the luminance stays.
        rows : pair of int, optional
            Where the band lies that is given as `photo`: its first row, and the height of the whole photo.

        Returns
        -------
        array [H, W, 3 or 4], type of `photo`
            sRGB; a fourth channel is the photo's own.

        Raises
        ------
        TypeError, ValueError
            The photo or its colors are of another type or shape, or a band does not lie within it.
        ModelError
            The file knows no bands, because it is older than they are.
        """
        photo = pictures.checked(photo)
        if np.ndim(ab) != 3 or np.shape(ab)[2] != 2 or 0 in np.shape(ab):
            raise ValueError(f'Colours have the shape [h, w, 2], not {list(np.shape(ab))}.')
        ab = np.clip(np.nan_to_num(ab), -FARTHEST, FARTHEST).astype(np.float32)
        first, height = rows or (0, len(photo))
        if not 0 <= first <= height - len(photo):
            raise ValueError(f'{len(photo)} rows from {first} on are no band of a photo with {height}.')
        if self.provider == session.CPU and compiled.joins():
            is_gray = photo.strides[2] == 0  # of one channel, which is shown as three
            return compiled.join(
                photo[..., :1] if is_gray else photo, ab, first, height, self._threads or limits.cores()
            )
        part = self._part(contract.JOINS[photo.dtype.name])
        feed = {
            contract.PHOTO: np.ascontiguousarray(photo[None, ..., :3]),
            contract.AB: ab[None],
        }
        if rows is not None:
            if not session.may_take(part, contract.ROWS):
                name = contract.JOINS[photo.dtype.name]
                raise ModelError(
                    f'{MODELS / name} knows no bands: make it anew with `python -m export parts {MODELS}`.'
                )
            feed[contract.ROWS] = np.array([first, height], np.int64)
        [[colorized]] = session.compute(part, [contract.COLORIZED], feed)
        return colorized if photo.shape[2] == 3 else np.concatenate([colorized, photo[..., 3:]], axis=-1)

    def _part(self, name: str) -> session.InferenceSession:
        """The session of a file without a network, beside which this network runs; opened when first asked for."""
        with self._lock:
            if name not in self._parts:
                # The shrinking stays on the CPU: onnxruntime's CUDA did it wrongly, and the file that goes round that
                # (`export.pipeline.resized`) has run on no GPU yet. It takes a core 65 ms for 12 megapixels.
                first = session.CPU if name == contract.RENDER else self.provider
                providers = list(dict.fromkeys([first, session.CPU]))
                self._parts[name] = session.open_file(MODELS / name, providers, self._threads)
            return self._parts[name]
