"""Photos a second of an archive with one and two processes, beside the plain album: python -m tests.benchmarks.archive.

Workers have started and have coloured a photo before the clock runs; the album has all cores for each photo.
"""

import shutil
import tempfile
import time
from pathlib import Path

from lumachrome import album
from lumachrome.archive import Archive, Job, Processes
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
        for size in (1, 2):
            print(f'archive, {size} process{"es" if size > 1 else ""}: {by_archive(top, size) / plain:.2f}')


def by_album(top: Path) -> float:
    tasks, colorizer = album.tasks([top / 'in'], top / 'album'), Colorizer()
    list(album.colorize(tasks[:1], colorizer, album.Folder(force=True)))
    start = time.perf_counter()
    list(album.colorize(tasks, colorizer, album.Folder(force=True)))
    return PHOTOS / (time.perf_counter() - start)


def by_archive(top: Path, size: int) -> float:
    archive = Archive(Job(str(top / 'in'), str(top / f'archive-{size}')))
    crew = Processes(archive.job, size)
    names = [found.name for found in archive.found()]
    try:
        for worker in range(size):
            crew.give(worker, Unit((names[worker],)))
        _until_done(crew, size)
        start = time.perf_counter()
        for worker in range(size):
            crew.give(worker, Unit(tuple(names[worker::size])))
        _until_done(crew, size)
        return PHOTOS / (time.perf_counter() - start)
    finally:
        crew.stop()


def _until_done(crew: Processes, count: int) -> None:
    while count:
        count -= sum(isinstance(event, Done) for _, event in crew.wait())


if __name__ == '__main__':
    main()
