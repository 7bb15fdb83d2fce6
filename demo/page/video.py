"""What the page does with a short clip: coloured in a process of its own (`demo.server.clips`), then played.

It waits with the albums for its turn. The page alone has it: no call of the API and no tool.
"""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from demo.colorizers import OpenColorizer
from demo.page import controls, words
from demo.page.report import Reported
from demo.page.words import Words, in_words
from demo.server import clips
from demo.server.uploads import new_file
from lumachrome import limits

# The page colours all frames of a clip alike: there is nothing to click on.
ON_VIDEO = (*controls.SLIDERS, 'variant', 'palette', 'strength')
SUFFIXES = ('.mp4', '.m4v', '.mov', '.mkv', '.webm', '.avi')  # that the result keeps; of others it is the next one's
OTHERWISE = '.mkv'  # holds whatever came
ROOM = 1_000_000_000  # bytes that the disk must have for a clip's parts, its result and its small copies
PACE_FRAMES = 8  # coloured before it is said how long the others take: they come in fours
SHARES = {'scenes': (0.0, 0.05), 'colors': (0.05, 0.9), 'copies': (0.9, 1.0)}  # of the bar, by what is being done

Update = dict[str, Any]  # of a component
# What the page shows of a clip, in the order of its outputs: see `app`.
PARTS = ('picker', 'settings', 'report', 'player', 'leave', 'stop', 'download', 'again')


class VideoPage:
    """What the events of the page run.

    Parameters
    ----------
    open_colorizer : OpenColorizer
        Says where networks lie, and where they run.
    """

    def __init__(self, open_colorizer: OpenColorizer):
        self._open = open_colorizer
        self._stops: dict[str | None, threading.Event] = {}  # a session to what ends its clip; only while it runs

    def choose(self) -> list[Update]:
        """Back to where a clip is chosen."""
        return _show(picker={}, settings={}, player={'value': None, 'visible': 'hidden'})

    def begin(self, request: gr.Request, clip: str | None) -> list[Update]:
        """The clip waits for its turn."""
        say = words.of(request)
        _chosen(clip, say)
        return _show(report={'value': Reported(line=say['video_waits'], share=0)}, leave={})

    def run(self, request: gr.Request, clip: str | None, model: str, *values: Any) -> Iterator[list[Update]]:
        """Colour a clip and show how far it is; `values` are those of the controls `ON_VIDEO`."""
        say = words.of(request)
        stop = self._stops[request.session_hash] = threading.Event()
        try:
            with in_words(say):
                task = self._task(clip, model, dict(zip(ON_VIDEO, values, strict=True)), say)
                pace = _Pace()
                for said in clips.colored(task, stop):
                    if isinstance(said, clips.Step):
                        yield _show(report={'value': _report(said, pace.left(said), say)}, stop={})
                    elif isinstance(said, clips.Refused):
                        raise gr.Error(say[said.word].format(**said.values), print_exception=False)
                    else:
                        yield _finished(task, said, say)
            if stop.is_set():
                yield self.choose()
        finally:
            self._stops.pop(request.session_hash, None)

    def cancel(self, request: gr.Request) -> None:
        """End the visitor's clip; nothing of it is kept."""
        if request.session_hash in self._stops:
            self._stops[request.session_hash].set()

    def _task(self, clip: str | None, model: str, settings: dict[str, Any], say: Words) -> clips.Task:
        source, colorizer = _chosen(clip, say), self._open(model)
        adjustments = controls.adjustments(settings)
        suffix = source.suffix.lower() if source.suffix.lower() in SUFFIXES else OTHERWISE
        target = new_file(f'{source.stem}-colour{suffix}')
        if not limits.has_room(target.parent, ROOM):
            raise gr.Error(say['disk'], print_exception=False)
        return clips.Task(
            source,
            target,
            new_file('before.mp4'),
            new_file('after.mp4'),
            colorizer.path,
            colorizer.provider,
            adjustments.without(colorizer.lacks(adjustments)),  # of hidden controls
        )


def _chosen(clip: str | None, say: Words) -> Path:
    if clip is None:
        raise gr.Error(say['video_choose_first'], print_exception=False)
    if not Path(clip).exists():
        raise gr.Error(say['video_gone'], print_exception=False)
    return Path(clip)


class _Pace:
    """How long the colours of a clip will yet take, by those that are there; the first one waits for the network."""

    def __init__(self) -> None:
        self._begun: tuple[float, int] | None = None  # when the first one was seen, of the clock that never goes back

    def left(self, step: clips.Step) -> int | None:
        """Seconds; None where that cannot be told yet."""
        if step.what != 'colors' or not step.done:
            return None
        begun, first = self._begun = self._begun or (time.monotonic(), step.done)
        if step.done < first + PACE_FRAMES:
            return None
        return round((time.monotonic() - begun) / (step.done - first) * (step.total - step.done))


def _report(step: clips.Step, left: int | None, say: Words) -> Reported:
    """How far a clip is, and how many seconds are left."""
    first, last = SHARES[step.what]
    share = first + (last - first) * min(1.0, step.done / max(1, step.total))
    line = say[f'video_{step.what}'].format(done=step.done, total=step.total)
    if left is not None:
        line = f'{line} · {say["video_left"].format(time=f"{left // 60}:{left % 60:02}")}'
    return Reported(line=line, share=share)


def _finished(task: clips.Task, done: clips.Done, say: Words) -> list[Update]:
    notes = tuple(words.reason(note, say) for note in done.notes)
    return _show(
        report={'value': Reported(line=say['video_finished'].format(frames=done.frames), problems=notes)},
        player={'value': {'size': done.size, 'sound': done.sound, 'before': task.before, 'after': task.after}},
        download={'value': str(task.target)},
        again={},
    )


def _show(**shown: Any) -> list[Update]:
    """Updates in the order of `PARTS`: those that are named are seen, the others are hidden."""
    hidden: Update = {'picker': 'hidden', 'report': 'hidden', 'player': 'hidden'}
    seen: Update = {'visible': True}
    return [
        gr.update(**seen | shown[part]) if part in shown else gr.update(visible=hidden.get(part, False))
        for part in PARTS
    ]
