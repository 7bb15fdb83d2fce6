"""Colors that stay from one photo to the next, with a network that changes its mind."""

import numpy as np
import pytest

from lumachrome import Adjustments, Hint
from lumachrome.adjustments import Colors
from lumachrome.consistent import Consistent

BINS = np.array([[0, 0], [40, 0], [0, 40], [-40, 0]], np.float32)


class Moody:
    """Tells dark from bright, and colors each photo further from gray than the one before."""

    name, path, provider, render_size = 'moody', None, 'none', 256

    def __init__(self):
        self.looks = 0

    def check(self, adjustments):
        pass

    def join(self, photo, ab):
        return photo

    def colors(self, photo, adjustments, vivid):
        self.looks += 1
        things = (photo[::4, ::4] // 64).astype(int)  # of four levels of gray
        probabilities = np.full((*things.shape, 4), 0.02, np.float32)
        np.put_along_axis(probabilities, things[..., None], 0.94, -1)
        return Colors((BINS[things] + 10 * self.looks).astype(np.float32), probabilities, BINS)


def photo(*levels):
    return np.repeat(np.repeat(np.array(levels, np.uint8).reshape(1, -1), 128, 0), 32, 1)


@pytest.fixture
def together():
    return Consistent(Moody())


def test_what_looks_the_same_has_the_same_color(together):
    first = together.colors(photo(20, 90, 150, 220)).ab
    moved = np.roll(photo(20, 90, 150, 220), 8, 1)
    again = together.colors(moved).ab
    assert np.abs(again[:, 12:] - first[:, 10:-2]).mean() < 2
    assert np.abs(again - Moody().colors(moved, None, True).ab).mean() < 2  # 10 without it


def test_what_looks_otherwise_keeps_its_own(together):
    together.colors(photo(20, 20, 90, 90))
    own = Moody()
    own.looks = 1
    other = photo(150, 150, 220, 220)
    assert np.array_equal(together.colors(other).ab, own.colors(other, None, True).ab)


def test_hints_decide_from_their_photo_on(together):
    together.colors(photo(20, 90, 150, 220))
    steered = Adjustments(hints=(Hint(0.5, 0.5, '#ff0000'),))
    hinted = together.colors(photo(20, 90, 150, 220), steered).ab
    assert np.allclose(hinted.mean((0, 1)), 20 + BINS.mean(0), atol=0.1)
    assert np.abs(together.colors(photo(20, 90, 150, 220)).ab - hinted).mean() < 2


def test_its_memory_can_be_written_and_read(together, tmp_path):
    first = together.colors(photo(20, 90, 150, 220)).ab
    later = Consistent(Moody())
    later._colorizer.looks = 5
    together.write(tmp_path / 'memory.npz')
    later.read(tmp_path / 'memory.npz')
    assert np.abs(later.colors(photo(20, 90, 150, 220)).ab - first).mean() < 2


def test_without_a_distribution_colors_are_as_ever(monkeypatch):
    moody = Moody()
    monkeypatch.setattr(moody, 'colors', lambda photo, adjustments, vivid: Colors(np.ones((8, 8, 2), np.float32)))
    assert (Consistent(moody).colors(photo(20, 90)).ab == 1).all()
