"""Recipes: the shipped ones are whole, wrong ones are told what is wrong."""

from pathlib import Path

import pytest

from training import recipe


@pytest.mark.parametrize(
    'text, words',
    [
        ('netwrok = "unet"', 'netwrok'),
        ('size = "large"', 'type int'),
        ('size = 100', 'multiples of 16'),
        ('warmup = 1.0', 'warmup = 1'),
        ('loss = "l2"', "'l2'"),
        ('size = ', 'not valid TOML'),
    ],
)
def test_recipes_that_are_wrong_are_refused(tmp_path, text, words):
    path = tmp_path / 'recipe.toml'
    path.write_text(text)
    with pytest.raises(recipe.RecipeError, match=words):
        recipe.load(path)


def test_shipped_recipes_are_whole():
    for path in Path(recipe.__file__).parent.glob('configs/*.toml'):
        assert recipe.load(path).network == path.stem
    assert recipe.load(path, batch=7).batch == 7
