"""Colour for black-and-white photos: one ONNX file, any size, a few clicks where it guesses wrong.

>>> import numpy as np
>>> from lumachrome import Adjustments, Colorizer, Hint
>>> gray = np.tile(np.linspace(40, 200, 48, dtype='uint8'), (32, 1))
>>> warm = Adjustments(saturation=0.8, hints=(Hint(0.5, 0.2, '#4060c0'),))
>>> Colorizer().colorize(gray, warm).shape
(32, 48, 3)
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lumachrome.adjustments import Adjustments
    from lumachrome.colorizer import Colorizer
    from lumachrome.errors import UserError
    from lumachrome.hints import Hint

# onnxruntime reads it when it is imported, and would tell its makers of each run; whoever sets it keeps their choice.
os.environ.setdefault('ORT_DISABLE_TELEMETRY', '1')

__all__ = ['Adjustments', 'Colorizer', 'Hint', 'UserError']

# Loaded when they are asked for: training takes only the contract, where no onnxruntime need be.
_MODULES = {'Adjustments': 'adjustments', 'Colorizer': 'colorizer', 'Hint': 'hints', 'UserError': 'errors'}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(importlib.import_module(f'{__name__}.{_MODULES[name]}'), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
