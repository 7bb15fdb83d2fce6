"""The compiled tail in the one function that every door takes: against the .onnx files, in bands and in threads."""

import subprocess
import sys

import numpy as np
import pytest
from skimage import color

from lumachrome import Colorizer, compiled

pytest.importorskip('numba')
JOINS = compiled.joins  # the shared fixture takes it away


@pytest.fixture
def fast(monkeypatch):
    monkeypatch.setattr(compiled, 'joins', JOINS)
    monkeypatch.setattr(compiled, 'BAND', 100)  # pixels, so that small photos go into threads as well


@pytest.fixture(scope='module')
def colorizer():
    return Colorizer('article', threads=3)


def photo_of(shape, depth):
    return np.random.default_rng(0).integers(0, np.iinfo(depth).max + 1, shape).astype(depth)


@pytest.mark.parametrize('depth', ['uint8', 'uint16'])
@pytest.mark.parametrize('shape', [(1, 1, 3), (53, 41, 3), (53, 41, 4), (53, 41, 1), (53, 41)])
def test_both_tails_give_the_same_within_a_level(colorizer, depth, shape, request):
    photo = photo_of(shape, depth)
    ab = np.random.default_rng(1).normal(0, 25, (7, 9, 2))
    expected = colorizer.join(photo, ab)
    request.getfixturevalue('fast')
    ours = colorizer.join(photo, ab)
    assert ours.shape == expected.shape and ours.dtype == expected.dtype
    apart = np.abs(ours.astype(int) - expected)
    assert apart.max() <= (1 if depth == 'uint8' else 8) and apart.mean() < 0.02
    np.testing.assert_array_equal(ours, colorizer.join(photo, ab))
    if len(photo) > 1:
        bands = [colorizer.join(photo[i : i + 11], ab, rows=(i, 53)) for i in range(0, 53, 11)]
        np.testing.assert_array_equal(np.concatenate(bands), ours)


@pytest.mark.parametrize('depth', ['uint8', 'uint16'])
@pytest.mark.parametrize('tail', ['file', 'fast'])
def test_colors_that_are_no_numbers_leave_the_luminance(colorizer, depth, tail, request):
    if tail == 'fast':
        request.getfixturevalue('fast')
    photo, most = photo_of((53, 41), depth), np.iinfo(depth).max
    ab = np.random.default_rng(1).normal(0, 25, (7, 9, 2))
    ab[2:5, 3:6] = 0
    expected = colorizer.join(photo, ab)
    ab[2:5, 3:6] = np.nan
    np.testing.assert_array_equal(colorizer.join(photo, ab), expected)
    for value in (np.inf, -np.inf, 1e30, -1e300):
        ab[2:5, 3:6, 0] = value
        joined = color.rgb2lab(colorizer.join(photo, ab) / most)[..., 0]
        assert (
            np.abs(joined - color.rgb2lab(color.gray2rgb(photo / most))[..., 0]).max() < 0.5
        )  # of 100; a level is 0.4


def test_views_are_taken_as_they_are(colorizer, fast):
    photo = photo_of((40, 30, 3), 'uint8')
    ab = np.random.default_rng(1).normal(0, 25, (7, 9, 2))
    view = photo[::2, 5:25]
    np.testing.assert_array_equal(colorizer.join(view, ab), colorizer.join(view.copy(), ab))
    with pytest.raises(ValueError, match='are no band'):
        colorizer.join(photo, ab, rows=(1, 40))


def test_numba_is_loaded_when_a_photo_is_joined_and_not_before():
    program = 'import sys, lumachrome; lumachrome.Colorizer("article"); sys.exit("numba" in sys.modules)'
    subprocess.run([sys.executable, '-c', program], check=True)


def test_without_numba_nothing_is_compiled(monkeypatch):
    monkeypatch.setitem(sys.modules, 'numba', None)
    monkeypatch.delitem(sys.modules, 'lumachrome.tail', raising=False)
    import lumachrome

    monkeypatch.delattr(lumachrome, 'tail', raising=False)
    assert JOINS.__wrapped__() is None
