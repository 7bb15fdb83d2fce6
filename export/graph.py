"""A small writer of ONNX graphs: each operator is a method that takes names of tensors or constants, and gives a name.

g = Graph()
half = g.Mul('x', 0.5)
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from lumachrome import contract

Tensors = Iterable[tuple[str, npt.DTypeLike, Sequence[int | str | None]]]  # name, numpy type, shape of each


class Graph:
    """A graph in the making.

    Among a method's arguments, a string names a tensor, and '' an input that is left out; a float, an int (or a list of
    them) or an array becomes a constant: float32, int64, or the array's own type. `name` names the result, after the
    prefix; `outputs` says how many there are; other keywords are attributes.

    Parameters
    ----------
    prefix : str
        What made-up names begin with: a graph inside another must not repeat its names.
    """

    def __init__(self, prefix: str = ''):
        self.prefix = prefix
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._constants: dict[tuple[Any, ...], str] = {}
        self._numbers = itertools.count()

    def __getattr__(self, operator: str) -> Callable[..., Any]:
        if not operator[0].isupper():
            raise AttributeError(operator)

        def add(*inputs: Any, name: str | None = None, outputs: int = 1, **attributes: Any) -> str | list[str]:
            names = [x if isinstance(x, str) else self.constant(x) for x in inputs]
            made = [f'{self.prefix}{operator}_{next(self._numbers)}' for _ in range(outputs)]
            if name:
                made = [self.prefix + name]
            self.nodes.append(helper.make_node(operator, names, made, name=f'{made[0]}', **attributes))
            return made[0] if outputs == 1 else made

        return add

    def constant(self, value: npt.ArrayLike) -> str:
        """Name of a constant; equal ones are kept once."""
        value = np.asarray(value)
        if value.dtype == np.float64:
            value = value.astype(np.float32)
        key = (value.dtype, value.shape, value.tobytes())
        if key not in self._constants:
            self._constants[key] = f'{self.prefix}constant_{len(self._constants)}'
            self.initializers.append(numpy_helper.from_array(value, self._constants[key]))
        return self._constants[key]

    def include(self, graph: onnx.GraphProto) -> None:
        """Take over the nodes and constants of a finished graph (a GraphProto), whose names must differ."""
        self.nodes.extend(graph.node)
        self.initializers.extend(graph.initializer)

    def graph(self, name: str, inputs: Tensors, outputs: Tensors) -> onnx.GraphProto:
        """The GraphProto; an open side of an input's or output's shape is None or a word."""
        return helper.make_graph(self.nodes, name, _infos(inputs), _infos(outputs), self.initializers)

    def model(self, name: str, inputs: Tensors, outputs: Tensors) -> onnx.ModelProto:
        """The ModelProto, in the opset and version of the contract."""
        opset = [helper.make_opsetid('', contract.OPSET)]
        graph = self.graph(name, inputs, outputs)
        return helper.make_model(graph, opset_imports=opset, ir_version=contract.IR_VERSION, producer_name='lumachrome')


def graphs(model: onnx.ModelProto) -> list[onnx.GraphProto]:
    """A model's graph, and those that are bodies of its loops."""
    bodies = (a.g for node in model.graph.node for a in node.attribute if a.name == 'body')
    return [model.graph, *bodies]


def _infos(tensors: Tensors) -> list[onnx.ValueInfoProto]:
    return [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(kind)), shape)
        for name, kind, shape in tensors
    ]
