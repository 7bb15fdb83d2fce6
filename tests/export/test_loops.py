"""The tail as loops over pixels, in Python and in JavaScript, against the tail in ONNX."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from tiny import quiet_session

from export import loops, pipeline, tail, verify
from lumachrome import contract

HERE = Path(__file__).parent
# What rounding elsewhere moves: a level of 8 bits; of 16 bits a few, far below one of 8
MOST = {'uint8': 1, 'uint16': 8}


@pytest.fixture(scope='module')
def joins():
    return {depth: quiet_session(pipeline.build_join(depth).SerializeToString()) for depth in contract.JOINS}


@pytest.fixture(scope='module')
def node(tmp_path_factory):
    """The loop in JavaScript: `join(photo, ab, rows)`."""
    program = shutil.which('node')
    if program is None:
        if os.environ.get('CI') == 'true':
            pytest.fail('Node is missing: the tail of the browser must be tested.')
        pytest.skip('needs Node (nodejs.org): the tail of the browser')
    folder = tmp_path_factory.mktemp('node')
    (folder / 'tail.mjs').write_text(loops.script(typed=False), encoding='utf-8')

    def join(photo, ab, rows=None, in_place=False, kind=None):
        photo.tofile(folder / 'photo')
        ab.astype('float32').tofile(folder / 'ab')
        request = {
            'photo': str(folder / 'photo'),
            'depth': kind or photo.dtype.name,
            'width': photo.shape[1],
            'channels': photo.shape[2],
            'height': len(photo),
            'ab': str(folder / 'ab'),
            'abHeight': ab.shape[0],
            'abWidth': ab.shape[1],
            'rows': rows or len(photo),
            'inPlace': in_place,
            'out': str(folder / 'out'),
        }
        (folder / 'request.json').write_text(json.dumps(request))
        subprocess.run([program, HERE / 'join_bands.mjs', folder / 'tail.mjs', folder / 'request.json'], check=True)
        return np.fromfile(folder / 'out', photo.dtype).reshape(photo.shape)

    return join


@pytest.fixture(scope='module')
def numba():
    """The loop in Python: `join(photo, ab, rows)`."""
    pytest.importorskip('numba')
    from lumachrome import tail

    def join(photo, ab, rows=None, in_place=False):
        photo = photo.copy()
        shape = (*photo.shape[:2], max(photo.shape[2], 3))
        joined = photo if in_place else np.empty(shape, photo.dtype)
        run, tables = {
            'uint8': (tail.join_bytes, tail.byte_tables()),
            'uint16': (tail.join_words, tail.word_tables()),
        }[photo.dtype.name]
        rows = rows or len(photo)
        for i in range(0, len(photo), rows):
            band = slice(i, i + rows)
            run(photo[band], ab.astype('float32'), i, len(photo), joined[band], tables)
        return joined

    return join


@pytest.fixture(params=['node', 'numba'])
def join(request):
    return request.getfixturevalue(request.param)


def by_onnx(joins, photo, ab):
    feed = {contract.PHOTO: photo[None, ..., :3], contract.AB: ab[None].astype('float32')}
    return joins[photo.dtype.name].run(None, feed)[0][0]


def check(joins, photo, ab, ours):
    """Within a level of ONNX, almost everywhere the same; the promises of luminance."""
    apart = np.abs(ours[..., :3].astype(int) - by_onnx(joins, photo, ab))
    most = MOST[photo.dtype.name]
    assert apart.max() <= most and apart.mean() < most / 50
    errors = verify.luminance_error(photo[..., :3], ours[..., :3])
    assert errors.max() <= verify.MOST_LUMINANCE
    assert errors.mean() <= verify.MEAN_LUMINANCE or errors.size < 100  # no average


def test_both_files_are_as_they_are_made_anew():
    assert loops.PYTHON_FILE.read_text(encoding='utf-8') == loops.python()
    assert loops.SCRIPT_FILE.read_text(encoding='utf-8') == loops.script()
    assert max(map(len, loops.python().splitlines())) <= 120 >= max(map(len, loops.script().splitlines()))


@pytest.mark.parametrize('depth', contract.JOINS)
@pytest.mark.parametrize('colored', [False, True])
def test_every_level_with_every_color(joins, join, depth, colored):
    """256 levels by 23 x 23 colours, from -110 to 110."""
    steps = np.arange(-110, 111, 10)
    ab = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 1, 2)
    full = np.iinfo(depth).max
    levels = np.linspace(0, full, 256).round().astype(depth)
    photo = np.repeat(np.broadcast_to(levels[:, None], (len(ab), 256, 1)), 3, axis=-1)
    if colored:
        photo = np.random.default_rng(0).integers(0, full + 1, photo.shape).astype(depth)
    check(joins, photo, ab, join(photo, ab))


@pytest.mark.parametrize('depth', contract.JOINS)
@pytest.mark.parametrize('size', [(1, 1), (1, 300), (300, 1), (67, 130)])
@pytest.mark.parametrize('small', [(1, 1), (9, 12), (80, 140)])
def test_every_size_of_photo_and_of_map(joins, join, depth, size, small):
    photo = verify.pictures(*size)[0].astype(depth) * (np.iinfo(depth).max // 255)
    ab = np.random.default_rng(1).normal(0, 25, (*small, 2))
    check(joins, photo, ab, join(photo, ab))


@pytest.mark.parametrize('depth', contract.JOINS)
def test_bands_give_the_bytes_of_the_whole_and_transparency_stays(join, depth):
    random = np.random.default_rng(2)
    photo = random.integers(0, np.iinfo(depth).max + 1, (50, 21, 4)).astype(depth)
    ab = random.normal(0, 30, (7, 5, 2))
    whole = join(photo, ab)
    assert np.array_equal(whole[..., 3], photo[..., 3])
    assert np.array_equal(join(photo[..., :3].copy(), ab), whole[..., :3])
    for rows in (1, 7, 49):
        assert np.array_equal(join(photo, ab, rows), whole)
    assert np.array_equal(join(photo, ab, 16, in_place=True), whole)


def test_a_photo_of_one_channel_is_gray(numba):
    gray = np.arange(256, dtype='uint8').reshape(16, 16, 1)
    ab = np.full((2, 2, 2), 20.0)
    assert np.array_equal(numba(gray, ab), numba(np.repeat(gray, 3, -1), ab))


def test_a_canvas_clamps_its_bytes_and_they_come_out_the_same(node):
    random = np.random.default_rng(3)
    photo = random.integers(0, 256, (20, 30, 4)).astype('uint8')
    ab = random.normal(0, 30, (4, 5, 2))
    assert np.array_equal(node(photo, ab, in_place=True, kind='uint8clamped'), node(photo, ab))


def test_tables_are_those_in_onnx(numba):
    from lumachrome import tail as compiled

    red, green, blue, fys = compiled.byte_tables()
    for own, table in zip((red, green, blue), tail.luminance_tables(), strict=True):
        assert np.array_equal(own, table)
    np.testing.assert_allclose(fys, tail.fy_table(), rtol=1e-7)
    np.testing.assert_allclose(compiled.word_tables()[0], tail.light_table(tail.FULL), rtol=1e-7)
