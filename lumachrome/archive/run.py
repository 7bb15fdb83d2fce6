"""The run of an archive: what is to be done, who does it, and what is told of it when it ends."""

import gzip
import itertools
import json
import random
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, astuple, dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from tqdm import tqdm

from lumachrome.archive import records
from lumachrome.archive.crews import Crew, Died, Failed, Step
from lumachrome.archive.worker import (
    PARTS,
    Job,
    Unit,
    Worker,
    is_local,
    is_photo,
    place,
    scratch_folder,
    store,
    unreachable,
)
from lumachrome.colorizer import AS_THEY_COME, digest, find_model
from lumachrome.errors import ArchiveError, counted
from lumachrome.folders import passed_over

BATCH = 64  # photos of a unit, at most: as many are coloured again when a worker is killed
BATCH_BYTES = 500_000_000
SHARD = '.tar'
SAMPLES = 24  # pictures on the summary page
TRIALS = 8  # photos that an estimate is made from
RUN = f'{records.HIDDEN}/run.json'  # what the target was begun with
REPORT, PAGE = 'report.parquet', 'summary.html'
TRIES = 2  # of a photo that its worker dies of
STARTS = 3  # of a worker that dies without one


@dataclass(frozen=True)
class Found:
    """A file of the source: its path below it, its bytes, and why it cannot be done, if that is known."""

    name: str
    bytes: int = 0
    refusal: str = ''

    @property
    def is_shard(self) -> bool:
        return self.name.lower().endswith(SHARD)


@dataclass
class Estimate:
    """What a run would take; seconds are those of one worker, bytes those of the results."""

    photos: int = 0
    shards: int = 0
    source_bytes: int = 0
    seconds: float = 0.0
    target_bytes: float = 0.0

    def told(self, workers: int) -> str:
        """A sentence for people."""
        what = counted(self.photos, 'photo') + (f' and {counted(self.shards, "shard")}' if self.shards else '')
        hours = self.seconds / 3600 / workers
        took = f'{hours:,.1f} hours' if hours >= 1 else f'{hours * 60:,.0f} minutes' if hours > 1 / 60 else 'a minute'
        verb, by = 'is' if self.photos + self.shards == 1 else 'are', counted(workers, 'worker')
        return (
            f'{what} {verb} left to do, {_size(self.source_bytes)}: about {took} with {by}, and '
            f'{_size(self.target_bytes)} of results.'
        )


