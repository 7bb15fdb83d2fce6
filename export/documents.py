"""The figures that documents tell of the networks that ship, filled in from the metadata of the networks' files.

A place that is filled stands between two comments with its name:

    It has seen <!-- photos-seen -->606,000<!-- /photos-seen --> photos.

`places` makes what stands in each; whoever adds one there may use it in any of `DOCUMENTS`.
"""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from export.convert import NETWORK, ExportError
from export.graph import graphs
from lumachrome import contract
from lumachrome.errors import atomic
from training import learnt

ROOT = Path(__file__).parents[1]
DOCUMENTS = ('README.md', 'lumachrome/models/README.md')
MODELS = Path('lumachrome/models')
TOLD_HINTS = (1, 10, 50)  # of the numbers of hints that were tried, those that documents tell

_WHAT_UNEVENNESS_IS = (
    "Unevenness is how far a and b stray within things ([metrics.py](training/metrics.py)), over the truth's: "
    'stains raise it.\n'
)

Row = dict[str, Any]  # of a file's metrics: see `training.figures.row`


def update(root: Path = ROOT) -> list[Path]:
    """Fill every document below `root`.

    Returns
    -------
    list of Path
        Those that have changed.

    Raises
    ------
    ExportError
        If a network's file cannot be read or lacks its figures, or a document has a place that nobody fills.
    """
    values = places(root / MODELS)
    changed: list[Path] = []
    for path in (root / name for name in DOCUMENTS):
        text = path.read_text()
        if (new := filled(text, values, path)) != text:
            with atomic(path) as unfinished:
                unfinished.write_text(new)
            changed.append(path)
    return changed


def filled(text: str, values: dict[str, str], path: Path) -> str:
    """A document's text with what belongs in its places."""
    pattern = re.compile(r'<!-- ([\w-]+) -->(.*?)<!-- /\1 -->', re.DOTALL)
    marks = re.findall(r'<!-- /?([\w-]+) -->', text)
    whole = [name for found in pattern.finditer(text) for name in [found[1]] * 2]
    if wrong := {name for name in marks if marks.count(name) != whole.count(name) or name not in values}:
        known = ', '.join(sorted(values))
        raise ExportError(f'{path} has places that cannot be filled, {", ".join(sorted(wrong))}: known are {known}.')
    return pattern.sub(lambda found: f'<!-- {found[1]} -->{values[found[1]]}<!-- /{found[1]} -->', text)


def places(models: Path) -> dict[str, str]:
    """What stands in each place, by its name."""
    ours, article = (_Facts(models / f'{name}.onnx') for name in ('lumachrome', 'article'))
    parts = sum((models / name).stat().st_size for name in contract.PARTS)
    gray, faithful, vivid = ours.rows
    named: dict[str, tuple[Row, _Facts | None]] = {
        'gray (no colour at all)': (gray, None),
        'article': (article.rows[1], article),
        'lumachrome, faithful (vividness 0)': (faithful, ours),
        'lumachrome, vivid (the default)': (vivid, None),
    }
    gains = {tried['count']: tried['gain'] for tried in ours.metrics['hints']}
    first, *more = TOLD_HINTS
    hints = [f'{first} gives {gains[first]:+.2f} dB over gray', *(f'{n} give {gains[n]:+.2f} dB' for n in more)]
    return {
        'results': _results(named),
        'results-in-detail': _results_in_detail(named),
        'hints': ', '.join(hints),
        'photos-judged': f'{ours.metrics["photos"]}',
        'photos-seen': f'{ours.photos_seen:,}',
        'photos-learnt': f'{ours.photos_learnt:,}',
        'unevenness': _WHAT_UNEVENNESS_IS if _unevenness(named) else '',
        'colorfulness-of-the-truth': f'{gray["colorfulness"]["truth"]:.1f}',
        'weights': ours.weights,
        'size': ours.size,
        'article-weights': article.weights,
        'article-size': article.size,
        'parts-size': f'{parts / 1e6:.1f} MB',
    }


