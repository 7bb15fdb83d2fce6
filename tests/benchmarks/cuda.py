"""What a GPU makes of the shipped files: what runs on it, whether the colors stay, how long it takes.

    python -m tests.benchmarks.cuda [FOLDER] [--seconds 150] [--json FILE]

It needs onnxruntime-gpu, NumPy, Pillow and the folder of the .onnx files (lumachrome/models), and onnx for a Resize
alone. The rows come one by one, the most telling ones first: ten seconds tell whether a photo that shrinks looks to the
network as on the CPU. When the time is over, what is left is named and skipped. No GPU is no failure.

How to read it: `first` is the first run of such a photo, `warm` the median of those after it, both in milliseconds.
`numpy` goes in and out through arrays as a caller has them; `bound` uploads the photo and fetches the 8-bit colors by
IO binding; `resident` is the run alone, with all of it on the GPU already. Strips are those that `lumachrome.session`
asks a GPU for, unless it says otherwise.
"""

import argparse
import collections
import contextlib
import faulthandler
import functools
import gc
import importlib.util
import itertools
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from lumachrome import contract
from lumachrome.session import CPU, CUDA, STRIP_PIXELS
from tests.gpu import Array, Bench, Bound, memory_used, nvidia_smi, timed

Row = dict[str, Any]
Rows = Iterator[tuple[str, Callable[[], Row]]]  # what is measured, and how

MODELS = Path(__file__).parents[2] / 'lumachrome' / 'models'
NETWORK, JOIN, JOIN16, RENDER = 'lumachrome.onnx', contract.JOINS['uint8'], contract.JOINS['uint16'], contract.RENDER
FILES = (NETWORK, JOIN, JOIN16, RENDER)
SIZE = 256  # short side at which the network looks
SMALL, MIDDLE, LARGE = (256, 256), (866, 1155), (3000, 4000)  # 1 and 12 megapixels
GRACE = 20  # seconds beyond the limit after which a run that hangs is ended
CONTROL = {'Scan', 'Loop', 'If'}  # their time is that of the nodes inside


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=Path, nargs='?', default=MODELS, help='where the .onnx files are')
    parser.add_argument('--seconds', type=float, default=150, help='no section begins after that')
    parser.add_argument('--json', type=Path, help='write the rows as JSON lines, too')
    parser.add_argument('--rehearse', action='store_true', help=argparse.SUPPRESS)  # all of it, on the CPU
    asked = parser.parse_args()
    end = time.monotonic() + asked.seconds
    faulthandler.dump_traceback_later(asked.seconds + GRACE, exit=True)
    bench = Bench(asked.folder, CPU if asked.rehearse else CUDA)
    start = time.monotonic()
    missing = None if asked.rehearse else bench.why_no_gpu()
    if missing is not None:
        print(f'skipped: no GPU{missing and f" ({missing})"}')
        return
    print(f'CUDA and its libraries are loaded in {time.monotonic() - start:.2f} s', flush=True)
    with asked.json.open('w') if asked.json else contextlib.nullcontext() as file:
        for section, share in SHARES.items():
            left = end - time.monotonic()
            measure(bench, section, time.monotonic() + share * left, file)


def measure(bench: Bench, section: Callable[[Bench], Rows], end: float, file: Any) -> None:
    """Print a section's rows as they come; an error is a row of its own."""

    def show(what: str, row: Row) -> None:
        facts = '  '.join(f'{key} {_short(value)}' for key, value in row.items())
        print(f'{section.__name__:11}{what:54}{facts}', flush=True)
        if file:
            file.write(json.dumps({'section': section.__name__, 'what': what, **row}) + '\n')
            file.flush()

    try:
        for what, measured in section(bench):
            if time.monotonic() > end:
                show(f'from {what}', {'skipped': 'the time is over'})
                return
            try:
                show(what, measured())
            except Exception:
                show(what, {'error': _sentence()})
    except Exception:
        show('', {'error': _sentence()})


