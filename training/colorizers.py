"""Whatever colours pictures, behind one call: a Keras network, or a finished file."""

import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from PIL import Image

from lumachrome.adjustments import Adjustments
from lumachrome.contract import HINT_SIDE
from lumachrome.hints import Hint
from training import anchors, bins, checkpoints, colorization, hints, lab, networks, paper


def parts(pictures, size=16):
    """Some pictures at a time: tensors of all of them would take gigabytes."""
    return (pictures[start : start + size] for start in range(0, len(pictures), size))


def to_gray(pictures: np.ndarray) -> np.ndarray:
    """Pictures without their colour, at the same lightness."""
    done = []
    for part in parts(pictures):
        L, ab = colorization.prepare(part)
        done.append(to_uint8(lab.joined(L, 0 * ab)))
    return np.concatenate(done)


def to_uint8(rgb: Any) -> np.ndarray:
    """8-bit pictures of sRGB from 0 to 1."""
    return np.round(ops.convert_to_numpy(rgb) * 255).astype('uint8')


class NetworkColorizer:
    """Colours pictures with a Keras network, as the exported file would.

    Parameters
    ----------
    network : keras.Model
        Fitted: with vividness a copy of it is asked, which is made once.
    """

    def __init__(self, network):
        self.network = network
        self.name = network.name
        self.takes_hints = len(network.inputs) == 2
        made = networks.module(network.name)
        self.multiple, self.render_size = made.MULTIPLE, made.RENDER_SIZE
        self.distribution = networks.distribution(network)
        self.predicts_distribution = self.distribution is not None

    def colorize(self, pictures, render_size=None, vividness=0.0, points=None, batch=16):
        """Colour squares.

        Parameters
        ----------
        pictures : uint8 array [N, S, S, 3]
            Only their lightness is used.
        render_size : int, optional
            Side at which the network looks, rounded to its multiple; its own by default.
        vividness : float
            0 is the mean of a predicted distribution, 1 its vivid point, by anchors where the network takes hints.
        points : float array [N, K, 4], optional
            Hints: x and y as fractions, a and b; drawn as squares of the size that the file's hints have.

        Returns
        -------
        uint8 array [N, S, S, 3]
        """
        done = []
        for start in range(0, len(pictures), batch):
            part = slice(start, start + batch)
            L, given = self._seen(pictures[part], render_size, None if points is None else points[part])
            ab = ops.image.resize(self.read(L, given, vividness), pictures.shape[1:3], interpolation='bilinear')
            L, _ = colorization.prepare(pictures[part])
            done.append(to_uint8(lab.joined(L, ab)))
        return np.concatenate(done)

    def read(self, L: Any, given: Any, vividness: float, variant: int = 0) -> Any:
        """ab [N, h, w, 2] of lightness [N, H, W, 1] and hints [N, K, 6] as the network takes them."""
        features = self._features(L, given) if self.takes_hints and vividness else None
        answer, share = map(ops.convert_to_tensor, self._asked(L, given, features))
        if self.distribution is None:
            return answer
        faithful, point = bins.mean(answer), self.distribution.vivid_point
        if not self.takes_hints:
            return faithful + vividness * (bins.vivid(answer, *point) - faithful)
        (height, width), stride = L.shape[1:3], L.shape[1] // answer.shape[1]
        small = ops.average_pool(L, stride, stride)
        border = paper.borders(small, share)
        faithful = (1 - border) * faithful
        if not vividness:
            return faithful
        ours, belongs = anchors.place(small, answer, share, ops.full((1,), variant), point)
        together = ops.concatenate([given, anchors.as_hints(ours, height, width)], axis=1)
        spread, _ = self._asked(L, together, features)
        spread = bins.mean(ops.convert_to_tensor(spread))
        return anchors.read(faithful, spread, belongs, share, border, vividness)

    def answers(self, pictures, render_size=None, points=None, batch=16):
        """What the network itself says: ab or logits [N, h, w, C], and the hints' share [N, h, w, 1] (0 without hints).

        Parameters are as of `colorize`.
        """
        done = []
        for start in range(0, len(pictures), batch):
            part = slice(start, start + batch)
            done.append(self._asked(*self._seen(pictures[part], render_size, None if points is None else points[part])))
        return [np.concatenate(parts) for parts in zip(*done, strict=True)]

    def _seen(self, pictures, render_size, points):
        """What the network is shown: L [N, H, W, 1] and hints [N, K, 6]."""
        size = max(1, round((render_size or self.render_size) / self.multiple)) * self.multiple
        L, _ = colorization.prepare(_resized(pictures, size))
        given = ops.zeros((len(L), 1, hints.COLUMNS), 'float32')
        if points is not None and points.shape[1]:
            sides = np.full(points.shape[:2], HINT_SIDE * size, 'float32')
            places = hints.squares(points, sides, size, size)
            given = ops.concatenate([places, points[..., 2:], np.ones_like(points[..., :1])], -1)
        return L, given

    @functools.cached_property
    def _parts(self):
        return networks.parted(self.network)

    def _features(self, L, given):
        """What the network sees, so that it need not see it again for other hints."""
        encoder, _ = self._parts
        return keras.tree.flatten(encoder.predict_on_batch([L, given])) if encoder else []

    def _asked(self, L, given, features=None):
        """The network's answer and the hints' share in it, 0 where it takes none."""
        if features is not None:
            return self._parts[1].predict_on_batch([*features, L, given])
        if self.takes_hints:
            return self.network.predict_on_batch([L, given])
        answer = self.network.predict_on_batch(L)
        return answer, np.zeros_like(answer[..., :1])


