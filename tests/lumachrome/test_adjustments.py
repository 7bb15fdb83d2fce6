"""Steering: what hints, wishes, other colourings and palettes do to a guess."""

import json
import re

import numpy as np
import pytest
from PIL import Image
from skimage import color, data

from lumachrome import adjustments, colorizer, photofile
from lumachrome.adjustments import HintsError, Wishes
from lumachrome.colorizer import Colorizer, Guess

RED_HINT = {'x': 0.9, 'y': 0.9, 'color': '#ff0000'}


@pytest.fixture(autouse=True)
def shipped(standins, monkeypatch):
    monkeypatch.setattr(colorizer, 'MODELS', standins)


@pytest.fixture(scope='module')
def gray():
    return np.linspace(80, 170, 40 * 60).reshape(40, 60).astype(np.uint8)


@pytest.fixture
def guess(gray):
    return Colorizer('steered').guess(gray)


@pytest.mark.parametrize('vividness', [0, 0.3, 1])
def test_without_wishes_the_colours_are_the_files_own(vividness, gray, guess):
    own = Colorizer('steered').colors(gray, vividness=float(vividness))
    np.testing.assert_allclose(adjustments.colors(guess, Wishes(vividness)), own, atol=1e-4)
    np.testing.assert_allclose(adjustments.colors(guess, Wishes(vividness=9)), guess.ab, atol=1e-4)
    plain = Colorizer('plain').guess(gray)
    np.testing.assert_array_equal(adjustments.colors(plain, Wishes(vividness)), plain.ab)


def test_warmth_moves_everything_from_blue_to_yellow(guess):
    own = adjustments.colors(guess, Wishes())
    warm, cold = (adjustments.colors(guess, Wishes(warmth=warmth)) - own for warmth in (1, -1))
    assert (warm[..., 1] > 5).all() and (cold[..., 1] < -5).all()
    np.testing.assert_allclose(warm, -cold, atol=1e-4)


def test_another_colouring_moves_what_the_network_is_not_sure_of():
    bins = np.array([(0, 0), (40, 0), (-40, 0), (0, 40)], np.float32)
    sure, unsure = (0, 0, 0, 1), (0.2, 0.4, 0.4, 0)
    guess = Guess(np.zeros((1, 2, 2), np.float32), np.array([[sure, unsure]], np.float32), bins)
    own = adjustments.colors(guess, Wishes())
    for lean, sign in (('red', 1), ('green', -1)):
        moved = adjustments.colors(guess, Wishes(lean=lean)) - own
        np.testing.assert_allclose(moved[0, 0], 0, atol=1e-4)
        assert sign * moved[0, 1, 0] > 10


def test_other_colourings_differ_from_each_other(guess):
    found = [adjustments.colors(guess, Wishes(lean=lean)) for lean in ('', *adjustments.LEANS)]
    for i, one in enumerate(found):
        for other in found[:i]:
            assert np.linalg.norm(one - other, axis=-1).max() > 5


def test_suggestions_are_likely_distinct_and_never_gray(guess):
    above, below = adjustments.suggestions(guess, 0.2, 0.1), adjustments.suggestions(guess, 0.2, 0.9)
    assert above[0].tolist() == [40, -10] and below[0].tolist() == [-10, 40]
    for found in (above, below):
        assert 2 <= len(found) <= 5
        assert (np.linalg.norm(found, axis=-1) >= adjustments.FAINT).all()
        apart = np.linalg.norm(found[:, None] - found, axis=-1)[~np.eye(len(found), dtype=bool)]
        assert (apart >= adjustments.DISTINCT).all()
    assert len(adjustments.suggestions(guess, 0, 1, count=1)) == 1


def test_colours_are_seen_at_the_luminance_of_their_point():
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[:, 50:] = 150
    network = Colorizer('steered')
    assert adjustments.seen_at(network, picture, 0.9, 0.5, [(40, -10), (0, 0)]) == ['#be968c', '#969696']
    assert adjustments.seen_at(network, picture, 0.0, 1.0, [(40, -10)]) == ['#280000']
    assert adjustments.seen_at(network, picture, 0.5, 0.5, np.zeros((0, 2))) == []


def test_a_palette_is_taken_over_by_strength(guess):
    wanted = adjustments.palette(data.coffee())
    np.testing.assert_allclose(wanted.mean, color.rgb2lab(data.coffee())[..., 1:].mean((0, 1)), atol=0.05)
    none, half, full = (adjustments.colors(guess, Wishes(palette=wanted, strength=s)) for s in (0, 0.5, 1))
    np.testing.assert_allclose(none, guess.ab, atol=1e-4)
    np.testing.assert_allclose(half, (none + full) / 2, atol=1e-4)
    np.testing.assert_allclose(full.mean((0, 1)), wanted.mean, atol=1e-3)