def _short(value: Any) -> str:
    return f'{value:.4g}' if isinstance(value, float) else str(value)


def _sentence() -> str:
    lines = traceback.format_exc().strip().splitlines()
    return ' | '.join(line.strip() for line in lines[-4:])[-700:]


# Photos, and what goes in beside them


@functools.cache
def photo(height: int, width: int, dtype: str = 'uint8') -> Array:
    """A photo as none is but deterministic: gradients, noise, and flat areas, gray and colored; [1, H, W, 3]."""
    rng = np.random.default_rng(height * width)
    y, x = np.linspace(0, 1, height, dtype='float32')[:, None], np.linspace(0, 1, width, dtype='float32')
    planes = np.stack([x + 0 * y, y + 0 * x, 0.5 + 0.5 * np.sin(9 * x + 7 * y)], -1)
    planes[: height // 2] = planes[: height // 2, :, :1]  # the upper half is gray
    planes += rng.normal(0, 0.03, (height, width, 1)).astype('float32') * (x > 0.5)[..., None]
    planes[height // 3 : height // 2, width // 4 : width // 2] = 0.3
    planes[-height // 8 :, : width // 8] = (0.9, 0.2, 0.1)
    full = np.iinfo(dtype).max
    return (planes.clip(0, 1) * full).round().astype(dtype)[None]


def feed_of(session: onnxruntime.InferenceSession, pictures: Array, **set_to: Any) -> dict[str, Array]:
    """What a session takes; `hints` is their number, `rows` those of a strip (None the file's)."""
    n, height, width = pictures.shape[:3]
    rng = np.random.default_rng(1)
    hints = np.concatenate([rng.uniform(0, 1, (n, 16, 2)), rng.uniform(0, 255, (n, 16, 3))], 2).astype('float32')
    rows = {'whole': height, 'as shipped': STRIP_PIXELS // width}.get(asked := set_to.get('rows', 'as shipped'), asked)
    every: dict[str, Array] = {
        contract.PHOTO: pictures,
        contract.RENDER_SIZE: np.array([set_to.get('size', SIZE)]),
        contract.SATURATION: np.ones(1, 'float32'),
        contract.VIVIDNESS: np.full(1, set_to.get('vividness', 1), 'float32'),
        contract.HINTS: hints[:, : set_to.get('hints', 0)],
        contract.REACH: np.ones(1, 'float32'),
        contract.VARIANT: np.array([0]),
        contract.AB: np.repeat(rng.normal(0, 20, (1, 64, 85, 2)).astype('float32'), n, 0),
    }
    if rows:
        every[contract.STRIP_ROWS] = np.array([rows])
    taken = [*session.get_inputs(), *session.get_overridable_initializers()]
    return {tensor.name: every[tensor.name] for tensor in taken if tensor.name in every}


def picture_for(name: str, shape: tuple[int, int]) -> Array:
    return photo(*shape, 'uint16' if name == JOIN16 else 'uint8')


def parts(bench: Bench, pictures: Array) -> Array:
    """A photo as `Colorizer` does it: three runs, arrays between them, the first on the CPU."""
    render, network, join = bench.cpu(RENDER), bench.session(NETWORK), bench.session(JOIN)
    [shown] = render.run([contract.SHOWN], feed_of(render, pictures))
    [ab] = network.run([contract.AB], feed_of(network, shown, size=min(shown.shape[1:3])))
    return join.run([contract.COLORIZED], feed_of(join, pictures) | {contract.AB: ab})[0]


# Sections, the most telling first


def machine(bench: Bench) -> Rows:
    def described() -> Row:
        return {
            'gpu': nvidia_smi('name,driver_version,memory.total') or 'unknown',
            'onnxruntime': onnxruntime.__version__,
            'cuda': getattr(onnxruntime, 'cuda_version', '') or 'none',
            'providers': ','.join(bench.session(RENDER).get_providers()),
            'python': sys.version.split()[0],
            'numpy': np.__version__,
            'processors': os.cpu_count(),
        }

    yield 'versions', described
    for name in FILES:
        yield f'{name} opens', functools.partial(opened, bench, name)


def opened(bench: Bench, name: str) -> Row:
    start = time.perf_counter()
    bench.session(name)
    return {'ms': 1000 * (time.perf_counter() - start), 'MB on the GPU': memory_used()}


def placement(bench: Bench) -> Rows:
    for name in FILES:
        yield name, functools.partial(placed, bench, name)


def placed(bench: Bench, name: str) -> Row:
    """Where the nodes of a warm run are, and their time as the processor sees it."""
    with tempfile.TemporaryDirectory() as folder:
        session = bench.profiled(name, f'{folder}/profile')
        feed = feed_of(session, picture_for(name, (700, 1000)))
        for _ in range(3):
            session.run(None, feed)
        events = json.loads(Path(session.end_profiling()).read_text())
    last = max(event['ts'] for event in events if event['name'] == 'model_run')
    nodes = [event for event in events if event['name'].endswith('_kernel_time') and event['ts'] >= last]
    ran = {event['name']: event['args'] for event in nodes}
    spent: collections.Counter[tuple[str, str]] = collections.Counter()
    for event in nodes:
        if event['args']['op_name'] not in CONTROL:
            spent[event['args'].get('provider', ''), event['args']['op_name']] += event['dur']
    on_device = [args for args in ran.values() if args.get('provider') == bench.provider]
    time_there = sum(time for (provider, _), time in spent.items() if provider == bench.provider)
    fallen: dict[str, list[tuple[int, str]]] = collections.defaultdict(list)
    for event, args in ran.items():
        if args.get('provider') != bench.provider:
            name_of = event.removesuffix('_kernel_time')
            fallen[args['op_name']].append((int(args.get('output_size') or 0), name_of))
    largest = sorted(((max(those), op, len(those)) for op, those in fallen.items()), reverse=True)
    slowest = [f'{op} {time / 1000:.2f}ms' for (_, op), time in spent.most_common(8)]
    return {
        'nodes': len(ran),
        'on the device': f'{len(on_device) / max(len(ran), 1):.1%}',
        'of the time': f'{time_there / max(sum(spent.values()), 1):.1%}',
        'copies': sum(args['op_name'].startswith('Memcpy') for args in ran.values()),
        'on the CPU (how many, largest output in bytes)': '; '.join(
            f'{op} x{count} {size} B in {node}' for (size, node), op, count in largest[:20]
        )
        or 'none',
        'slowest': '; '.join(slowest),
    }


def shrinking(bench: Bench) -> Rows:
    for count, shape in (
        (1, (700, 1000)),
        (1, (256, 700)),
        (1, (700, 256)),
        (1, (37, 53)),
        (3, (700, 1000)),
        (1, LARGE),
    ):
        what = f'{RENDER} {count} of {shape[1]}x{shape[0]}'
        yield what, functools.partial(compared, bench, RENDER, shape, {}, count)
    every = ('uint8', 'float32'), (1, 0), ((1, 2100, 1, 364), (1, 3, 700, 364), (1, 3, 256, 1000), (1, 3, 256, 364))
    for dtype, exclude, sizes in itertools.product(*every) if importlib.util.find_spec('onnx') else ():
        what = f'Resize {dtype} exclude_outside {exclude} to {sizes}'
        yield what, functools.partial(resized, bench, dtype, exclude, sizes)


def resized(bench: Bench, dtype: str, exclude: int, sizes: tuple[int, ...]) -> Row:
    """A Resize of 700 rows of 1000 pixels with antialias, of planes or of rows as pictures one pixel high."""
    from export.graph import Graph

    graph = Graph()
    graph.Resize('x', '', '', 'sizes', mode='linear', antialias=1, exclude_outside=exclude, name='y')
    every = [None] * 4
    model = graph.model('resize', [('x', dtype, every), ('sizes', 'int64', [4])], [('y', dtype, every)])
    feed = {'x': photo(700, 1000).transpose(0, 3, 1, 2).astype(dtype), 'sizes': np.array(sizes)}
    feed['x'] = np.ascontiguousarray(feed['x']).reshape(*sizes[:2], -1, 1000)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / 'resize.onnx').write_bytes(model.SerializeToString())
        other = Bench(Path(folder), bench.provider)
        return difference(['y'], other.fresh('resize.onnx').run(None, feed), other.cpu('resize.onnx').run(None, feed))


def same_bytes(bench: Bench) -> Rows:
    for tf32, vividnesses in (('0', (0, 1)), ('1', (1,))):
        for shape in ((256, 256), (700, 1000), (37, 53), (1, 1)):
            size = f'{shape[1]}x{shape[0]}'
            for hints, vividness in itertools.product((0, 3), vividnesses):
                what = f'{size} vividness {vividness} hints {hints} tf32 {tf32}'
                set_to = {'vividness': vividness, 'hints': hints}
                yield what, functools.partial(compared, bench, NETWORK, shape, set_to, use_tf32=tf32)
            for name in (JOIN, JOIN16):
                yield f'{name} {size} tf32 {tf32}', functools.partial(compared, bench, name, shape, {}, use_tf32=tf32)


def compared(
    bench: Bench, name: str, shape: tuple[int, int], set_to: Row, count: int = 1, **provider_options: str
) -> Row:
    session = bench.session(name, **provider_options)
    feed = feed_of(session, np.repeat(picture_for(name, shape), count, 0), **set_to)
    names = [tensor.name for tensor in session.get_outputs()][:2]
    return difference(names, session.run(names, feed), bench.cpu(name).run(names, feed))


def difference(names: list[str], ours: list[Array], rights: list[Array]) -> Row:
    """The largest difference between the device's outputs and the CPU's, and the share of bytes that differ."""
    row: Row = {}
    for output, own, right in zip(names, ours, rights, strict=True):
        off = np.abs(own.astype('float64') - right.astype('float64'))
        row[f'{output} off by'] = float(off.max())
        if own.dtype.kind == 'u':
            row['bytes that differ'] = f'{(off > 0).mean():.4%}'
            row['within a level'] = bool(off.max() <= 1)
    return row


def speed(bench: Bench) -> Rows:
    def row(
        size: str, what: str, name: str, how: str, shape: tuple[int, int], **set_to: Any
    ) -> tuple[str, Callable[[], Row]]:
        return f'{size} {what}, {how}', functools.partial(run_time, bench, name, shape, how, **set_to)

    for shape in (SMALL, MIDDLE, LARGE):
        size = f'{shape[1]}x{shape[0]}'
        yield row(size, 'whole', NETWORK, 'numpy', shape)
        yield f'{size} three parts, numpy', functools.partial(timed, functools.partial(parts, bench, photo(*shape)))
    for shape in (SMALL, MIDDLE, LARGE):
        size, shown = f'{shape[1]}x{shape[0]}', contract.rendered_shape(*shape, SIZE)
        yield row(size, 'ab alone', NETWORK, 'numpy', shown, output=contract.AB)
        for name in (JOIN, JOIN16, RENDER):
            yield row(size, name, name, 'numpy', shape)
            yield row(size, name, name, 'resident', shape)
        yield row(size, 'whole', NETWORK, 'resident', shape)
        yield row(size, 'whole, 10 hints', NETWORK, 'numpy', shape, hints=10)
        yield row(size, 'whole, one strip', NETWORK, 'numpy', shape, rows='whole')
        yield row(size, "whole, the file's strips", NETWORK, 'numpy', shape, rows=None)
        yield row(size, f"{JOIN}, the file's strips", JOIN, 'numpy', shape, rows=None)


def run_time(bench: Bench, name: str, shape: tuple[int, int], how: str, output: str = '', **set_to: Any) -> Row:
    """Milliseconds for one output of a file, by default its first."""
    session = bench.session(name)
    return timed(caller(session, feed_of(session, picture_for(name, shape), **set_to), how, bench.device, output))


def caller(
    session: onnxruntime.InferenceSession, feed: dict[str, Array], how: str, device: str, output: str = ''
) -> Callable[[], object]:
    """A run in one of three ways, see the top."""
    outputs = [output or session.get_outputs()[0].name]
    if how == 'numpy':
        return lambda: session.run(outputs, feed)
    bound = Bound(session, feed, outputs, device)
    return bound.run_with_copies if how == 'bound' else bound.run


def batches(bench: Bench) -> Rows:
    shown = contract.rendered_shape(*MIDDLE, SIZE)
    for count in (16, 4, 1):
        for how in ('numpy', 'bound'):
            yield f'{count} of 1 MP, whole, {how}', functools.partial(rate, bench, NETWORK, MIDDLE, count, how)
        yield f'{count} of 1 MP, {JOIN}, bound', functools.partial(rate, bench, JOIN, MIDDLE, count, 'bound')
        yield f'{count}, ab alone, bound', functools.partial(rate, bench, NETWORK, shown, count, 'bound', contract.AB)


def rate(bench: Bench, name: str, shape: tuple[int, int], count: int, how: str, output: str = '') -> Row:
    session = bench.session(name)
    feed = feed_of(session, np.repeat(picture_for(name, shape), count, 0))
    row = timed(caller(session, feed, how, bench.device, output))
    return {'photos a second': 1000 * count / row['warm'], **row}


def memory(bench: Bench) -> Rows:
    files = (NETWORK, 'as shipped'), (NETWORK, 'whole'), (JOIN, 'whole'), (JOIN, 250), (JOIN16, 'as shipped')
    for name, rows in files:
        for strategy in ('kSameAsRequested', 'kNextPowerOfTwo'):
            what = f'{name} 4000x3000, strips {rows}, {strategy[1:]}'
            yield what, functools.partial(held, bench, name, rows, strategy)


def held(bench: Bench, name: str, rows: int | str, strategy: str) -> Row:
    """What a session's arena holds after a run, which is the most that it needed; others give theirs back before."""
    bench.session.cache_clear()
    gc.collect()
    before = memory_used()
    session = bench.fresh(name, arena_extend_strategy=strategy)
    feed = feed_of(session, picture_for(name, LARGE), rows=rows)
    row = timed(lambda: session.run([session.get_outputs()[0].name], feed))
    after = memory_used()
    return {'MB': after - before if before is not None and after is not None else None, **row}


def options(bench: Bench) -> Rows:
    yield 'as shipped', functools.partial(with_options, bench)
    yield 'TF32', functools.partial(with_options, bench, use_tf32='1')
    yield 'channels last', functools.partial(with_options, bench, prefer_nhwc='1')
    yield 'EXHAUSTIVE', functools.partial(with_options, bench, cudnn_conv_algo_search='EXHAUSTIVE')


def with_options(bench: Bench, **provider_options: str) -> Row:
    """Opening, the first photo, a photo of another size and the next ones, all at the network's size."""
    start = time.perf_counter()
    session = bench.fresh(NETWORK, **provider_options)
    row: Row = {'open': 1000 * (time.perf_counter() - start)}
    for what, shape in (('', SMALL), (' of another size', (256, 340))):
        feed = feed_of(session, photo(*shape))
        times = timed(lambda feed=feed: session.run([contract.AB], feed))
        row |= {f'{key}{what}': times[key] for key in ('first', 'warm')}
    return row


# Of the time left, how much a section may take, the most telling first
SHARES = {
    machine: 1,
    shrinking: 0.5,
    same_bytes: 0.35,
    placement: 0.5,
    options: 0.3,
    speed: 0.55,
    batches: 0.4,
    memory: 1,
}


if __name__ == '__main__':
    main()
