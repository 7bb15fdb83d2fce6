"""A clip is checked, coloured and made small for the page in a process of its own.

Videos come from anybody, and FFmpeg reads them in C. So nothing of one is read where other visitors' photos are: its
process is bounded in memory and time, and ends when nobody waits for it any longer. Playlists and the like, which name
other files, are no clips here.
"""

import contextlib
import importlib.util
import io
import itertools
import json
import math
import pickle
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.server.limits import CLIP_FRAMES, CLIP_MINUTES, CLIP_PIXELS, CLIP_SECONDS
from lumachrome import children, limits
from lumachrome.adjustments import Adjustments
from lumachrome.errors import UserError, VideoError
from lumachrome.session import CPU

PAUSE = 0.3  # seconds between two looks at how far it is
BYTES = 6_000_000_000  # of memory, with the network, the libraries and what they only reserve
PACKAGES = ('av', 'cv2')  # of lumachrome[video]
# How FFmpeg calls the kinds of files that hold a video themselves
FORMATS = 'mov,mp4,3gp,matroska,webm,avi,mpeg,mpegts,asf,flv,ogg,dv'


@dataclass(frozen=True)
class Task:
    """What is to be done with a clip.

    Attributes
    ----------
    source, target : Path
    before, after : Path
        Where small copies of the two go, for players in browsers.
    model : Path
        The network's file.
    provider : str
        Where it runs, as onnxruntime says it.
    adjustments : Adjustments
    """

    source: Path
    target: Path
    before: Path
    after: Path
    model: Path
    provider: str
    adjustments: Adjustments


@dataclass(frozen=True)
class Step:
    """What is being done ('scenes', 'colors', 'copies'), and how many frames of about how many are done."""

    what: str
    done: int
    total: int


@dataclass(frozen=True)
class Refused:
    """Why a clip is not coloured: the name of a sentence of `demo.page.words`, and what stands in its gaps."""

    word: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Done:
    """A clip in colour: its frames, what is to be said of it, the small copies' width and height, and their sound."""

    frames: int
    notes: tuple[str, ...]
    size: tuple[int, int]
    sound: bool


def are_possible() -> bool:
    """Whether the packages are here that read and write videos."""
    return all(importlib.util.find_spec(name) for name in PACKAGES)


# The page's side


def colored(task: Task, stop: threading.Event) -> Iterator[Step | Refused | Done]:
    """Colour a clip; what comes last is `Refused` or `Done`, or nothing where it was stopped.

    Closed early, stopped or failed, it leaves no file behind.

    Raises
    ------
    VideoError
        The clip cannot be read or written, or ends what reads it.
    """
    process = children.started('demo.server.clips', {'MALLOC_ARENA_MAX': '2'})
    said: list[dict[str, Any]] = [{}]  # the last one alone
    ended = threading.Event()

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with contextlib.suppress(ValueError):
                said[0] = json.loads(line)
        ended.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    late, is_done = time.monotonic() + 60 * CLIP_MINUTES, False
    try:
        assert process.stdin is not None
        with contextlib.suppress(OSError), process.stdin:
            process.stdin.write(pickle.dumps(task))
        while not ended.wait(PAUSE):
            if stop.is_set():
                return
            if time.monotonic() > late:
                yield Refused('video_late', {'minutes': CLIP_MINUTES})
                return
            yield Step(*said[0].get('step', ('scenes', 0, 0)))  # again and again, so that it can be closed
        if 'done' in said[0]:
            frames, notes, size, sound = said[0]['done']
            is_done = True
            yield Done(frames, tuple(notes), tuple(size), sound)
        elif 'refused' in said[0]:
            yield Refused(*said[0]['refused'])
        elif 'bug' in said[0]:
            raise RuntimeError(said[0]['bug'])
        else:
            ends = children.ENDED_BY.format(name=task.source.name)
            raise VideoError(said[0].get('error', ends))
    finally:
        process.kill()
        process.wait()
        listener.join()
        if not is_done:
            for path in (task.target, task.before, task.after):
                shutil.rmtree(path.parent, ignore_errors=True)


# The side of the process


def serve() -> None:
    """Do the task that comes on standard input, and tell of it on standard output, a line of JSON for each step."""
    answers = io.TextIOWrapper(children.answers(), encoding='utf-8')
    task: Task = pickle.load(sys.stdin.buffer)

    def say(**answer: Any) -> None:
        print(json.dumps(answer), file=answers, flush=True)  # who has gone ends it

    try:
        if task.provider == CPU:  # CUDA reserves more memory than there is
            children.bound_memory(BYTES)
        if refused := check(task.source):
            say(refused=[refused.word, refused.values])
        else:
            done = _work(task, lambda *step: say(step=step))
            say(done=[done.frames, done.notes, done.size, done.sound])
    except UserError as error:
        said = str(error)
        for path in (task.source, task.target):  # a visitor knows them by their names
            said = said.replace(str(path), path.name)
        say(error=said)
    except MemoryError:
        say(error=limits.NO_MEMORY.format(name=task.source.name))
    except BrokenPipeError:
        raise
    except Exception:
        say(bug=traceback.format_exc())


def check(path: Path) -> Refused | None:
    """Whether a clip is within the limits, by its packets; of pictures none is decoded.

    Raises
    ------
    VideoError
        It cannot be read.
    """
    import av
    from av.error import FFmpegError

    from lumachrome.videofile import Reader

    try:
        av.open(str(path), options={'format_whitelist': FORMATS}, metadata_errors='replace').close()
    except (FFmpegError, OSError):
        return Refused('video_unreadable', {'name': path.name})
    with Reader(path) as reader:
        width, height = reader.stream.codec_context.width, reader.stream.codec_context.height
        if width * height > math.prod(CLIP_PIXELS):
            limit = '{} × {}'.format(*CLIP_PIXELS)
            return Refused('video_too_wide', {'name': path.name, 'width': width, 'height': height, 'limit': limit})
        shown: list[float] = []
        with contextlib.suppress(FFmpegError, OSError):  # of a damaged one what can be read
            for packet in itertools.islice(reader.container.demux(reader.stream), CLIP_FRAMES + 2):  # the last is empty
                if packet.pts is not None:
                    shown.append(float(packet.pts * packet.time_base))
        seconds = max(shown) - min(shown) if shown else 0
        if seconds > CLIP_SECONDS + 0.5:
            seconds = round(max(seconds, reader.seconds))
            return Refused('video_too_long', {'name': path.name, 'seconds': seconds, 'limit': CLIP_SECONDS})
        if len(shown) > CLIP_FRAMES:
            return Refused('video_too_many', {'name': path.name, 'limit': CLIP_FRAMES})
    return None


def _work(task: Task, progress: Any) -> Done:
    from demo.server.clip_copies import small_copy
    from lumachrome import video
    from lumachrome.colorizer import Colorizer

    names = {video.LOOKING: 'scenes', video.COLORING: 'colors'}
    outcome = video.colorize(
        task.source,
        task.target,
        Colorizer(task.model, [task.provider]),
        task.adjustments,
        fast=True,  # others wait
        progress=lambda what, done, total: progress(names[what], done, total),
    )
    copies = 2 * outcome.frames
    size, sound = small_copy(task.target, task.after, True, lambda done: progress('copies', done, copies))
    small_copy(task.source, task.before, False, lambda done: progress('copies', outcome.frames + done, copies))
    return Done(outcome.frames, outcome.notes, size, sound)
