"""One photo in, one photo out: a Lumachrome file and onnxruntime.

All color maths is in the file; what is here finds it, chooses where it runs, and brings a picture into the shape that
`lumachrome.contract` states and back.

    from lumachrome import Colorizer
    Colorizer().colorize(Image.open('grandmother.jpg')).save('grandmother-colour.jpg')
"""

import contextlib
import ctypes
import functools
import importlib.metadata
import io
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from lumachrome import contract
from lumachrome.adjustments import SETTINGS, Adjustments, Colors
from lumachrome.errors import ModelError, ProviderError, UserError

try:
    import onnxruntime
except ImportError as error:
    raise UserError(
        f'onnxruntime cannot be loaded ({error}): pip install "lumachrome[cpu]", or "lumachrome[gpu]" where there is an '
        'NVIDIA GPU.'
    ) from error

Array = npt.NDArray[Any]
Photo = TypeVar('Photo', Array, Image.Image)

MODELS = Path(__file__).parent / 'models'
PREFERRED = ('lumachrome', 'unet', 'article')  # the first of these that is there is the default
CPU, CUDA = 'CPUExecutionProvider', 'CUDAExecutionProvider'
SILENT = 4  # onnxruntime's severity 'fatal': what goes wrong is raised as well
AS_THEY_COME = Adjustments()


def models() -> dict[str, Path]:
    """The files that ship: name to path, the default first."""
    found = {path.stem: path for path in MODELS.glob('*.onnx') if path.name not in contract.JOINS.values()}
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
    if path.exists():
        return path
    if path.suffix == '.onnx' or len(path.parts) > 1:
        raise ModelError(f'{path} does not exist.')
    raise ModelError(f'There is no model named {model}; there are: {", ".join(shipped) or "none"}.')


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
        What the network has, `contract.DISTRIBUTION` and `contract.TAKES_HINTS`.
    render_size : int
        Short side in pixels at which the network looks at a photo unless told otherwise.

    Raises
    ------
    ModelError
        There is no such file, or it is not one of ours.
    ProviderError
        The provider asked for cannot be had.
    """

    def __init__(self, model: str | Path | None = None, providers: Sequence[str] | None = None) -> None:
        self.path = find_model(model)
        self._session = _open(self.path, _chosen(providers))
        self.provider: str = self._session.get_providers()[0]
        if providers and self.provider != providers[0]:
            raise ProviderError(f'{providers[0]} does not work on this machine.')
        properties = self._session.get_modelmeta().custom_metadata_map
        self.metadata: dict[str, str] = {
            key.removeprefix(contract.METADATA_PREFIX): value
            for key, value in properties.items()
            if key.startswith(contract.METADATA_PREFIX)
        }
        self.features = _check_contract(self.path, self.metadata, self._session)
        self.name = self.metadata.get('network', self.path.stem)
        self.render_size = int(self.metadata['render_size'])
        self._joins: dict[str, onnxruntime.InferenceSession] = {}
        self._lock = threading.Lock()

    @property
    def takes_hints(self) -> bool:
        """Whether the network takes color hints."""
        return contract.TAKES_HINTS in self.features

    @property
    def predicts_distribution(self) -> bool:
        """Whether the network says how likely each color is, and so has a vividness and variants."""
        return contract.DISTRIBUTION in self.features

    def lacks(self, adjustments: Adjustments) -> list[str]:
        """The names of the settings that are asked for and that the network has no use for."""
        return [name for name in adjustments.changed if SETTINGS[name].needs not in ('', *self.features)]

    def check(self, adjustments: Adjustments) -> None:
        """Raise ModelError if the network lacks a setting that is asked for."""
        for name in self.lacks(adjustments):
            if SETTINGS[name].needs == contract.TAKES_HINTS:
                raise ModelError(f'{self.name} takes no colour hints.')
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
            What `colors` gave for this photo, or for a smaller copy of it, with the same hints and render size. With
            it no network runs: what was approved in a preview is what is joined to the photo.

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
            return Image.fromarray(self.colorize(_array_of(photo), adjustments, colors))
        if colors is None:
            colors = self.colors(photo, adjustments)
        else:
            self.check(adjustments)
        return self.join(photo, adjustments.applied(colors))

    def colors(self, photo: Array | Image.Image, adjustments: Adjustments = AS_THEY_COME) -> Colors:
        """What the network says of a photo's colors: the only place where it runs.

        It is shown a small copy, made as the file itself would make it: asked for its colors alone, onnxruntime would
        join them to the whole photo nevertheless.

        Parameters
        ----------
        photo
            As of `colorize`. What is transparent is seen as white: below it there may be anything.
        adjustments : Adjustments
            Of these the hints and the render size count here.

        Returns
        -------
        Colors

        Raises
        ------
        ModelError, TypeError, ValueError
            As of `colorize`.
        """
        self.check(adjustments)
        picture = _seen(_array_of(photo) if isinstance(photo, Image.Image) else _checked(photo))
        height, width = contract.rendered_shape(
            picture.height, picture.width, adjustments.render_size or self.render_size
        )
        shown = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
        feed = {
            contract.PHOTO: shown[None],
            contract.RENDER_SIZE: np.array([min(height, width)], np.int64),
            contract.SATURATION: np.array([1.0], np.float32),
        }
        wanted = [contract.AB]
        if self.predicts_distribution:
            feed[contract.VIVIDNESS] = np.array([1.0], np.float32)
            wanted += [contract.PROBABILITIES, contract.BINS]
        if self.takes_hints:
            rows = [hint.row for hint in adjustments.hints]
            feed[contract.HINTS] = np.array(rows, np.float32).reshape(1, -1, 5)
        return Colors(*_compute(self._session, wanted, feed))

    def join(self, photo: Array, ab: Array) -> Array:
        """Join colors to a photo's luminance; no network runs.

        Parameters
        ----------
        photo : array [H, W] or [H, W, 1, 3 or 4], uint8 or uint16
        ab : float array [h, w, 2]
            CIELAB a and b at any resolution, as `Adjustments.applied` gives them.

        Returns
        -------
        array [H, W, 3 or 4], type of `photo`
            sRGB; a fourth channel is the photo's own.
        """
        photo = _checked(photo)
        kind = photo.dtype.name
        with self._lock:
            if kind not in self._joins:
                self._joins[kind] = _open(MODELS / contract.JOINS[kind], list(dict.fromkeys([self.provider, CPU])))
        feed = {
            contract.PHOTO: np.ascontiguousarray(photo[None, ..., :3]),
            contract.AB: np.asarray(ab, np.float32)[None],
        }
        [colorized] = _compute(self._joins[kind], [contract.COLORIZED], feed)
        return colorized if photo.shape[2] == 3 else np.concatenate([colorized, photo[..., 3:]], axis=-1)


# Sessions


def _chosen(providers: Sequence[str] | None) -> list[str]:
    available = onnxruntime.get_available_providers()
    if not providers:
        return [CUDA, CPU] if CUDA in available and _has_gpu() else [CPU]
    for provider in providers:
        if provider not in available:
            raise ProviderError(f'{provider} is not in this onnxruntime, which has {", ".join(available)}.')
    if providers[0] == CUDA and not _has_gpu():
        raise ProviderError(f'{CUDA} needs an NVIDIA GPU and its driver (libcuda), and this machine shows none.')
    return list(providers)


@functools.cache
def _has_gpu() -> bool:
    # onnxruntime lists CUDA wherever it was compiled in; the driver's library is there only with a driver.
    try:
        ctypes.CDLL('nvcuda.dll' if os.name == 'nt' else 'libcuda.so.1')
    except OSError:
        return False
    return True


@functools.cache
def _check_one_runtime() -> None:
    """Raise UserError where both packages are installed: they write over each other's files."""
    installed: list[str] = []
    for name in ('onnxruntime', 'onnxruntime-gpu'):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            importlib.metadata.version(name)
            installed.append(name)
    if len(installed) > 1:
        raise UserError(
            'onnxruntime and onnxruntime-gpu are both installed and overwrite each other: pip uninstall both, then '
            'pip install "lumachrome[cpu]" or "lumachrome[gpu]".'
        )


