"""The static page, built and served by a host without headers, in a headless Chromium."""

import io
import re
import zipfile

import numpy as np
import pytest
import pyvips
from PIL import Image
from static_page import WEB, built, peak_of_tabs, serve

from lumachrome import Adjustments, Colorizer, Hint, metadata, photofile

pytestmark = pytest.mark.browser
EXAMPLES = WEB.parent / 'examples'


@pytest.fixture(scope='module')
def site():
    server = serve(built())
    yield f'http://127.0.0.1:{server.server_address[1]}/'
    server.shutdown()


@pytest.fixture(scope='module')
def context(browser, site):
    context = browser.new_context(viewport={'width': 1280, 'height': 900}, accept_downloads=True)
    context.set_default_timeout(60_000)
    yield context
    context.close()


@pytest.fixture(scope='module')
def shown(context, site):
    """The page, ready; it knows what was asked of other hosts and what went wrong."""
    page = context.new_page()
    page.outside, page.errors = [], []
    page.on('pageerror', lambda error: page.errors.append(str(error)))
    context.on('request', lambda request: request.url.startswith((site, 'blob:')) or page.outside.append(request.url))
    page.goto(site)
    page.wait_for_selector('body[data-ready]')
    yield page
    assert page.outside == [] and page.errors == []


@pytest.fixture(scope='module')
def colorizer():
    return Colorizer()


def looks(page):
    return int(page.get_attribute('body', 'data-looks') or 0)


def after_look(page, before):
    for _ in range(600):
        if looks(page) > before:
            return
        page.wait_for_timeout(50)
    raise AssertionError(page.inner_text('#error'))


def choose(page, path):
    before = looks(page)
    page.set_input_files('#file' if page.is_visible('#start') else '#another', path)
    if page.is_visible('#sure'):  # whether hints may be lost
        page.click('#leave')
    after_look(page, before)


def downloaded(page, folder):
    with page.expect_download() as download:
        page.click('#download')
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def pixels():
    rng = np.random.default_rng(0)
    small = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype='uint8')).resize((160, 120))
    return np.asarray(small)


def transparent():
    return np.dstack([pixels(), np.linspace(0, 255, 160, dtype='uint8')[None].repeat(120, 0)])


def _rgb(path):
    Image.fromarray(pixels()).save(path)


def _gray(path):
    Image.fromarray(pixels()[..., 0]).save(path)


def _transparent(path):
    Image.fromarray(transparent()).save(path, lossless=True, exact=True)


def _deep(path):
    deep = pixels().astype('uint16') * 257 + np.arange(160, dtype='uint16')[None, :, None]
    pyvips.Image.new_from_array(deep).copy(interpretation='rgb16').pngsave(str(path))


def _tiles(path):
    pyvips.Image.new_from_array(pixels()).tiffsave(str(path), tile=True, compression='lzw', predictor='horizontal')


def _turned(pixels):
    exif = Image.Exif()
    exif[0x0112] = 6
    return lambda path: Image.fromarray(pixels).save(path, exif=exif, lossless=True, exact=True)


PHOTOS = {
    'rgb.png': _rgb,
    'gray.png': _gray,
    'alpha.png': _transparent,
    'deep.png': _deep,
    'alpha.webp': _transparent,
    'tiles.tif': _tiles,
    'turned.png': _turned(pixels()),
    'turned.webp': _turned(pixels()),
    'turned-alpha.webp': _turned(transparent()),
}


@pytest.mark.parametrize('name', PHOTOS)
def test_bytes_are_those_of_python(shown, colorizer, tmp_path, name):
    PHOTOS[name](tmp_path / name)
    choose(shown, tmp_path / name)
    photo = photofile.read(tmp_path / name)
    got = photofile.read(downloaded(shown, tmp_path))
    assert got.pixels.dtype == photo.pixels.dtype and got.pixels.shape == photo.pixels.shape
    want = colorizer.colorize(photo.pixels).astype(int)
    # The decoder rounds to 8 bits: where WebAssembly's last digit differs, some numbers are rounded the other way.
    apart, level = np.abs(got.pixels - want), 257 if photo.pixels.dtype == np.uint16 else 1
    assert apart.max() <= 2 * level and (apart > level).mean() < 1e-3
    if photo.pixels.shape[2] == 4:
        assert (got.pixels[..., 3] == photo.pixels[..., 3]).all()


