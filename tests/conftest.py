"""What several rooms' tests share: photos to train on, small files that need no training and no export, the page."""

import os

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

import contextlib
import shutil
import sys
import threading
import types

import numpy as np
import pytest
import standin_networks
from albums import photo_file
from PIL import Image
from skimage import data

from lumachrome import compiled

# What takes a fixture takes the time of it: see the markers in pyproject.toml.
_MARKS = {'browser': 'browser', 'tiny': 'training', 'exported': 'training'}
# Begun first, so that all workers end together.
_LONGEST = ['test_fit', 'test_fuzz', 'test_whole_line', 'test_verify', 'test_page']


def pytest_collection_modifyitems(items):
    for item in items:
        for mark in {_MARKS[name] for name in getattr(item, 'fixturenames', ()) if name in _MARKS}:
            item.add_marker(mark)
    items.sort(key=lambda item: _LONGEST.index(item.path.stem) if item.path.stem in _LONGEST else len(_LONGEST))


@pytest.fixture(autouse=True)
def by_onnx():
    """Photos are joined by the .onnx files, which may be stand-ins, even where numba is installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, 'joins', lambda: None)
        yield


@pytest.fixture(scope='session')
def standins(tmp_path_factory):
    """Two networks whose colours are known, `plain` and `steered` (with all that can be set), and all other files."""
    folder = tmp_path_factory.mktemp('models')
    standin_networks.write(folder)
    return folder


@pytest.fixture(scope='session')
def gray():
    """A gray photo of odd size with neither black nor white, so that no colour is clipped."""
    return np.linspace(90, 160, 31 * 45).reshape(31, 45).astype(np.uint8)


@pytest.fixture
def holiday(tmp_path):
    """A folder with two photos in folders, and two that are none."""
    folder = tmp_path / 'holiday'
    photo_file(folder / 'summer' / 'a [1].jpg')
    photo_file(folder / 'winter' / 'ç.png')
    (folder / 'summer' / 'cut.jpg').write_bytes((folder / 'summer' / 'a [1].jpg').read_bytes()[:300])
    (folder / 'letter.jpg').write_text('Dear grandmother')
    (folder / '.hidden.jpg').write_bytes(b'')
    (folder / 'notes.txt').write_text('not a photo')
    return folder


@pytest.fixture(scope='session')
def photo_folder(tmp_path_factory):
    """A folder with 24 colour photos of 130 x 100 pixels, cut from scikit-image's; to be read, not changed."""
    return _cuttings(tmp_path_factory.mktemp('photos'), 24, seed=0)


@pytest.fixture(scope='session')
def other_photos(tmp_path_factory):
    """A folder with 4 photos more, none of which is in `photo_folder`."""
    return _cuttings(tmp_path_factory.mktemp('others'), 4, seed=1)


def _cuttings(folder, count, seed):
    rng = np.random.default_rng(seed)
    for i in range(count):
        picture = (data.astronaut, data.chelsea, data.coffee)[i % 3]()
        y, x = (rng.integers(0, length - 130) for length in picture.shape[:2])
        Image.fromarray(picture[y : y + 100, x : x + 130]).save(folder / f'{i:02}.png')
    return folder


# ---- the export; Keras takes seconds to load, too


@pytest.fixture(scope='module')
def tiny():
    """A network that needs no training and has all that a network may have."""
    with _tiny() as network:
        yield network


@contextlib.contextmanager
def _tiny():
    import keras
    from tiny import build_tiny, parted

    from training import networks

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(networks, 'NAMES', (*networks.NAMES, 'tiny'))
        module = types.SimpleNamespace(MULTIPLE=8, RENDER_SIZE=64, build=build_tiny, parted=parted)
        patch.setitem(sys.modules, 'training.networks.tiny', module)
        keras.utils.set_random_seed(1)
        yield build_tiny()
        assert sys.modules['training.networks.tiny'] is module  # no test put another there


@pytest.fixture(scope='session')
def exported(tmp_path_factory):
    """The file of `tiny`: its path, what was verified, and its network in ONNX. One for all: it takes half a minute."""
    from export import files

    folder = tmp_path_factory.mktemp('export')
    made, convert = [], files.convert
    with _tiny() as network, pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, 'convert', lambda given: made.append(convert(given)) or made[0])
        network.save(folder / 'tiny.keras')
        verified = files.export(folder / 'tiny.keras', folder / 'tiny.onnx', licence='mine')
    return types.SimpleNamespace(path=folder / 'tiny.onnx', verified=verified, converted=made[0])


# ---- the page; Gradio takes seconds to load, which the other rooms' tests need not wait for


@pytest.fixture(scope='module')
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp('gradio')


@pytest.fixture(scope='module')
def url(standins, cache):
    """The page and its MCP server, on a free port with two networks whose colours are known."""
    from demo import app
    from lumachrome import colorizer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(colorizer, 'MODELS', standins)
        patch.setenv('GRADIO_TEMP_DIR', str(cache))
        page = app.build()
        _, address, _ = app.launch(page, mcp=True, prevent_thread_lock=True, quiet=True)
        yield address.rstrip('/')
        page.close()


@pytest.fixture(scope='module')
def photo(tmp_path_factory):
    """A gray JPEG of 400 x 300 pixels, which its EXIF turns upright."""
    path = tmp_path_factory.mktemp('photos') / 'grandmother.jpg'
    pixels = np.linspace(80, 170, 300 * 400).reshape(300, 400).astype(np.uint8)
    Image.fromarray(pixels).save(path, quality=95, exif=_rotated(), dpi=(300, 300))
    return path


def _rotated():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


@pytest.fixture(scope='module')
def client(url, tmp_path_factory):
    from gradio_client import Client

    return Client(url, verbose=False, download_files=str(tmp_path_factory.mktemp('downloads')))


@pytest.fixture
def gate(monkeypatch):
    """Photos of albums wait until the test lets them through, one for each `release`."""
    from demo.page import album as album_page
    from lumachrome import album

    semaphore, color = threading.Semaphore(0), album._written

    def colored(*given):
        assert semaphore.acquire(timeout=60)
        return color(*given)

    monkeypatch.setattr(album, '_written', colored)
    monkeypatch.setattr(album_page, 'PAUSE', 0)
    yield semaphore
    semaphore.release(1000)


@pytest.fixture(scope='module')
def browser():
    chromium = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
    if chromium is None:
        if os.environ.get('CI') == 'true':
            pytest.fail('No Chromium: install it from the distribution (apt-get install chromium).')
        pytest.skip('No Chromium here: the page was not tried in a browser.')
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=['--no-sandbox', '--disable-gpu'])
        yield browser
        browser.close()


@pytest.fixture(scope='module')
def visitor(browser):
    """Somebody whose browser keeps the page's scripts from one visit to the next."""
    with browser.new_context(viewport={'width': 1280, 'height': 900}) as visitor:
        yield visitor


@pytest.fixture
def page(visitor, url):
    """The page in a browser; `outside` are the addresses of other hosts that it asked for."""
    page = visitor.new_page()
    visitor.new_cdp_session(page).send('Storage.clearDataForOrigin', {'origin': url, 'storageTypes': 'all'})
    page.outside, page.errors = [], []
    page.on('request', lambda request: page.outside.append(request.url) if _is_outside(request.url, url) else None)
    page.on('pageerror', lambda error: page.errors.append(str(error)))
    page.goto(url)
    page.wait_for_selector('lumachrome-painter .after img')  # an example: no more is going on
    yield page
    page.close()


def _is_outside(address, url):
    return not address.startswith((url, 'data:', 'blob:'))
