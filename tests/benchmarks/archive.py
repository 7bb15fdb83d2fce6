"""Photos a second of an archive with one and two processes or Ray actors, beside the plain album.

    python -m tests.benchmarks.archive

Workers have started and have coloured a photo before the clock runs; the album has all cores for each photo.
"""

import importlib.util
import shutil
import tempfile
import time
from pathlib import Path

from lumachrome import album
from lumachrome.archive import Archive, Crew, Job, Processes, RayActors
from lumachrome.archive.worker import Done, Unit
from lumachrome.colorizer import Colorizer

EXAMPLES = Path(__file__).parents[2] / 'demo' / 'examples'
PHOTOS = 48


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        photos = sorted(EXAMPLES.glob('*.jpg'))
        (top / 'in').mkdir()
        for number in range(PHOTOS):
            shutil.copy(photos[number % len(photos)], top / 'in' / f'{number}.jpg')
        plain = by_album(top)
        print(f'album: 1 ({plain:.2f} photos a second)')
        crews = {'processes': Processes} | ({'Ray actors': RayActors} if importlib.util.find_spec('ray') else {})
        for name, crew in crews.items():
            for size in (1, 2):
                speed, start = by_archive(top, crew, size)
                print(f'archive, {name}, {size}: {speed / plain:.2f} (start: {start:.1f} s)', flush=True)


def by_album(top: Path) -> float:
    tasks, colorizer = album.tasks([top / 'in'], top / 'album'), Colorizer()
    list(album.colorize(tasks[:1], colorizer, album.Folder(force=True)))
    start = time.perf_counter()
    list(album.colorize(tasks, colorizer, album.Folder(force=True)))
    return PHOTOS / (time.perf_counter() - start)


def by_archive(top: Path, kind: type[Processes] | type[RayActors], size: int) -> tuple[float, float]:
    """Photos a second, and the seconds until all workers have coloured one."""
    archive = Archive(Job(str(top / 'in'), str(top / f'{kind.__name__}-{size}')))
    start = time.perf_counter()
    crew = kind(archive.job, size)
    names = [found.name for found in archive.found()]
    try:
        for worker in range(size):
            crew.give(worker, Unit((names[worker],)))
        _until_done(crew, size)
        started, start = time.perf_counter() - start, time.perf_counter()
        for worker in range(size):
            crew.give(worker, Unit(tuple(names[worker::size])))
        _until_done(crew, size)
        return PHOTOS / (time.perf_counter() - start), started
    finally:
        crew.stop()


def _until_done(crew: Crew, count: int) -> None:
    while count:
        count -= sum(isinstance(event, Done) for _, event in crew.wait())


if __name__ == '__main__':
    main()
