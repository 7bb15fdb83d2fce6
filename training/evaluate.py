"""A model over a set of photos: a table that cannot flatter, and a contact sheet to look at.

Every picture is 256 x 256: short side 256, centre crop. The gray row (the same photos with a = b = 0) stands beside the
model's, because levels differ from one set of photos to another; gains over it can be compared.
"""

import numpy as np
from keras import ops
from PIL import Image

from training import bins, colorization, hints, lab, metrics, networks

SIDE = 256  # of a picture that is evaluated


def first(photos, most):
    """The pictures of the first `most` photos: uint8 [n, S, S, 3]."""
    return np.stack([photos[i] for i in range(min(most, len(photos)))])


def to_gray(pictures):
    """Pictures without their colour, at the same lightness."""
    L, ab = colorization.prepare(pictures)
    return _to_uint8(lab.lab_to_rgb(L, 0 * ab))


def _to_uint8(rgb):
    return np.round(ops.convert_to_numpy(rgb) * 255).astype('uint8')


class NetworkColorizer:
    """Colours pictures with a Keras network, as the exported file would.

    Parameters
    ----------
    network : keras.Model
    """

    def __init__(self, network):
        self.network = network
        self.name = network.name
        self.takes_hints = len(network.inputs) == 2
        made = networks.module(network.name)
        self.multiple, self.render_size = made.MULTIPLE, made.RENDER_SIZE
        self.distribution = networks.distribution(network)

    def colorize(self, pictures, render_size=None, vividness=0.0, given=None, batch=16):
        """Colour squares.

        Parameters
        ----------
        pictures : uint8 array [N, S, S, 3]
            Only their lightness is used.
        render_size : int, optional
            Side at which the network looks, rounded to its multiple; its own by default.
        vividness : float
            0 is the mean of a predicted distribution, 1 its vivid point.
        given : float array [N, K, 4], optional
            Hints: x and y as fractions, a and b; drawn as `hints.draw` does it, at the size of the file's hints.

        Returns
        -------
        uint8 array [N, S, S, 3]
        """
        size = max(1, round((render_size or self.render_size) / self.multiple)) * self.multiple
        done = []
        for start in range(0, len(pictures), batch):
            part = pictures[start : start + batch]
            L, _ = colorization.prepare(part)
            rendered, _ = colorization.prepare(_resized(part, size))
            if self.takes_hints:
                points = np.zeros((len(part), 1, 4)) if given is None else given[start : start + batch]
                sides = np.full(points.shape[:2], 0.0 if given is None else hints.SIDE * size)
                rows, columns = hints.places(points[..., :2].astype('float32'), sides.astype('float32'), size, size)
                drawn = hints.draw(rows, columns, ops.cast(points[..., 2:], 'float32'))
                answer = self._run([rendered, drawn])
            else:
                answer = self._run(rendered)
            ab = self._decode(ops.convert_to_tensor(answer), vividness)
            ab = ops.image.resize(ab, part.shape[1:3], interpolation='bilinear')
            done.append(_to_uint8(lab.lab_to_rgb(L, ab)))
        return np.concatenate(done)

    def _run(self, inputs):
        return self.network.predict_on_batch(inputs)

    def _decode(self, answer, vividness):
        if self.distribution is None:
            return answer
        ab = (1 - vividness) * bins.mean(answer)
        if vividness:
            prior, point = self.distribution.prior, self.distribution.vivid_point
            ab += vividness * bins.vivid(answer, prior, *ops.convert_to_numpy(point))
        return ab


def _resized(pictures, side):
    """Pictures [N, S, S, 3] at another side, with the antialiasing of the file's head."""
    if pictures.shape[1] == side:
        return pictures
    size = (side, side)
    return np.stack([np.asarray(Image.fromarray(p).resize(size, Image.Resampling.BILINEAR)) for p in pictures])


def quick_row(ours, truth):
    """The figures that a run prints after each epoch."""
    psnr = np.mean([metrics.psnr(a, b) for a, b in zip(ours, truth, strict=True)])
    gray = np.mean([metrics.psnr(a, b) for a, b in zip(to_gray(truth), truth, strict=True)])
    ab = [ops.convert_to_numpy(colorization.prepare(p)[1]) for p in (ours, truth)]
    return {
        'psnr': psnr,
        'gain': psnr - gray,
        'ab_error': np.linalg.norm(ab[0] - ab[1], axis=-1).mean(),
        'colorfulness': np.mean([metrics.colorfulness(p) for p in ours]),
    }


def contact_sheet(rows, gap=4):
    """A Pillow image of pictures in rows: list of uint8 arrays [n, S, S, 3], each a row, drawn at half size."""
    side = rows[0].shape[1] // 2
    sheet = Image.new('RGB', (len(rows[0]) * (side + gap) - gap, len(rows) * (side + gap) - gap), 'white')
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            small = Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR)
            sheet.paste(small, (x * (side + gap), y * (side + gap)))
    return sheet
