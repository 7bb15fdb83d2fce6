"""One photo in, one photo out: a Lumachrome file and onnxruntime.

All colour maths is in the file; what is here finds it, chooses where it runs, and brings a picture into the shape that
`lumachrome.contract` states and back.

    from lumachrome.colorizer import Colorizer
    Colorizer().colorize(Image.open('grandmother.jpg')).save('grandmother-colour.jpg')
"""

import contextlib
import ctypes
import functools
import io
import operator
import os
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

from lumachrome import contract
from lumachrome.errors import ModelError, ProviderError

MODELS = Path(__file__).parent / 'models'
PREFERRED = ('lumachrome', 'unet', 'article')  # the first of these that is there is the default
CPU, CUDA = 'CPUExecutionProvider', 'CUDAExecutionProvider'
SILENT = 4  # onnxruntime's severity 'fatal': what goes wrong is raised as well


def models():
    """The files that ship: name to path, the default first."""
    found = {path.stem: path for path in MODELS.glob('*.onnx') if path.name not in contract.JOINS.values()}
    first = [name for name in PREFERRED if name in found]
    return {name: found[name] for name in first + sorted(found.keys() - set(first))}


@dataclass(frozen=True)
class Guess:
    """What one run of a network says about a photo's colours.

    Attributes
    ----------
    ab : float32 array [h, w, 2]
        The colours, before saturation; of a distribution its vivid point.
    probabilities : float32 array [h, w, Q], or None
        How likely each bin is, where the network predicts a distribution.
    bins : float32 array [Q, 2], or None
        The bins' a and b.
    """

    ab: np.ndarray
    probabilities: np.ndarray | None = None
    bins: np.ndarray | None = None


class Colorizer:
    """A network in a Lumachrome file, ready to colour photos. Safe to call from several threads.

    Parameters
    ----------
    model : str or Path, optional
        The name of a file in `lumachrome/models` ('lumachrome') or the path of any other; by default the first of `models()`.
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
    takes_vividness, takes_hints : bool
        Which inputs the network has.
    predicts_distribution : bool
        Whether the network says how likely each colour is.

    Raises
    ------
    ModelError
        There is no such file, or it is not one of ours.
    ProviderError
        The provider asked for cannot be had.
    """

    def __init__(self, model=None, providers=None):
        self.path = _find(model)
        self._session = _open(self.path, _chosen(providers))
        self.provider = self._session.get_providers()[0]
        if providers and self.provider != providers[0]:
            raise ProviderError(f'{providers[0]} does not work on this machine.')
        properties = self._session.get_modelmeta().custom_metadata_map
        self.metadata = {
            key.removeprefix(contract.METADATA_PREFIX): value
            for key, value in properties.items()
            if key.startswith(contract.METADATA_PREFIX)
        }
        _check_format(self.path, self.metadata)
        self.name = self.metadata.get('network', self.path.stem)
        inputs = {tensor.name for tensor in self._session.get_inputs()}
        self.takes_vividness = contract.VIVIDNESS in inputs
        self.takes_hints = contract.HINTS in inputs
        self.predicts_distribution = contract.PROBABILITIES in {tensor.name for tensor in self._session.get_outputs()}
        self._joins = {}
        self._lock = threading.Lock()

    def colorize(self, image, render_size=0, saturation=1.0, vividness=None, hints=None):
        """Colour a photo.

        Parameters
        ----------
        image : array [H, W], [H, W, 1] or [H, W, 3], uint8 or uint16, or PIL.Image
            sRGB; of a colour photo only the luminance is used. A Pillow image is turned upright first.
        render_size : int
            Short side in pixels at which the network looks; 0 means the network's own.
        saturation : float
            Factor on the colours, 0 (gray) to 4.
        vividness : float, optional
            From 0, the mean of the likely colours, to 1, the vivid point, which is the default; only for networks that
            have it.
        hints : sequence of (x, y, red, green, blue), optional
            Colours that are known: x and y as fractions of width and height, colours 0 to 255; only for networks that
            take them.

        Returns
        -------
        array [H, W, 3] of the same type, or PIL.Image
            sRGB with the photo's own luminance. A Pillow image keeps its transparency; one of 16 bits comes back
            with 8, because Pillow holds no more in colour.

        Raises
        ------
        ModelError
            The network lacks a setting that was asked for.
        TypeError, ValueError
            The image is of another type or shape.
        """
        settings = {'render_size': render_size, 'vividness': vividness, 'hints': hints}
        if isinstance(image, Image.Image):
            return self._colorize_pillow(image, saturation=saturation, **settings)
        photo = _three_channels(image)
        if photo.dtype == np.uint16:
            return self.join(photo, self.colors(photo, **settings), saturation)
        return self._run([contract.COLORIZED], photo, saturation, **settings)[0]

    def colors(self, image, render_size=0, vividness=None, hints=None):
        """The colours alone, at the network's resolution.

        They are what `join` takes: with them saturation changes without another run of the network. Parameters and
        errors are those of `colorize`.

        Returns
        -------
        float32 array [h, w, 2]
            CIELAB a and b, before saturation.
        """
        return self._run([contract.AB], _bytes(image), 1.0, render_size, vividness, hints)[0]

    def guess(self, image, render_size=0, hints=None):
        """All that one run of the network says: what `lumachrome.adjustments` starts from.

        Parameters and errors are those of `colorize`.

        Returns
        -------
        Guess
        """
        outputs = [contract.AB, contract.PROBABILITIES, contract.BINS][: 3 if self.predicts_distribution else 1]
        vividness = contract.limits(contract.VIVIDNESS)[1] if self.takes_vividness else None
        return Guess(*self._run(outputs, _bytes(image), 1.0, render_size, vividness, hints))

    def join(self, image, ab, saturation=1.0):
        """Join colours to a photo's luminance; no network runs.

        Parameters
        ----------
        image : array [H, W], [H, W, 1] or [H, W, 3], uint8 or uint16
        ab : float array [h, w, 2]
            CIELAB a and b at any resolution.
        saturation : float
            Factor on a and b, 0 to 4.

        Returns
        -------
        array [H, W, 3], type of `image`
            sRGB.
        """
        photo = _three_channels(image)
        with self._lock:
            if photo.dtype not in self._joins:
                self._joins[photo.dtype] = _open(MODELS / contract.JOINS[photo.dtype.name], list(dict.fromkeys([self.provider, CPU])))
        session = self._joins[photo.dtype]
        feed = {
            contract.PHOTO: photo[None],
            contract.AB: (np.asarray(ab) * np.clip(saturation, *contract.limits(contract.SATURATION))).astype(np.float32)[None],
        }
        return _compute(session, [contract.COLORIZED], feed)[0]

    def _run(self, outputs, photo, saturation, render_size, vividness, hints):
        feed = {
            contract.PHOTO: photo[None],
            contract.RENDER_SIZE: np.array([operator.index(render_size)], np.int64),
            contract.SATURATION: np.array([saturation], np.float32),
        }
        if self.takes_vividness:
            feed[contract.VIVIDNESS] = np.array([1.0 if vividness is None else vividness], np.float32)
        elif vividness is not None:
            raise ModelError(f'{self.name} has no vividness: its colours are a single guess, not a distribution.')
        if self.takes_hints:
            feed[contract.HINTS] = np.asarray([] if hints is None else hints, np.float32).reshape(1, -1, 5)
        elif hints is not None and len(hints):
            raise ModelError(f'{self.name} takes no colour hints.')
        return _compute(self._session, outputs, feed)

    def _colorize_pillow(self, image, **settings):
        image = ImageOps.exif_transpose(image)
        if image.mode in ('I', 'F'):
            raise ValueError(f'A Pillow image of mode {image.mode} has no known range: make it 8 or 16 bits first.')
        if image.mode.startswith('I;16'):
            image = Image.fromarray(_eight_bits(np.asarray(image)))
        if not image.has_transparency_data:
            return Image.fromarray(self.colorize(np.asarray(image.convert('RGB')), **settings))
        image, saturation = image.convert('RGBA'), settings.pop('saturation')
        white = Image.new('RGBA', image.size, 'white')
        seen = Image.alpha_composite(white, image).convert('RGB')  # below what is transparent there may be anything
        ab = self.colors(np.asarray(seen), **settings)
        coloured = Image.fromarray(self.join(np.asarray(image.convert('RGB')), ab, saturation))
        coloured.putalpha(image.getchannel('A'))
        return coloured