def _open(path: Path, providers: list[str]) -> onnxruntime.InferenceSession:
    """A session on a file; what can be wrong with the file is a `ModelError`."""
    _check_one_runtime()
    if path.is_dir():
        raise ModelError(f'{path} is a folder, not a model.')
    if not path.exists():
        raise ModelError(f'{path} does not exist.')
    with path.open('rb') as file:
        start = file.read(64)
    if not start:
        raise ModelError(f'{path} is empty: fetch or export it again.')
    if start.startswith(b'version https://git-lfs'):
        raise ModelError(f'{path} is only a pointer to the model: run `git lfs pull`.')
    options = onnxruntime.SessionOptions()
    options.log_severity_level = SILENT
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')  # idle threads leave the cores to others
    asked: list[Any] = list(providers)
    if CUDA in providers:
        # The default tries every convolution algorithm on every new size of photo.
        asked = [(CUDA, {'cudnn_conv_algo_search': 'HEURISTIC'}) if name == CUDA else name for name in providers]
        onnxruntime.set_default_logger_severity(SILENT)  # a library that cannot be loaded falls back to the CPU
        with contextlib.redirect_stdout(io.StringIO()):
            onnxruntime.preload_dlls()
    errors = onnxruntime.capi.onnxruntime_pybind11_state
    try:
        return onnxruntime.InferenceSession(path, options, providers=asked)
    except (errors.InvalidProtobuf, errors.InvalidArgument) as error:
        raise ModelError(
            f'{path} is not an ONNX file, or is damaged or cut short: fetch or export it again.'
        ) from error
    except (errors.InvalidGraph, errors.Fail, errors.NotImplemented) as error:
        raise ModelError(
            f'{path} cannot be run by onnxruntime {onnxruntime.__version__}: it uses what that does not know; '
            'install a newer one, or export the file again.'
        ) from error


