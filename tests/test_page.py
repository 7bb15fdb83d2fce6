"""The page: its HTTP door through gradio_client and plain HTTP, and itself in a headless Chromium."""

import base64
import io
import json
import os
import shutil
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from demo import app, colorizer, guard, photofile


@pytest.fixture(scope='module')
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp('gradio')


@pytest.fixture(scope='module')
def url(standins, cache):
    """The page, served on a free port with two networks whose colours are known."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(colorizer, 'MODELS', standins)
        patch.setenv('GRADIO_TEMP_DIR', str(cache))
        page = app.build()
        _, address, _ = page.launch(prevent_thread_lock=True, quiet=True, **app.LAUNCH)
        yield address.rstrip('/')
        page.close()


@pytest.fixture(scope='module')
def client(url, tmp_path_factory):
    return Client(url, verbose=False, download_files=str(tmp_path_factory.mktemp('downloads')))


@pytest.fixture(scope='module')
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp('photos') / 'grandmother.jpg'
    pixels = np.linspace(80, 170, 300 * 400).reshape(300, 400).astype(np.uint8)
    Image.fromarray(pixels).save(path, quality=95, exif=_rotated(), dpi=(300, 300))
    return path


def _rotated():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


# ---- HTTP


def test_only_colorize_is_public(client):
    assert set(client.view_api(return_format='dict')['named_endpoints']) == {'/colorize'}


def test_the_api_gives_the_photo_at_full_size_in_its_format(client, photo):
    path, status = client.predict(handle_file(photo), api_name='/colorize')
    assert Path(path).name == 'grandmother-colour.jpg'
    with Image.open(path) as image:
        assert image.format == 'JPEG' and image.size == (300, 400) and image.mode == 'RGB'
        assert image.getexif()[0x0112] == 1
        top = np.asarray(image).astype(int)[20, 100]
    assert abs(top[0] - top[1] - 40) < 6
    assert status.startswith('300 × 400 pixels · plain on CPU · coloured in ') and status.endswith(' ms')


def test_the_api_takes_every_setting(client, photo):
    path, status = client.predict(
        handle_file(photo), model='steered', saturation=2, vividness=0, render_size=500, api_name='/colorize'
    )
    top = np.asarray(Image.open(path)).astype(int)[20, 100]
    assert abs(top[0] - top[1] - 2 * (40 + 0.5) / 2) < 6 and 'steered' in status
    gray, _ = client.predict(handle_file(photo), saturation=0, api_name='/colorize')
    pixels = np.asarray(Image.open(gray)).astype(int)
    assert np.abs(pixels[..., 0] - pixels[..., 2]).max() <= 2


def test_sixteen_bits_go_through_the_page(client, tmp_path):
    deep = np.random.default_rng(0).integers(20_000, 40_000, (40, 50)).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / 'deep.png')
    path, _ = client.predict(handle_file(tmp_path / 'deep.png'), api_name='/colorize')
    pixels = photofile.read(path).pixels
    assert pixels.dtype == np.uint16
    np.testing.assert_array_equal(pixels[..., 1], deep)


def test_a_data_address_is_stored_without_loss(url):
    """The only way for a program that has no file to upload; Gradio would make a lossy WebP of it."""
    noise = np.random.default_rng(0).integers(60, 200, (64, 64)).astype(np.uint8)
    stored = io.BytesIO()
    Image.fromarray(noise).save(stored, 'PNG')
    data = {'url': 'data:image/png;base64,' + base64.b64encode(stored.getvalue()).decode()}
    photo = {'path': None, **data, 'meta': {'_type': 'gradio.FileData'}}
    event = httpx.post(f'{url}/gradio_api/call/colorize', json={'data': [photo, 'plain', 1, 1, 0, None]}).json()[
        'event_id'
    ]
    answer = httpx.get(f'{url}/gradio_api/call/colorize/{event}').text
    assert answer.startswith('event: complete'), answer
    written = httpx.get(json.loads(answer.split('data: ', 1)[1])[0]['url'])
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(written.content)))[..., 1], noise)
    assert written.headers['cache-control'] == 'private, no-store'


@pytest.mark.parametrize('content', [b'hello', b'', b'\xff\xd8\xff\xe0 cut short'])
def test_what_is_no_photo_is_said_in_words(client, content, tmp_path):
    path = tmp_path / 'photo.jpg'
    path.write_bytes(content)
    with pytest.raises(AppError, match='not a photo that can be read') as error:
        client.predict(handle_file(path), api_name='/colorize')
    assert str(tmp_path) not in str(error.value)


def test_a_cut_photo_is_said_in_words(client, photo, tmp_path):
    path = tmp_path / 'cut.jpg'
    path.write_bytes(photo.read_bytes()[:-2000])
    with pytest.raises(AppError, match=r'^cut\.jpg is damaged or cut short and cannot be read\.$'):
        client.predict(handle_file(path), api_name='/colorize')


def test_no_photo_and_unknown_models_are_refused(client, photo):
    with pytest.raises(AppError, match='Choose a photo first'):
        client.predict(None, api_name='/colorize')
    with pytest.raises(AppError, match='nobody'):
        client.predict(handle_file(photo), model='nobody', api_name='/colorize')


@pytest.mark.parametrize('address', ['http://example.com/a.jpg', ' HTTPS://example.com/a.jpg', 'file:///etc/passwd'])
def test_addresses_are_not_fetched(url, address):
    photo = {'path': address, 'meta': {'_type': 'gradio.FileData'}}
    for place in ('call/colorize', 'run/colorize', 'queue/join', 'call/v2/colorize'):
        body = {'data': [photo, 'plain', 1, 1, 0], 'fn_index': 0, 'session_hash': 'x', 'photo': photo}
        answer = httpx.post(f'{url}/gradio_api/{place}', json=body)
        assert answer.status_code == 400 and 'not fetched' in answer.text, place
    assert httpx.get(f'{url}/gradio_api/file=http://example.com/a.jpg').status_code == 403


def test_json_is_bounded(url):
    photo = {'path': None, 'url': 'data:image/png;base64,' + 'A' * guard.JSON_BYTES}
    answer = httpx.post(f'{url}/gradio_api/call/colorize', json={'data': [photo]})
    assert answer.status_code == 413 and '20 MB' in answer.text
    assert httpx.post(f'{url}/gradio_api/call/colorize', content=b'[' * 200_000).status_code == 422


def test_what_visitors_need_not_see_is_closed(url):
    for place in ('/openapi.json', '/docs', '/monitoring/summary', '/gradio_api/runs', '/gradio_api/file=/etc/passwd'):
        assert httpx.get(url + place).status_code in (403, 404), place
    assert httpx.get(url).headers['x-content-type-options'] == 'nosniff'


# ---- the browser


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


@pytest.fixture
def page(browser, url):
    page = browser.new_page(viewport={'width': 1280, 'height': 900})
    page.outside, page.errors = [], []
    page.on('request', lambda request: page.outside.append(request.url) if _is_outside(request.url, url) else None)
    page.on('pageerror', lambda error: page.errors.append(str(error)))
    page.goto(url)
    page.wait_for_selector('#photo input[type=file]', state='attached')
    yield page
    page.close()


def _is_outside(address, url):
    return not address.startswith((url, 'data:', 'blob:'))


def _choose(page, path):
    page.set_input_files('#photo input[type=file]', path)
    page.wait_for_selector('#compare img.after')
    page.wait_for_function("document.querySelector('#compare img.after').naturalWidth > 0")


def _after(page):
    return page.get_attribute('#compare img.after', 'src')


def test_from_upload_to_download(page, photo, tmp_path):
    assert not page.is_visible('#download')
    _choose(page, photo)
    assert page.get_attribute('#compare img.before', 'alt') and page.get_attribute('#compare img.after', 'alt')
    assert page.evaluate("document.querySelector('#compare img.after').naturalHeight") == 400
    assert '300 × 400 pixels · plain on CPU' in page.inner_text('#status')
    with page.expect_download() as download:
        page.click('#download')
    assert download.value.suggested_filename == 'grandmother-colour.jpg'
    download.value.save_as(tmp_path / 'got.jpg')
    assert 'coloured in' in page.inner_text('#status')
    got = photofile.read(tmp_path / 'got.jpg')
    assert got.pixels.shape == (400, 300, 3)
    assert abs(int(got.pixels[20, 100, 0]) - int(got.pixels[20, 100, 1]) - 40) < 6
    page.click('#another')
    page.wait_for_selector('#photo', state='visible')
    page.wait_for_selector('#compare', state='hidden')
    assert page.outside == [] and page.errors == []


def test_saturation_is_live_and_in_the_download(page, photo, tmp_path):
    _choose(page, photo)
    before = _after(page)
    page.fill('#saturation input[type=number]', '0')
    page.keyboard.press('Enter')
    page.wait_for_function("src => document.querySelector('#compare img.after').src !== src", arg=before)
    with page.expect_download() as download:
        page.click('#download')
    download.value.save_as(tmp_path / 'got.jpg')
    pixels = photofile.read(tmp_path / 'got.jpg').pixels.astype(int)
    assert np.abs(pixels[..., 0] - pixels[..., 2]).max() <= 2


def test_another_model_brings_its_own_settings(page, photo):
    _choose(page, photo)
    assert not page.is_visible('#vividness')
    before = _after(page)
    page.click('#settings button')
    page.click('#model input')
    page.get_by_role('option', name='steered').click()
    page.wait_for_selector('#vividness', state='visible')
    page.wait_for_function("src => document.querySelector('#compare img.after').src !== src", arg=before)
    assert 'steered' in page.inner_text('#status')


def test_the_slider_works_from_the_keyboard_and_by_dragging(page, photo):
    _choose(page, photo)
    page.focus('#compare input')
    for _ in range(10):
        page.keyboard.press('ArrowLeft')
    assert page.get_attribute('#compare input', 'aria-valuetext') == '40 % before, 60 % after'
    box = page.locator('#compare .stage').bounding_box()
    page.mouse.move(box['x'] + box['width'] * 0.4, box['y'] + 50)
    page.mouse.down()
    page.mouse.move(box['x'] + box['width'] * 0.8, box['y'] + 50)
    page.mouse.up()
    assert page.input_value('#compare input') == '80'
    assert '80%' in page.evaluate("document.querySelector('#compare .after').style.clipPath")


def test_an_example_and_an_error(page, tmp_path):
    path = tmp_path / 'letter.jpg'
    path.write_text('Dear grandmother')
    page.set_input_files('#photo input[type=file]', path)
    page.wait_for_selector('.toast-body')
    assert 'This file is not a photo that can be read.' in page.inner_text('.toast-body')
    page.wait_for_selector('#photo input[type=file]', state='attached')  # ready for the next try
    page.locator('.gallery-item').first.click()
    page.wait_for_selector('#compare img.after')
    assert page.errors == []


@pytest.mark.parametrize('theme', ['light', 'dark'])
def test_a_phone_shows_it_without_scrolling_sideways(page, url, photo, theme):
    page.set_viewport_size({'width': 390, 'height': 844})
    page.goto(f'{url}?__theme={theme}')
    page.wait_for_selector('#photo input[type=file]', state='attached')
    _choose(page, photo)
    assert page.evaluate('document.documentElement.scrollWidth') <= 390
    assert page.locator('#compare .stage').bounding_box()['width'] > 150


def test_what_visitors_sent_is_deleted_in_the_end(standins, photo, tmp_path, monkeypatch):
    monkeypatch.setattr(colorizer, 'MODELS', standins)
    monkeypatch.setenv('GRADIO_TEMP_DIR', str(tmp_path / 'cache'))
    page = app.build()
    page.delete_cache = (1, 1)
    _, address, _ = page.launch(prevent_thread_lock=True, quiet=True, **app.LAUNCH)
    try:
        client = Client(address, verbose=False, download_files=str(tmp_path / 'got'))
        client.predict(handle_file(photo), api_name='/colorize')
        files = [path for path in (tmp_path / 'cache').rglob('*') if path.is_file()]
        shown = {path.name for path in app.EXAMPLES.iterdir()}  # the page's own, which stay
        files = [path for path in files if path.name not in shown]
        assert {'grandmother.jpg', 'grandmother-colour.jpg'} <= {path.name for path in files}
        for _ in range(60):
            if not any(path.exists() for path in files):
                break
            time.sleep(0.2)
        assert [path for path in files if path.exists()] == []
    finally:
        page.close()
