"""An hour of visitors: whether the page's server is at the end what it was at the beginning.

    nice python -m tests.benchmarks.soak [--minutes 60] [PHOTO ...]

Two visitors colour photos and albums, move sliders, place hints, cancel, send files that are none, and leave in the
middle of everything. Six times they rest, and a row is printed of what the server holds then: all of its memory, open
files and threads with those of its decoders, and the files that are left. Every answer is read: what was not meant to
happen is printed as it comes. So that an hour's retention turns over within the run, a file that is older than a row is
made to look an hour older. In the end, memory that went on growing after the second row, a file that stayed, another
answer than at the beginning or anything unmeant makes the exit status 1.

PHOTOs are visitors' too: such as HEIC, which nothing here can write.
"""

import argparse
import contextlib
import hashlib
import io
import itertools
import json
import random
import statistics
import sys
import tempfile
import threading
import time
import traceback
import zipfile
from collections import Counter
from pathlib import Path

from PIL import Image

from demo.server import retention
from lumachrome import hints
from tests.benchmarks import visits
from tests.benchmarks.visits import Page, Unmeant, album_files, upload

ROWS = 6
GROWTH = 0.05  # of memory, from the second row to the last ones: more is no longer flat
TESTS = Path(__file__).parents[1]
EXAMPLES = TESTS.parent / 'demo' / 'examples'
HINTS = [{'x': 0.3, 'y': 0.3, 'color': '#4060c0'}, {'x': 0.7, 'y': 0.6, 'color': '#a05030'}]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--minutes', type=float, default=60)
    parser.add_argument('photos', metavar='PHOTO', nargs='*', type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, visits.server(Path(folder)) as server:
        soak = Soak(server, [(path.name.encode(), path.read_bytes()) for path in options.photos])
        visitors = [threading.Thread(target=soak.visit, args=[seed], daemon=True) for seed in range(2)]
        for visitor in visitors:
            visitor.start()
        print(Row.HEAD, flush=True)
        rows = []
        for _ in range(ROWS):
            time.sleep(60 * options.minutes / ROWS)  # also after a late one, so that old files are swept between two
            with soak.resting():
                rows.append(soak.row())
                print(rows[-1], flush=True)
                visits.age(server.folder, 60 * options.minutes / ROWS)
        soak.over.set()
        for visitor in visitors:
            visitor.join()
        return verdict(rows, soak.left_in_the_end(), soak.unmeant)


def verdict(rows, left, unmeant):
    """Say whether the server is what it was; 1 if it is not."""
    before, after = rows[1].memory, statistics.mean(row.memory for row in rows[-2:])
    found = {
        f'memory: {before / 1e6:.0f} MB in row 2, {after / 1e6:.0f} MB in the mean of the last two': after
        <= before * (1 + GROWTH),
        f'open files: {rows[1].files} in row 2, {rows[-1].files} in the last': rows[-1].files <= rows[1].files + 5,
        f'threads: {rows[1].threads} in row 2, {rows[-1].threads} in the last': rows[-1].threads <= rows[1].threads + 5,
        f'files of before the last row but one that are still there: {max(row.overdue for row in rows)} at most': all(
            row.overdue == 0 for row in rows
        ),
        f'half files and unpacked photos left: {max(row.temporary for row in rows)} at most': all(
            row.temporary == 0 for row in rows
        ),
        f'files left when everything is old: {len(left)} {sorted(left)[:5] or ""}': not left,
        'the same answer in every row': all(row.same for row in rows),
        f'unmeant: {len(unmeant)}': not unmeant,
    }
    for sentence, holds in found.items():
        print('good' if holds else 'BAD ', sentence)
    return 0 if all(found.values()) else 1


class Row:
    """What the server holds while the visitors rest."""

    HEAD = (
        f'{"minutes":>8}{"done":>7}{"refused":>9}{"left":>6}{"unmeant":>9}{"memory, MB":>12}{"most, MB":>10}{"fds":>5}'
        f'{"threads":>9}{"kept files":>12}{"MB":>6}{"overdue":>9}{"temporary":>11}  same answer'
    )

    def __init__(self, minutes, counted, server, most, oldest, same):
        self.minutes, self.counted, self.most, self.same = minutes, counted, most, same
        self.memory, self.files, self.threads = server.memory(), server.open_files(), server.threads()
        found = visits.files(server.folder) - server.first_files
        sizes = {path: path.lstat() for path in found if path.exists()}
        self.kept, self.bytes = len(sizes), sum(state.st_size for state in sizes.values())
        # What was an hour old at the row before has been swept since.
        self.overdue = sum(state.st_mtime < oldest for state in sizes.values())
        self.temporary = len(server.temporary())

    def __str__(self):
        done, refused, left, unmeant = (self.counted[kind] for kind in ('done', 'refused', 'left', 'unmeant'))
        return (
            f'{self.minutes:8.1f}{done:7}{refused:9}{left:6}{unmeant:9}{self.memory / 1e6:12.0f}{self.most / 1e6:10.0f}'
            f'{self.files:5}{self.threads:9}{self.kept:12}{self.bytes / 1e6:6.0f}{self.overdue:9}{self.temporary:11}'
            f'  {"yes" if self.same else "NO"}'
        )


class Soak:
    """The visitors, what is counted of them, and when they rest."""

    def __init__(self, server, photos):
        self.server, self.over, self.begun = server, threading.Event(), time.monotonic()
        self.counted, self.unmeant = Counter(), []
        self._photos = photos
        self._turns = [threading.Lock(), threading.Lock()]  # each held by its visitor while something is done
        self._lock, self._reported, self._before = threading.Lock(), 0, time.time()
        self._first = self._answer()

    def visit(self, seed):
        """Come, do something, pause, and come again."""
        chance = random.Random(seed)
        plans = itertools.cycle(chance.sample(VISITS, len(VISITS)))
        while not self.over.is_set():
            with self._turns[seed]:
                plan = next(plans)
                visit = Visit(self.server.url, chance, self._photos)
                try:
                    plan(visit)
                except Exception as error:
                    place = traceback.extract_tb(error.__traceback__)[1].lineno
                    self._note(f'{plan.__name__}, line {place}: {type(error).__name__}: {error}')
                finally:
                    visit.page.close()
                    with self._lock:
                        self.counted += visit.page.counted
            self.over.wait(chance.uniform(0.5, 2))

    def _note(self, sentence):
        with self._lock:
            self.counted['unmeant'] += 1
            self.unmeant.append(sentence)
        print('UNMEANT', sentence, flush=True)

    @contextlib.contextmanager
    def resting(self):
        """The visitors have gone, and what they began has ended."""
        with self._turns[0], self._turns[1]:
            time.sleep(5)
            yield

    def row(self):
        traces = self.server.traces()
        for trace in traces[self._reported :]:
            self._note(f'in the log: {trace}')
        self._reported = len(traces)
        oldest, self._before = self._before - retention.KEPT_MINUTES * 60, time.time()
        same = self._answer() == self._first
        minutes = (time.monotonic() - self.begun) / 60
        return Row(minutes, self.counted, self.server, self.server.most_memory(), oldest, same)

    def left_in_the_end(self):
        """Files that stay when all are old, of those that visitors sent or got; folders too."""
        for _ in range(3):  # a folder is old an hour after its last file went
            visits.age(self.server.folder, 0)
            time.sleep(65)
        return visits.files(self.server.folder, folders=True) - self.server.first_files

    def _answer(self):
        """What a photo gives that is the same each time: the bytes of its result."""
        page = Page(self.server.url)
        try:
            path = upload(page, b'reference.jpg', (EXAMPLES / 'china.jpg').read_bytes())
            return hashlib.sha256(page.fetch(page.call('colorize', page.file(path))[0])).hexdigest()
        finally:
            page.close()


class Visit:
    """What a visitor does; each method is a visit from the opening of the page on."""

    def __init__(self, url, chance, photos):
        self.page, self._chance, self._given = Page(url), chance, photos

    def one_photo(self):
        """A photo is coloured, adjusted, hinted, looked at in variants and downloaded."""
        page, chance = self.page, self._chance
        name, content = self._photo()
        self._shown(name, content)
        for place in range(chance.randint(1, 4)):
            page.set('saturation', 0.5 + place / 4)
            page.fire('saturation.change')
        page.fire('compare.point', event_data={'x': 0.3, 'y': 0.3, 'hint': -1})
        page.set('compare', {'hints': HINTS[: chance.randint(1, 2)]})
        page.fire('compare.hint')
        if chance.random() < 0.5:
            page.fire('variants.expand')
            page.fire('gallery.select', event_data={'index': 2, 'value': None})
        page.fire('download.click')
        with Image.open(io.BytesIO(page.fetch(page.get('ready')))) as result:
            meant(result.size == visits.size(content, result.size), f'{name}: {result.size}')

    def hints_kept(self):
        """Hints are saved, and loaded again with the photo."""
        self._shown(*self._photo())
        self.page.set('compare', {'hints': HINTS})
        self.page.fire('compare.hint')
        self.page.fire('save-hints.click')
        kept = self.page.fetch(self.page.get('ready'))
        meant(len(hints.parse(json.loads(kept)['hints'])) == 2, kept[:200])
        self.page.set('load-hints', self.page.file(upload(self.page, b'kept-hints.json', kept)))
        self.page.fire('load-hints.upload')

    def a_palette(self):
        """Another photo lends its colours."""
        self._shown(*self._photo())
        self.page.set('palette', self.page.file(upload(self.page, *self._photo())))
        self.page.fire('palette.change')
        self.page.fire('download.click')

    def programs(self):
        """A program asks, and asks for an album."""
        page = self.page
        page.fetch(page.call('colorize', page.file(upload(page, *self._photo())))[0])
        files = [page.file(upload(page, name, content), name) for name, content in self._album()]
        archive, report = page.call('colorize_album', files)
        meant(report['colored'] == len(files) and not report['failed'], report)
        meant(len(zipfile.ZipFile(io.BytesIO(page.fetch(archive))).namelist()) == len(files), report)

    def an_album(self):
        """A ZIP with folders, and what is no photo; names that are no UTF-8."""
        content = album_files([*self._album(), (b'summer/cut.jpg', self._photo()[1][:300]), (b'notes.txt', b'-')])
        report = self._album_run([(b'holiday.zip', content)])
        meant(len(report['problems']) >= 1, report)

    def files_of_an_album(self):
        self._album_run(self._album())

    def an_album_stopped(self):
        """After some photos; what is done by then is given."""
        self._album_run(self._album(8), 'album-stop.click')

    def an_album_left(self):
        """Cancelled as it waits, by the other of the two buttons."""
        self._album_chosen(self._album(3))
        self.page.broken_off('run')

    def files_that_are_none(self):
        """All are refused in a sentence, or coloured."""
        page = self.page
        sound = self._photo()[1]
        bomb = visits.encoded(Image.new('1', (30_000, 30_000)), 'PNG')
        bad = [(path.name.encode(), path.read_bytes()) for path in sorted((TESTS / 'hostile').iterdir())]
        bad += [(b'cut.jpg', sound[: len(sound) // 2]), (b'empty.png', b''), (b'letter.tif', b'Dear'), (b'b.png', bomb)]
        for name, content in self._chance.sample(bad, 5):
            page.set('photo', page.file(upload(page, name, content), name))
            page.fire('photo.change', may_fail=True)
        for name, content in ((b'a.zip', b'PK\3\4'), (b'b.zip', album_files(bad[:3])), (b'c.zip', b'')):
            page.call('colorize_album', [page.file(upload(page, name, content), name)], may_fail=True)
        for photo in ({'path': '/etc/passwd'}, {'path': 'http://127.0.0.1:1/a.jpg'}, {'url': 'http://a/'}, 'x', 7):
            page.call('colorize', photo, may_fail=True)

    def names_that_are_no_utf8(self):
        page, (_, content) = self.page, self._photo()
        for name in (b'Z\xfcrich.jpg', 'Zürich 祖母.jpg'.encode(), b'\xff\xfe', b'a' * 300 + b'.jpg', b'../../a.jpg'):
            page.set('photo', page.file(upload(page, name, content), name))
            page.fire('photo.change')
            page.fire('download.click')

    def an_upload_broken_off(self):
        name, content = visits.photo(self._chance, 'TIFF', 1000)
        for share in (0.1, 0.5, 0.9):
            self.page.upload_broken_off(name, content, share)

    def a_download_broken_off(self):
        self._shown(*self._photo('PNG', 1600))
        self.page.fire('download.click')
        self.page.fetch(self.page.get('ready'), whole=False)

    def gone_while_it_works(self):
        """The page is closed while a photo waits; a program asks and never comes back."""
        self.page.set('photo', self.page.file(upload(self.page, *self._photo())))
        self.page.broken_off('photo.change')
        self.page.asked_only('colorize', self.page.file(upload(self.page, *self._photo())))

    def a_look(self):
        """The page is opened, with what a browser loads of it, and left."""
        self.page.opened()

    def _shown(self, name, content):
        self.page.set('photo', self.page.file(upload(self.page, name, content), name))
        self.page.fire('photo.change')
        self.page.fetch(self.page.get('compare')['after'])

    def _photo(self, kind=None, long_side=None):
        """One of the given ones, or one that was never there."""
        if kind is None and self._given and self._chance.random() < 0.25:
            return self._chance.choice(self._given)
        kind = kind or self._chance.choice(['JPEG', 'JPEG', 'JPEG', 'PNG', 'TIFF', 'WEBP', 'AVIF'])
        return visits.photo(self._chance, kind, long_side or self._chance.choice([300, 600, 1000, 1633]))

    def _album(self, count=0):
        found = [visits.photo(self._chance, 'JPEG', 400) for _ in range(count or self._chance.randint(2, 5))]
        return [(b'summer/%d-%s' % (i, name), content) for i, (name, content) in enumerate(found)]

    def _album_chosen(self, photos):
        page = self.page
        files = [
            {'file': page.file(upload(page, name, content), name), 'name': visits.said(name)}
            for name, content in photos
        ]
        page.set('album', {'files': files})
        page.fire('album.picked')
        page.fire('album-start.click')

    def _album_run(self, photos, midway=None):
        """The last report. `midway` is fired after the first photo."""
        self._album_chosen(photos)
        self.page.fire('run', midway=midway)
        archive = zipfile.ZipFile(io.BytesIO(self.page.fetch(self.page.get('album-download'))))
        meant(archive.testzip() is None and archive.namelist(), 'the ZIP is damaged or empty')
        report = self.page.get('album-report')
        self.page.fire('album-again.click')
        return report


def meant(holds, found):
    if not holds:
        raise Unmeant(str(found))


VISITS = [plan for name, plan in vars(Visit).items() if not name.startswith('_')]

if __name__ == '__main__':
    sys.exit(main())
