"""The network in the graph: asked once or twice, and its answer read as ab.

The names of inputs and outputs are `lumachrome.contract`'s; what a second look is for, `training.anchors` says.
"""

import numpy as np
import onnx
from onnx import TensorProto, compose

from export.convert import ANCHORS, NETWORK, PAPER, READING, Converted
from export.graph import Graph
from lumachrome import contract
from training import anchors, bins, hints, paper


def bounded(g: Graph, name: str) -> str:
    """A float input within its limits; NaN counts as the lower one."""
    low, high = (np.float32(limit) for limit in contract.limits(name))
    return g.Clip(g.Where(g.IsNaN(name), low, name), low, high)


def included(g: Graph, model: onnx.ModelProto, inputs: list[str], prefix: str = NETWORK) -> list[str]:
    """A converted model, spliced into the graph: names of its outputs."""
    network = compose.add_prefix(model, prefix).graph
    joints = {tensor.name: ours for tensor, ours in zip(network.input, inputs, strict=True)}
    for node in network.node:
        node.input[:] = [joints.get(name, name) for name in node.input]
    g.include(network)
    return [output.name for output in network.output]


def read_distribution(g: Graph, logits: str, distribution: bins.Distribution) -> None:
    """`probabilities`, `bins` and `ab`, between the mean and the vivid point as `vividness` says."""
    inverse_temperature, offsets, colors = distribution.vivid_point
    faithful = likely(g, g.Softmax(logits, axis=-1))
    vivid = g.MatMul(g.Softmax(g.Add(g.Mul(logits, inverse_temperature), offsets), axis=-1), colors)
    g.Add(faithful, g.Mul(bounded(g, contract.VIVIDNESS), g.Sub(vivid, faithful)), name=contract.AB)


def likely(g: Graph, probabilities: str) -> str:
    """`probabilities` and `bins`, and the colours' mean."""
    g.Identity(bins.BINS, name=contract.BINS)
    g.Identity(probabilities, name=contract.PROBABILITIES)
    return g.MatMul(contract.PROBABILITIES, bins.BINS)


def look_twice(g: Graph, converted: Converted, L: str, padded: str, given: str, inside: str) -> None:
    """`probabilities`, `bins`, `anchors` and `ab` of a network that gives itself hints (`training.anchors`).

    A loop holds the network's decoder, so that it is in the file once. Its first turn sees a person's hints; a second,
    which also sees the anchors that the first one placed, runs only where some vividness is asked for. The encoder has
    seen the photo before.
    """
    assert converted.anchors and converted.paper and converted.reading
    low, high = (np.int64(limit) for limit in contract.limits(contract.VARIANT))
    variant = g.Cast(g.Clip(contract.VARIANT, low, high), to=TensorProto.FLOAT)
    vividness = bounded(g, contract.VIVIDNESS)
    turns = g.Add(g.Cast(g.Greater(g.Squeeze(vividness, [0]), np.float32(0)), to=TensorProto.INT64), np.int64(1))

    stride = [converted.stride] * 2
    small = g.Transpose(g.AveragePool(L, kernel_shape=stride, strides=stride), perm=[0, 2, 3, 1])

    features = included(g, converted.encoder, [padded, given], f'{NETWORK}encoder/') if converted.encoder else []

    b = Graph('look/')
    answers = included(b, converted.model, [*features, padded, 'look/hints'])
    logits, share = (b.Slice(answer, [0, 0], inside, [1, 2]) for answer in answers)
    placed, ours, belongs = included(b, converted.anchors, [small, logits, share, variant], ANCHORS)
    b.Concat('look/hints', ours, axis=1, name='next')
    b.Identity('look/on', name='still')
    body = b.graph(
        'look',
        [
            ('look/turn', np.int64, []),
            ('look/on', np.bool_, []),
            ('look/hints', np.float32, [None, None, hints.COLUMNS]),
        ],
        [
            ('look/still', np.bool_, []),
            ('look/next', np.float32, [None, None, hints.COLUMNS]),
            (logits, np.float32, [None, None, None, len(bins.BINS)]),
            (placed, np.float32, [None, None, 5]),
            (belongs, np.float32, [None, anchors.COUNT, None]),
            (share, np.float32, [None, None, None, 1]),
        ],
    )
    _, *looks = g.Loop(turns, '', given, body=body, outputs=5)

    def of_look(values: str, turn: int) -> str:
        return g.Gather(values, np.int64(turn), axis=0)

    answers, places, belongs, shares = looks
    g.Identity(of_look(places, 0), name=contract.ANCHORS)
    share = of_look(shares, 0)
    [border] = included(g, converted.paper, [small, share], PAPER)
    probabilities = g.Softmax(of_look(answers, 0), axis=-1)
    faithful = likely(g, g.Add(probabilities, g.Mul(border, g.Sub(paper.GRAY, probabilities))))
    spread = g.MatMul(g.Softmax(of_look(answers, -1), axis=-1), bins.BINS)
    parts = [faithful, spread, of_look(belongs, 0), share, border, vividness]
    g.Identity(*included(g, converted.reading, parts, READING), name=contract.AB)
