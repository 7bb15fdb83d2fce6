"""Keras to the bare network in ONNX, through tf2onnx; before and after it comes what `export.pipeline` adds.

tf2onnx turns some layers into dozens of nodes. What is known of it decides how the networks are written
(`training.networks.layers`), and the one layer that people write without a thought is exchanged here.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import onnx
from keras import layers, ops
from onnx import helper, numpy_helper

from export.graph import graphs
from lumachrome import contract
from lumachrome.errors import UserError
from training import anchors, bins, hints, networks, paper

NETWORK = 'network/'  # what the names of the network's own tensors begin with in the finished graph
ANCHORS, PAPER, READING = 'anchors/', 'paper/', 'reading/'  # and those of what is made of its answers
STRIDES = (1, 2, 4)  # of a network's output, as `training.networks` promises


class ExportError(UserError):
    """What cannot be exported; the message is one sentence for people."""


@dataclass
class Converted:
    """A network in ONNX, and what must be known to put the head and the tail around it.

    Attributes
    ----------
    parts : tuple of keras.Model
        The Keras network in float32, as `networks.parted` parts it.
    encoder : onnx.ModelProto or None
        Where the network comes in two parts (`networks.parted`), the first: L and hints to features.
    model : onnx.ModelProto
        Takes L float32 [N, 1, H, W] and gives ab or logits [N, H/s, W/s, C]. If `takes_hints`, it also takes hints
        [N, K, 6] and gives their share [N, H/s, W/s, 1]. The encoder's features, if any, come before.
    name : str
    multiple, render_size, stride : int
        H and W are multiples of `multiple`; `stride` is s.
    takes_hints : bool
    distribution : training.bins.Distribution or None
    anchors : onnx.ModelProto or None
        `anchors.place`, where the network can give itself hints: L float32 [N, h, w, 1], logits, share and variant
        float32 [1] to anchors [N, A, 5], the same as hints [N, A, 6], and which places belong to them.
    paper, reading : onnx.ModelProto or None
        `paper.borders` and `anchors.read`, likewise: their parameters in their order to what they return.
    """

    parts: tuple[keras.Model | None, keras.Model]
    encoder: onnx.ModelProto | None
    model: onnx.ModelProto
    name: str
    multiple: int
    render_size: int
    stride: int
    takes_hints: bool
    distribution: bins.Distribution | None
    anchors: onnx.ModelProto | None
    paper: onnx.ModelProto | None
    reading: onnx.ModelProto | None

    @property
    def features(self) -> set[str]:
        """What the network has, as `contract.network_tensors` takes it."""
        has = {
            contract.DISTRIBUTION: self.distribution is not None,
            contract.TAKES_HINTS: self.takes_hints,
            contract.REACHES: self.takes_hints,
            contract.ANCHORED: self.anchors is not None,
        }
        return {feature for feature, there in has.items() if there}


class Doubled(layers.Layer):
    """Nearest-neighbour enlargement by two, as one DepthToSpace where UpSampling2D becomes a tangle of Tile."""

    def call(self, x: Any) -> Any:
        import tensorflow as tf

        return tf.nn.depth_to_space(tf.concat([x] * 4, axis=-1), 2)

    def compute_output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        n, h, w, c = shape
        return (n, h and 2 * h, w and 2 * w, c)


def convert(network: keras.Model) -> Converted:
    """A Keras network as ONNX.

    Parameters
    ----------
    network : keras.Model
        As `training.networks` describes it, fitted under whatever precision.

    Returns
    -------
    Converted

    Raises
    ------
    ExportError
        If Keras does not run on TensorFlow, or the network breaks the rules of `training.networks`.
    """
    if keras.backend.backend() != 'tensorflow':
        raise ExportError(
            f'Export needs TensorFlow, but KERAS_BACKEND is {keras.backend.backend()}: '
            'set it to tensorflow for this command; a network that was fitted on another backend can be exported so.'
        )
    network = _plain(network)
    module = networks.module(network.name)
    distribution = networks.distribution(network)
    takes_hints = len(network.inputs) == 2
    stride = _stride(network, module.MULTIPLE, takes_hints, distribution)
    anchored = takes_hints and distribution is not None
    encoder, decoder = parts = networks.parted(network) if anchored else (None, network)
    return Converted(
        parts=parts,
        encoder=_in_onnx(encoder, features=len(encoder.outputs)) if encoder else None,
        model=_in_onnx(decoder),
        name=network.name,
        multiple=module.MULTIPLE,
        render_size=module.RENDER_SIZE,
        stride=stride,
        takes_hints=takes_hints,
        distribution=distribution,
        anchors=_anchors(distribution, stride) if anchored else None,
        paper=_paper() if anchored else None,
        reading=_reading() if anchored else None,
    )


def _plain(network: keras.Model) -> keras.Model:
    """The same network in float32 and with layers that tf2onnx converts well."""

    def replace(layer: layers.Layer) -> layers.Layer:
        if isinstance(layer, layers.UpSampling2D) and layer.interpolation == 'nearest' and layer.size == (2, 2):
            return Doubled(name=layer.name)
        config = layer.get_config()
        if 'dtype' in config:
            config['dtype'] = 'float32'
        return type(layer).from_config(config)

    plain = keras.models.clone_model(network, clone_function=replace)
    plain.set_weights(network.get_weights())
    return plain


def _stride(network: keras.Model, multiple: int, takes_hints: bool, distribution: bins.Distribution | None) -> int:
    """How much smaller the output is than the input, by trying."""
    side = 2 * multiple
    L = np.zeros((1, side, side, 1), 'float32')
    answer = network([L, np.zeros((1, 1, hints.COLUMNS), 'float32')])[0] if takes_hints else network(L)
    _, height, width, channels = answer.shape
    expected = len(bins.BINS) if distribution else 2
    if height != width or side % height or side // height not in STRIDES or channels != expected:
        raise ExportError(
            f'{network.name} gives {height} x {width} x {channels} for {side} x {side}: '
            f'expected {expected} channels at a stride of 1, 2 or 4 (see training/networks/__init__.py).'
        )
    return side // height


def _in_onnx(network: keras.Model, features: int = 0) -> onnx.ModelProto:
    """A network or a part of one, whose first `features` outputs are such. L and features have their channels before
    their rows, answers after them."""

    def run(*tensors: Any) -> Any:
        first, *rest = tensors
        return network([first, *rest] if rest else first, training=False)

    shapes = {f'input_{i}': tensor.shape for i, tensor in enumerate(network.inputs)}
    pictures = [name for name, shape in shapes.items() if len(shape) == 4]
    return _converted(run, shapes, network.name, pictures, features)


def _anchors(distribution: bins.Distribution, stride: int) -> onnx.ModelProto:
    point = distribution.vivid_point

    def run(L: Any, logits: Any, share: Any, variant: Any) -> Any:
        placed, belongs = anchors.place(L, logits, share, variant, point)
        height, width = (ops.shape(logits)[i] * stride for i in (1, 2))
        return placed, anchors.as_hints(placed, height, width), belongs

    sides = (None, None, None)
    shapes = {'L': (*sides, 1), 'logits': (*sides, len(bins.BINS)), 'share': (*sides, 1), 'variant': (1,)}
    return _converted(run, shapes, 'training/anchors.py')


def _paper() -> onnx.ModelProto:
    shapes = {'L': (None, None, None, 1), 'share': (None, None, None, 1)}
    return _converted(paper.borders, shapes, 'training/paper.py')


def _reading() -> onnx.ModelProto:
    sides = (None, None, None)
    shapes: dict[str, Any] = {'faithful': (*sides, 2), 'spread': (*sides, 2), 'belongs': (None, anchors.COUNT, None)}
    shapes |= {'share': (*sides, 1), 'border': (*sides, 1), 'vividness': (1,)}
    return _converted(anchors.read, shapes, 'training/anchors.py')


def _converted(
    run: Callable[..., Any], shapes: dict[str, Any], what: str, as_nchw: Sequence[str] = (), features: int = 0
) -> onnx.ModelProto:
    """A function of float32 tensors in ONNX, with the channels of some, and of its first `features` results, before
    their rows."""
    import tensorflow as tf
    import tf2onnx

    signature = [tf.TensorSpec(shape, tf.float32, name=name) for name, shape in shapes.items()]
    logging.getLogger('tf2onnx').setLevel(logging.ERROR)
    model, _ = tf2onnx.convert.from_function(
        tf.function(run, input_signature=signature, autograph=False),
        input_signature=signature,
        opset=contract.OPSET,
        inputs_as_nchw=list(as_nchw),
        outputs_as_nchw=[f'Identity_{i}:0' if i else 'Identity:0' for i in range(features)],
    )
    # tf2onnx writes the file although it knows an operator of it to be unsupported, so look for those.
    foreign = sorted({node.op_type for node in model.graph.node if not onnx.defs.has(node.op_type, contract.OPSET)})
    domains = sorted({entry.domain for entry in model.opset_import} - {'', 'ai.onnx.ml'})
    if foreign or any(node.domain for node in model.graph.node):
        raise ExportError(f'{what} uses what ONNX cannot express: {", ".join(foreign + domains)}.')
    return model


def in_half_the_bytes(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a finished model whose network's kernels are stored in float16.

    They are cast back where they are used, which onnxruntime does once, when the file is opened: all is still computed
    in float32.
    """
    model = onnx.ModelProto.FromString(model.SerializeToString())
    for graph in graphs(model):
        _halve(graph)
    return model


def _halve(graph: onnx.GraphProto) -> None:
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if not tensor.name.startswith(NETWORK) or values.dtype != np.float32 or values.ndim < 2:
            continue
        if np.abs(values).max() > np.finfo(np.float16).max:
            continue
        casts.append(helper.make_node('Cast', [f'{tensor.name}/float16'], [tensor.name], to=onnx.TensorProto.FLOAT))
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f'{tensor.name}/float16'))
    for node in reversed(casts):
        graph.node.insert(0, node)
