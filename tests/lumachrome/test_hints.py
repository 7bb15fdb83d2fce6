"""Color hints: what is one, the files that hold them, and likely colors for a place."""

import dataclasses
import json

import numpy as np
import pytest
from skimage import color

from lumachrome import Adjustments, Colorizer, Hint, UserError, colorizer, hints
from lumachrome.adjustments import MOST_HINTS, Colors

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
    written = (tmp_path / 'hints.json').read_text('utf-8')
    assert photo == '祖母.jpg' == json.loads(written)['photo'] and photo in written  # people open it, too
    assert [hint.row for hint in kept] == [
        (0.9, 0.9, 255, 0, 0),
        (0, 1, 128, 128, 255),
        (0.5, 0.5, 10, 20, 30),
    ]
    found = Colorizer('steered').colors(gray, Adjustments(hints=kept[:2]))
    assert Adjustments(vividness=0).applied(found)[1, 1].tolist() == [80, 0]


def test_a_hint_that_was_checked_stays_as_it_was():
    with pytest.raises(dataclasses.FrozenInstanceError):
        RED.x = 9


def test_numbers_written_as_text_are_numbers():
    row = Hint('0.25', '0.5', ('10', 20, '30.5')).row
    assert row == (0.25, 0.5, 10, 20, 30.5) and {type(value) for value in row} == {float}


BAD = [
    {'x': 0.5, 'y': 0.5},
    {'x': 'left', 'y': 0.5, 'color': '#000000'},
    {'x': 1.5, 'y': 0.5, 'color': '#000000'},
    {'x': 0.5, 'y': -0.1, 'color': '#000000'},
    {'x': 0.5, 'y': 1.1, 'color': '#000000'},
    {'x': float('nan'), 'y': 0.5, 'color': '#000000'},
    {'x': 10**400, 'y': 0.5, 'color': '#000000'},
    {'x': 0.5, 'y': 0.5, 'color': 'red'},
    {'x': 0.5, 'y': 0.5, 'color': '#000000; evil'},
    {'x': 0.5, 'y': 0.5, 'color': 'x4060c0'},
    {'x': 0.5, 'y': 0.5, 'color': '#40 60 c0'},
    {'x': 0.5, 'y': 0.5, 'color': None},
    {'x': 0.5, 'y': 0.5, 'color': [1, 2, 3]},
    [0.5, 0.5, 1, 2, 3],
    None,
]


@pytest.mark.parametrize('hint', BAD, ids=str)
def test_a_bad_hint_is_said_in_one_sentence(hint):
    with pytest.raises(UserError, match=r'^A hint has x and y, from 0 to 1, and a color such as #c08040\.$'):
        hints.parse([{'x': 0, 'y': 1, 'color': '#ffFF00'}, hint])


@pytest.mark.parametrize(
    'rgb',
    [
        *[(0, 0), (256, 0, 0), (0, 256, 0), (0, 0, 256), (0, -1, 0), (0, 0, float('nan')), 7],
        *[('red', 0, 0), (0, 'green', 0), (0, 0, 'blue')],
    ],
    ids=str,
)
def test_a_bad_color_is_said_in_one_sentence(rgb):
    with pytest.raises(UserError, match=r'^A hint has x and y'):
        Hint(0.5, 0.5, rgb)


def test_hints_are_a_list():
    assert hints.parse(None) == hints.parse([]) == ()
    for given in ({}, 'many', 3):
        with pytest.raises(UserError, match=r'^Hints are a list'):
            hints.parse(given)


@pytest.mark.parametrize(
    'content', [b'', b'hello', b'[]', b'3', b'{}', b'{"hints": 3}', b'{"hints": [{}]}', b'\xff\xfe', b'[' * 9999]
)
def test_a_file_without_hints_is_named(content, tmp_path):
    (tmp_path / 'letter.json').write_bytes(content)
    with pytest.raises(UserError, match=r'^letter\.json holds no colour hints'):
        hints.read(tmp_path / 'letter.json')
    with pytest.raises(UserError, match=r'^none\.json does not exist'):
        hints.read(tmp_path / 'none.json')


