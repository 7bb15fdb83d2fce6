"""A decoder in 8-bit integers: what is rounded, how far, and what it says where that cannot be done."""

from types import SimpleNamespace

import keras
import numpy as np
import onnx
import pytest
from keras import layers
from onnx import numpy_helper

from export import convert, files, quantize
from export.convert import ExportError
from export.graph import graphs
from export.verify import opened, run
from lumachrome.colorizer import models
from training import bins
from training.hints import COLUMNS
from training.photos import PhotosError


@pytest.fixture(scope='module')
def converted():
    """A small network in two parts: one convolution that is worth it, one that is not, and the logits."""
    keras.utils.set_random_seed(0)
    L, hints = layers.Input((None, None, 1)), layers.Input((None, COLUMNS))
    seen = layers.Conv2D(32, 5, strides=4, padding='same', activation='relu')(layers.Rescaling(1 / 50, -1)(L))
    features = layers.Input((None, None, 32))
    x = layers.Conv2D(48, 3, padding='same', activation='relu')(features)
    x = layers.Conv2D(24, 1, activation='relu')(x)
    logits = layers.Conv2D(len(bins.BINS), 2, padding='same')(x)
    share = layers.Conv2D(1, 1, activation='sigmoid')(x)
    encoder, decoder = keras.Model([L, hints], [seen]), keras.Model([features, L, hints], [logits, share])
    parts = convert._in_onnx(encoder, features=1), convert._in_onnx(decoder)
    return convert.Converted((encoder, decoder), *parts, 'small', 4, 64, 4, True, bins.Distribution(), None, None, None)


@pytest.fixture(scope='module')
def rounded(converted, photo_folder):
    return quantize.in_int8(converted, [photo_folder])


def kernels_in_integers(model):
    """By name, those that are kept in 8 bits, of a model's graph and of those inside it."""
    kept = {tensor.name: tensor for graph in graphs(model) for tensor in graph.initializer}
    return {
        name: numpy_helper.to_array(tensor)
        for name, tensor in kept.items()
        if tensor.data_type == onnx.TensorProto.INT8 and len(tensor.dims) == 4
    }


def test_only_large_convolutions_are_rounded_and_never_the_logits(converted, rounded):
    assert len(quantize.large(converted.model)) == 1
    [kernel] = kernels_in_integers(rounded.model).values()
    assert kernel.shape == (48, 32, 3, 3)
    assert np.abs(kernel.astype(int)).max() <= 64  # 7 bits


def test_answers_hardly_move(converted, rounded, photo_folder):
    pictures = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), 'uint8')
    feeds = list(quantize.feeds(converted.encoder, converted.model, pictures))
    assert len(feeds) == 4
    exact, near = opened(converted.model), opened(rounded.model)
    for feed in feeds:
        for ours, theirs in zip(run(near, feed).values(), run(exact, feed).values(), strict=True):
            error = np.sqrt(((ours - theirs) ** 2).mean())
            assert 0 < error < 0.02 * max(theirs.std(), 0.05)


def test_hints_are_among_what_ranges_are_seen_in(converted):
    pictures = np.zeros((1, 64, 64, 3), 'uint8')
    without, with_hints = (feed['input_2'] for feed in quantize.feeds(converted.encoder, converted.model, pictures))
    assert not without[..., 2].any() and (with_hints[..., 2] > 0).any()


def test_a_network_in_one_piece_is_refused(photo_folder):
    with pytest.raises(ExportError, match=r'^unet has no decoder that stands alone: leave out --int8\.$'):
        quantize.in_int8(SimpleNamespace(name='unet', encoder=None), [photo_folder])


def test_a_network_without_large_convolutions_is_refused(converted, photo_folder, monkeypatch):
    monkeypatch.setattr(quantize, 'LARGE', 1_000_000)
    with pytest.raises(ExportError, match=r"^No convolution of small's decoder is large enough"):
        quantize.in_int8(converted, [photo_folder])


def test_nothing_is_said_by_the_root_logger(converted, photo_folder, caplog):
    quantize.in_int8(converted, [photo_folder])
    assert not caplog.records


def test_missing_photos_are_named_before_any_work(tmp_path):
    with pytest.raises(PhotosError, match='nowhere does not exist'):
        files.export('no network either', tmp_path / 'x.onnx', int8=[tmp_path / 'nowhere'])


def test_the_file_that_ships_computes_in_integers():
    kernels = kernels_in_integers(onnx.load(models()['lumachrome']))
    assert len(kernels) == 17
    assert all(np.abs(kernel.astype(int)).max() <= 64 for kernel in kernels.values())