def _check_contract(path: Path, metadata: dict[str, str], session: onnxruntime.InferenceSession) -> frozenset[str]:
    """What the network has; ModelError if the file is not what the contract says."""
    stated = metadata.get('format')
    if stated is None:
        raise ModelError(f'{path} is an ONNX file, but not a Lumachrome one: make one with `python -m export`.')
    if stated != str(contract.FORMAT):
        raise ModelError(
            f'{path} has format {stated}, and this program reads format {contract.FORMAT}: '
            'update the program, or export the file again.'
        )
    taken = {tensor.name: tensor for tensor in session.get_inputs()}
    given = {tensor.name: tensor for tensor in session.get_outputs()}
    features = frozenset(t.needs for t in contract.INPUTS if t.needs and t.name in taken)
    inputs, outputs = contract.network_tensors(features)
    for expected, there in ((inputs, taken), (outputs, given)):
        wrong = [t.name for t in expected if not (t.optional or _is(t, there.get(t.name)))]
        unknown = there.keys() - {t.name for t in expected}
        if wrong or unknown:
            names = ', '.join([*wrong, *sorted(unknown)])
            raise ModelError(f'{path} breaks the contract of format {stated} ({names}): export the file again.')
    if not metadata.get('render_size', '').isdigit():
        raise ModelError(f'{path} does not say at which size its network looks: export the file again.')
    return features


def _is(expected: contract.Tensor, found: Any) -> bool:
    """Whether an input or output of a session is of the contract's type and shape."""
    kind = {'float32': 'float'}.get(expected.dtype, expected.dtype)
    if found is None or found.type != f'tensor({kind})' or len(found.shape) != len(expected.shape):
        return False
    return all(isinstance(side, str) or side == own for side, own in zip(expected.shape, found.shape, strict=True))


def _compute(session: onnxruntime.InferenceSession, outputs: list[str], feed: dict[str, Array]) -> list[Array]:
    """One photo's outputs, the batch axis taken off."""
    height, width = feed[contract.PHOTO].shape[1:3]
    strips = any(tensor.name == contract.STRIP_ROWS for tensor in session.get_overridable_initializers())
    if strips and session.get_providers()[0] != CPU:
        # The file's strips suit a CPU's cache; a GPU is quicker with the whole photo at once.
        feed = feed | {contract.STRIP_ROWS: np.array([height], np.int64)}
    try:
        # The bins are the same for every photo: they alone have no batch axis.
        return [
            output if name == contract.BINS else output[0]
            for name, output in zip(outputs, session.run(outputs, feed), strict=True)
        ]
    except onnxruntime.capi.onnxruntime_pybind11_state.RuntimeException as error:
        if any(words in str(error).lower() for words in ('allocat', 'out of memory', 'bad_alloc')):
            raise MemoryError(f'A photo of {width} x {height} pixels does not fit into memory.') from error
        raise


# Pictures


def _checked(photo: Array) -> Array:
    """A photo as an array [H, W, 3 or 4], uint8 or uint16."""
    photo = np.asarray(photo)
    if photo.dtype.name not in contract.JOINS:
        raise TypeError(f'A photo is an array of uint8 or uint16, not of {photo.dtype}.')
    if photo.ndim == 2:
        photo = photo[..., None]
    if photo.ndim != 3 or photo.shape[2] not in (1, 3, 4) or 0 in photo.shape:
        raise ValueError(f'A photo has the shape [H, W] or [H, W, 1, 3 or 4], not {list(photo.shape)}.')
    return np.broadcast_to(photo, (*photo.shape[:2], 3)) if photo.shape[2] == 1 else photo


def _array_of(image: Image.Image) -> Array:
    """A Pillow image, turned upright, as an array [H, W, 3 or 4]."""
    image = ImageOps.exif_transpose(image)
    if image.mode in ('I', 'F'):
        raise ValueError(f'A Pillow image of mode {image.mode} has no known range: make it 8 or 16 bits first.')
    if image.mode.startswith('I;16'):
        image = Image.fromarray(_eight_bits(np.asarray(image)))
    return np.asarray(image.convert('RGBA' if image.has_transparency_data else 'RGB'))


def _seen(photo: Array) -> Image.Image:
    """What the network looks at: 8 bits are enough to choose a color, and what is transparent has become white."""
    picture = Image.fromarray(_eight_bits(photo) if photo.dtype == np.uint16 else np.ascontiguousarray(photo))
    if picture.mode == 'RGB':
        return picture
    return Image.alpha_composite(Image.new('RGBA', picture.size, 'white'), picture).convert('RGB')


def _eight_bits(photo: Array) -> Array:
    """uint16 pixels as uint8, row by row: the products take 32 bits each, and photos may be large."""
    return np.stack([((row.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8) for row in photo])
