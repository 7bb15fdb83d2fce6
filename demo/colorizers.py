"""The networks of a page: opened when one is first asked for, and shared by all visitors."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from lumachrome.colorizer import Colorizer, find_model

# Gives the colorizer of a model that is named as `Colorizer` takes it: what the page has instead of making its own.
OpenColorizer = Callable[[str | Path | None], Colorizer]


class Colorizers:
    """An `OpenColorizer` that opens each file once, by whatever name it is asked for.

    Parameters
    ----------
    providers : sequence of str, optional
        As `Colorizer` takes them.
    kind : callable, optional
        What opens a file; `Colorizer`, or one that works elsewhere.
    """

    def __init__(self, providers: Sequence[str] | None = None, kind: Callable[..., Colorizer] | None = None):
        self._providers, self._kind = providers, kind or Colorizer
        self._opened: dict[Path, Colorizer] = {}
        self._lock = threading.Lock()

    def __call__(self, model: str | Path | None = None) -> Colorizer:
        """The colorizer of a model.

        Raises
        ------
        ModelError, ProviderError
            As `Colorizer` raises them.
        """
        path = find_model(model).resolve()
        with self._lock:  # two visitors who come first do not open it twice
            if path not in self._opened:
                self._opened[path] = self._kind(path, self._providers)
            return self._opened[path]