def test_a_jpeg_keeps_what_it_said_and_its_quality(shown, colorizer, tmp_path):
    exif = Image.Exif()
    exif[0x0112], exif[0x010E], exif[0x0132] = 6, 'Grandmother', '1931:05:02 10:00:00'
    Image.fromarray(pixels()).save(tmp_path / 'old.jpg', quality=90, exif=exif, comment=b'in the garden')
    choose(shown, tmp_path / 'old.jpg')
    path = downloaded(shown, tmp_path)
    assert path.name == 'old-colour.jpg'
    with Image.open(path) as image, Image.open(tmp_path / 'old.jpg') as old:
        kept = image.getexif()
        assert image.size == (120, 160) and kept[0x0112] == 1  # turned, and says so
        assert (kept[0x010E], kept[0x0132]) == ('Grandmother', '1931:05:02 10:00:00')
        assert image.info['comment'] == b'in the garden'
        assert metadata.SOURCE_TYPE.encode() in image.info['xmp']
        assert image.layer[0][1:3] == (1, 1)  # full chroma
        assert image.quantization[0][:8] == old.quantization[0][:8]
    got = photofile.read(path).pixels.astype(int)
    want = colorizer.colorize(photofile.read(tmp_path / 'old.jpg').pixels).astype(int)
    assert np.abs(got - want).mean() < 3


def test_hints_and_undo(shown, colorizer, tmp_path):
    with Image.open(EXAMPLES / 'flower.jpg') as image:
        image.resize((200, 150)).save(tmp_path / 'hinted.png')
    choose(shown, tmp_path / 'hinted.png')
    first = photofile.read(downloaded(shown, tmp_path)).pixels
    before = looks(shown)
    box = shown.locator('lumachrome-painter .frame').bounding_box()
    shown.mouse.click(box['x'] + 0.55 * box['width'], box['y'] + 0.3 * box['height'])
    shown.wait_for_selector('lumachrome-painter .likely button')  # suggestions of the network
    shown.click('lumachrome-painter .things button >> nth=3')
    after_look(shown, before)
    [hint] = shown.evaluate("document.querySelector('lumachrome-painter').hints")
    got = photofile.read(downloaded(shown, tmp_path)).pixels.astype(int)
    photo = photofile.read(tmp_path / 'hinted.png').pixels
    steered = colorizer.colorize(photo, Adjustments(hints=(Hint(hint['x'], hint['y'], hint['color']),)))
    # A hint makes more of what WebAssembly rounds otherwise: levels, where it changes dozens.
    apart = np.abs(got - steered)
    assert apart.mean() < 1 and apart.max() <= 16 < 40 < np.abs(got - first).max()
    before = looks(shown)
    shown.keyboard.press('Control+z')
    after_look(shown, before)
    assert shown.evaluate("document.querySelector('lumachrome-painter').hints") == []
    assert (photofile.read(downloaded(shown, tmp_path)).pixels == first).all()


def test_saturation_needs_no_network_and_is_in_the_download(shown, tmp_path):
    _rgb(tmp_path / 'faded.png')
    choose(shown, tmp_path / 'faded.png')
    before = looks(shown)
    shown.fill('#saturation [type=range]', '0')
    after_look(shown, before)
    got = photofile.read(downloaded(shown, tmp_path)).pixels.astype(int)
    assert (got[..., 0] == got[..., 2]).all()


def test_what_cannot_be_read_is_said_and_the_photo_stays(shown, tmp_path):
    _rgb(tmp_path / 'good.png')
    choose(shown, tmp_path / 'good.png')
    good = (tmp_path / 'good.png').read_bytes()
    bomb = good[:16] + (100_000).to_bytes(4, 'big') * 2 + good[24:]
    files = {'broken.png': good[:300], 'bomb.png': bomb, 'empty.jpg': b'', 'letter.txt': b'Dear grandmother, ' * 9}
    sentences = (
        'broken.png is damaged',
        'bomb.png has 10000 megapixels',
        'empty.jpg is empty',
        'letter.txt is not a photo',
    )
    for (name, content), sentence in zip(files.items(), sentences, strict=True):
        (tmp_path / name).write_bytes(content)
        shown.set_input_files('#another', tmp_path / name)
        shown.wait_for_selector(f'#error:has-text("{sentence}")')
    assert downloaded(shown, tmp_path).name == 'good-colour.png'


def test_an_album_goes_in_and_comes_out_as_a_zip(shown, tmp_path):
    _rgb(tmp_path / 'a.png')
    with zipfile.ZipFile(tmp_path / 'album.zip', 'w') as file:
        file.write(tmp_path / 'a.png', '1931/summer.png')
        file.writestr('1931/broken.jpg', b'\xff\xd8\xff\xe0broken')
        file.write(tmp_path / 'a.png', '1932/winter.png')
        file.writestr('__MACOSX/._x', b'')
    shown.click('#tab-album')
    shown.set_input_files('#files', tmp_path / 'album.zip')
    shown.wait_for_selector('#count:has-text("3")')
    shown.click('#colour')
    shown.wait_for_selector('#zip', state='visible')
    assert '2 of 3' in shown.inner_text('#count') and '1931/broken.jpg' in shown.inner_text('#problems')
    with shown.expect_download() as download:
        shown.click('#zip')
    with zipfile.ZipFile(download.value.path()) as found:
        assert sorted(found.namelist()) == ['1931/summer.png', '1932/winter.png'] and found.testzip() is None
        with Image.open(io.BytesIO(found.read('1932/winter.png'))) as image:
            assert image.size == (160, 120)
    shown.click('#forget')


