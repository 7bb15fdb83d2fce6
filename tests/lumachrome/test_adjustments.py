"""Adjustments: what each setting does to a network's colors, and what is refused."""

import dataclasses
import math

import numpy as np
import pytest
from skimage import color, data

from lumachrome import Adjustments, Colorizer, Hint, UserError, colorizer, contract, photofile
from lumachrome.adjustments import SETTINGS, Colors, Palette


@pytest.fixture(autouse=True)
def shipped(standins, monkeypatch):
    monkeypatch.setattr(colorizer, 'MODELS', standins)


@pytest.fixture
def colors(gray):
    return Colorizer('steered').colors(gray)


# ---- what is set


def test_every_setting_says_what_it_is():
    assert list(SETTINGS) == [field.name for field in dataclasses.fields(Adjustments)]
    for name, setting in SETTINGS.items():
        assert setting.name == name and setting.help.endswith('.')
        assert setting.checked(None) == setting.default == getattr(Adjustments(), name)
        if setting.is_number:
            assert setting.low <= setting.default <= setting.high or setting.default == setting.off
            assert 0 < setting.step < setting.high - setting.low
    assert Adjustments().changed == {}
    assert Adjustments(saturation=1, warmth=-1).changed == {'warmth': -1}


def test_ranges_and_steps_are_those_that_programs_and_sliders_count_on():
    assert {name: (s.low, s.high, s.step) for name, s in SETTINGS.items() if s.is_number} == {
        'render_size': (32, 1024, 1),
        'vividness': (0, 1, 0.05),
        'saturation': (0, 4, 0.05),
        'warmth': (-1, 1, 0.05),
        'reach': (0.1, 4, 0.1),
        'variant': (0, 3, 1),
        'strength': (0, 1, 0.05),
    }
    shown = SETTINGS['saturation'].slider
    assert sum(shown) / 2 == SETTINGS['saturation'].default  # in the middle of what is shown
    sizes = SETTINGS['render_size'].presets
    assert sizes[0] == 0 and len(sizes) > 2 and list(sizes) == sorted(set(sizes))
    assert [SETTINGS['render_size'].checked(size) for size in sizes] == list(sizes)
    assert SETTINGS['variant'].presets == (0, 1, 2, 3)  # all that there are


def test_a_setting_says_what_a_network_needs_for_it():
    needs = {name: setting.needs for name, setting in SETTINGS.items() if setting.needs}
    assert needs == {
        'vividness': contract.DISTRIBUTION,
        'reach': contract.REACHES,
        'variant': contract.ANCHORED,
        'hints': contract.TAKES_HINTS,
    }


def test_what_was_checked_stays_as_it_was(colors):
    hints = [Hint(0, 0, '#000000')]
    kept = Adjustments(hints=hints)
    hints.append('no hint')
    assert len(kept.hints) == 1
    for one in (kept, colors, Palette(np.zeros(2), np.zeros(2)), SETTINGS['warmth']):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(one, dataclasses.fields(one)[0].name, None)


def test_settings_can_be_put_back():
    wish = Adjustments(warmth=1, saturation=0.5, variant=2)
    assert wish.without(['warmth', 'variant']) == Adjustments(saturation=0.5)
    assert wish.without([]) == wish


NUMBERS = [setting for setting in SETTINGS.values() if setting.is_number]


@pytest.mark.parametrize('setting', NUMBERS, ids=lambda setting: setting.name)
def test_a_number_is_held_to_its_range(setting):
    for value in (setting.low, setting.high, setting.default, str(setting.high)):
        kept = getattr(Adjustments(**{setting.name: value}), setting.name)
        assert kept == float(value) and type(kept) is (int if setting.whole else float)
    beyond = (setting.low - 1.5, setting.high + 1, math.nan, math.inf, -math.inf, 10**400, True, 'much', [1], {})
    for value in beyond:
        with pytest.raises(
            UserError, match=rf'^{setting.name} is a (whole )?number, .*{setting.high:g}, not '
        ) as error:
            Adjustments(**{setting.name: value})
        assert len(str(error.value)) < 160


def test_a_size_and_a_variant_are_whole():
    with pytest.raises(UserError, match=r'^render_size is a whole number, 0 or from 32 to 1024, not 99\.5\.$'):
        Adjustments(render_size=99.5)
    with pytest.raises(UserError, match=r'^warmth is a number, from -1 to 1, not 1\.5\.$'):
        Adjustments(warmth=1.5)
    for wrong in (4, -1, 1.5, 'red'):
        with pytest.raises(UserError, match=rf'^variant is a whole number, from 0 to 3, not {wrong!r}\.$'):
            Adjustments(variant=wrong)
    assert Adjustments(variant='3').variant == 3
    assert Adjustments(render_size=333).render_size == 333
    assert len(Adjustments(hints=[Hint(0, 0, '#000000')] * 200).hints) == 200
    with pytest.raises(UserError, match='at most 200'):
        Adjustments(hints=[Hint(0, 0, '#000000')] * 201)


@pytest.mark.parametrize(
    'wrong', [{'palette': 'x.jpg'}, {'hints': [{'x': 0, 'y': 0, 'color': '#000000'}]}, {'hints': 5}, {'hints': 'many'}]
)
def test_a_palette_and_hints_are_of_their_kind(wrong):
    with pytest.raises(UserError, match=f'^{next(iter(wrong))} (is a|are a list)'):
        Adjustments(**wrong)


