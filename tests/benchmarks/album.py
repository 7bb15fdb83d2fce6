"""Photos a second of an album: one after the other, and as `lumachrome.album` does it, in one run.

    python -m tests.benchmarks.album [--photos 24] [--megapixels 3] [--model NAME] [--profile]

The photos are JPEGs of noise and a gradient, as in memory.py; the results are JPEGs in a folder. All is done twice by
turns, and the faster one counts. With --profile, then the seconds of each step alone, which say what bounds the whole:
its busiest thread, or the sum over the cores.
"""

import argparse
import collections
import os
import shutil
import tempfile
import time
from pathlib import Path

from lumachrome import Colorizer, album, photofile
from tests.benchmarks.memory import make


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--photos', type=int, default=24)
    parser.add_argument('--megapixels', type=float, default=3)
    parser.add_argument('--model')
    parser.add_argument('--profile', action='store_true')
    options = parser.parse_args()
    colorizer = Colorizer(options.model)
    with tempfile.TemporaryDirectory() as folder:
        photo = make(Path(folder), options.megapixels, 'jpeg')
        photos = [Path(shutil.copy(photo, f'{folder}/{number:03}.jpg')) for number in range(options.photos)]
        ways = {'one at a time': one_at_a_time, 'album': as_an_album}
        best = dict.fromkeys(ways, (1e9, 0.0))
        for number, (name, way) in enumerate(2 * list(ways.items())):
            start, used = time.perf_counter(), sum(os.times()[:4])
            way(photos, colorizer, Path(folder, f'out{number}'))
            seconds = time.perf_counter() - start
            best[name] = min(best[name], (seconds, (sum(os.times()[:4]) - used) / seconds))
        print(f'{"":15}{"photos/s":>9}{"ratio":>7}{"cores":>7}')
        for name, (seconds, cores) in best.items():
            print(f'{name:15}{len(photos) / seconds:9.2f}{best["one at a time"][0] / seconds:7.2f}{cores:7.2f}')
        if options.profile:
            for name, seconds in profile(photos[:8], colorizer, Path(folder, 'profile')).items():
                print(f'{name:24}{1000 * seconds:6.0f} ms')


def one_at_a_time(photos, colorizer, out):
    for path in photos:
        photo = photofile.read(path)
        photofile.write(out / path.name, colorizer.colorize(photo.pixels), photo)


def as_an_album(photos, colorizer, out):
    outcomes = album.colorize(album.tasks(photos, out), colorizer, album.Folder())
    assert not [outcome.error for outcome in outcomes if outcome.error]


def profile(photos, colorizer, out):
    """Seconds of each step, alone on the machine: the median of some photos."""
    found = collections.defaultdict(list)
    for path in photos:
        at = [time.perf_counter()]
        photo, rows = photofile.read_rows(path)
        at.append(time.perf_counter())
        with rows:
            colorizer.colorize_rows(rows)
            at.append(time.perf_counter())
            photofile.write(out / path.name, rows, photo)
            at.append(time.perf_counter())
        for name, start, end in zip(('decoder', 'network and joining', 'writing'), at, at[1:], strict=False):
            found[name].append(end - start)
    return {name: sorted(seconds)[len(seconds) // 2] for name, seconds in found.items()}


if __name__ == '__main__':
    main()
