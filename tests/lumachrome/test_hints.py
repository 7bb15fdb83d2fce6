"""Color hints: what is one, the files that hold them, and likely colors for a place."""

import json

import numpy as np
import pytest

from lumachrome import Adjustments, Colorizer, Hint, UserError, colorizer, hints
from lumachrome.adjustments import Colors

RED = Hint(0.9, 0.9, '#ff0000')


@pytest.fixture(autouse=True)
def shipped(standins, monkeypatch):
    monkeypatch.setattr(colorizer, 'MODELS', standins)


@pytest.fixture
def colors(gray):
    return Colorizer('steered').colors(gray)


# ---- hints and their files


def test_hints_survive_their_file(tmp_path, gray):
    given = [RED, Hint(0, 1, '#8080FF'), Hint(0.5, 0.5, (10, 20, 30.4))]
    hints.write(tmp_path / 'hints.json', '祖母.jpg', given)
    photo, kept = hints.read(tmp_path / 'hints.json')
    assert photo == '祖母.jpg' == json.loads((tmp_path / 'hints.json').read_text('utf-8'))['photo']
    assert [hint.row for hint in kept] == [
        (0.9, 0.9, 255, 0, 0),
        (0, 1, 128, 128, 255),
        (0.5, 0.5, 10, 20, 30),
    ]
    found = Colorizer('steered').colors(gray, Adjustments(hints=kept[:2]))
    assert Adjustments(vividness=0).applied(found)[1, 1].tolist() == [80, 0]


BAD = [
    {'x': 0.5, 'y': 0.5},
    {'x': 'left', 'y': 0.5, 'color': '#000000'},
    {'x': 1.5, 'y': 0.5, 'color': '#000000'},
    {'x': 0.5, 'y': -0.1, 'color': '#000000'},
    {'x': float('nan'), 'y': 0.5, 'color': '#000000'},
    {'x': 10**400, 'y': 0.5, 'color': '#000000'},
    {'x': 0.5, 'y': 0.5, 'color': 'red'},
    {'x': 0.5, 'y': 0.5, 'color': '#000000; evil'},
    {'x': 0.5, 'y': 0.5, 'color': None},
    [0.5, 0.5, 1, 2, 3],
    None,
]


@pytest.mark.parametrize('hint', BAD, ids=str)
def test_a_bad_hint_is_said_in_one_sentence(hint):
    with pytest.raises(UserError, match=r'^A hint has x and y, from 0 to 1, and a color such as #c08040\.$'):
        hints.parse([{'x': 0, 'y': 1, 'color': '#ffFF00'}, hint])
    for color in ((0, 0), (0, 0, 256), (0, -1, 0), (0, 0, float('nan')), 7):
        with pytest.raises(UserError, match=r'^A hint has x and y'):
            Hint(0.5, 0.5, color)


def test_hints_are_a_list():
    assert hints.parse(None) == hints.parse([]) == ()
    for given in ({}, 'many', 3):
        with pytest.raises(UserError, match=r'^Hints are a list'):
            hints.parse(given)


@pytest.mark.parametrize(
    'content', [b'', b'hello', b'[]', b'3', b'{"hints": 3}', b'{"hints": [{}]}', b'\xff\xfe', b'[' * 9999]
)
def test_a_file_without_hints_is_named(content, tmp_path):
    (tmp_path / 'letter.json').write_bytes(content)
    with pytest.raises(UserError, match=r'^letter\.json holds no colour hints'):
        hints.read(tmp_path / 'letter.json')
    with pytest.raises(UserError, match=r'^none\.json cannot be read'):
        hints.read(tmp_path / 'none.json')


def test_a_huge_file_is_not_read_whole(tmp_path):
    path = tmp_path / 'hints.json'
    hints.write(path, 'a.jpg', [RED])
    text = path.read_bytes()
    path.write_bytes(text + b' ' * (hints.FILE_BYTES - len(text)))
    assert hints.read(path).photo == 'a.jpg'
    path.write_bytes(b' ' * (hints.FILE_BYTES - len(text) + 1) + text)
    with pytest.raises(UserError, match='holds no colour hints'):
        hints.read(path)


# ---- likely colors


def test_suggestions_are_likely_distinct_and_never_gray(colors):
    above, below = hints.suggestions(colors, 0.2, 0.1), hints.suggestions(colors, 0.2, 0.9)
    assert above[0].tolist() == [40, -10] and below[0].tolist() == [-10, 40]
    for found in (above, below):
        assert 2 <= len(found) <= 5
        assert (np.linalg.norm(found, axis=-1) >= hints.FAINT).all()
        apart = np.linalg.norm(found[:, None] - found, axis=-1)[~np.eye(len(found), dtype=bool)]
        assert (apart >= hints.DISTINCT).all()
    assert len(hints.suggestions(colors, 0, 1, count=1)) == 1


def test_what_is_likely_everywhere_is_suggested_last():
    """Brown is likelier than red at the point, and everywhere else too."""
    bins = np.array([(0, 0), (20, 30), (60, 20)], np.float32)
    probabilities = np.tile(np.array([0.1, 0.89, 0.01], np.float32), (40, 40, 1))
    probabilities[:4, :4] = (0.1, 0.5, 0.4)
    found = hints.suggestions(Colors(np.zeros((40, 40, 2)), probabilities, bins), 0.02, 0.02)
    assert found.tolist() == [[60, 20], [20, 30]]


def test_only_what_is_likely_enough_is_suggested():
    bins = np.array([(0, 0), (60, 0), (0, 60), (-60, 0)], np.float32)
    most = 0.9
    for share, suggested in ((1 / 190, True), (1 / 210, False)):
        likely = np.array([0.05, most, most * share, 0], np.float32)
        found = hints.suggestions(Colors(np.zeros((2, 2, 2)), np.tile(likely, (2, 2, 1)), bins), 0.5, 0.5)
        assert ([0, 60] in found.tolist()) is suggested and [-60, 0] not in found.tolist()


def test_the_surroundings_of_a_point_are_a_fortieth_of_the_short_side():
    bins = np.array([(0, 0), (60, 0), (0, 60)], np.float32)
    likely = np.zeros((80, 160, 3), np.float32)
    likely[..., 1] = 1
    likely[40:42, 80:82] = (0, 0, 1)  # within two of the middle, and two on each side lie around it
    found = hints.suggestions(Colors(np.zeros((80, 160, 2)), likely, bins), 0.5, 0.5)
    assert found[0].tolist() == [0, 60]
    for x, y in ((0.5 - 2.5 / 160, 0.5), (0.5, 0.5 - 2.5 / 80), (0.5 + 4.5 / 160, 0.5)):
        found = hints.suggestions(Colors(np.zeros((80, 160, 2)), likely, bins), x, y)
        assert found.tolist() == [[60, 0]], (x, y)


def test_without_a_distribution_common_colors_are_offered(gray):
    plain = Colorizer('plain').colors(gray)
    assert hints.suggestions(plain, 0.5, 0.5).tolist() == [list(ab) for ab in hints.COMMON]
    assert len(hints.suggestions(plain, 0.5, 0.5, count=2)) == 2


def test_swatches_have_the_luminance_of_their_point():
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[:, 50:] = 150
    network = Colorizer('steered')
    assert hints.swatches(network, picture, 0.9, 0.5, [(40, -10), (0, 0)]) == ['#be968c', '#969696']
    assert hints.swatches(network, picture, 0.0, 1.0, [(40, -10)]) == ['#280000']
    assert hints.swatches(network, picture, 0.5, 0.5, np.zeros((0, 2))) == []
