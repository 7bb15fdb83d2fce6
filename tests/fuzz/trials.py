"""Mutated files through an album, as the shell's: what must hold whatever a file does."""

import contextlib
import hashlib
import logging
import os
import re
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

try:
    import resource
except ImportError:  # Windows
    resource = None

from lumachrome import album, decoding, photofile
from lumachrome.rows import Rows
from tests.fuzz.mutations import Mutated
from tests.fuzz.seeds import seeds

FOUND = Path(__file__).parent / 'found'
GROUP = 4  # files at a time, to which one neighbour is enough
SECONDS = 10.0  # that they may take, on a machine that does nothing else
BYTES = 1_000_000_000  # of memory that this process and each decoder may take meanwhile
FRESH = 200_000_000  # what this process has before; if it has more, that is what other tests hold, TensorFlow above all
# A picture of twice as many may honestly take more than that, however small its file is.
MAX_PIXELS = 16_000_000
NEIGHBOURS = ('plain.png', 'plain.jpg', 'deep.tif', 'lossless.webp', 'plain.bmp', 'heic.heic')


class StandIn:
    """A colorizer that costs nothing: what counts here is reading and writing. It remembers its last result."""

    made: photofile.Array | None = None

    def check(self, adjustments: Any) -> None: ...

    def colorize_rows(self, rows: Rows, adjustments: Any) -> photofile.Array:
        for first, band in rows.bands():
            band[..., 0] //= 2
            rows.put(first, band)
        self.made = rows.whole().copy()
        return np.zeros((1, 1, 3), np.uint8)  # a network is shown nothing


class Hang(BaseException):
    """A file has taken too long; not an Exception, which an album would take for the file's own."""


@dataclass(frozen=True)
class Result:
    """What became of a photo, what colours it was given, and the seconds that it took."""

    outcome: album.Outcome
    made: photofile.Array | None
    seconds: float


@dataclass
class Counts:
    """What was tried, and what became of it.

    Attributes
    ----------
    tried, colored : Counter
        Files by their format's suffix.
    refusals : Counter
        Of the others, by their sentences without names and numbers.
    bytes : dict
        The most memory: of this process, and of a decoder.
    slowest : tuple
        Seconds, and what was tried.
    findings : dict
        What was found, by its kind: how often, and the first file.
    """

    tried: Counter[str] = field(default_factory=Counter[str])
    colored: Counter[str] = field(default_factory=Counter[str])
    refusals: Counter[str] = field(default_factory=Counter[str])
    bytes: dict[str, int] = field(default_factory=lambda: {'this process': 0, 'a decoder': 0})
    slowest: tuple[float, str] = (0.0, '')
    findings: dict[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])


