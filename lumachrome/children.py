"""Child processes for what comes from strangers: bounded, and apart from everybody else's work."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

ENDED_BY = '{name} is damaged and ends the program that decodes it.'


def started(module: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """A process that runs `serve()` of a module; it is asked on its standard input and answers on its standard output.

    Parameters
    ----------
    module : str
        Of the project; the child finds it, and all else, where this process does.
    environment : mapping of str, optional
        Variables beside those of this process.
    """
    # Not multiprocessing: that would run the caller's main module again, which may not be written for it.
    # And of what lies in the current folder (-P), which may be anybody's, nothing is imported.
    paths = [path for path in sys.path if path] + [str(Path(__file__).parents[1])]
    code = f'import sys; sys.path[:] = {paths!r}; import {module}; {module}.serve()'
    return subprocess.Popen(
        [sys.executable, '-P', '-c', code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | (environment or {}),
    )


def answers() -> IO[bytes]:
    """The child's standard output, for its answers alone: what a library prints must not come between."""
    pipe = os.fdopen(os.dup(1), 'wb')
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return pipe


def bound_memory(limit: int) -> None:
    """Let this process have so many bytes, where the system can bound it: what asks for more fails alone."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
