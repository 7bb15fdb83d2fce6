"""A Lumachrome file as a model of Triton Inference Server: `python -m export triton DIR`, unchanged.

    DIR/lumachrome/config.pbtxt
    DIR/lumachrome/1/model.onnx

Triton's own batching is off (max_batch_size 0): settings have no batch axis, so whoever calls puts photos of one size
together, as N of [N, H, W, 3]. https://github.com/triton-inference-server/common, protobuf/model_config.proto.

On a GPU, better a file exported without --int8: CUDA has no kernels for the int32 biases of one in integers, and
session.disable_quant_qdq, by which the package turns them into floats when it opens a file, is none of the few session
options that Triton's backend passes on (https://github.com/triton-inference-server/onnxruntime_backend/issues/107).
"""

import shutil
from pathlib import Path
from typing import Any

from lumachrome import session
from lumachrome.colorizer import find_model
from lumachrome.errors import atomic

_TYPES = {'tensor(uint8)': 'TYPE_UINT8', 'tensor(int64)': 'TYPE_INT64', 'tensor(float)': 'TYPE_FP32'}


def write(model: str | Path | None, folder: str | Path) -> Path:
    """Write a model repository.

    Parameters
    ----------
    model : str or Path, optional
        The name of a file that ships, or the path of any other.
    folder : str or Path
        The repository; other models in it stay.

    Returns
    -------
    Path
        The model's configuration.

    Raises
    ------
    ModelError
        There is no such file, or it is damaged.
    """
    path = find_model(model)
    opened = session.open_file(path, [session.CPU])
    place = Path(folder) / path.stem
    with atomic(place / '1' / 'model.onnx') as file:
        shutil.copyfile(path, file)
    with atomic(place / 'config.pbtxt') as file:
        file.write_text(_config(path.stem, opened), encoding='utf-8')
    return place / 'config.pbtxt'


def _config(name: str, opened: Any) -> str:
    inputs = ',\n'.join(_tensor(tensor) for tensor in opened.get_inputs())
    outputs = ',\n'.join(_tensor(tensor) for tensor in opened.get_outputs())
    return (
        f'name: "{name}"\nbackend: "onnxruntime"\nmax_batch_size: 0\n'
        f'input [\n{inputs}\n]\noutput [\n{outputs}\n]\ninstance_group [ {{ kind: KIND_AUTO }} ]\n'
    )


def _tensor(tensor: Any) -> str:
    dims = ', '.join('-1' if isinstance(side, str) else f'{side}' for side in tensor.shape)
    return f'  {{ name: "{tensor.name}", data_type: {_TYPES[tensor.type]}, dims: [ {dims} ] }}'
