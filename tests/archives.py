"""Shards, and who colours them without a process of its own, for the tests of archives."""

import io
import tarfile

import pyarrow.parquet as pq

from lumachrome.archive.crews import Step
from lumachrome.archive.worker import Worker


def shard(path, photo, bad):
    """A shard of two photos and a text."""
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, 'w') as tar:
        tar.add(photo, '0001.jpg')
        tar.addfile(member('0001.txt', 3), io.BytesIO(b'cat'))
        tar.add(bad, '0002.jpg')


def member(name, size):
    """What stands before a file in a shard."""
    found = tarfile.TarInfo(name)
    found.size = size
    return found


def report(target):
    """What a run tells of each photo, by its name."""
    rows = pq.read_table(target / 'report.parquet').to_pylist()
    assert len({row['source'] for row in rows}) == len(rows)
    return {row['source']: row for row in rows}


class Inline:
    """A crew of one worker in this process, for what needs no death; it may end after so many units."""

    size = 1

    def __init__(self, job, units=1000):
        self.worker, self.left, self.events = Worker(job), units, []

    def give(self, worker, unit):
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        steps = []
        done = self.worker.work(unit, lambda name, size: steps.append((0, Step(name, size))))
        self.events = [*steps, (0, done)]

    def wait(self):
        return self.events

    def stop(self):
        pass
