"""Colors along the optical flow, on pictures whose motion is known."""

import os

import numpy as np
import pytest

try:
    import films

    from lumachrome import flow
except ImportError:
    if os.environ.get('CI') == 'true':
        raise
    pytest.skip('PyAV or OpenCV is not here: no flow was tried.', allow_module_level=True)

from lumachrome import Hint

SIDES = (128, 192)


@pytest.fixture(scope='module')
def pan():
    """A photo that moves one pixel to the left and half of one up with each frame."""
    return films.pictures(films.SHOT, *SIDES)


def test_cuts_are_found_and_flicker_is_none(pan):
    rng = np.random.default_rng(0)
    other = films.pictures(2 * films.SHOT, *SIDES)[films.SHOT :]
    pictures = [*pan, *other, *pan]
    aged = [np.clip(p * rng.normal(1, 0.08) + rng.normal(0, 12, p.shape), 0, 255).astype(np.uint8) for p in pictures]
    for clip in (pictures, aged):
        assert [i for i, begins in enumerate(flow.cuts(clip)) if begins] == [0, 10, 20]


@pytest.mark.parametrize('every', [1, 4])
def test_a_network_that_changes_its_mind_is_steadied(pan, every):
    rng = np.random.default_rng(0)

    def network(shown, hints):
        return (shown[2::4, 2::4, None] * [0.2, -0.1] + rng.normal(0, 8)).astype(np.float32)

    found = list(flow.MovingColors(network, every=every).colors([*pan]))
    inner = [
        (ab - picture[2::4, 2::4, None] * [0.2, -0.1])[4:-4, 4:-4].mean()
        for ab, picture in zip(found, pan, strict=True)
    ]
    jumps = np.abs(np.diff(inner))
    assert len(found) == len(pan) and jumps[4:].mean() < 1.7 and np.abs(inner).max() < 12  # frame by frame 9


def test_colors_move_with_their_things_and_new_things_are_seen(pan):
    calls = []

    def network(shown, hints):  # it colors the left half of the first picture alone
        calls.append(shown)
        ab = np.zeros((SIDES[0] // 4, SIDES[1] // 4, 2), np.float32)
        if len(calls) == 1:
            ab[:, : SIDES[1] // 8] = 40
        return ab

    scene = flow.MovingColors(network, every=100)
    last = list(scene.colors(pan))[-2]  # of the frames between two looks
    edge = np.argmin(np.abs(last[8:-8, ..., 0].mean(0) - last[8:-8, ..., 0].max() / 2))
    assert abs(edge - (SIDES[1] // 8 - 8 / 4)) <= 1  # eight frames, on a map of a quarter


def test_hints_move_along_and_end_with_their_thing(pan):
    seen = []

    def network(shown, hints):
        seen.append(hints)
        return np.zeros((16, 24, 2), np.float32)

    hints = {0: (Hint(0.5, 0.5, '#ff0000'), Hint(0.02, 0.5, '#00ff00')), 3: (Hint(0.9, 0.9, '#0000ff'),)}
    list(flow.MovingColors(network, hints).colors(pan))
    assert [len(some) for some in seen[:4]] == [2, 2, 2, 3] and len(seen[-1]) == 2
    assert abs(seen[-1][0].x - (0.5 - 9 / SIDES[1])) < 0.01 and abs(seen[-1][0].y - (0.5 - 4.5 / SIDES[0])) < 0.01
    assert seen[-1][0].row[2:] == (255, 0, 0)


def test_what_is_shown_neither_flickers_nor_crawls(pan):
    rng, levels, grain = np.random.default_rng(0), [], []

    def network(shown, hints):
        levels.append(shown.mean())
        grain.append(np.diff(shown[:, 20:-20].astype(float), axis=1).std())
        return np.zeros((16, 24, 2), np.float32)

    aged = [
        np.clip(p * (1 + 0.1 * (-1) ** i) + rng.normal(0, 12, p.shape), 0, 255).astype(np.uint8)
        for i, p in enumerate(pan)
    ]
    list(flow.MovingColors(network).colors(aged))
    raw = np.abs(np.diff([picture.mean() for picture in aged])).mean()
    assert np.abs(np.diff(levels)).mean() < raw / 4
    assert grain[-1] < 0.75 * grain[0]