class Trials:
    """Tries files in a folder of their own; `counts` tells what became of them."""

    def __init__(self, found: Path = FOUND) -> None:
        self.counts = Counts()
        self._found = found
        self._folder = Path(tempfile.mkdtemp(prefix='lumachrome-fuzz-'))
        self._photos, self._out = self._folder / 'photos', self._folder / 'out'
        self._photos.mkdir()
        self._expected = {name: self._neighbour_alone(name) for name in NEIGHBOURS}
        self._dead = _most_of_the_dead()
        _forget_peaks()
        self._others = max(_peak('self') - FRESH, 0)

    def close(self) -> None:
        shutil.rmtree(self._folder)

    def try_files(self, *files: Mutated) -> list[str]:
        """Colour files, and a sound neighbour after them; the kinds of what must not have happened.

        A file with findings is kept, beside a text that says what was found, and how it was made. Where it is one of
        several, they are tried again one by one, to see which it was.
        """
        self.counts.tried.update(Path(file.seed).suffix for file in files)
        together = self._findings(files)
        if not together:
            return []
        counts, self.counts = self.counts, Counts()
        alone = [self._findings([file]) for file in files] if len(files) > 1 else [together]
        self.counts = counts
        for file, findings in zip(files, alone if any(alone) else [together] * len(files), strict=True):
            for kind in findings:
                self._keep(kind, file)
        return together

    def _findings(self, files: Sequence[Mutated]) -> list[str]:
        neighbour = NEIGHBOURS[len(files[0].content) % len(NEIGHBOURS)]
        for number, file in enumerate(files):
            (self._photos / f'bad-{number}{Path(file.seed).suffix}').write_bytes(file.content)
        (self._photos / f'sound{Path(neighbour).suffix}').write_bytes(seeds()[neighbour])
        _forget_peaks()
        findings: list[str] = []
        try:
            with _watched(findings), _time_limit():
                *bad, sound = self._colored()
                for file, result in zip(files, bad, strict=True):
                    self.counts.slowest = max(self.counts.slowest, (result.seconds, str(file)))
                    findings += self._of_the_bad(result, Path(file.seed).suffix)
                findings += self._of_the_neighbour(sound.outcome, neighbour)
                findings += self._left_over({each.outcome.target for each in (*bad, sound)})
        except Hang:
            findings.append(f'takes more than {SECONDS:g} s')
        findings += self._too_much_memory()
        shutil.rmtree(self._out, ignore_errors=True)
        for path in self._photos.iterdir():
            path.unlink()
        return findings

    def _colored(self) -> list[Result]:
        found, standin = album.tasks([self._photos], self._out), StandIn()
        results, begun = list[Result](), time.monotonic()
        for task in found:  # an album of its own each: there the next ones are in the making already
            (outcome,) = album.colorize([task], standin, album.Folder(), max_pixels=MAX_PIXELS)
            results.append(Result(outcome, standin.made, time.monotonic() - begun))
            standin.made, begun = None, time.monotonic()
        return results

    def _neighbour_alone(self, name: str) -> bytes:
        path = self._photos / f'sound{Path(name).suffix}'
        path.write_bytes(seeds()[name])
        (result,) = self._colored()
        assert isinstance(result.outcome.target, Path), result.outcome.error
        content = result.outcome.target.read_bytes()
        shutil.rmtree(self._out)
        path.unlink()
        return content

    def _of_the_bad(self, result: Result, suffix: str) -> list[str]:
        outcome, made = result.outcome, result.made
        if outcome.error:
            self.counts.refusals[re.sub(r'\S*bad\S*', 'X', re.sub(r'\d+', 'N', outcome.error))] += 1
            is_sentence = re.fullmatch(r'.*\bbad-\d\.\w+ .+\.', outcome.error)
            return [] if is_sentence else [f'is refused in these words: {outcome.error}']
        self.counts.colored[suffix] += 1
        assert isinstance(outcome.target, Path) and made is not None
        try:
            again = photofile.read(outcome.target, max_pixels=MAX_PIXELS)
        except photofile.PhotoError as error:
            return [f'gives a result that cannot be read: {error}']
        if (again.format, made.shape[2]) == ('webp', 4):  # which leaves out a transparency that is nowhere
            again.pixels = _with_transparency(again.pixels)
        if again.pixels.shape != made.shape:
            return ['gives a result of another size']
        if again.format not in ('jpeg', 'avif') and not _same(again.pixels, made):
            return ['gives a result of other pixels']
        return [] if 'left out' not in again.note else [f'gives a result of which it is said: {again.note}']

    def _of_the_neighbour(self, outcome: album.Outcome, name: str) -> list[str]:
        if outcome.error:
            return [f'hurts its neighbour: {outcome.error}']
        assert isinstance(outcome.target, Path)
        same = outcome.target.read_bytes() == self._expected[name]
        return [] if same else ['changes its neighbour']

    def _left_over(self, results: Collection[Any]) -> list[str]:
        there = {path for path in self._out.rglob('*') if path.is_file()}
        return [f'leaves {path.suffix} behind' for path in there - {*results}]

    def _too_much_memory(self) -> list[str]:
        peaks = {'this process': _peak('self') - self._others}
        living = [decoder._process.pid for decoder in decoding._made if decoder._process]
        dead = _most_of_the_dead()
        known = max(self._dead, _most_of_this_process())  # a child starts as its parent's copy, and counts as large
        peaks['a decoder'] = max([dead if dead > known else 0, *map(_peak, living)], default=0)
        self._dead = dead
        for name, peak in peaks.items():
            self.counts.bytes[name] = max(self.counts.bytes[name], peak)
        return [f'takes more than {BYTES / 1e9:g} GB in {name}' for name, peak in peaks.items() if peak > BYTES]

    def _keep(self, kind: str, file: Mutated) -> None:
        kind = re.sub(r'0x\w+|\d+', 'N', kind.replace(str(self._folder), ''))
        count, first = self.counts.findings.get(kind, (0, ''))
        name = f'{hashlib.sha256(file.content).hexdigest()[:12]}{Path(file.seed).suffix}'
        self.counts.findings[kind] = count + 1, first or name
        if count >= 10:  # of one kind
            return
        self._found.mkdir(parents=True, exist_ok=True)
        (self._found / name).write_bytes(file.content)
        text = f'{kind}\n\n{file}\n{file.origin}\n'
        (self._found / f'{name}.txt').write_text(text, 'utf-8')