class FileColorizer:
    """Colours pictures with a finished .onnx file, as every door of `lumachrome` does."""

    def __init__(self, path: str | Path):
        from lumachrome.colorizer import Colorizer

        self.file = Colorizer(path)
        self.name = self.file.name
        self.takes_hints = self.file.takes_hints
        self.predicts_distribution = self.file.predicts_distribution

    def colorize(
        self,
        pictures: np.ndarray,
        render_size: int | None = None,
        vividness: float = 0.0,
        points: np.ndarray | None = None,
    ) -> np.ndarray:
        """As `NetworkColorizer.colorize`."""
        settings = Adjustments(render_size=render_size or 0, vividness=vividness)
        settings = settings.without(self.file.lacks(settings))
        done = []
        for i, picture in enumerate(pictures):
            if points is not None and points.shape[1]:
                known = zip(points[i], 255 * colors(points[i][:, 2:]), strict=True)
                settings = replace(settings, hints=tuple(Hint(x, y, color) for (x, y, *_), color in known))
            done.append(self.file.colorize(picture, settings))
        return np.stack(done)


def colors(ab: np.ndarray) -> np.ndarray:
    """Colours with the given a and b [K, 2], each at a lightness at which it exists: sRGB float [K, 3], 0 to 1.

    A file takes hints as colours, and of those only a and b count. Where no lightness holds a and b, the nearest does.
    """
    L, ab = np.arange(1, 100, dtype='float32'), ab.astype('float32')
    rgb = lab.lab_to_rgb(np.tile(L[:, None], (len(ab), 1, 1)), np.repeat(ab[:, None], len(L), axis=1))
    missed = np.linalg.norm(ops.convert_to_numpy(lab.rgb_to_lab(rgb)[1]) - ab[:, None], axis=-1)
    best = (missed.round(1) + 1e-4 * np.abs(L - 60)).argmin(-1)  # among equals one of middling lightness
    return ops.convert_to_numpy(rgb)[np.arange(len(ab)), best]


def open_model(path: str | Path) -> NetworkColorizer | FileColorizer:
    """A colorizer of a run folder, a .keras, .npz or .onnx file.

    Raises
    ------
    lumachrome.errors.UserError
        If it cannot be read.
    """
    return FileColorizer(path) if str(path).endswith('.onnx') else NetworkColorizer(checkpoints.load(path))


def _resized(pictures, side):
    """Pictures [N, S, S, 3] at another side, with the antialiasing of the file's head."""
    if pictures.shape[1] == side:
        return pictures
    return np.stack([np.asarray(Image.fromarray(p).resize((side, side), Image.Resampling.BILINEAR)) for p in pictures])
