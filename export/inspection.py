"""Reading the finished file: what it takes, gives and says, without the seconds that Keras takes to load."""

import os
from pathlib import Path

from lumachrome import contract, session
from training import learnt


def inspect(path: str | Path) -> str:
    """What a file takes, gives and says about itself, as text for people.

    Raises
    ------
    lumachrome.errors.ModelError
        If it is no file, or not one that onnxruntime reads.
    """
    opened = session.open_file(Path(path), [session.CPU])
    lines = [f'{path}: {os.path.getsize(path) / 1e6:.2f} MB']
    for title, tensors in (
        ('takes', opened.get_inputs()),
        ('may take', opened.get_overridable_initializers()),
        ('gives', opened.get_outputs()),
    ):
        lines += [f'\n{title}'] + [
            f'  {t.name:<14}{t.type.removeprefix("tensor").strip("()"):<8}{t.shape}' for t in tensors
        ]
    properties = opened.get_modelmeta().custom_metadata_map
    lines.append('\nsays')
    for key in contract.METADATA_KEYS:
        if contract.METADATA_PREFIX + key in properties:
            said = properties[contract.METADATA_PREFIX + key]
            lines.append(f'  {key:<14}{_in_words(said) if key == "learnt" else said}')
    return '\n'.join(lines)


def _in_words(said: str) -> str:
    """What is recorded of the photos that were learnt from, shorter than it is."""
    return f'from {count:,} photos' if (count := len(learnt.unpacked(said))) else 'not recorded'