def test_a_file_says_what_is_wrong_with_a_hint_and_nothing_of_the_parser(tmp_path):
    path = tmp_path / 'my.json'
    sentence = f'my.json holds no colour hints: take a file that the page saved, or write {hints.FORM}.'
    wrong = ' A hint has x and y, from 0 to 1, and a color such as #c08040.'
    for content, said in ((b'{"hints": [', sentence), (b'{"hints": [3]}', sentence + wrong)):
        path.write_bytes(content)
        with pytest.raises(UserError) as error:
            hints.read(path)
        assert str(error.value) == said


def test_what_is_said_to_be_the_form_of_a_file_is_it(tmp_path):
    (tmp_path / 'my.json').write_text(hints.FORM)
    assert hints.read(tmp_path / 'my.json') == ('photo.jpg', (Hint(0.5, 0.2, '#4060c0'),))


def test_a_photo_that_has_no_name_but_a_number_is_named_by_it(tmp_path):
    (tmp_path / 'my.json').write_text('{"photo": 7, "hints": []}')
    assert hints.read(tmp_path / 'my.json') == ('7', ())
    (tmp_path / 'my.json').write_text('{"hints": []}')
    assert hints.read(tmp_path / 'my.json') == ('', ())


def test_of_a_huge_file_100_kilobytes_are_read_and_all_hints_fit(tmp_path):
    path = tmp_path / 'hints.json'
    hints.write(path, 'a' * 255, [Hint(1 / 3, 2 / 3, '#ff0000')] * MOST_HINTS)
    text = path.read_bytes()
    assert len(hints.read(path).hints) == MOST_HINTS
    path.write_bytes(text + b' ' * (100_000 - len(text)) + b'not read')
    assert len(hints.read(path).hints) == MOST_HINTS
    path.write_bytes(b' ' * (100_000 - len(text) + 1) + text)
    with pytest.raises(UserError, match='holds no colour hints'):
        hints.read(path)


# ---- likely colors


def test_suggestions_are_likely_distinct_and_never_gray(colors):
    above, below = hints.suggestions(colors, 0.2, 0.1), hints.suggestions(colors, 0.2, 0.9)
    assert above[0].tolist() == [40, -10] and below[0].tolist() == [-10, 40]
    for found in (above, below):
        assert 2 <= len(found) <= 5
        assert (np.linalg.norm(found, axis=-1) >= 12).all()
        apart = np.linalg.norm(found[:, None] - found, axis=-1)[~np.eye(len(found), dtype=bool)]
        assert (apart >= 18).all()
    assert len(hints.suggestions(colors, 0, 1, count=1)) == 1


def everywhere(shares, bins, size=(2, 2)):
    """Colors of a photo that looks the same all over."""
    likely = np.tile(np.array(shares, np.float32), (*size, 1))
    return Colors(np.zeros((*size, 2), np.float32), likely, np.array(bins, np.float32))


def test_two_suggestions_are_never_nearly_the_same_color():
    for apart, both in ((17, False), (19, True)):
        near = everywhere((0.6, 0.3, 0.1), [(50, 0), (50, apart), (-50, 0)])
        expected = [[50, 0], [50, apart], [-50, 0]] if both else [[50, 0], [-50, 0]]
        assert hints.suggestions(near, 0.5, 0.5).tolist() == expected


def test_hardly_any_color_is_no_suggestion():
    faint = everywhere((0.5, 0.3, 0.2), [(11, 0), (-7, -7), (0, 13)])
    assert hints.suggestions(faint, 0.5, 0.5).tolist() == [[0, 13]]


def test_five_colors_are_offered_unless_more_are_asked_for():
    angles = np.arange(12) * np.pi / 6
    wheel = everywhere(np.arange(12, 0, -1) / 78, 60 * np.stack([np.cos(angles), np.sin(angles)], -1))
    np.testing.assert_array_equal(hints.suggestions(wheel, 0.5, 0.5), wheel.bins[:5])
    assert len(hints.suggestions(wheel, 0.5, 0.5, count=99)) == 12