def test_a_photo_of_one_tone_has_no_colours_of_its_own(gray):
    tones = np.stack([gray, gray, gray], -1)
    sepia = (tones * np.array([1, 0.9, 0.7])).astype(np.uint8)
    assert adjustments.has_colors(data.chelsea()) and not adjustments.has_colors(tones) and not adjustments.has_colors(sepia)


def test_next_to_no_colour_is_noticed(guess):
    assert adjustments.is_dull(np.full((3, 3, 2), 0.5)) and not adjustments.is_dull(guess.ab)


def test_the_examples_are_black_and_white_or_one_tone():
    from demo import app

    found = sorted(app.EXAMPLES.glob('*.jpg'))
    assert sum(path.stem.startswith('old-') for path in found) == 2
    for path in found:
        assert not adjustments.has_colors(photofile.shrink(photofile.read(path))), path


# ---- hints


def test_hints_survive_their_file(tmp_path, gray):
    hints = [RED_HINT, {'x': 0, 'y': 1, 'color': '#8080FF'}]
    adjustments.write_hints(tmp_path / 'hints.json', '祖母.jpg', hints)
    assert adjustments.read_hints(tmp_path / 'hints.json') == hints
    assert json.loads((tmp_path / 'hints.json').read_text('utf-8'))['photo'] == '祖母.jpg'
    rows = adjustments.rows(hints)
    assert rows == [(0.9, 0.9, 255, 0, 0), (0.0, 1.0, 128, 128, 255)]
    assert Colorizer('steered').colors(gray, vividness=0.0, hints=rows)[1, 1].tolist() == [80, 0]


@pytest.mark.parametrize(
    'hint',
    [
        {'x': 0.5, 'y': 0.5},
        {'x': 'left', 'y': 0.5, 'color': '#000000'},
        {'x': 1.5, 'y': 0.5, 'color': '#000000'},
        {'x': float('nan'), 'y': 0.5, 'color': '#000000'},
        {'x': 0.5, 'y': 0.5, 'color': 'red'},
        {'x': 0.5, 'y': 0.5, 'color': '#000000; evil'},
        [0.5, 0.5, 1, 2, 3],
        None,
    ],
)
def test_a_bad_hint_is_said_in_one_sentence(hint):
    with pytest.raises(HintsError, match='A hint has x and y, from 0 to 1, and a color'):
        adjustments.rows([RED_HINT, hint])


def test_hints_are_a_bounded_list():
    for hints in ({}, 'many', [RED_HINT] * (adjustments.MOST_HINTS + 1)):
        with pytest.raises(HintsError, match='at most 200'):
            adjustments.rows(hints)


@pytest.mark.parametrize(
    'content', [b'', b'hello', b'[]', b'{"hints": 3}', b'{"hints": [{}]}', b'\xff\xfe', b'[' * 9999]
)
def test_a_file_without_hints_is_named(content, tmp_path):
    (tmp_path / 'letter.json').write_bytes(content)
    with pytest.raises(HintsError, match=r'^letter\.json holds no colour hints'):
        adjustments.read_hints(tmp_path / 'letter.json')
    with pytest.raises(HintsError, match=r'^none\.json cannot be read'):
        adjustments.read_hints(tmp_path / 'none.json')


def test_the_command_line_takes_the_hints_of_one_photo(gray, tmp_path, capsys):
    from lumachrome.__main__ import main

    photo, hints, out = tmp_path / 'a.png', tmp_path / 'a-hints.json', tmp_path / 'out'
    Image.fromarray(gray).save(photo)
    adjustments.write_hints(hints, 'a.png', [RED_HINT])
    command = ['colorize', str(photo), '-o', str(out), '--hints', str(hints), '--model']
    assert main([*command, 'steered', '--vividness', '0']) == 0
    pixels = np.asarray(Image.open(out / 'a.png')).astype(int)
    assert pixels[-1, -1, 0] - pixels[-1, -1, 1] == 80 and pixels[0, 0, 0] - pixels[0, 0, 1] == 20
    assert main([*command, 'plain', '--force']) == 1
    assert 'plain takes no colour hints.' in capsys.readouterr().err
    assert main(['colorize', str(photo), str(photo), *command[2:], 'steered']) == 1
    assert 'Hints belong to one photo' in capsys.readouterr().err
    hints.write_text('{}')
    assert main([*command, 'steered', '--force']) == 1
    assert 'a-hints.json holds no colour hints' in capsys.readouterr().err


def test_every_word_is_there_in_both_languages():
    from demo.page import words

    english, chinese = words.WORDS['en'], words.WORDS['zh']
    assert english.keys() == chinese.keys()
    for name, text in english.items():
        assert sorted(re.findall(r'{\w+}', text)) == sorted(re.findall(r'{\w+}', chinese[name])), name
