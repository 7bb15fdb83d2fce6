"""A GPU and onnxruntime on it, for benchmarks: sessions, runs by IO binding, memory, and why there is none.

Needs NumPy and onnxruntime alone.
"""

import contextlib
import ctypes
import functools
import importlib.util
import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from lumachrome import contract
from lumachrome.session import CPU, CUDA, CUDA_OPTIONS

Array = npt.NDArray[Any]
LIBRARIES = ('cudart', 'nvJitLink', 'nvrtc', 'cublasLt', 'cublas', 'curand', 'cufft', 'cudnn')  # in the order of need
QUIET, ERRORS = 4, 3  # onnxruntime's severities


class Bench:
    """The files' sessions where they are measured, and on the CPU.

    Parameters
    ----------
    folder : Path
        Of the .onnx files.
    provider : str
        What is measured, CUDA but in a rehearsal.
    """

    def __init__(self, folder: Path, provider: str) -> None:
        self.folder = folder
        self.provider = provider
        self.device = 'cuda' if provider == CUDA else 'cpu'
        self.session = functools.cache(self.fresh)
        self.cpu = functools.cache(functools.partial(self._open, provider=CPU))

    def fresh(self, name: str, **options: str) -> onnxruntime.InferenceSession:
        """A new session of a file; the provider's options are those as shipped and these."""
        return self._open(name, self.provider, {**CUDA_OPTIONS, **options})

    def _open(
        self,
        name: str,
        provider: str,
        options: dict[str, str] | None = None,
        settings: onnxruntime.SessionOptions | None = None,
        severity: int = QUIET,
    ) -> onnxruntime.InferenceSession:
        settings = settings or onnxruntime.SessionOptions()
        settings.log_severity_level = severity
        providers: list[Any] = [(CUDA, options or {}), CPU] if provider == CUDA else [CPU]
        session = onnxruntime.InferenceSession(str(self.folder / name), settings, providers=providers)
        session.disable_fallback()
        if session.get_providers()[0] != provider:
            raise RuntimeError(f'{name} is not on {provider}, but on {session.get_providers()}')
        return session

    def profiled(self, name: str, prefix: str) -> onnxruntime.InferenceSession:
        """A session that writes down where each node ran."""
        settings = onnxruntime.SessionOptions()
        settings.enable_profiling = True
        settings.profile_file_prefix = prefix
        return self._open(name, self.provider, CUDA_OPTIONS, settings)

    def why_no_gpu(self) -> str | None:
        """None where CUDA works; else what is known of why it does not, '' if there is simply none."""
        onnxruntime.set_default_logger_severity(QUIET)
        if CUDA not in onnxruntime.get_available_providers():
            return ''
        try:
            ctypes.CDLL('nvcuda.dll' if os.name == 'nt' else 'libcuda.so.1')
        except OSError:
            return ''
        load_libraries()
        onnxruntime.set_default_logger_severity(ERRORS)
        error, said = heard(lambda: self._open(contract.RENDER, CUDA, CUDA_OPTIONS, severity=ERRORS))
        onnxruntime.set_default_logger_severity(QUIET)
        return f'{said} {error}'.strip()[:700] if error else None


def load_libraries() -> None:
    """Load CUDA's libraries from the nvidia-* packages: `onnxruntime.preload_dlls` finds them only beside itself."""
    found = importlib.util.find_spec('nvidia')
    folders = [Path(folder) for folder in (found.submodule_search_locations or [])] if found else []
    major = (getattr(onnxruntime, 'cuda_version', '') or '').split('.')[0]
    for name in LIBRARIES:
        paths = [path for folder in folders for path in sorted(folder.glob(f'*/lib/lib{name}.so.*'))]
        for path in sorted(paths, key=lambda path: f'cu{major}' not in path.parts):  # the version built for goes first
            with contextlib.suppress(OSError):
                ctypes.CDLL(str(path))
                break
    with contextlib.redirect_stdout(None):
        onnxruntime.preload_dlls()


def heard(call: Callable[[], object]) -> tuple[Exception | None, str]:
    """The error of a call, and what was written to stderr during it, by native code too."""
    error = None
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file, contextlib.redirect_stdout(None):
        os.dup2(file.fileno(), 2)
        try:
            call()
        except Exception as raised:
            error = raised
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        file.seek(0)
        said = re.sub(r'\x1b\[[0-9;]*m', '', file.read().decode(errors='replace'))
    return error, ' '.join(said.split())


def timed(call: Callable[[], object]) -> dict[str, Any]:
    """Milliseconds of the first call and the median of those after it: five or more, fewer if they take seconds."""

    def once() -> float:
        start = time.perf_counter()
        call()
        return 1000 * (time.perf_counter() - start)

    first, times = once(), list[float]()
    while len(times) < 30 and (len(times) < 5 or sum(times) < 300) and (len(times) < 2 or sum(times) < 2000):
        times.append(once())
    return {'first': first, 'warm': statistics.median(times), 'best': min(times), 'runs': len(times)}


class Bound:
    """A session with its photo and colors on the device.

    Parameters
    ----------
    device : str
        'cuda' or 'cpu'.
    outputs : list of str
    kept : dict of OrtValue
        What lies on the device already, instead of what `feed` has.
    """

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        feed: dict[str, Array],
        outputs: list[str],
        device: str,
        kept: dict[str, Any] | None = None,
    ) -> None:
        self.session, self.pixels = session, feed[contract.PHOTO]
        self.binding = session.io_binding()
        self.values: dict[str, Any] = {
            name: onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(value), where, 0)
            for name, value in feed.items()
            if name not in (kept or {})
            for where in [device if name in (contract.PHOTO, contract.AB) else 'cpu']
        } | (kept or {})
        for name, value in self.values.items():
            # Of the two ways to bind, `strip_rows`, an initializer that may be overridden, goes only by this one.
            self.binding.bind_ortvalue_input(name, value)
        for name in outputs:
            self.binding.bind_output(name, device, 0)

    def run(self) -> list[Any]:
        """The outputs as they lie on the device, when they are done."""
        self.session.run_with_iobinding(self.binding)
        self.binding.synchronize_outputs()
        return self.binding.get_outputs()

    def run_with_copies(self) -> Array:
        """Upload the photo, run, fetch the first output."""
        self.values[contract.PHOTO].update_inplace(self.pixels)
        return self.run()[0].numpy()


def memory_used() -> float | None:
    """Megabytes in use on the GPU by everyone; None where nobody says."""
    for name in ('libcudart.so.13', 'libcudart.so.12', 'libcudart.so'):
        with contextlib.suppress(OSError):
            free, total = ctypes.c_size_t(), ctypes.c_size_t()
            if ctypes.CDLL(name).cudaMemGetInfo(ctypes.byref(free), ctypes.byref(total)) == 0:
                return (total.value - free.value) / 1e6
    said = nvidia_smi('memory.used')
    return float(said.split()[0]) * 1.048576 if said else None


def nvidia_smi(asked: str) -> str:
    """What nvidia-smi says of the first GPU, '' where there is none."""
    try:
        command = ['nvidia-smi', f'--query-gpu={asked}', '--format=csv,noheader', '--id=0']
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ''
