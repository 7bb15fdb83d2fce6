"""Paper around a photo: found where it is, and taken for nothing else."""

import numpy as np
import pytest
from keras import ops

from training import paper


def found(L, share=0.0):
    """How much of each place of one picture is paper."""
    tensors = (L[None, ..., None].astype('float32'), np.full((1, *L.shape, 1), share, 'float32'))
    return ops.convert_to_numpy(paper.borders(*map(ops.convert_to_tensor, tensors)))[0, ..., 0]


def framed(light=88.0, width=(4, 4, 6, 6), noise=0.7):
    """A photo of every lightness on paper with a grain: L [48, 64], and where the paper is."""
    rng = np.random.default_rng(0)
    L = rng.uniform(5, 60, (48, 64))
    top, bottom, left, right = width
    border = np.ones(L.shape, bool)
    border[top : 48 - bottom, left : 64 - right] = False
    return np.where(border, light + rng.normal(0, noise, L.shape), L), border


@pytest.mark.parametrize('width', [(4, 4, 6, 6), (2, 9, 3, 12), (0, 0, 5, 5), (7, 3, 0, 0)])
@pytest.mark.parametrize('light', [78.0, 95.0])
def test_a_border_is_found_whole_and_the_photo_in_it_is_none(width, light):
    L, border = framed(light, width)
    share = found(L)
    assert share[border].min() > 0.9 and share[~border].max() < 0.1


@pytest.mark.parametrize(
    'case', ['one edge', 'a sky', 'dark', 'grainy', 'two kinds'], ids=lambda name: name.replace(' ', '-')
)
def test_what_touches_the_edge_otherwise_is_no_paper(case):
    width = {'one edge': (4, 0, 0, 0), 'a sky': (24, 0, 0, 0)}.get(case, (4, 4, 6, 6))
    L, _ = framed(50.0 if case == 'dark' else 88.0, width, noise=6 if case == 'grainy' else 0.7)
    if case == 'two kinds':
        L, _ = framed(88.0, (0, 0, 6, 6))
        L[:, -6:] -= 12
    assert found(L).max() < 0.15


def test_a_light_sky_all_around_a_thing_in_the_middle_goes_no_further_than_its_edge():
    y, x = np.mgrid[:48, :64]
    thing = np.hypot(y - 24, x - 32) < 14
    share = found(np.where(thing, 40.0, 90.0))
    assert share[thing].max() == 0


def test_a_person_may_paint_paper():
    L, _ = framed()
    assert found(L, share=1.0).max() == 0


def test_it_is_no_sharp_yes_or_no():
    """Of a paper that darkens by a hundredth at a time no step changes much: two runtimes would else part."""
    shares = [found(framed(light)[0])[0, 0] for light in np.arange(64, 77, 0.05)]
    assert shares[0] == 0 and shares[-1] > 0.9 and np.abs(np.diff(shares)).max() < 0.03