def test_a_cancelled_album_gives_what_it_has(shown, tmp_path):
    for i in range(40):
        Image.fromarray(np.roll(pixels(), i, 1)).save(tmp_path / f'{i:02}.png')
    shown.click('#tab-album')
    shown.set_input_files('#files', sorted(tmp_path.glob('*.png')))
    shown.click('#colour')
    shown.wait_for_selector('#results figure')
    shown.click('#cancel')
    shown.wait_for_selector('#count:has-text("Cancelled")')
    [left] = re.findall(r'(\d+) were not reached', shown.inner_text('#count'))
    with shown.expect_download() as download:
        shown.click('#zip')
    with zipfile.ZipFile(download.value.path()) as found:
        assert len(found.namelist()) == 40 - int(left) and found.testzip() is None
    shown.click('#forget')
    shown.click('#tab-photo')


def test_a_worker_that_ends_is_replaced_and_the_photo_kept(shown, tmp_path):
    _rgb(tmp_path / 'kept.png')
    choose(shown, tmp_path / 'kept.png')
    before = looks(shown)
    worker, *_ = (each for each in shown.workers if '/worker-' in each.url)  # albums have one of their own
    worker.evaluate("setTimeout(() => { throw new RangeError('out of memory') })")
    shown.wait_for_timeout(300)
    shown.fill('#warmth [type=range]', '0.5')
    after_look(shown, before)
    assert downloaded(shown, tmp_path).name == 'kept-colour.png'


def test_without_a_network_it_works_after_the_first_visit(context, shown, site, tmp_path):
    shown.wait_for_selector('body[data-offline]')
    context.set_offline(True)
    try:
        page = context.new_page()
        page.goto(site)
        page.wait_for_selector('body[data-ready]')
        Image.fromarray(pixels()).save(tmp_path / 'offline.jpg')
        choose(page, tmp_path / 'offline.jpg')
        assert downloaded(page, tmp_path).name == 'offline-colour.jpg'
        page.close(run_before_unload=False)
    finally:
        context.set_offline(False)


def test_axe_finds_nothing(shown):
    axe = (WEB / 'node_modules' / 'axe-core' / 'axe.min.js').read_text('utf-8')
    for view in ('#tab-photo', '#tab-album'):
        shown.click(view)
        shown.evaluate(axe)
        found = shown.evaluate('axe.run()')['violations']
        assert [(each['id'], [node['html'] for node in each['nodes']]) for each in found] == []


def test_nothing_imports_the_workers_own_file():
    """WebKit would run it again: its answers would come from one that has no network."""
    scripts = {path.name: path.read_text('utf-8') for path in built().glob('assets/*.js')}
    [worker] = (name for name in scripts if name.startswith('worker-'))
    starts = re.compile(rf'(from|import)\s*\(?["\'`]\./{re.escape(worker)}')
    assert [name for name, script in scripts.items() if starts.search(script)] == []


def test_the_page_is_small():
    """Without the network, the runtime, codecs and examples, which come when they are needed."""
    import gzip

    folder = built()
    scripts = (path for name in ('index', 'worker', 'engine') for path in folder.glob(f'assets/{name}-*'))
    first = [folder / 'index.html', folder / 'sw.js', *scripts]
    assert sum(len(gzip.compress(path.read_bytes())) for path in first) < 100_000


def test_nothing_is_kept_that_is_never_asked_for():
    """Of TIFF's compressions, decoders of those that are not read."""
    code = [path.read_text('utf-8') for path in built().glob('assets/*.js')]
    assert any('PhotometricInterpretation' in text for text in code) and not any('ZSTD' in text for text in code)


@pytest.mark.slow
def test_48_megapixels_fit_into_a_tab(browser, site, colorizer, tmp_path):
    """Colored, looked at closely, and written: a PNG, so that all bytes can be compared."""
    rng = np.random.default_rng(1)
    small = Image.fromarray(rng.integers(0, 256, (60, 80), dtype='uint8'))
    small.resize((8000, 6000), Image.Resampling.BICUBIC).save(tmp_path / 'huge.png', compress_level=1)
    page = browser.new_page(viewport={'width': 1280, 'height': 900})
    page.set_default_timeout(240_000)
    page.goto(site)
    page.wait_for_selector('body[data-ready]')
    page.set_input_files('#file', tmp_path / 'huge.png')
    page.wait_for_selector('body[data-looks="1"]')
    page.locator('lumachrome-painter .scale').click()
    page.wait_for_selector('lumachrome-painter .after .patch')  # its own pixels
    got = photofile.read(downloaded(page, tmp_path)).pixels
    assert peak_of_tabs() < 1000
    page.close()
    want = colorizer.colorize(photofile.read(tmp_path / 'huge.png').pixels)
    assert max(np.abs(a.astype(int) - b).max() for a, b in zip(got, want, strict=True)) <= 1
