"""Sessions of onnxruntime: where they run, what can be wrong with a file, and one photo's run."""

import contextlib
import ctypes
import functools
import importlib.metadata
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lumachrome import contract
from lumachrome.errors import ModelError, ProviderError, UserError

try:
    import onnxruntime
    from onnxruntime import InferenceSession
    from onnxruntime.capi import (
        onnxruntime_pybind11_state as errors,  # pyright: ignore[reportAttributeAccessIssue]
    )
except ImportError as error:
    raise UserError(
        f'onnxruntime cannot be loaded ({error}): pip install onnxruntime, or "onnxruntime-gpu[cuda,cudnn]" (NVIDIA).'
    ) from error

Array = npt.NDArray[Any]

CPU, CUDA = 'CPUExecutionProvider', 'CUDAExecutionProvider'
CUDA_OPTIONS = {
    'cudnn_conv_algo_search': 'HEURISTIC',  # trying every algorithm on each new size takes 1 s and gains 1 ms of 10
    'use_tf32': '0',  # with hints TF32 moved ab by 0.7, without it 0.0005 is left; what it gains is not measured
}
# Of a strip on a GPU: those of a CPU keep it waiting, and a whole large photo is too much for it. An H200 joined
# 12 megapixels in one strip in 18 ms and 2.3 GB, in strips of 4 in 19 and 1.0, of 1 in 20 and 0.6, of 1/4 in 50.
STRIP_PIXELS = 4_000_000
SILENT = 4  # onnxruntime's severity 'fatal': what goes wrong is raised as well


def choose_providers(providers: Sequence[str] | None) -> list[str]:
    """The execution providers to ask for; without names, CUDA where it works, else the CPU.

    Raises
    ------
    ProviderError
        One of those named cannot be had.
    """
    available = onnxruntime.get_available_providers()
    if not providers:
        return [CUDA, CPU] if CUDA in available and _has_gpu() else [CPU]
    if isinstance(providers, str):
        raise ProviderError(f'Execution providers are a list, such as [{providers!r}], not a text.')
    for provider in providers:
        if provider not in available:
            raise ProviderError(f'{provider} is not in this onnxruntime, which has {", ".join(available)}.')
    if providers[0] == CUDA and not _has_gpu():
        raise ProviderError(f'{CUDA} needs an NVIDIA GPU and its driver (libcuda), and this machine shows none.')
    return list(providers)


@functools.cache
def _has_gpu() -> bool:
    # onnxruntime lists CUDA wherever it was compiled in; the driver's library is there only with a driver.
    try:
        ctypes.CDLL('nvcuda.dll' if os.name == 'nt' else 'libcuda.so.1')
    except OSError:
        return False
    return True


@functools.cache
def _check_one_runtime() -> None:
    """Raise UserError where both packages are installed: they write over each other's files."""
    installed: list[str] = []
    for name in ('onnxruntime', 'onnxruntime-gpu'):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            importlib.metadata.version(name)
            installed.append(name)
    if len(installed) > 1:
        raise UserError(
            'onnxruntime and onnxruntime-gpu are both installed and overwrite each other: pip uninstall both, then '
            'install one of them.'
        )