def _with_transparency(pixels: photofile.Array) -> photofile.Array:
    return pixels if pixels.shape[2] == 4 else np.pad(pixels, ((0, 0), (0, 0), (0, 1)), constant_values=255)


def _same(pixels: photofile.Array, others: photofile.Array) -> bool:
    """Whether pictures are the same where they can be seen: WebP keeps no colours of what is wholly transparent."""
    seen = np.ones(pixels.shape[:2], bool) if pixels.shape[2] == 3 else pixels[..., 3] > 0
    return np.array_equal(pixels[..., 3:], others[..., 3:]) and np.array_equal(pixels[seen], others[seen])


@contextlib.contextmanager
def _watched(findings: list[str]) -> Generator[None]:
    """Take a traceback that an album logs, or that leaves it, for a finding."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            error = record.exc_info[1] if record.exc_info else None
            last = str(error or record.getMessage()).strip().splitlines()[-1:]
            findings.append(f'shows a traceback: {type(error).__name__}: {"".join(last)}')

    handler = Handler()
    album.LOG.addHandler(handler)
    propagates, album.LOG.propagate = album.LOG.propagate, False
    try:
        yield
    except Exception as error:
        findings.append(f'ends the run: {error!r}')
    finally:
        album.LOG.propagate = propagates
        album.LOG.removeHandler(handler)


@contextlib.contextmanager
def _time_limit() -> Generator[None]:
    """Raise Hang when `SECONDS` are over, where there are alarms; where others are at work, as many times later."""
    if not hasattr(signal, 'setitimer'):
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, ring)
    busy = max(os.getloadavg()[0] / (os.cpu_count() or 1), 1)
    signal.setitimer(signal.ITIMER_REAL, SECONDS * busy)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _peak(process: int | str) -> int:
    """The most memory that a process has had since `_forget_peaks`, in bytes; 0 where the system does not say."""
    try:
        status = Path(f'/proc/{process}/status').read_text()
    except OSError:
        return 0
    found = re.search(r'VmHWM:\s+(\d+) kB', status)
    return int(found[1]) * 1024 if found else 0


def _forget_peaks() -> None:
    living = [decoder._process.pid for decoder in decoding._made if decoder._process]
    for process in (os.getpid(), *living):
        with contextlib.suppress(OSError):
            Path(f'/proc/{process}/clear_refs').write_text('5')


def _most_of_the_dead() -> int:
    """The most memory that any child of this process had that has ended, in bytes; 0 on Windows."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 if resource else 0


def _most_of_this_process() -> int:
    """The most memory that this process has ever had, in bytes; 0 on Windows."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 if resource else 0
