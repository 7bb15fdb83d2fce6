"""A model repository for Triton Inference Server, by its own schema."""

import importlib.util
import sys
from pathlib import Path

import pytest
from google.protobuf import text_format

from export.__main__ import main
from lumachrome import contract
from lumachrome.colorizer import find_model


@pytest.fixture(scope='module')
def schema():
    """The client's model_config_pb2 alone: its package would load gRPC, which nothing here needs."""
    package = importlib.util.find_spec('tritonclient')
    if package is None:  # it holds ml-dtypes below what TensorFlow and JAX take: pip install --no-deps tritonclient
        pytest.skip('tritonclient is not installed: the repository was not checked by its schema.')
    where = Path(package.submodule_search_locations[0], 'grpc', 'model_config_pb2.py')
    spec = importlib.util.spec_from_file_location('model_config_pb2', where)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_a_repository_is_as_triton_wants_it(schema, tmp_path, capsys):
    main(['triton', str(tmp_path)])
    config = tmp_path / 'lumachrome' / 'config.pbtxt'
    assert capsys.readouterr().out.strip() == str(config)
    read = text_format.Parse(config.read_text(), schema.ModelConfig())
    assert (read.name, read.backend, read.max_batch_size) == ('lumachrome', 'onnxruntime', 0)
    inputs = {tensor.name: (tensor.data_type, list(tensor.dims)) for tensor in read.input}
    assert inputs[contract.PHOTO] == (schema.TYPE_UINT8, [-1, -1, -1, 3])
    assert inputs[contract.RENDER_SIZE] == (schema.TYPE_INT64, [1])
    assert inputs[contract.HINTS] == (schema.TYPE_FP32, [-1, -1, 5])
    outputs = {tensor.name: list(tensor.dims) for tensor in read.output}
    assert outputs[contract.COLORIZED] == [-1, -1, -1, 3] and outputs[contract.AB][-1] == 2
    assert (tmp_path / 'lumachrome' / '1' / 'model.onnx').read_bytes() == find_model().read_bytes()


def test_no_such_model_is_told(tmp_path):
    with pytest.raises(SystemExit, match='no model named nobody'):
        main(['triton', str(tmp_path), '--model', 'nobody'])
