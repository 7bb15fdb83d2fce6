"""The scenes of a video: where they begin, and what a person wants of each, in a JSON file.

    {"video": "film.mp4", "scenes": [{"start": 12.48, "end": 20.0, "hints": [{"x": 0.5, "y": 0.4, "color": "#304080"}],
                                      "adjustments": {"saturation": 0.8}}]}

`start` and `end` are seconds. A hint is for the scene's first frame, or for the one at the second `at`, and moves along
with the film from there. Scenes of which there is nothing to say may be left out.
"""

import contextlib
import json
from bisect import bisect_right
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lumachrome import hints
from lumachrome.adjustments import SETTINGS, Adjustments
from lumachrome.errors import AdjustmentError, atomic
from lumachrome.hints import Hint

MOST_BYTES = 20_000_000  # of a file of scenes, which is read whole
_NUMBERS = tuple(name for name, setting in SETTINGS.items() if setting.is_number)


@dataclass(frozen=True)
class Scene:
    """Frames between two cuts.

    Attributes
    ----------
    first, end : int
        Numbers of the first frame, and of the first one of the next scene.
    wishes : dict
        What is set for this scene: names of `Adjustments` to numbers.
    hints : dict of int to tuple of Hint
        Colors that are known, by the number of a frame within the scene.
    """

    first: int
    end: int
    wishes: dict[str, Any] = field(default_factory=dict[str, Any])
    hints: dict[int, tuple[Hint, ...]] = field(default_factory=dict[int, tuple[Hint, ...]])

    def adjusted(self, adjustments: Adjustments) -> Adjustments:
        """What is set for all, and beyond that for this scene."""
        return replace(adjustments, **self.wishes, hints=())


def write(path: str | Path, video: str, found: Sequence[Scene], times: Sequence[float]) -> None:
    """Write where scenes begin and end to a JSON file, for a person to fill in.

    Parameters
    ----------
    path : str or Path
    video : str
        The video's name.
    found : sequence of Scene
    times : sequence of float
        Seconds at which frames are shown.
    """
    entries = [
        {'start': round(times[scene.first], 3), 'end': round(times[scene.end - 1], 3), 'hints': [], 'adjustments': {}}
        for scene in found
    ]
    with atomic(path) as temporary:
        temporary.write_text(json.dumps({'video': video, 'scenes': entries}, indent=1, ensure_ascii=False), 'utf-8')


def listed(path: str | Path) -> list[Any]:
    """The entries of a JSON file of scenes, as they stand there.

    Raises
    ------
    AdjustmentError
        The file cannot be read, or holds no list of scenes; the message names it.
    """
    path = Path(path)
    with _named(path), path.open('rb') as file:
        entries: Any = json.loads(file.read(MOST_BYTES))['scenes']
        if not isinstance(entries, list):
            raise TypeError
        return entries


def read(path: str | Path, found: Sequence[Scene], times: Sequence[float]) -> list[Scene]:
    """Scenes with what a JSON file says of them.

    Parameters
    ----------
    path : str or Path
    found, times
        As of `write`.

    Raises
    ------
    AdjustmentError
        The file cannot be read, or says what cannot be meant; the message names it.
    """
    path = Path(path)
    entries = listed(path)
    with _named(path):
        wanted = list(found)
        for entry in entries:
            index, scene = _meant(found, times, entry['start'])
            given = entry.get('adjustments') or {}
            if unknown := given.keys() - set(_NUMBERS):
                raise AdjustmentError(f'A scene has no {", ".join(sorted(unknown))}, but {", ".join(_NUMBERS)}.')
            scene = replace(wanted[index], wishes={**wanted[index].wishes, **given})
            scene.adjusted(Adjustments())  # whether the numbers are in their ranges
            kept = dict(scene.hints)
            for hint in entry.get('hints') or ():
                frame = scene.first if hint.get('at') is None else _frame(times, hint['at'])
                if not scene.first <= frame < scene.end:
                    raise AdjustmentError(f'A hint at second {hint["at"]} is not in its scene.')
                kept[frame - scene.first] = (*kept.get(frame - scene.first, ()), *hints.parse([hint]))
            wanted[index] = replace(scene, hints=kept)
        for scene in wanted:
            Adjustments(hints=tuple(hint for some in scene.hints.values() for hint in some))  # not too many
        return wanted


@contextlib.contextmanager
def _named(path: Path) -> Generator[None]:
    """What is wrong in a file becomes a sentence that names it."""
    try:
        yield
    except OSError as error:
        raise AdjustmentError(f'{path} cannot be read: {error.strerror}.') from error
    except AdjustmentError as error:
        raise AdjustmentError(f'{path}: {error}') from error
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise AdjustmentError(
            f'{path} holds no scenes: make it with `lumachrome video FILM {path.name}`, and fill it in.'
        ) from error


def _meant(found: Sequence[Scene], times: Sequence[float], second: float) -> tuple[int, Scene]:
    frame = _frame(times, second)
    index = bisect_right([scene.first for scene in found], frame) - 1
    return index, found[index]


def _frame(times: Sequence[float], second: float) -> int:
    """The number of the frame that is shown at a second, which may have been rounded to three places."""
    frame = bisect_right(times, float(second) + 0.0006) - 1
    if frame < 0 or not float(second) <= times[-1] + 1:  # no number is not below any
        raise AdjustmentError(f'The video has no second {second}.')
    return frame
