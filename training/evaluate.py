"""A model over a set of photos: a table that cannot flatter, a hint sweep, and a contact sheet to look at.

Every picture is 256 x 256: short side 256, centre crop. The gray row (the same photos with a = b = 0) stands beside the
model's, because levels differ from one set of photos to another; gains over it can be compared.

References
----------
.. [1] R. Zhang et al., "Real-Time User-Guided Image Colorization with Learned Deep Priors", 2017, arXiv:1705.02999
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from keras import ops
from PIL import Image

from lumachrome.adjustments import Adjustments
from lumachrome.contract import HINT_SIDE
from lumachrome.errors import UserError, atomic
from lumachrome.hints import Hint
from training import bins, checkpoints, colorization, hints, lab, metrics, networks
from training.photos import Photos

SIDE = 256  # of a picture that is evaluated
SWEEP = (0, 1, 2, 5, 10, 20, 50, 100)  # hints a picture, as in [1]_
SHEET = 12  # pictures in a row of a contact sheet


class EvaluateError(UserError):
    """Why a model cannot be evaluated, in one sentence."""


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
            0 is the mean of a predicted distribution, 1 its vivid point.
        points : float array [N, K, 4], optional
            Hints: x and y as fractions, a and b; drawn as squares of the size that the file's hints have.

        Returns
        -------
        uint8 array [N, S, S, 3]
        """
        done = []
        for start in range(0, len(pictures), batch):
            part = slice(start, start + batch)
            answer, share = self.answers(pictures[part], render_size, None if points is None else points[part])
            ab = self._decode(ops.convert_to_tensor(answer), share, vividness)
            ab = ops.image.resize(ab, pictures.shape[1:3], interpolation='bilinear')
            L, _ = colorization.prepare(pictures[part])
            done.append(to_uint8(lab.joined(L, ab)))
        return np.concatenate(done)

    def answers(self, pictures, render_size=None, points=None, batch=16):
        """What the network itself says: ab or logits [N, h, w, C], and the hints' share [N, h, w, 1] (0 without hints).

        Parameters are as of `colorize`.
        """
        size = max(1, round((render_size or self.render_size) / self.multiple)) * self.multiple
        done = []
        for start in range(0, len(pictures), batch):
            part = slice(start, start + batch)
            L, _ = colorization.prepare(_resized(pictures[part], size))
            if not self.takes_hints:
                answer = self.network.predict_on_batch(L)
                done.append((answer, np.zeros_like(answer[..., :1])))
                continue
            given = ops.zeros((len(L), 1, 5), 'float32')
            if points is not None and points.shape[1]:
                sides = np.full(points[part].shape[:2], HINT_SIDE * size, 'float32')
                given = ops.concatenate([hints.squares(points[part], sides, size, size), points[part][..., 2:]], -1)
            done.append(self.network.predict_on_batch([L, given]))
        return [np.concatenate(parts) for parts in zip(*done, strict=True)]

    def _decode(self, answer, share, vividness):
        if self.distribution is None:
            return answer
        faithful = bins.mean(answer)
        vivid = bins.vivid(answer, *self.distribution.vivid_point)
        return faithful + vividness * (1 - share) * (vivid - faithful)


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


def check_unseen(source: str | Path, photos: Photos) -> None:
    """See that a model is judged by photos that it does not know.

    Parameters
    ----------
    source : path
        As of `open_model`. Runs record what they learn from; of other files nobody knows.
    photos : training.photos.Photos

    Raises
    ------
    EvaluateError
        If its run, or one that it started from, has learnt from some of the photos.
    """
    known = int(np.isin(checkpoints.numbers(photos), checkpoints.learnt_by(source)).sum())
    if known:
        raise EvaluateError(
            f'{source} has learnt from {known} of these {len(photos)} photos, which would flatter it: '
            'name photos that were not given to fit, or those of its --validation.'
        )


def _resized(pictures, side):
    """Pictures [N, S, S, 3] at another side, with the antialiasing of the file's head."""
    if pictures.shape[1] == side:
        return pictures
    return np.stack([np.asarray(Image.fromarray(p).resize((side, side), Image.Resampling.BILINEAR)) for p in pictures])


def mean_psnr(pictures: np.ndarray, truth: np.ndarray) -> float:
    """PSNR in dB, the mean over the pictures."""
    return float(np.mean([metrics.psnr(a, b) for a, b in zip(pictures, truth, strict=True)]))


