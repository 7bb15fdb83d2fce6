"""Recipes: the shipped ones are whole, wrong ones are told what is wrong."""

from pathlib import Path

import pytest

from training import recipe
from training.__main__ import main


@pytest.mark.parametrize(
    'text, words',
    [
        ('netwrok = "unet"', 'netwrok'),
        ('size = "large"', 'type int'),
        ('size = 100', 'multiples of 16'),
        ('warmup = 1.0', 'warmup = 1'),
        ('loss = "l2"', "'l2'"),
        ('size = ', 'not valid TOML'),
        ('minutes = -5', 'minutes = -5'),
        ('minutes = nan', 'minutes = nan'),
        ('learning_rate = inf', 'learning_rate = inf'),
        ('freeze = -2', 'freeze = -2'),
        ('encoder_rate = -1', 'encoder_rate = -1'),
        ('weight_decay = -0.1', 'weight_decay = -0'),
        ('seed = -1', 'seed = -1'),
    ],
)
def test_recipes_that_are_wrong_are_refused(tmp_path, text, words):
    path = tmp_path / 'recipe.toml'
    path.write_text(text)
    with pytest.raises(recipe.RecipeError, match=words):
        recipe.load(path)


def test_what_is_wrong_is_named_where_it_was_said(tmp_path):
    path = tmp_path / 'recipe.toml'
    path.write_text('batch = "many"\nbatches = 3')
    for config, given, words in (
        (path, {}, r"recipe\.toml: batch = 'many': it should be of type int"),
        (path, {'batch': 4}, r'recipe\.toml: batches = 3: no recipe knows that setting'),
        (path, {'batch': 4.5}, r'^--batch 4\.5: it should be'),
        (None, {'no_hint_prob': 'x'}, r'^--no-hint-prob x: it should be of type float'),
        (None, {'batches': 3}, r'^--batches 3: no recipe knows'),
    ):
        with pytest.raises(recipe.RecipeError, match=words):
            recipe.load(config, **given)


def test_shipped_recipes_are_whole():
    for path in Path(recipe.__file__).parent.glob('configs/*.toml'):
        assert recipe.load(path).network == path.stem
    assert recipe.load(path, batch=7).batch == 7


def test_help_says_what_every_setting_is(monkeypatch, capsys):
    monkeypatch.setenv('COLUMNS', '1000')  # else lines break in words with a hyphen
    with pytest.raises(SystemExit):
        main(['fit', '--help'])
    said = ' '.join(capsys.readouterr().out.split())
    for field in recipe.fields():
        flag, kind = '--' + field.name.replace('_', '-'), field.type.__name__.upper()
        shown = f'{flag}, --no{flag[1:]}' if kind == 'BOOL' else f'{flag} {kind}'
        assert f'{shown} {field.metadata["help"]}; default {field.default!r}' in said
        assert len(field.metadata['help']) > 10
