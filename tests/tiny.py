"""A network that needs no training, with all that a network may have, and its file in onnxruntime."""

import keras
import numpy as np
import onnxruntime
from keras import layers

from lumachrome import contract
from training import bins, networks
from training.hints import COLUMNS
from training.networks.layers import HintColors, HintMap, HintMixture


def build_tiny():
    """A network at a stride of 4 that answers strongly to what it is given: to L and hints, by a distribution.

    Where training has something to remember beside weights, in batch norms and chance, it has that too.
    """
    L, hints = layers.Input((None, None, 1), name='L'), layers.Input((None, COLUMNS), name='hints')
    x = layers.Concatenate()([layers.Rescaling(1 / 50, offset=-1)(L), layers.Rescaling(1 / 50)(HintMap()(L, hints))])
    x = layers.Conv2D(16, 3, strides=2, padding='same', activation='relu')(x)
    x = layers.Conv2D(16, 3, strides=2, padding='same', activation='relu')(x)
    x = layers.Dropout(0.1, seed=1)(layers.BatchNormalization()(x))
    null_logit = layers.Conv2D(1, 1, bias_initializer=keras.initializers.Constant(-5.0))(x)
    asked = HintColors(stride=4)(layers.Conv2D(3, 1)(x), null_logit, L, hints)
    seen = layers.Concatenate()([layers.Rescaling(60.0)(x), asked])
    logits = layers.Conv2D(len(bins.BINS), 1, kernel_initializer='random_normal')(seen)
    logits, share = HintMixture(stride=4)(logits, layers.Conv2D(3, 1)(x), null_logit, L, hints)
    network = keras.Model([L, hints], [bins.Distribution(name='distribution')(logits), share], name='tiny')
    distribution = networks.distribution(network)
    distribution.read_by(1.7, np.linspace(0, -2, len(bins.BINS)), 1.3 * bins.BINS + [2, -3])
    return network


def parted(network):
    """As networks promise: what comes before the dropout, and what after it."""
    [features] = [layer.output for layer in network.layers if isinstance(layer, layers.Dropout)]
    return keras.Model(network.inputs, [features]), keras.Model([features, *network.inputs], network.outputs)


def quiet_session(source):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(source, options, providers=['CPUExecutionProvider'])


def colorize(session, photos, hints=(), render_size=0, saturation=1.0, vividness=0.5, reach=1.0, variant=0, **more):
    """All outputs by name; `hints` are the same for every photo."""
    hints = np.array(hints, 'float32').reshape(-1, 5)
    feed = {
        contract.PHOTO: photos,
        contract.RENDER_SIZE: np.array([render_size]),
        contract.SATURATION: np.array([saturation], 'float32'),
        contract.VIVIDNESS: np.array([vividness], 'float32'),
        contract.HINTS: np.repeat(hints[None], len(photos), 0),
        contract.REACH: np.array([reach], 'float32'),
        contract.VARIANT: np.array([variant]),
    }
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feed | more), strict=True))
