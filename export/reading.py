"""The network in the graph: asked once or twice, and its answer read as ab.

The names of inputs and outputs are `lumachrome.contract`'s; what a second look is for, `training.anchors` says.
"""

import numpy as np
import onnx
from onnx import TensorProto, compose

from export.convert import ANCHORS, NETWORK, Converted
from export.graph import Graph
from lumachrome import contract
from training import bins


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
    faithful = likely(g, logits)
    vivid = g.MatMul(g.Softmax(g.Add(g.Mul(logits, inverse_temperature), offsets), axis=-1), colors)
    between(g, faithful, vivid)


def likely(g: Graph, logits: str) -> str:
    """`probabilities` and `bins`, and the colours' mean."""
    g.Identity(bins.BINS, name=contract.BINS)
    g.Softmax(logits, axis=-1, name=contract.PROBABILITIES)
    return g.MatMul(contract.PROBABILITIES, bins.BINS)


def between(g: Graph, faithful: str, vivid: str) -> None:
    """`ab`, as `vividness` says."""
    g.Add(faithful, g.Mul(bounded(g, contract.VIVIDNESS), g.Sub(vivid, faithful)), name=contract.AB)


def look_twice(g: Graph, converted: Converted, L: str, padded: str, hints: str, inside: str) -> None:
    """`probabilities`, `bins`, `anchors` and `ab` of a network that gives itself hints (`training.anchors`).

    A loop holds the network, so that it is in the file once. Its first turn sees a person's hints; a second, which also
    sees the anchors that the first one placed, runs only where some vividness is asked for.
    """
    assert converted.anchors is not None
    low, high = (np.int64(limit) for limit in contract.limits(contract.VARIANT))
    variant = g.Cast(g.Clip(contract.VARIANT, low, high), to=TensorProto.FLOAT)
    vividness = g.Squeeze(bounded(g, contract.VIVIDNESS), [0])
    turns = g.Add(g.Cast(g.Greater(vividness, np.float32(0)), to=TensorProto.INT64), np.int64(1))

    stride = [converted.stride] * 2
    small = g.Transpose(g.AveragePool(L, kernel_shape=stride, strides=stride), perm=[0, 2, 3, 1])

    b = Graph('look/')
    logits, share = (b.Slice(x, [0, 0], inside, [1, 2]) for x in included(b, converted.model, [padded, 'look/hints']))
    placed, ours = included(b, converted.anchors, [small, logits, share, variant], ANCHORS)
    b.Concat('look/hints', ours, axis=1, name='next')
    b.Identity('look/on', name='still')
    body = b.graph(
        'look',
        [('look/turn', np.int64, []), ('look/on', np.bool_, []), ('look/hints', np.float32, [None, None, 5])],
        [
            ('look/still', np.bool_, []),
            ('look/next', np.float32, [None, None, 5]),
            (logits, np.float32, [None, None, None, len(bins.BINS)]),
            (placed, np.float32, [None, None, 5]),
        ],
    )
    _, answers, places = g.Loop(turns, '', hints, body=body, outputs=3)
    g.Squeeze(g.Slice(places, [0], [1], [0]), [0], name=contract.ANCHORS)
    first, last = (g.Squeeze(g.Slice(answers, *ends, [0]), [0]) for ends in (([0], [1]), ([-1], [2])))
    faithful = likely(g, first)
    between(g, faithful, g.MatMul(g.Softmax(last, axis=-1), bins.BINS))