def test_what_is_likely_by_far_comes_first_although_it_is_likely_everywhere():
    """Only the root of how likely it is elsewhere counts: the whole photo may be brick."""
    colors = everywhere((0.8, 0.04), [(60, 0), (0, 60)], (40, 40))
    colors.probabilities[:1, :1, 1] = 0.1
    assert hints.suggestions(colors, 0, 0).tolist() == [[60, 0], [0, 60]]


@pytest.mark.filterwarnings('error')
def test_a_color_that_is_likely_nowhere_is_not_suggested():
    assert hints.suggestions(everywhere((0, 1), [(60, 0), (0, 60)]), 0.5, 0.5).tolist() == [[0, 60]]


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
    for x, y in ((0.5 - 1.5 / 160, 0.5), (0.5, 0.5 - 1.5 / 80), (0.5 + 3.5 / 160, 0.5)):
        found = hints.suggestions(Colors(np.zeros((80, 160, 2)), likely, bins), x, y)
        assert [0, 60] in found.tolist(), (x, y)
    for x, y in ((0.5 - 2.5 / 160, 0.5), (0.5, 0.5 - 2.5 / 80), (0.5 + 4.5 / 160, 0.5)):
        found = hints.suggestions(Colors(np.zeros((80, 160, 2)), likely, bins), x, y)
        assert found.tolist() == [[60, 0]], (x, y)


def test_a_place_outside_the_photo_is_the_nearest_inside():
    likely = np.zeros((3, 4, 3), np.float32)
    likely[..., 1] = 1
    likely[0, -1] = (0, 0, 1)
    colors = Colors(np.zeros((3, 4, 2)), likely, np.array([(0, 0), (60, 0), (0, 60)], np.float32))
    for x, y in ((1, 0), (1.5, -0.5), (9, -9)):
        assert hints.suggestions(colors, x, y).tolist() == [[0, 60]]
    assert hints.suggestions(colors, -2, 3).tolist() == [[60, 0]]


def test_without_a_distribution_common_colors_are_offered(gray):
    plain = Colorizer('plain').colors(gray)
    assert hints.suggestions(plain, 0.5, 0.5).tolist() == [list(ab) for ab in hints.COMMON]
    assert len(hints.suggestions(plain, 0.5, 0.5, count=2)) == 2


def test_common_colors_look_like_what_they_are_named_after():
    """Skin, sky, leaves, wood, brick: of that hue at a middle lightness, which sRGB has, no grayer and no gaudier."""
    lab = np.array([(60, *ab) for ab in hints.COMMON], float)
    rgb = color.lab2rgb(lab)
    np.testing.assert_allclose(color.rgb2lab(rgb), lab, atol=0.1)  # none is out of reach
    hues, chromas = color.rgb2hsv(rgb)[:, 0] * 360, np.linalg.norm(lab[:, 1:], axis=-1)
    for hue, chroma, (name, low, high, least, most) in zip(
        hues,
        chromas,
        [
            ('skin', 13, 22, 20, 30),
            ('sky', 204, 213, 25, 32),
            ('leaves', 88, 97, 35, 42),
            ('wood', 24, 33, 27, 34),
            ('brick', 4, 12, 45, 53),
        ],
        strict=True,
    ):
        assert low < hue < high and least < chroma < most, (name, hue, chroma)


def test_swatches_have_the_luminance_of_their_point():
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[:, 50:] = 150
    network = Colorizer('steered')
    assert hints.swatches(network, picture, 0.9, 0.5, [(40, -10), (0, 0)]) == ['#be968c', '#969696']
    assert hints.swatches(network, picture, 0.0, 1.0, [(40, -10)]) == ['#280000']
    assert hints.swatches(network, picture, 0.5, 0.5, np.zeros((0, 2))) == []
    assert hints.swatches(network, picture[:, ::-1], 0.0, 0.0, [(0, 0)]) == ['#969696']
    picture[50, 50:] += 5  # 150.83 around the place, and 151 is nearer than 150
    assert hints.swatches(network, picture, 0.9, 0.5, [(0, 0)]) == ['#979797']
