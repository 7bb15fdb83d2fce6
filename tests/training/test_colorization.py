"""What a training step wants: losses are least where the colours are true, and count what they should."""

import keras
import numpy as np
import pytest
from keras import ops

from training import bins, colorization, losses, networks, recipe


# One colour has no bins
@pytest.mark.parametrize(
    ('loss', 'distribution'), [('mse', True), ('mse', False), ('huber', True), ('huber', False), ('bins', True)]
)
def test_every_loss_is_least_where_the_colors_are_true(loss, distribution):
    marks = [bins.Distribution()] if distribution else []
    network = keras.Sequential([keras.Input((4, 4, len(bins.BINS) if distribution else 2)), *marks])
    model = colorization.Colorization(network, recipe.Recipe(loss=loss))
    truth = true_colors()
    found = []
    for shift in (0, 5, 20):
        ab = truth['ab'] + shift
        answer = ops.log(bins.soft_encode(ab) + 1e-9) if distribution else ab
        found.append(float(model.compute_loss(y_pred=truth | {'answer': answer})))
    assert found[0] < found[1] < found[2]


def test_another_loss_is_a_function_and_a_line_in_a_recipe(monkeypatch, tmp_path):
    monkeypatch.setattr(losses, 'LOSSES', dict(losses.LOSSES))

    @losses.loss('farthest')
    def farthest(said, *, huber_weight):
        return huber_weight * ops.max(ops.abs(said['colors'] - said['ab']))

    (tmp_path / 'mine.toml').write_text("loss = 'farthest'\nhuber_weight = 3.0")
    network = keras.Sequential([keras.Input((4, 4, 2))])
    model = colorization.Colorization(network, recipe.load(tmp_path / 'mine.toml'))
    truth = true_colors()
    assert float(model.compute_loss(y_pred=truth | {'answer': truth['ab'] + [2.0, -4.0]})) == 12
    with pytest.raises(recipe.RecipeError, match="huber_weight counts only with loss = 'bins' or 'farthest'"):
        recipe.load(tmp_path / 'mine.toml', loss='mse')


def true_colors():
    ab = ops.convert_to_tensor([[[[20.0, -30.0], [60.0, 10.0]]]])
    return {'ab': ab, 'L': ops.full((1, 1, 2, 1), 50.0), 'hinted': ops.ones((1,))}


def test_psnr_counts_in_photos_with_hints_alone():
    network = keras.Sequential([keras.Input((4, 4, len(bins.BINS))), bins.Distribution()])
    said = true_colors()
    said['answer'] = ops.log(bins.soft_encode(said['ab'] + 9) + 1e-9)
    without, with_it = (
        colorization.Colorization(network, recipe.Recipe(loss='bins', psnr_weight=weight)) for weight in (0.0, 0.5)
    )
    gained = float(without.compute_loss(y_pred=said)) - float(with_it.compute_loss(y_pred=said))
    assert 0.5 * 18 < gained < 0.5 * 26  # half a point for each dB of a colour that is off by 9
    said['hinted'] = ops.zeros((1,))
    assert float(without.compute_loss(y_pred=said)) == float(with_it.compute_loss(y_pred=said))


@pytest.mark.training
def test_distillation_is_for_networks_with_an_encoder_and_learns_nothing_itself():
    for wrong, match in (({'loss': 'huber'}, "loss = 'bins'"), ({'loss': 'bins', 'network': 'unet'}, 'no encoder')):
        with pytest.raises(recipe.RecipeError, match=match):
            recipe.Recipe(**{'network': 'lumachrome', 'distillation_weight': 0.5} | wrong)
    network = networks.build('lumachrome')
    settings = recipe.Recipe(network='lumachrome', loss='bins', distillation_weight=0.5)
    model = colorization.Colorization(network, settings)
    before = model.teacher.get_weights()
    pictures = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype('uint8')
    said = model(pictures, training=True)
    loss = float(model.compute_loss(y_pred=said))
    known = said | {'student_logits': said['teacher_logits']}
    assert float(model.compute_loss(y_pred=known)) < loss  # least when the student says what the teacher does
    assert all((a == b).all() for a, b in zip(before, model.teacher.get_weights(), strict=True))
    assert {id(w) for w in model.trainable_weights} == {id(w) for w in network.trainable_weights}