def open_file(path: Path, providers: list[str], threads: int | None = None) -> InferenceSession:
    """A session on a file, whose operators take so many threads; without a number, one a core.

    Raises
    ------
    ModelError
        The file is missing, no ONNX file, or damaged.
    UserError
        Two builds of onnxruntime are installed.
    """
    _check_one_runtime()
    if path.is_dir():
        raise ModelError(f'{path} is a folder, not a model.')
    if not path.exists():
        raise ModelError(f'{path} does not exist.')
    try:
        with path.open('rb') as file:
            start = file.read(64)
    except OSError as error:
        raise ModelError(f'{path} cannot be read: {error.strerror}.') from error
    if not start:
        raise ModelError(f'{path} is empty: fetch or export it again.')
    if start.startswith(b'version https://git-lfs'):
        raise ModelError(f'{path} is only a pointer to the model: run `git lfs pull`.')
    options = onnxruntime.SessionOptions()
    options.log_severity_level = SILENT
    options.intra_op_num_threads = threads or 0
    options.enable_mem_pattern = False  # plans for each size of photo would add up to 90 MB, and save no time
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')  # idle threads leave the cores to others
    asked: list[Any] = list(providers)
    if CUDA in providers:
        asked = [(CUDA, CUDA_OPTIONS) if name == CUDA else name for name in providers]
        # CUDA has no kernels for what is in integers: constants among it become float32 once, not for each photo
        options.add_session_config_entry('session.disable_quant_qdq', '1')
        onnxruntime.set_default_logger_severity(SILENT)  # a library that cannot be loaded falls back to the CPU
        with contextlib.redirect_stdout(io.StringIO()):
            onnxruntime.preload_dlls()
    try:
        return InferenceSession(path, options, providers=asked)
    except (errors.InvalidProtobuf, errors.InvalidArgument) as error:
        raise ModelError(
            f'{path} is not an ONNX file, or is damaged or cut short: fetch or export it again.'
        ) from error
    except (errors.InvalidGraph, errors.Fail, errors.NotImplemented) as error:
        raise ModelError(
            f'{path} cannot be run by onnxruntime {onnxruntime.__version__}: it uses what that does not know; '
            'install a newer one, or export the file again.'
        ) from error


def check_contract(path: Path, metadata: dict[str, str], session: InferenceSession) -> frozenset[str]:
    """What the network has; ModelError if the file is not what the contract says."""
    stated = metadata.get('format')
    if stated is None:
        raise ModelError(f'{path} is an ONNX file, but not a Lumachrome one: make one with `python -m export`.')
    if stated not in map(str, contract.FORMATS):
        raise ModelError(
            f'{path} has format {stated}, and this program reads {" and ".join(map(str, contract.FORMATS))}: '
            'update the program, or export the file again.'
        )
    taken = {tensor.name: tensor for tensor in session.get_inputs()}
    given = {tensor.name: tensor for tensor in session.get_outputs()}
    features = frozenset(t.needs for t in contract.INPUTS if t.needs and t.name in taken)
    features -= {contract.REACHES, contract.ANCHORED}
    if stated != '1' and contract.TAKES_HINTS in features:  # what format 2 made of such files
        features |= {contract.REACHES}
        features |= {contract.ANCHORED} if contract.DISTRIBUTION in features else set()
    inputs, outputs = contract.network_tensors(features)
    for expected, there in ((inputs, taken), (outputs, given)):
        wrong = [t.name for t in expected if not (t.optional or _is(t, there.get(t.name)))]
        unknown = there.keys() - {t.name for t in expected}
        if wrong or unknown:
            names = ', '.join([*wrong, *sorted(unknown)])
            raise ModelError(f'{path} breaks the contract of format {stated} ({names}): export the file again.')
    if not metadata.get('render_size', '').isdigit():
        raise ModelError(f'{path} does not say at which size its network looks: export the file again.')
    return features


def _is(expected: contract.Tensor, found: Any) -> bool:
    """Whether an input or output of a session is of the contract's type and shape."""
    kind = {'float32': 'float'}.get(expected.dtype, expected.dtype)
    if found is None or found.type != f'tensor({kind})' or len(found.shape) != len(expected.shape):
        return False
    return all(isinstance(side, str) or side == own for side, own in zip(expected.shape, found.shape, strict=True))


def may_take(session: InferenceSession, name: str) -> bool:
    """Whether a file has an input that a caller may leave out."""
    return any(tensor.name == name for tensor in session.get_overridable_initializers())


def compute(session: InferenceSession, outputs: list[str], feed: dict[str, Array]) -> list[Array]:
    """The outputs of a batch of photos; MemoryError where they do not fit."""
    height, width = feed[contract.PHOTO].shape[1:3]
    if session.get_providers()[0] != CPU and may_take(session, contract.STRIP_ROWS):
        feed = feed | {contract.STRIP_ROWS: np.array([STRIP_PIXELS // width], np.int64)}
    try:
        return list(session.run(outputs, feed))
    except errors.RuntimeException as error:
        if any(words in str(error).lower() for words in ('allocat', 'out of memory', 'bad_alloc')):
            raise MemoryError(f'A photo of {width} x {height} pixels does not fit into memory.') from error
        raise