class Archive:
    """A source of photos and a target for their colour versions.

    Parameters
    ----------
    job : Job
        Source: a folder of photos and tar shards, with all below it, or one shard. Target: a folder.
    note : callable
        Is told in a sentence what is passed over.
    retry : bool
        Whether photos that an earlier run could not colour are left to do, and shards that hold such photos.

    Raises
    ------
    ArchiveError
        There is no such source, the target holds something else, or either cannot be reached.
    ModelError
        There is no such model.
    """

    def __init__(self, job: Job, note: Callable[[str], object] = lambda sentence: None, retry: bool = False) -> None:
        (self._from, self._source), (self._to, self._target) = place(job.source), place(job.target)
        self._only = ''
        try:
            exists, is_file = self._from.exists(self._source), self._from.isfile(self._source)
        except Exception as error:
            raise unreachable(job.source, error) from error
        if not exists:
            raise ArchiveError(f'{job.source} does not exist.')
        if is_file:
            if not self._source.lower().endswith(SHARD):
                raise ArchiveError(f'{job.source} is a file: an archive is a folder, or a .tar of photos.')
            self._source, _, self._only = self._source.rpartition('/')
        same_place = type(self._from) is type(self._to) and self._source.rstrip('/') == self._target.rstrip('/')
        if same_place:
            raise ArchiveError(f'{job.target} is the source as well: choose another folder for the results.')
        self._note, self._retry = note, retry
        self.job = replace(job, source=_address(self._from, self._source), target=_address(self._to, self._target))
        self._settings = self._check_target()
        self._records = records.Records(self._to, self._target)
        self._done, self._records_done = self._records.done(retry)

    def _check_target(self) -> dict[str, Any]:
        """What the target is to be begun with, or was; ArchiveError if that is something else."""
        given = {'source': self.job.source, 'model': digest(find_model(self.job.model)), **asdict(self.job.adjustments)}
        if self.job.consistent:
            given['consistent'] = True
        settings: dict[str, Any] = json.loads(json.dumps(given))
        begun: dict[str, Any] | None = None
        try:
            if self._to.exists(f'{self._target}/{RUN}'):
                begun = json.loads(self._to.cat_file(f'{self._target}/{RUN}'))
            taken = begun is None and self._to.exists(self._target) and self._to.ls(self._target, detail=False)
        except Exception as error:
            raise unreachable(self.job.target, error) from error
        if taken:
            raise ArchiveError(f'{self.job.target} holds other files: choose a new folder for the results.')
        # Begun by a version that had fewer settings, perhaps: the others are as they come
        begun = settings if begun is None else {**json.loads(json.dumps(asdict(AS_THEY_COME))), **begun}
        if other := sorted(name for name in settings.keys() | begun.keys() if settings.get(name) != begun.get(name)):
            raise ArchiveError(
                f'{self.job.target} was begun with another {" and ".join(other)}: give the same again, or choose '
                'another folder.'
            )
        return settings

    def _sweep(self) -> None:
        """Remove what workers that were killed have left; one that still lives ends at that."""
        if is_local(self._to) and self._to.exists(f'{self._target}/{PARTS}'):
            self._to.rm(f'{self._target}/{PARTS}', recursive=True)

    def _is_done(self, found: Found) -> bool:
        if found.is_shard:
            return records.record_name([found.name]) in self._records_done
        return records.digest(found.name) in self._done

    # What there is

    def found(self, note: Callable[[str], object] = lambda sentence: None) -> Iterator[Found]:
        """The photos and shards that are left to do, in order; only one folder's list is in memory."""
        return (found for found in self._listed(note) if not self._is_done(found))

    def _listed(self, note: Callable[[str], object]) -> Iterator[Found]:
        if self._only:
            yield Found(self._only, self._from.size(f'{self._source}/{self._only}'))
            return
        others: Counter[str] = Counter()
        folders = ['']
        while folders:
            folder = folders.pop()
            try:
                entries = self._from.ls(f'{self._source}/{folder}'.rstrip('/'), detail=True)
            except Exception as error:
                if not folder or not is_local(self._from):
                    raise unreachable(self.job.source, error) from error
                yield Found(folder, refusal=f'{folder} cannot be searched: {getattr(error, "strerror", error)}.')
                continue
            below: list[str] = []
            for entry in sorted(entries, key=lambda entry: entry['name']):
                name = entry['name'].rstrip('/').rpartition('/')[2]
                path = f'{folder}/{name}' if folder else name
                if name.startswith('.') or entry['name'].rstrip('/') == f'{self._source}/{folder}'.rstrip('/'):
                    continue
                if entry['type'] == 'directory':
                    if self.job.target != _address(self._from, f'{self._source}/{path}'):
                        below.append(path)
                elif entry.get('islink') and Path(entry['name']).is_dir():
                    note(f'{path} is a link to a folder and was passed over.')
                elif is_photo(name) or name.lower().endswith(SHARD):
                    yield Found(path, entry['size'] or 0)
                else:
                    others[PurePosixPath(name).suffix.lower()] += 1
            folders += reversed(below)
        if others:
            note(passed_over(self.job.source, others))

    # What is done with it

    def run(self, crew: Crew, err: Any = None) -> records.Totals:
        """Colour what is left, and tell of all.

        Parameters
        ----------
        crew : Crew
        err : text file
            For the progress bar.

        Returns
        -------
        Totals
            Of the whole archive, with what earlier runs have done.

        Raises
        ------
        ArchiveError
            It cannot go on; what is done is recorded. Or there is no photo.
        """
        found = self._some_found()
        self._sweep()
        with scratch_folder(self._to, self._target) as scratch:
            (scratch / 'run').write_text(json.dumps(self._settings, indent=1))
            store(self._to, scratch / 'run', f'{self._target}/{RUN}')
            if self._retry:
                self._records.forget_errors(self._records_done, scratch / 'rest', partial(store, self._to))
        with tempfile.TemporaryDirectory(prefix='lumachrome-') as folder:
            left = Left(found, Path(folder, 'left'))
            if left.count:
                with tqdm(total=left.bytes, unit='B', unit_scale=True, file=err) as bar:
                    _work(crew, left.units(), bar)
        with scratch_folder(self._to, self._target) as scratch:
            totals = records.write_report(self._records, scratch / REPORT, SAMPLES)
            if not totals.colored + totals.failed:  # shards, and no photo in them
                raise self._no_photos()
            name = find_model(self.job.model).stem
            (scratch / PAGE).write_text(records.page(totals, self.job.source, name), encoding='utf-8')
            for file in (REPORT, PAGE):
                store(self._to, scratch / file, f'{self._target}/{file}')
        self._sweep()
        return totals

    def _some_found(self) -> Iterator[Found]:
        """What is left to do; ArchiveError if that is nothing and nothing has been done."""
        found = self.found(self._note)
        first = next(found, None)
        if first is None and not self._records.files():
            raise self._no_photos()
        return itertools.chain([first] if first else [], found)

    def _no_photos(self) -> ArchiveError:
        source = f'{self.job.source}/{self._only}'.rstrip('/')
        return ArchiveError(f'{source} holds no photos: name a folder of photos or of .tar shards, or one shard.')

    def estimate(self) -> Estimate:
        """What is left to do, with the time and space that a few photos of it took; nothing is written.

        Raises
        ------
        ArchiveError
            There is no photo, or the source or the network cannot be used.
        """
        estimate, chance = Estimate(), random.Random(1)
        photos, shards = list[Found](), list[Found]()
        for found in self._some_found():
            if found.is_shard:
                shards = shards or [found]
                estimate.shards += 1
            else:
                estimate.photos += 1
                at = chance.randrange(estimate.photos)  # so that each has the same chance
                photos[at : at + 1] = [found] if at < TRIALS else photos[at : at + 1]
            estimate.source_bytes += found.bytes
        if not photos + shards:
            return estimate
        with tempfile.TemporaryDirectory(prefix='lumachrome-') as folder:
            worker = Worker(self.job)
            tried = [worker.tried(Unit((found.name,)), TRIALS, Path(folder)) for found in photos[:1] + photos]
            tried += [worker.tried(Unit((found.name,), shard=True), TRIALS, Path(folder)) for found in shards]
        taken, written, seconds = (sum(each) for each in zip(*tried[len(photos[:1]) :], strict=True))
        estimate.seconds = seconds / max(1, taken) * estimate.source_bytes
        estimate.target_bytes = written / max(1, taken) * estimate.source_bytes
        return estimate


