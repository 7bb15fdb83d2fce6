"""The static page in Firefox and WebKit, against Chromium: each that is on this machine.

Nobody drives them, as each would need a driver of its own: they open tests/unseen.html, which lies beside the page,
does on it what a visitor would do, and sends back what came of it.
"""

import functools
import glob
import io
import json
import os
import shutil
import signal
import subprocess
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from static_page import Quiet, built, serve
from test_web_page import EXAMPLES, PHOTOS, pixels

from lumachrome import photofile

pytestmark = [pytest.mark.slow, pytest.mark.browser]
TESTS = Path(__file__).parents[1]
LONGEST = 300  # seconds of a visit
CUT = ('cut.jpg', 'cut.png', 'cut.webp', 'cut.gif', 'cut.bmp')
HINTS = [{'x': 0.5, 'y': 0.3, 'color': '#c04060'}, {'x': 0.1, 'y': 0.9, 'color': '#406020'}]
# Firefox asks and tells nobody anything.
QUIET = """
    user_pref("browser.aboutwelcome.enabled", false);
    user_pref("browser.shell.checkDefaultBrowser", false);
    user_pref("datareporting.policy.dataSubmissionEnabled", false);
    user_pref("toolkit.telemetry.reportingpolicy.firstRun", false);
"""


def _chromium(profile):
    command = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
    return command and [command, '--headless=new', '--no-sandbox', '--disable-gpu', f'--user-data-dir={profile}']


def _firefox(profile):
    command = shutil.which('firefox') or shutil.which('firefox-esr')
    (profile / 'user.js').write_text(QUIET)
    return command and [command, '--headless', '--no-remote', '--profile', str(profile)]


def _webkit(_):
    found = [path for lib in ('lib/*', 'libexec') for path in glob.glob(f'/usr/{lib}/webkit2gtk-4.*/MiniBrowser')]
    return found and shutil.which('xvfb-run') and ['xvfb-run', '--auto-servernum', found[-1], '--private']


BROWSERS = {'chromium': _chromium, 'firefox': _firefox, 'webkit': _webkit}


class Desk(Quiet):
    """Takes what a browser sends: files as bytes, sentences as text."""

    found: dict[str, bytes | str]
    ended: threading.Event

    def end_headers(self):
        self.send_header('Cross-Origin-Opener-Policy', 'same-origin')
        self.send_header('Cross-Origin-Embedder-Policy', 'require-corp')
        super().end_headers()

    def do_POST(self):
        kind, name = self.path[1:].split('/')
        content = self.rfile.read(int(self.headers['Content-Length']))
        if kind == 'end':
            self.ended.set()
        else:
            self.found[name] = content if kind == 'file' else content.decode()
        self.send_response(204)
        self.end_headers()


def _write_photos(folder):
    for name, write in PHOTOS.items():
        write(folder / name)
    image, exif = Image.fromarray(pixels()), Image.Exif()
    exif[0x0112] = 6
    image.save(folder / 'turned.jpg', exif=exif, quality=92)
    for name in ('whole.jpg', 'whole.gif', 'whole.bmp'):
        image.save(folder / name)
    image.save(folder / 'whole.avif', quality=100, subsampling='4:4:4')
    shutil.copy(TESTS / 'hostile' / 'segfault-minimal.heic', folder / 'still.heic')
    shutil.copy(EXAMPLES / 'flower.jpg', folder / 'flower.jpg')  # the last one: whatever came before has broken nothing
    for name, whole in zip(CUT, ('whole.jpg', 'rgb.png', 'turned.webp', 'whole.gif', 'whole.bmp'), strict=True):
        content = (folder / whole).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])
    with zipfile.ZipFile(folder / 'album.zip', 'w') as file:
        for name in ('rgb.png', 'whole.jpg', 'cut.jpg'):
            file.write(folder / name, f'1931/{name}')


@pytest.fixture(scope='module')
def visited(tmp_path_factory):
    """What came of a visit by a browser of that name: file or sentence of each task, by its name."""
    folder = tmp_path_factory.mktemp('desk')
    (folder / 'files').mkdir()
    _write_photos(folder / 'files')
    names = sorted((path.name for path in (folder / 'files').glob('*.*')), key='flower.jpg'.__eq__)
    tasks = [{'name': name, 'does': 'photo', 'names': [name]} for name in names if name != 'album.zip']
    tasks.append({'name': 'hinted', 'does': 'photo', 'names': ['flower.jpg'], 'hints': HINTS})
    tasks.append({'name': 'album', 'does': 'album', 'names': ['album.zip', 'gray.png']})
    (folder / 'tasks.json').write_text(json.dumps(tasks))
    shutil.copy(TESTS / 'unseen.html', folder / 'index.html')
    (folder / 'site').symlink_to(built())

    @functools.cache
    def visit(name):
        home = tmp_path_factory.mktemp(name)
        command = BROWSERS[name](home)
        if not command:
            pytest.skip(f'No {name} here: the page was not tried in it.')
        kind = type('Kind', (Desk,), {'found': {}, 'ended': threading.Event()})
        server = serve(folder, kind=kind)
        # As root, and in a container, WebKit has no sandbox to run in.
        environment = os.environ | {'HOME': str(home), 'WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS': '1'}
        command.append(f'http://127.0.0.1:{server.server_address[1]}/')
        with (home / 'log.txt').open('w') as log:
            process = subprocess.Popen(command, env=environment, start_new_session=True, stdout=log, stderr=log)
        try:
            assert kind.ended.wait(LONGEST), (home / 'log.txt').read_text()[-2000:]
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)
            server.shutdown()
        assert 'all' not in kind.found, kind.found['all']
        return kind.found

    return visit


@pytest.fixture(scope='module', params=['firefox', 'webkit'])
def pair(request, visited):
    return visited(request.param), visited('chromium')


def _apart(name, got, want, folder):
    assert isinstance(got, bytes) and isinstance(want, bytes), f'{name}: {got if isinstance(got, str) else want}'
    if got == want:
        return 0
    photos = []
    for content in (got, want):  # of what became of it, the start tells the kind
        (folder / 'photo').write_bytes(content)
        photos.append(photofile.read(folder / 'photo').pixels.astype(int))
    assert photos[0].shape == photos[1].shape, name
    return np.abs(photos[0] - photos[1]).max() / (257 if photos[0].max() > 255 else 1)


def test_files_are_those_of_chromium(pair, tmp_path):
    (got, want), names = pair, [*PHOTOS, 'turned.jpg', 'whole.jpg', 'whole.gif', 'whole.bmp', 'whole.avif']
    names += ['still.heic', 'flower.jpg', 'hinted']
    apart = {name: _apart(name, got[name], want[name], tmp_path) for name in names}
    # PNG is compressed by zlibs of their own; decoders of AVIF round as they like.
    assert apart.pop('whole.avif') <= 8 and {name: most for name, most in apart.items() if most > 2} == {}
    assert got['hinted'] != got['flower.jpg']


def test_what_was_cut_short_is_damaged(pair):
    got, want = pair
    sentences = {name: f'{name} is damaged or cut short and cannot be read.' for name in CUT}
    assert {name: got[name] for name in CUT} == {name: want[name] for name in CUT} == sentences


def test_an_album_is_that_of_chromium(pair, tmp_path):
    albums = [zipfile.ZipFile(io.BytesIO(visit['album'])) for visit in pair]
    names = [sorted(album.namelist()) for album in albums]
    assert names[0] == names[1] == ['1931/rgb.png', '1931/whole.jpg', 'gray.png']
    for name in names[0]:
        assert _apart(name, albums[0].read(name), albums[1].read(name), tmp_path) <= 2
