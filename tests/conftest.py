"""What several rooms' tests share: photos to train on, small files that need no training and no export, the page."""

import os

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

import contextlib
import shutil
import sys
import threading
import types

import numpy as np
import onnx
import pytest
from albums import photo_file
from PIL import Image
from skimage import data

from lumachrome import compiled, contract

# Colours that are known beforehand, in a 2 x 2 map: red above, blue below. Every input moves them, so that a test sees
# whether it arrived; red and blue are the gray level plus a and b, which stands in for the way back from CIELAB.
_NETWORK = """
<ir_version: 9, opset_import: ["" : 18]>
standin (uint8[N,H,W,3] photo, int64[1] render_size, float[1] saturation{extra_inputs})
    => (uint8[N,H,W,3] colorized, float[N,h,w,2] ab{extra_outputs})
<{extra_constants}
 float[1,2,2,2] colors = {{40, -10, 40, -10, -10, 40, -10, 40}}, int64[1] axis = {{3}}, int64[1] one = {{1}},
 int64[1] zero = {{0}}, int64[1] two = {{2}}, int64[1] four = {{4}}, float[1] thousand = {{1000}},
 float[1] own_size = {{256}},
 float[1] half = {{0.5}},
 float[1] low = {{0}}, float[1] high = {{255}}>
{{
    size = Cast <to = 1> (render_size)
    beyond = Sub (size, own_size)
    more = Div (beyond, thousand)
    shape = Shape <start = 0, end = 1> (photo)
    rest = Concat <axis = 0> (one, one, one)
    every = Concat <axis = 0> (shape, rest)
    own = Expand (colors, every)
    sized = Add (own, more)
    {extra_nodes}
    scaled = Mul (ab, saturation)
    gray = Cast <to = 1> (photo)
    {tail}
}}
"""
_JOIN = """
<ir_version: 9, opset_import: ["" : 18]>
join ({depth}[N,H,W,3] photo, float[N,h,w,2] ab, int64[2] rows = {{0, 0}}) => ({depth}[N,H,W,3] colorized)
<int64[1] axis = {{3}}, int64[1] zero = {{0}}, int64[1] one = {{1}}, int64[1] two = {{2}}, float[1] low = {{0}},
 float[1] high = {{{high}}}, float[1] unit = {{{unit}}}>
{{
    scaled = Mul (ab, unit)
    gray = Cast <to = 1> (photo)
    {tail}
}}
"""
_RENDER = """
<ir_version: 9, opset_import: ["" : 18]>
render (uint8[N,H,W,3] photo, int64[1] render_size) => (uint8[N,h,w,3] shown)
<int64[1] channels = {3}>
{
    batch = Shape <start = 0, end = 1> (photo)
    sizes = Concat <axis = 0> (batch, render_size, render_size, channels)
    shown = Resize <mode = "nearest"> (photo, , , sizes)
}
"""
_TAIL = """
    level = ReduceMean <keepdims = 1> (gray, axis)
    planes = Transpose <perm = [0, 3, 1, 2]> (scaled)
    upright = Transpose <perm = [0, 3, 1, 2]> (level)
    whole = Shape (upright)
    maps = Shape <start = 0, end = 2> (planes)
    {sides}
    sizes = Concat <axis = 0> (maps, sides)
    grown = Resize <mode = "nearest"> (planes, , , sizes)
    cut = {cut}
    enlarged = Transpose <perm = [0, 2, 3, 1]> (cut)
    a = Slice (enlarged, zero, one, axis)
    b = Slice (enlarged, one, two, axis)
    red = Add (level, a)
    blue = Add (level, b)
    joined = Concat <axis = 3> (red, level, blue)
    clipped = Clip (joined, low0, high0)
    colorized = Cast <to = {type}> (clipped)
"""
_WHOLE = {'sides': 'sides = Shape <start = 2> (upright)', 'cut': 'Identity (grown)'}
_BAND = {
    'sides': """
    first = Slice (rows, zero, one, zero)
    asked = Slice (rows, one, two, zero)
    height = Shape <start = 2, end = 3> (upright)
    width = Shape <start = 3> (upright)
    last = Add (first, height)
    all = Max (asked, last)
    sides = Concat <axis = 0> (all, width)
    """,
    'cut': 'Slice (grown, first, last, two)',
}
_PLAIN = 'ab = Identity (sized)'
# A distribution over nine bins: half of it on a colour, the rest on gray and on what might be there instead. A hint
# gives the quarter of the photo that it lies in to red, blue or gray. The mean is the faithful point, three times it
# the vivid one, to which each variant adds red where no hint is.
_STEERED = """
    quarters = Expand (likely, every)
    padded = Pad (hints, one_row, absent)
    x, y, hint_red, hint_green, hint_blue = Split <axis = 2, num_outputs = 5> (padded)
    is_there = GreaterOrEqual (x, low)
    there = Cast <to = 1> (is_there)
    is_right = GreaterOrEqual (x, half)
    right = Cast <to = 1> (is_right)
    left = Sub (there, right)
    columns = Concat <axis = 2> (left, right)
    is_lower = GreaterOrEqual (y, half)
    lower = Cast <to = 1> (is_lower)
    upper = Sub (unit, lower)
    rows = Concat <axis = 2> (upper, lower)
    redder = Sub (hint_red, hint_blue)
    share = Div (redder, high)
    bluer = Neg (share)
    as_red = Clip (share, zero_scalar, one_scalar)
    as_blue = Clip (bluer, zero_scalar, one_scalar)
    as_any = Add (as_red, as_blue)
    as_gray = Sub (unit, as_any)
    given = Concat <axis = 2> (as_gray, as_red, as_blue, there)
    drawn = Einsum <equation = "nky,nkx,nkv->nyxv"> (rows, columns, given)
    colored, count = Split <axis = 3> (drawn, three_and_one)
    covered = Max (count, unit)
    hinted = Div (colored, covered)
    known = Min (count, unit)
    told = MatMul (hinted, choices)
    unknown = Sub (unit, known)
    open = Mul (quarters, unknown)
    closed = Mul (told, known)
    probabilities = Add (open, closed)
    bins = Identity (grid)
    faithful = MatMul (probabilities, grid)
    twice = Add (vividness, vividness)
    times = Add (twice, unit)
    chosen = Mul (faithful, times)
    number = Cast <to = 1> (variant)
    felt = Mul (number, vividness)
    drift = Mul (felt, redward)
    drifts = Mul (unknown, drift)
    varied = Add (chosen, drifts)
    ab = Add (varied, more)
    each = Concat <axis = 0> (shape, one, one)
    anchors = Expand (no_anchor, each)
"""
BINS = [(0, 0), (40, -10), (-10, 40), (0, 30), (0, -30), (30, 0), (-30, 0), (80, 0), (0, -80)]
_REDWARD = (10, 0)  # what a variant adds to a and b, times its number
_ABOVE, _BELOW = [0.3, 0.5, 0, 0.1, 0.1, 0, 0, 0, 0], [0.3, 0, 0.5, 0, 0, 0.1, 0.1, 0, 0]
_CHOICES = [[float(i == chosen) for i in range(9)] for chosen in (0, 7, 8)]