class Left:
    """What is left to do, listed once into a file: storages take long for it, and memory may not hold it.

    Parameters
    ----------
    found : iterable of Found
    path : Path
        The file to write, some ten bytes a photo.

    Attributes
    ----------
    count : int
        Of the units, or a little less.
    bytes : int
        Of the photos and shards.
    """

    def __init__(self, found: Iterable[Found], path: Path) -> None:
        self._path = path
        photos = shards = self.bytes = 0
        with gzip.open(path, 'wt', compresslevel=1, encoding='utf-8') as file:
            for each in found:
                file.write(json.dumps(astuple(each)) + '\n')
                shards += each.is_shard
                photos += not each.is_shard
                self.bytes += each.bytes
        self.count = -(-photos // BATCH) + shards

    def units(self) -> Iterator[Unit]:
        """The portions for workers; some of them are to keep samples."""
        every, samples = max(1, round(self.count / SAMPLES)), max(1, -(-SAMPLES // max(1, self.count)))
        for number, unit in enumerate(self._portions()):
            yield replace(unit, samples=samples if number % every == 0 else 0)

    def _portions(self) -> Iterator[Unit]:
        waiting: list[Found] = []
        with gzip.open(self._path, 'rt', encoding='utf-8') as file:
            for line in file:
                found = Found(*json.loads(line))
                if found.is_shard:
                    yield Unit((found.name,), found.bytes, shard=True)
                    continue
                waiting.append(found)
                if len(waiting) == BATCH or sum(each.bytes for each in waiting) > BATCH_BYTES:
                    yield _batch(waiting)
                    waiting.clear()
        if waiting:
            yield _batch(waiting)


def _size(count: float) -> str:
    return tqdm.format_sizeof(count, 'B')


def _address(fs: Any, path: str) -> str:
    return path if is_local(fs) else fs.unstrip_protocol(path)


def _batch(waiting: list[Found]) -> Unit:
    return Unit(
        tuple(found.name for found in waiting),
        sum(found.bytes for found in waiting),
        left_out={found.name: found.refusal for found in waiting if found.refusal},
    )


def _work(crew: Crew, units: Iterator[Unit], bar: Any) -> None:
    """Hand units to workers, each the next when it is free, until none is left."""
    at_work: dict[int, Unit] = {}
    begun: Counter[int] = Counter()  # bytes of a worker's unit
    again: deque[Unit] = deque()
    deaths: Counter[tuple[tuple[str, ...], str]] = Counter()
    photos = failed = 0
    while True:
        for worker in range(crew.size):
            if worker not in at_work and (unit := again.popleft() if again else next(units, None)):
                at_work[worker] = unit
                crew.give(worker, unit)
        if not at_work:
            return
        for worker, event in crew.wait():
            unit = at_work.get(worker, Unit(()))
            if isinstance(event, Step):
                begun[worker] += event.bytes
                bar.update(event.bytes)
                continue
            if isinstance(event, Failed):
                raise RuntimeError(event.reason) if event.bug else ArchiveError(event.reason)
            at_work.pop(worker, None)
            if isinstance(event, Died):
                bar.update(-begun.pop(worker, 0))
                deaths[unit.names, event.at] += 1
                unit = _after_death(unit, event, deaths[unit.names, event.at])
                if unit.names:
                    again.append(unit)
            else:
                photos, failed = photos + event.photos, failed + event.failed
                bar.update(unit.bytes - begun.pop(worker, 0))
            bar.set_postfix_str(f'{photos:,} photos' + (f', {failed:,} not coloured' if failed else ''))


def _after_death(unit: Unit, event: Died, times: int) -> Unit:
    """A unit as it is to be tried again after its worker has died for so many times at the same photo."""
    if event.at and times >= TRIES:
        sentence = f'{event.at} has ended two workers ({event.how}): make it smaller, or let fewer --workers run.'
        return replace(unit, watched=True, left_out=unit.left_out | {event.at: sentence})
    if not event.at and times > STARTS:
        raise ArchiveError(
            f'Workers end before they colour a photo ({event.how}): let fewer --workers run, or free some memory; '
            'the same command then goes on.'
        )
    return replace(unit, watched=True)