def _find(model):
    """The path that a name or a path means."""
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


def _chosen(providers):
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
def _has_gpu():
    # onnxruntime lists CUDA wherever it was compiled in; the driver's library is there only with a driver.
    try:
        ctypes.CDLL('nvcuda.dll' if os.name == 'nt' else 'libcuda.so.1')
    except OSError:
        return False
    return True


def _open(path, providers):
    """A session on a file; what can be wrong with the file is a `ModelError`."""
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
    if CUDA in providers:
        # The default tries every convolution algorithm on every new size of photo.
        providers = [(CUDA, {'cudnn_conv_algo_search': 'HEURISTIC'}) if name == CUDA else name for name in providers]
        onnxruntime.set_default_logger_severity(SILENT)  # a library that cannot be loaded falls back to the CPU
        with contextlib.redirect_stdout(io.StringIO()):
            onnxruntime.preload_dlls()
    errors = onnxruntime.capi.onnxruntime_pybind11_state
    try:
        return onnxruntime.InferenceSession(path, options, providers=providers)
    except (errors.InvalidProtobuf, errors.InvalidArgument) as error:
        raise ModelError(
            f'{path} is not an ONNX file, or is damaged or cut short: fetch or export it again.'
        ) from error
    except (errors.InvalidGraph, errors.Fail, errors.NotImplemented) as error:
        raise ModelError(
            f'{path} cannot be run by onnxruntime {onnxruntime.__version__}: it uses what that does not know; '
            'install a newer one, or export the file again.'
        ) from error


def _check_format(path, metadata):
    stated = metadata.get('format')
    if stated is None:
        raise ModelError(f'{path} is an ONNX file, but not a Lumachrome one: make one with `python -m export`.')
    if stated != str(contract.FORMAT):
        raise ModelError(
            f'{path} has format {stated}, and this program reads format {contract.FORMAT}: '
            'update the program, or export the file again.'
        )


def _compute(session, outputs, feed):
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


def _eight_bits(photo):
    """uint16 pixels as uint8, row by row: the products take 32 bits each, and photos may be large."""
    return np.stack([((row.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8) for row in photo])


def _bytes(image):
    """What the network looks at: 8 bits are enough to choose a colour."""
    photo = _three_channels(image)
    return _eight_bits(photo) if photo.dtype == np.uint16 else photo


def _three_channels(image):
    image = np.asarray(image)
    if image.dtype.name not in contract.JOINS:
        raise TypeError(f'A photo is an array of uint8 or uint16, not of {image.dtype}.')
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or image.shape[2] not in (1, 3) or 0 in image.shape:
        raise ValueError(f'A photo has the shape [H, W], [H, W, 1] or [H, W, 3], not {list(image.shape)}.')
    return np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))
