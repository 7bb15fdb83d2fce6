"""What onnxruntime's CUDA can run, by its list of kernels, and what it runs right, by what was seen of it on a GPU."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from tiny import quiet_session

from export import pipeline
from export.convert import convert
from export.graph import graphs
from lumachrome import contract
from lumachrome.colorizer import models
from training import networks

# Read off onnxruntime-gpu 1.31.1 for opset 18: of each operator the kernels, of each kernel the types by constraint
KERNELS = json.loads((Path(__file__).parent / 'cuda-kernels.json').read_text())
BUILDERS = {
    contract.RENDER: pipeline.build_render,
    **{name: lambda depth=depth: pipeline.build_join(depth) for depth, name in contract.JOINS.items()},
    **{name: lambda name=name: pipeline.build(convert(networks.build(name))) for name in networks.NAMES},
}
EVERY = [pytest.param(name, marks=[pytest.mark.slow] * (name == 'lumachrome')) for name in BUILDERS]


@pytest.fixture(scope='module')
def model(request):
    if request.param == 'tiny':
        return onnx.load(request.getfixturevalue('exported').path)
    if request.param == 'shipped':
        return onnx.load(models()['lumachrome'])
    return BUILDERS[request.param]()


def nodes(graph, outside=()):
    """Each node of a graph and of those inside it, with the types of all tensors that it sees."""
    types = dict(outside) | {tensor.name: tensor.data_type for tensor in graph.initializer}
    for tensor in (*graph.input, *graph.value_info, *graph.output):
        types[tensor.name] = tensor.type.tensor_type.elem_type
    for node in graph.node:
        yield node, types
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from nodes(attribute.g, types)


def types_of(node, types):
    """A node's types, by the names of its operator's constraints."""
    schema = onnx.defs.get_schema(node.op_type, contract.OPSET, node.domain)
    found = {}
    for names, formal in ((node.input, schema.inputs), (node.output, schema.outputs)):
        for i, name in enumerate(names):
            if name:
                constraint = formal[min(i, len(formal) - 1)].type_str  # the last one may be repeated
                found.setdefault(constraint, set()).add(onnx.TensorProto.DataType.Name(types[name]).lower())
    return found


@pytest.mark.parametrize('model', [*EVERY, 'tiny', 'shipped'], indirect=True)
def test_every_node_has_a_kernel_of_its_types(model):
    """Without one, onnxruntime takes what may be planes of the whole photo to the CPU and back.

    What is made of constants alone is made once, when a file is opened for CUDA (see `lumachrome.session`).
    """
    missing, constant = set(), {tensor.name for graph in graphs(model) for tensor in graph.initializer}
    for node, types in nodes(onnx.shape_inference.infer_shapes(model, strict_mode=True).graph):
        needed = types_of(node, types)
        kernels = KERNELS.get(node.op_type, [])
        if node.op_type == 'DequantizeLinear' and set(node.input) <= constant:
            continue
        if not any(all(needed.get(name, set()) <= set(kinds) for name, kinds in kernel.items()) for kernel in kernels):
            missing.add(f'{node.op_type} {node.name} {needed}')
    assert not missing


@pytest.mark.parametrize('model', [contract.RENDER, 'article', 'tiny'], indirect=True)
def test_nothing_shrinks_in_height_or_in_a_batch(model):
    """onnxruntime's CUDA leaves its buffer unwritten there (1.31.1): of 1000 x 700 pixels 63 % came out wrong."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    shrunk = [
        (node.input[0], node.output[0])
        for node in model.graph.node
        if any(attribute.name == 'antialias' and attribute.i for attribute in node.attribute)
    ]
    assert shrunk
    names = [name for pair in shrunk for name in pair]
    del model.graph.output[:]
    model.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.UINT8, [None] * 4) for name in names
    )
    session = quiet_session(model.SerializeToString())
    every = {
        contract.PHOTO: np.zeros((2, 300, 400, 3), 'uint8'),
        contract.RENDER_SIZE: np.array([64]),
        contract.SATURATION: np.ones(1, 'float32'),
        contract.VIVIDNESS: np.ones(1, 'float32'),
        contract.HINTS: np.zeros((2, 0, 5), 'float32'),
        contract.REACH: np.ones(1, 'float32'),
        contract.VARIANT: np.array([0]),
    }
    taken = [tensor.name for tensor in session.get_inputs()]
    shapes = dict(zip(names, (found.shape for found in session.run(names, {n: every[n] for n in taken})), strict=True))
    for before, after in shrunk:
        assert shapes[before][0] == 1 and shapes[before][2] == shapes[after][2]


@pytest.mark.parametrize('size', [(1, 1), (1, 300), (300, 1), (37, 53), (64, 64), (64, 200), (201, 64), (333, 500)])
def test_one_axis_after_the_other_gives_the_bytes_of_both_at_once(size):
    g = pipeline.Graph()
    planes = g.Transpose(contract.PHOTO, perm=[0, 3, 1, 2])
    sizes = g.Concat(g.Shape(planes, end=2), pipeline.rendered_size(g, pipeline.asked_size(g)), axis=0)
    shown = g.Resize(planes, '', '', sizes, mode='linear', antialias=1, exclude_outside=1)
    g.Transpose(shown, perm=[0, 2, 3, 1], name=contract.SHOWN)
    at_once = pipeline.finished(g, 'at_once', *contract.render_tensors())
    photos = np.random.default_rng(0).integers(0, 256, (2, *size, 3), 'uint8')
    for render_size in (32, 64, 256):
        feed = {contract.PHOTO: photos, contract.RENDER_SIZE: np.array([render_size])}
        ours, theirs = (
            quiet_session(model.SerializeToString()).run(None, feed)[0] for model in (pipeline.build_render(), at_once)
        )
        assert np.array_equal(ours, theirs)
