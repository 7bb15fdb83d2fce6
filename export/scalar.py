"""The statements of a `Graph` for one pixel instead of planes: as formulas of another language, or computed by NumPy.

A tensor of the graph becomes a list with a number for each of its channels; where one has a single channel and another
several, the one goes with each of them, as planes do. Of an If the else branch counts: both must give the same.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, helper, numpy_helper

from export.graph import Graph

Table = npt.NDArray[Any]
LONGEST = 90  # characters of a formula; of what is longer the parts are stated before


@dataclass(eq=False)
class Scalar:
    """One number: an input, a constant, or an operator on others.

    Attributes
    ----------
    operator : str
        ONNX's name; '' of an input, which has a name alone, and of a constant, which has a value.
    name : str
    operands : list of Scalar
    value : float or array
        Of a constant; an array is a table, the first operand of a Gather.
    kind : int
        Of a Cast: the type, as in `onnx.TensorProto`.
    stated : bool
        Whether it has a name that means something, so that it is shown by it.
    """

    operator: str
    name: str = ''
    operands: list['Scalar'] = field(default_factory=lambda: [])
    value: Any = None
    kind: int = 0
    stated: bool = False


def scalars(graph: Graph, inputs: Mapping[str, Sequence[Scalar]]) -> dict[str, list[Scalar]]:
    """Every tensor of a graph as its channels; of `inputs` they are given."""
    found = {name: list(channels) for name, channels in inputs.items()}
    _add(graph.nodes, graph.initializers, found)
    return found


def _add(nodes: Sequence[NodeProto], initializers: Sequence[TensorProto], found: dict[str, list[Scalar]]) -> None:
    for tensor in initializers:
        found[tensor.name] = _constants(numpy_helper.to_array(tensor))
    for node in nodes:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        operands = [found[name] for name in node.input]
        if node.op_type == 'If':
            branch = attributes['else_branch']
            _add(branch.node, branch.initializer, found)
            found[node.output[0]] = found[branch.output[0].name]
        elif node.op_type == 'Split':
            found.update((name, [channel]) for name, channel in zip(node.output, operands[0], strict=True))
        elif node.op_type == 'Concat':
            found[node.output[0]] = [channel for channels in operands for channel in channels]
        else:
            stated = not re.search(r'_\d+$', node.name)
            if node.op_type == 'ReduceSum':  # of the channels
                found[node.output[0]] = [_operation('Add', _numbered(node.name, 0, 1), operands[0], 0, stated)]
                continue
            count = max(len(channels) for channels in operands)
            found[node.output[0]] = [
                _operation(
                    node.op_type,
                    _numbered(node.name, i, count),
                    [channels[i if len(channels) > 1 else 0] for channels in operands],
                    attributes.get('to', 0),
                    stated,
                )
                for i in range(count)
            ]


def _operation(operator: str, name: str, operands: list[Scalar], kind: int, stated: bool) -> Scalar:
    """An operator on one, two or, as the largest of several, more operands, two at a time."""
    while len(operands) > 2:
        operands = [Scalar(operator, f'{name}_{len(operands)}', operands[:2]), *operands[2:]]
    return Scalar(operator, name, operands, kind=kind, stated=stated)


def _constants(value: Table) -> list[Scalar]:
    if value.ndim == 1 and value.size > 1:
        return [Scalar('', value=value)]
    # What float32 rounded is meant as its shortest decimal: 2.4, not 2.4000000954
    return [Scalar('', value=float(str(v)) if v.dtype.kind == 'f' else int(v)) for v in value.ravel()]


def _numbered(name: str, i: int, count: int) -> str:
    """A name that a variable can have: without the prefix, and with its channel."""
    name = name.rsplit('/')[-1].lower()
    return name if count == 1 else f'{name}_{(("x", "z") if count == 2 else ("r", "g", "b"))[i]}'


# Computed

_NUMPY: dict[str, Callable[..., Any]] = {
    'Add': np.add,
    'Sub': np.subtract,
    'Mul': np.multiply,
    'Div': np.divide,
    'Max': np.maximum,
    'Min': np.minimum,
    'Pow': np.power,
    'Round': np.round,
    'Cast': lambda x: x,
}


def computed(scalar: Scalar, **inputs: Any) -> Any:
    """Its value in float64, by the values of the inputs."""
    if not scalar.operator:
        return inputs[scalar.name] if scalar.name else scalar.value
    return _NUMPY[scalar.operator](*(computed(operand, **inputs) for operand in scalar.operands))


# Written


CALL, TIGHT, LOOSE = 4, 3, 0  # how closely a formula binds, beside products (2) and sums (1)
_SIGNS = {'Add': ('+', 1), 'Sub': ('-', 1), 'Mul': ('*', 2), 'Div': ('/', 2)}


@dataclass(frozen=True)
class Language:
    """How a language writes things.

    Attributes
    ----------
    formulas : dict of str and int
        Of each operator that is no + - * /, and of each type that is cast to: the formula with {0}, {1} for its
        operands, and how closely it binds. What it shows twice is stated before.
    constant, statement : callable
        What becomes of a number, and of a name with its formula.
    spell : callable
        What becomes of a name.
    same : set of int
        Types to which nothing has to be cast.
    """

    formulas: dict[str | int, tuple[str, int]]
    constant: Callable[[float], str]
    statement: Callable[[str, str], str]
    spell: Callable[[str], str] = str
    same: frozenset[int] = frozenset()


def statements(
    results: Mapping[str, Scalar], language: Language, tables: Mapping[str, Table]
) -> tuple[list[str], dict[str, str]]:
    """The statements of what is used more than once or has a name, in order, and the formulas of the results.

    Parameters
    ----------
    results : mapping of Scalar
    language : Language
    tables : mapping of array
        The tables that the results look up, by the names that they have in the code.
    """
    uses: dict[int, int] = {}

    def count(scalar: Scalar) -> None:
        uses[id(scalar)] = uses.get(id(scalar), 0) + 1
        if uses[id(scalar)] == 1:
            for operand in scalar.operands:
                count(operand)

    for scalar in results.values():
        count(scalar)

    lines: list[str] = []
    known: dict[int, str] = {}

    def table(value: Table) -> str:
        [name] = [name for name, own in tables.items() if np.array_equal(own, value)]
        return language.spell(name)

    def written(scalar: Scalar, must_be_stated: bool = False) -> tuple[str, int]:
        if id(scalar) in known:
            return known[id(scalar)], CALL
        if not scalar.operator:
            if scalar.name:
                return language.spell(scalar.name), CALL
            if isinstance(scalar.value, np.ndarray):
                return table(scalar.value), CALL
            return language.constant(scalar.value), CALL if scalar.value >= 0 else TIGHT
        text, binding = formula(scalar)
        if len(text) > LONGEST:
            text, binding = formula(scalar, in_parts=True)
        if must_be_stated or scalar.stated or uses[id(scalar)] > 1:
            name = language.spell(scalar.name)
            lines.append(language.statement(name, text))
            known[id(scalar)], text, binding = name, name, CALL
        return text, binding

    def formula(scalar: Scalar, in_parts: bool = False) -> tuple[str, int]:
        if scalar.operator in _SIGNS:
            sign, binding = _SIGNS[scalar.operator]
            (left, left_binds), (right, right_binds) = (written(operand, in_parts) for operand in scalar.operands)
            left = left if left_binds >= binding else f'({left})'
            right = right if right_binds > binding else f'({right})'
            return f'{left} {sign} {right}', binding
        if scalar.kind in language.same:
            return written(scalar.operands[0])
        template, binding = language.formulas[scalar.kind or scalar.operator]
        texts: list[str] = []
        for i, operand in enumerate(scalar.operands):
            text, operand_binds = written(operand, in_parts or template.count(f'{{{i}}}') > 1)
            texts.append(f'({text})' if binding == TIGHT and operand_binds < CALL else text)
        return template.format(*texts), binding

    formulas = {name: written(scalar)[0] for name, scalar in results.items()}
    return lines, formulas