def quick_row(ours: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """The figures that a run prints after each epoch."""
    psnr, gray = mean_psnr(ours, truth), mean_psnr(to_gray(truth), truth)
    return {
        'psnr': psnr,
        'gain': psnr - gray,
        'ab_error': float(np.mean([metrics.ab_error(a, b).mean() for a, b in zip(ours, truth, strict=True)])),
        'colorfulness': float(np.mean([metrics.colorfulness(p) for p in ours])),
    }


def row(name: str, pictures: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    """A row of the table: each figure with its mean over the photos and its standard error.

    Parameters
    ----------
    name : str
    pictures, truth : uint8 arrays [N, S, S, 3]

    Returns
    -------
    dict
        Of colorfulness, `difference` is that of the means (as the papers report it), and `distance` the mean over the
        photos of how far each is from its own truth.
    """
    pairs = list(zip(pictures, truth, strict=True))

    def over_photos(figure):
        values = np.array([figure(ours, theirs) for ours, theirs in pairs])
        return {'mean': float(values.mean()), 'se': float(values.std(ddof=1) / np.sqrt(len(values)))}

    figures = {
        'psnr': over_photos(metrics.psnr),
        'ssim': over_photos(metrics.ssim),
        'ciede2000': over_photos(metrics.ciede2000),
        'auc': over_photos(lambda ours, theirs: metrics.auc(metrics.ab_error(ours, theirs))),
    }
    for key, absolute in (('colorfulness', False), ('colorfulness_absolute', True)):
        ours, theirs = (np.array([metrics.colorfulness(p, absolute) for p in side]) for side in (pictures, truth))
        apart = np.abs(ours - theirs)
        figures[key] = {
            'mean': float(ours.mean()),
            'se': float(ours.std(ddof=1) / np.sqrt(len(ours))),
            'truth': float(theirs.mean()),
            'difference': float(ours.mean() - theirs.mean()),
            'difference_se': float((ours - theirs).std(ddof=1) / np.sqrt(len(ours))),
            'distance': float(apart.mean()),
            'distance_se': float(apart.std(ddof=1) / np.sqrt(len(apart))),
        }
    return {'name': name, **figures}


def hint_points(truth: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """Hints as [1]_ places them for evaluation.

    Squares of 6 x 6 pixels (at 256) that hold the mean true ab, their centres normal around the middle with a quarter
    of the side as deviation.

    Parameters
    ----------
    truth : uint8 array [N, S, S, 3]
    count : int
        Hints a picture; the first of them are the same for every count.

    Returns
    -------
    float32 array [N, count, 4]
        x and y as fractions, a and b.
    """
    rng = np.random.default_rng(seed)
    n, side = truth.shape[:2]
    points = rng.normal(0.5, hints.SPREAD, (n, max(SWEEP), 2)).astype('float32')[:, :count]
    if count == 0:
        return np.zeros((n, 0, 4), 'float32')
    colors = []
    for part, places in zip(parts(truth), parts(points), strict=True):
        _, ab = colorization.prepare(part)
        given = ops.convert_to_tensor(places)
        squares = hints.squares(given, HINT_SIDE * side * ops.ones_like(given[..., 0]), side, side)
        colors.append(ops.convert_to_numpy(hints.colors_at(ab, squares)))
    return np.concatenate([points.clip(0, 1), np.concatenate(colors)], axis=-1)


def evaluate(
    model: NetworkColorizer | FileColorizer,
    photos: Photos,
    out: str | Path,
    render_size: int | None = None,
    sweep: bool = False,
) -> dict[str, Any]:
    """Judge a model by a set of photos.

    Parameters
    ----------
    model : NetworkColorizer or FileColorizer
    photos : training.photos.Photos
        Read at `SIDE`.
    out : path
        A folder; gets `metrics.json` and `sheet.jpg`.
    render_size : int, optional
    sweep : bool
        Whether to try hints as well.

    Returns
    -------
    dict
        What metrics.json holds: `rows`, the gray one first, and about what photos they are.
    """
    if sweep and not model.takes_hints:
        raise EvaluateError(f'{model.name} takes no hints: leave out --hints.')
    if len(photos) < 2:
        raise EvaluateError('A single photo has no standard error: name two or more.')
    truth = photos.stacked()
    points = {'faithful': 0.0, 'vivid': 1.0} if model.predicts_distribution else {model.name: 0.0}
    shown = {'gray': to_gray(truth)}
    for name, vividness in points.items():
        shown[name] = model.colorize(truth, render_size, vividness)
    result = {
        'model': model.name,
        'photos': len(photos),
        'sources': sorted({Path(name).parent.name for name in photos.names}),
        'left_out': {reason: len(names) for reason, names in photos.left_out.items()},
        'side': SIDE,
        'render_size': render_size,
        'rows': [row(name, pictures, truth) for name, pictures in shown.items()],
    }
    if sweep:
        result['hints'] = []
        for count in SWEEP:
            ours = model.colorize(truth, render_size, points=hint_points(truth, count))
            values = np.array([metrics.psnr(a, b) for a, b in zip(ours, truth, strict=True)])
            gain = float(values.mean() - result['rows'][0]['psnr']['mean'])
            result['hints'].append({'count': count, 'psnr': float(values.mean()), 'gain': gain})
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    with atomic(out / 'metrics.json') as unfinished:
        unfinished.write_text(json.dumps(result, indent=1))
    bands = []
    for start in range(0, min(len(truth), 4 * SHEET), SHEET):
        part = slice(start, start + SHEET)
        bands += [pictures[part] for pictures in (*shown.values(), truth)]
    contact_sheet(bands).save(out / 'sheet.jpg', quality=90)
    return result


def table(result: dict[str, Any]) -> str:
    """The rows of `evaluate` as a Markdown table."""
    gray = result['rows'][0]['psnr']['mean']
    truth = result['rows'][0]['colorfulness']['truth'], result['rows'][0]['colorfulness_absolute']['truth']
    left_out = ', '.join(f'{count} {reason}' for reason, count in result['left_out'].items())
    lines = [
        f'{result["photos"]} photos, {result["side"]} x {result["side"]}; left out: {left_out or "none"}; '
        f'colorfulness of the truth {truth[0]:.1f}, in absolute form {truth[1]:.1f}',
        '',
        '| | PSNR dB | over gray | SSIM | CIEDE2000 | AuC | colorfulness | difference | distance '
        '| absolute form | difference | distance |',
        '|---|---|---|---|---|---|---|---|---|---|---|---|',
    ]
    for figures in result['rows']:
        cells = [f'{figures[k]["mean"]:.{d}f} ± {figures[k]["se"]:.{d}f}' for k, d in (('psnr', 2), ('ssim', 4))]
        cells.insert(1, f'{figures["psnr"]["mean"] - gray:+.2f}')
        cells += [f'{figures[k]["mean"]:.{d}f} ± {figures[k]["se"]:.{d}f}' for k, d in (('ciede2000', 2), ('auc', 4))]
        for key in ('colorfulness', 'colorfulness_absolute'):
            of = figures[key]
            cells.append(f'{of["mean"]:.1f} ± {of["se"]:.1f}')
            cells.append(f'{of["difference"]:+.1f} ± {of["difference_se"]:.1f}')
            cells.append(f'{of["distance"]:.1f} ± {of["distance_se"]:.1f}')
        lines.append(f'| {figures["name"]} | {" | ".join(cells)} |')
    if 'hints' in result:
        lines += ['', '| hints | ' + ' | '.join(str(h['count']) for h in result['hints']) + ' |']
        lines.append('|---' * (len(result['hints']) + 1) + '|')
        lines.append('| PSNR dB over gray | ' + ' | '.join(f'{h["gain"]:+.2f}' for h in result['hints']) + ' |')
    return '\n'.join(lines)


def contact_sheet(rows: list[np.ndarray], gap: int = 4) -> Image.Image:
    """A Pillow image of pictures in rows: list of uint8 arrays [n, S, S, 3], each a row, drawn at half size."""
    side = rows[0].shape[1] // 2
    sheet = Image.new('RGB', (len(rows[0]) * (side + gap) - gap, len(rows) * (side + gap) - gap), 'white')
    for y, pictures in enumerate(rows):
        for x, picture in enumerate(pictures):
            small = Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR)
            sheet.paste(small, (x * (side + gap), y * (side + gap)))
    return sheet