def test_hints_come_from_whatever_gives_them_one_by_one():
    assert len(Adjustments(hints=(Hint(x, 0, '#000000') for x in (0, 1))).hints) == 2


def test_adjustments_can_be_compared_and_kept_in_sets():
    one, other = (Palette.of(np.full((2, 2, 2), value, np.float32)) for value in (1, 2))
    assert Adjustments(palette=one) == Adjustments(palette=Palette((1, 1), (0, 0))) != Adjustments(palette=other)
    assert len({Adjustments(palette=one), Adjustments(palette=one), Adjustments(hints=[Hint(0, 0, '#000000')])}) == 2


# ---- what it does


def test_without_settings_the_colors_are_the_files_own(gray, colors):
    np.testing.assert_allclose(Adjustments().applied(colors), colors.ab, atol=1e-4)
    np.testing.assert_allclose(Adjustments(vividness=0).applied(colors), colors.ab / 3, atol=1e-4)
    np.testing.assert_allclose(Adjustments(vividness=0.5).applied(colors), colors.ab * 2 / 3, atol=1e-4)
    plain = Colorizer('plain').colors(gray)
    np.testing.assert_array_equal(Adjustments().applied(plain), plain.ab)


def test_saturation_is_a_factor_on_all_that_is_set(colors):
    for more in ({}, {'warmth': 0.5}, {'palette': Palette(np.array([9.0, 9]), np.array([2.0, 2]))}):
        whole = Adjustments(**more).applied(colors)
        np.testing.assert_allclose(Adjustments(saturation=2.5, **more).applied(colors), 2.5 * whole, rtol=1e-5)
    assert (Adjustments(saturation=0, warmth=1).applied(colors) == 0).all()


def test_warmth_moves_everything_from_blue_to_yellow(colors):
    own = Adjustments().applied(colors)
    warm, cold = (Adjustments(warmth=warmth).applied(colors) - own for warmth in (1, -1))
    assert (warm[..., 1] > 5).all() and (cold[..., 1] < -5).all()
    np.testing.assert_allclose(warm, -cold, atol=1e-4)
    # Toward where CIELAB sees a lamp's white (CIE illuminant A, under D65), a fifth of the way
    d65, lamp = np.array([0.9505, 1, 1.0888]), np.array([1.0985, 1, 0.3558])
    x, y, z = np.cbrt(lamp / d65)
    full, moved = np.array([500 * (x - y), 200 * (y - z)]), warm.mean((0, 1))
    share = moved @ full / (full @ full)
    assert 0.15 < share < 0.25 and np.linalg.norm(moved - share * full) < 1.5


def test_a_palette_is_taken_over_by_strength(colors):
    wanted = photofile.palette(data.coffee())
    np.testing.assert_allclose(wanted.mean, color.rgb2lab(data.coffee())[..., 1:].mean((0, 1)), atol=0.05)
    none, half, full = (Adjustments(palette=wanted, strength=s).applied(colors) for s in (0, 0.5, 1))
    np.testing.assert_allclose(none, colors.ab, atol=1e-4)
    np.testing.assert_allclose(half, (none + full) / 2, atol=1e-4)
    np.testing.assert_allclose(full.mean((0, 1)), wanted.mean, atol=1e-3)
    assert Adjustments(palette=wanted).applied(colors) == pytest.approx(half)  # half of it, unless said otherwise


@pytest.mark.filterwarnings('error')
def test_a_palette_spreads_colors_within_limits(colors):
    spread = colors.ab.std((0, 1))
    for times, kept in ((0.01, 0.5), (0.7, 0.7), (1.6, 1.6), (99, 2)):
        wanted = Palette(np.array([5.0, -7.0]), spread * times)
        got = Adjustments(palette=wanted, strength=1).applied(colors)
        np.testing.assert_allclose(got.std((0, 1)), spread * kept, rtol=1e-4)
        np.testing.assert_allclose(got.mean((0, 1)), [5, -7], atol=1e-4)
        assert got.dtype == np.float32  # as the file takes them
    flat = Colors(np.full((3, 3, 2), 4, np.float32))
    np.testing.assert_allclose(Adjustments(palette=wanted, strength=1).applied(flat), [[[5, -7]] * 3] * 3, atol=1e-3)


# ---- what photos are like


def test_a_photo_of_one_tone_has_no_colors_of_its_own(gray):
    tones = np.stack([gray, gray, gray], -1)
    sepia = (tones * np.array([1, 0.9, 0.7])).astype(np.uint8)
    assert photofile.palette(data.chelsea()).is_colored
    assert not photofile.palette(tones).is_colored and not photofile.palette(sepia).is_colored
    for spread, colored in (((3, 3), False), ((0, 5.9), False), ((0, 6.1), True), ((4.5, 4.5), True)):
        assert Palette(np.zeros(2), np.array(spread)).is_colored is colored


def test_next_to_no_color_is_noticed(colors):
    assert not colors.is_dull
    for chroma, dull in ((0.0, True), (3.9, True), (4.1, False)):
        assert Colors(np.full((3, 3, 2), [0, -chroma], np.float32)).is_dull is dull