class _Facts:
    """What a network's file says of itself.

    Attributes
    ----------
    metrics : dict
        As `training.evaluate.evaluate` made them.
    rows : list of dict
        Its rows, the gray one first.
    photos_seen : int
        Crops of them, over all runs.
    photos_learnt : int
        How many different ones are recorded as learnt from; those of runs that kept no record are not.
    weights, size : str
        How many there are, and the file's size, for people.
    """

    def __init__(self, path: Path) -> None:
        try:
            model = onnx.load(path)
        except Exception as error:  # protobuf's exceptions share no class with Python's
            raise ExportError(f'{path} cannot be read as an ONNX file: {error}') from error
        said = {entry.key.removeprefix(contract.METADATA_PREFIX): entry.value for entry in model.metadata_props}
        self.metrics = json.loads(said.get('metrics', '{}'))
        training = said.get('training', '')
        if not self.metrics or not training.startswith('{'):
            raise ExportError(
                f'{path} does not say how good it is and what it has seen: evaluate its run, and export that again.'
            )
        run = json.loads(training)
        self.rows: list[Row] = self.metrics['rows']
        self.photos_seen: int = run['photos_before'] + run['photos_seen']
        self.photos_learnt = len(learnt.unpacked(said.get('learnt', '')))
        kept = [tensor for graph in graphs(model) for tensor in graph.initializer]
        arrays = [numpy_helper.to_array(tensor) for tensor in kept if tensor.name.startswith(NETWORK)]
        floats = [array for array in arrays if np.issubdtype(array.dtype, np.floating) and array.ndim]
        kernels = [array for array in arrays if array.dtype == np.int8 and array.ndim > 1]  # others are zero points
        count = sum(array.size for array in (*floats, *kernels))
        self.weights = f'{count / 1e6:.1f} million' if count >= 1e6 else f'{count:,}'
        self.size = f'{path.stat().st_size / 1e6:.1f} MB'


def _results(named: dict[str, tuple[Row, _Facts | None]]) -> str:
    """The table of the README."""
    gray = next(iter(named.values()))[0]
    heads, even = '| | weights | file | PSNR | over gray | CIEDE2000 | colorfulness |', _unevenness(named)
    lines = [heads + (' unevenness |' if even else ''), '|---' * (8 if even else 7) + '|']
    for name, (row, facts) in named.items():
        gain = '' if row is gray else f'{row["psnr"]["mean"] - gray["psnr"]["mean"]:+.2f} dB'
        cells = [
            name,
            facts.weights if facts else '',
            facts.size if facts else '',
            f'{_figure(row, "psnr", 2)} dB',
            gain,
        ]
        cells += [f'{row[key]["mean"]:.{digits}f}' for key, digits in (('ciede2000', 2), ('colorfulness', 1))]
        cells += [even[name]] if even else []
        lines.append(re.sub(r'\|  (?=\|)', '| ', f'| {" | ".join(cells)} |'))
    return '\n' + '\n'.join(lines) + '\n'


def _results_in_detail(named: dict[str, tuple[Row, _Facts | None]]) -> str:
    """The table of the model card."""
    truth = next(iter(named.values()))[0]['colorfulness_absolute']['truth']
    heads, even = f'| | PSNR | SSIM | CIEDE2000 | colorfulness, absolute form (truth {truth:.1f}) |', _unevenness(named)
    lines = [heads + (" unevenness, over the truth's |" if even else ''), '|---' * (6 if even else 5) + '|']
    for name, (row, _) in named.items():
        figures = (('psnr', 2), ('ssim', 4), ('ciede2000', 2), ('colorfulness_absolute', 1))
        cells = [name, *(_figure(row, key, digits) for key, digits in figures), *([even[name]] if even else [])]
        lines.append(re.sub(r'\|  (?=\|)', '| ', f'| {" | ".join(cells)} |'))
    return '\n' + '\n'.join(lines) + '\n'


def _unevenness(named: dict[str, tuple[Row, _Facts | None]]) -> dict[str, str]:
    """What stands in its column; nothing where no row has it, as those of files of format 1 may not."""
    cells = {
        name: f'{row["unevenness"]["ratio"]:.2f} ± {row["unevenness"]["ratio_se"]:.2f}' if 'unevenness' in row else ''
        for name, (row, _) in named.items()
    }
    return cells if any(cells.values()) else {}


def _figure(row: Row, key: str, digits: int) -> str:
    """A figure with its standard error."""
    return f'{row[key]["mean"]:.{digits}f} ± {row[key]["se"]:.{digits}f}'