def _numbers(values):
    return str(np.ravel(values).tolist()).strip('[]')


def _saved(text, path, **metadata):
    text = text.replace('low0', 'least').replace('high0', 'most')
    text = text.replace('    level =', '    least = Squeeze (low)\n    most = Squeeze (high)\n    level =')
    model = onnx.parser.parse_model(text)
    onnx.checker.check_model(model, full_check=True)
    onnx.helper.set_model_props(model, {contract.METADATA_PREFIX + key: value for key, value in metadata.items()})
    onnx.save(model, path)


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
    byte = _TAIL.format(type=onnx.TensorProto.UINT8, **_WHOLE)
    _saved(
        _NETWORK.format(extra_inputs='', extra_outputs='', extra_constants='', extra_nodes=_PLAIN, tail=byte),
        folder / 'plain.onnx',
        format=str(contract.FORMAT),
        network='plain',
        render_size='256',
    )
    _saved(
        _NETWORK.format(
            extra_inputs=', float[1] vividness, float[N,K,5] hints, float[1] reach, int64[1] variant',
            extra_outputs=', float[N,h,w,Q] probabilities, float[Q,2] bins, float[N,A,5] anchors',
            extra_constants=f"""
                float[1,2,2,9] likely = {{{_numbers([_ABOVE, _ABOVE, _BELOW, _BELOW])}}},
                float[9,2] grid = {{{_numbers(BINS)}}}, float[3,9] choices = {{{_numbers(_CHOICES)}}},
                int64[6] one_row = {{0, 0, 0, 0, 1, 0}}, float absent = {{-1}}, float[1] unit = {{1}},
                float zero_scalar = {{0}}, float one_scalar = {{1}}, int64[2] three_and_one = {{3, 1}},
                float[2] redward = {{{_numbers(_REDWARD)}}}, float[1,1,5] no_anchor = {{0.5, 0.5, 0, 0, 0}},
            """,
            extra_nodes=_STEERED,
            tail=byte,
        ),
        folder / 'steered.onnx',
        format=str(contract.FORMAT),
        network='steered',
        render_size='256',
    )
    (folder / 'render.onnx').write_bytes(onnx.parser.parse_model(_RENDER).SerializeToString())
    for depth, name in contract.JOINS.items():
        high = np.iinfo(depth).max
        band = _TAIL.format(type=onnx.helper.np_dtype_to_tensor_dtype(np.dtype(depth)), **_BAND)
        _saved(_JOIN.format(depth=depth, high=high, unit=high // 255, tail=band), folder / name)
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
