"""Albums through the API and on the page."""

import gc
import io
import shutil
import threading
import time
import zipfile
from pathlib import Path

import httpx
import numpy as np
import pytest
from albums import names_in, photo_file, redness, zip_of
from browsers import unfold
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from demo.page import album as album_page
from lumachrome import Hint, album, hints
from lumachrome.adjustments import SETTINGS


@pytest.fixture
def photo(tmp_path):
    return photo_file(tmp_path / 'photo.jpg')


# ---- HTTP


def test_the_api_page_shows_a_call_that_works(client):
    files, *settings = client.view_api(return_format='dict')['named_endpoints']['/colorize_album']['parameters']
    assert files['label'] == 'Photos or ZIPs' and files['example_input'][0]['path'] == 'album.zip'
    names = [name for name in SETTINGS if name != 'hints']
    assert [setting['parameter_name'] for setting in settings] == ['model', *names, 'all_pages']
    assert all(setting['parameter_has_default'] for setting in settings)


def test_an_album_through_the_api(client, holiday, tmp_path):
    photos = [handle_file(path) for path in sorted(holiday.rglob('*.*'))]
    archive, report = client.predict(photos, api_name='/colorize_album')
    assert Path(archive).name == 'album-colour.zip' and names_in(archive) == ['a [1].jpg', 'ç.png']
    assert redness(archive, 'ç.png', tmp_path) == 40
    reasons = {failed['name']: failed['reason'] for failed in report.pop('failed')}
    assert report == {'photos': 6, 'colored': 2, 'notes': [], 'ended': ''}
    assert reasons == {
        '.hidden.jpg': '.hidden.jpg is not a photo that can be read.',
        'cut.jpg': 'cut.jpg is damaged or cut short and cannot be read.',
        'letter.jpg': 'letter.jpg is not a photo that can be read.',
        'notes.txt': 'notes.txt is not a photo that can be read.',
    }


def test_all_pages_through_the_api(client, photo, tmp_path):
    with Image.open(photo) as page:
        page.save(tmp_path / 'scan.tif', save_all=True, append_images=[page])
    for all_pages in (True, False):
        archive, report = client.predict(
            [handle_file(tmp_path / 'scan.tif')], all_pages=all_pages, api_name='/colorize_album'
        )
        with zipfile.ZipFile(archive) as found, Image.open(found.open('scan.tif')) as file:
            assert file.n_frames == 1 + all_pages
        assert bool(report['notes']) != all_pages


def test_what_a_zip_holds_beside_photos_is_noted(client, photo, tmp_path):
    source = zip_of(
        tmp_path / 'family.zip', photo, 'a.jpg', **{'raw/b.DNG': b'', 'c': b'', 'd.txt': b'', '.e.txt': b''}
    )
    _, report = client.predict([handle_file(source)], api_name='/colorize_album')
    assert report['notes'] == [
        'family.zip holds files that are no photos by their names, and were passed over: '
        '1 .dng, 1 .txt, 1 without a suffix.'
    ]


def test_a_zip_through_the_api_with_settings(client, photo, tmp_path):
    source = zip_of(tmp_path / 'family.zip', photo, 'a.jpg', 'summer/b.jpg')
    archive, report = client.predict(
        [handle_file(source)], model='steered', saturation=2, vividness=0, render_size=500, api_name='/colorize_album'
    )
    assert Path(archive).name == 'family-colour.zip' and names_in(archive) == ['a.jpg', 'summer/b.jpg']
    assert report['colored'] == 2
    one, _ = client.predict(
        handle_file(photo), model='steered', saturation=2, vividness=0, render_size=500, api_name='/colorize'
    )
    alone = np.asarray(Image.open(one)).astype(int)[0, 0]
    assert redness(archive, 'summer/b.jpg', tmp_path) == alone[0] - alone[1] != 0
    gray, _ = client.predict(handle_file(source), saturation=0, api_name='/colorize_album')  # one needs no list
    assert redness(gray, 'a.jpg', tmp_path) == 0


def test_long_names_stay(client, photo, tmp_path):
    long = 'a very long name ' * 14
    source = zip_of(tmp_path / f'{long}.zip', photo, f'summer/{long}.jpg')
    archive, _ = client.predict([handle_file(source)], api_name='/colorize_album')
    assert names_in(archive) == [f'summer/{long}.jpg']


def test_bombs_and_too_much_are_refused_through_the_api(client, photo, tmp_path, monkeypatch):
    source = zip_of(tmp_path / 'bomb.zip', photo, *(f'{i}.jpg' for i in range(4)))
    monkeypatch.setattr(album_page, 'MAX_PHOTOS', 3)
    archive, report = client.predict([handle_file(source), handle_file(photo)], api_name='/colorize_album')
    assert report['failed'] == [
        {'name': 'bomb.zip', 'reason': 'bomb.zip holds 4 photos, the limit is 3: split it first.'}
    ]
    assert names_in(archive) == ['photo.jpg']
    monkeypatch.setattr(album_page, 'MAX_UNPACKED', 3 * photo.stat().st_size)
    monkeypatch.setattr(album_page, 'MAX_PHOTOS', 4)
    archive, report = client.predict([handle_file(source)], api_name='/colorize_album')
    assert archive is None and 'unpacked, the limit is' in report['failed'][0]['reason']
    with pytest.raises(AppError, match='An album here has at most 4'):
        client.predict([handle_file(photo)] * 5, api_name='/colorize_album')
    with pytest.raises(AppError, match='Choose some photos first'):
        client.predict([], api_name='/colorize_album')


def test_an_album_has_only_so_many_zips(client, photo, tmp_path, monkeypatch):
    monkeypatch.setattr(album_page, 'MAX_ZIPS', 2)
    sources = [handle_file(zip_of(tmp_path / f'{i}.zip', photo, 'a.jpg')) for i in range(3)]
    archive, report = client.predict([*sources, handle_file(photo)], api_name='/colorize_album')
    assert names_in(archive) == ['0/a.jpg', '1/a.jpg', 'photo.jpg']
    reason = '2.zip is one ZIP too many: an album takes 2, so send it as another.'
    assert report['failed'] == [{'name': '2.zip', 'reason': reason}]


def test_an_album_has_only_so_long(client, photo, monkeypatch):
    monkeypatch.setattr(album_page, 'MINUTES', 0)
    archive, report = client.predict([handle_file(photo)] * 3, api_name='/colorize_album')
    assert report['ended'] == 'late' and report['colored'] == 1 and names_in(archive) == ['photo.jpg']


def test_an_album_takes_every_adjustment_and_files_of_hints(client, photo, tmp_path):
    shutil.copy(photo, tmp_path / 'a.jpg')
    shutil.copy(photo, tmp_path / 'b.jpg')
    hints.write(tmp_path / 'a-hints.json', 'a.jpg', [Hint(0.9, 0.9, '#ff0000')])
    files = [handle_file(tmp_path / name) for name in ('a.jpg', 'b.jpg', 'a-hints.json')]
    settings = {'model': 'steered', 'vividness': 0, 'saturation': 0.5, 'warmth': 1}
    archive, report = client.predict(files, **settings, api_name='/colorize_album')
    assert report['colored'] == report['photos'] == 2
    pixels = {}
    with zipfile.ZipFile(archive) as whole:
        for name in ('a.jpg', 'b.jpg'):
            pixels[name] = np.asarray(Image.open(io.BytesIO(whole.read(name)))).astype(int)
    red, plain = (pixels[name][20:, 25:] for name in ('a.jpg', 'b.jpg'))
    assert abs((red[..., 0] - red[..., 1]).mean() - 0.5 * (80 + 4)) < 6  # the hint, and what warmth adds to a
    assert abs((plain[..., 0] - plain[..., 1]).mean()) < 15
    hints.write(tmp_path / 'a-hints.json', 'nobody.jpg', [Hint(0.9, 0.9, '#ff0000')])
    files[-1] = handle_file(tmp_path / 'a-hints.json')
    with pytest.raises(AppError, match=r'There are hints for nobody\.jpg, and no photo of that name'):
        client.predict(files, model='steered', api_name='/colorize_album')
    with pytest.raises(AppError, match='Choose some photos first'):
        client.predict(files[-1:], model='steered', api_name='/colorize_album')
    with pytest.raises(AppError, match='warmth is a number, from -1 to 1, not 7'):
        client.predict(files[:2], warmth=7, api_name='/colorize_album')


def test_an_album_of_somebody_elses_files_is_refused(url, photo):
    """Neither door takes a path that was not uploaded; with one that was, both do."""
    config = httpx.get(f'{url}/config').json()
    begin = next(call['id'] for call in config['dependencies'] if [*call['targets'], ['']][0][1] == 'picked')

    def picked(path, **more):
        file = {'path': str(path), **more}
        body = {'data': [{'files': [{'file': file, 'name': 'a.jpg'}]}], 'fn_index': begin, 'session_hash': 'somebody'}
        return httpx.post(f'{url}/gradio_api/run/predict', json=body)

    def called(path, **more):
        defaults = [setting.default for name, setting in SETTINGS.items() if name != 'hints']
        body = {'data': [[{'path': str(path), **more}], 'plain', *defaults, False]}
        taken = httpx.post(f'{url}/gradio_api/call/colorize_album', json=body)
        if taken.status_code >= 400:
            return taken.text
        return httpx.get(f'{url}/gradio_api/call/colorize_album/{taken.json()["event_id"]}').text

    meta = {'meta': {'_type': 'gradio.FileData'}}
    uploaded = httpx.post(f'{url}/gradio_api/upload', files={'files': photo.open('rb')}).json()[0]
    assert picked(uploaded, **meta).status_code == 200 and 'event: complete' in called(uploaded, **meta)
    for path in (photo, '/etc/passwd'):
        for more in (meta, {}):
            assert picked(path, **more).status_code >= 400, (path, more)
            assert 'event: complete' not in called(path, **more), (path, more)


@pytest.fixture
def gate(monkeypatch):
    """Photos of albums wait until the test lets them through, one for each `release`."""
    semaphore, color = threading.Semaphore(0), album._colored

    def colored(*given):
        assert semaphore.acquire(timeout=20)
        return color(*given)

    monkeypatch.setattr(album, '_colored', colored)
    monkeypatch.setattr(album_page, 'PAUSE', 0)
    yield semaphore
    semaphore.release(1000)


def test_an_album_keeps_nobody_with_one_photo_waiting(url, client, photo, gate):
    job = client.submit([handle_file(photo)] * 2, api_name='/colorize_album')
    other = Client(url, verbose=False, download_files=str(photo.parent / 'other'))
    assert other.predict(handle_file(photo), api_name='/colorize')[0]
    assert not job.done()
    gate.release(2)
    assert job.result(20)[1]['colored'] == 2


def test_an_album_that_is_cancelled_leaves_nothing(client, photo, gate, cache):
    job = client.submit([handle_file(photo)] * 50, api_name='/colorize_album')
    gate.release(2)
    _until(lambda: any(report['colored'] == 2 for _, report in job.outputs()))
    assert list(cache.rglob('.*.part*'))
    threading.Thread(target=job.cancel).start()  # returns when the photo in work is done
    _until(lambda: gate.release() or not list(cache.rglob('.*.part*')), pause=0.2)
    assert job.outputs()[-1][1]['colored'] < 50
    assert client.predict([handle_file(photo)], api_name='/colorize_album')[1]['colored'] == 1


def _until(holds, seconds=15, pause=0.05):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(pause)


# ---- the browser


TAB = 'role=tab >> nth=1'


def _open(page):
    unfold(page, TAB, '#album .picker')


def _choose(page, paths, count, into='.photos'):
    page.set_input_files(f'#album input{into}', paths)
    page.wait_for_function("count => document.querySelector('.state').textContent.includes(`${count} `)", arg=count)
    page.wait_for_selector('#album-start:not([disabled])')


def _line(page, text):
    page.wait_for_function("text => document.querySelector('.report .line').textContent.includes(text)", arg=text)


def _download(page, folder):
    with page.expect_download() as download:
        page.click('#album-download')
    download.value.save_as(folder / download.value.suggested_filename)
    return folder / download.value.suggested_filename


def test_an_album_with_a_broken_file_from_upload_to_zip(page, holiday, tmp_path):
    _open(page)
    assert page.is_disabled('#album-start')
    _choose(page, sorted(holiday.rglob('*.jpg')), 4)
    page.click('#album-start')
    _line(page, '1 of 4 photos coloured.')
    problems = page.locator('.report li').all_inner_texts()
    assert [problem.split(' ')[0] for problem in problems] == ['.hidden.jpg', 'cut.jpg', 'letter.jpg']
    assert page.locator('#album-gallery img').get_attribute('alt') == 'a [1].jpg'
    assert not page.is_visible('#album-stop') and not page.is_visible('.report progress')
    archive = _download(page, tmp_path)
    assert archive.name == 'album-colour.zip' and names_in(archive) == ['a [1].jpg']
    assert abs(redness(archive, 'a [1].jpg', tmp_path) - 40) < 6
    page.click('#album-again')
    page.wait_for_selector('.picker', state='visible')
    page.wait_for_selector('#album-start[disabled]')
    assert page.inner_text('.state') == ''
    assert not page.is_visible('#album-gallery') and not page.is_visible('.forget')
    assert page.outside == [] and page.errors == []


def test_what_is_chosen_while_the_tab_is_drawn_stays(page, photo):
    """Gradio sets what a tab shows for the first time back to what it was, one frame after that."""
    page.evaluate("""() => {
        const frame = window.requestAnimationFrame, late = [];
        window.requestAnimationFrame = drawn => late.push(drawn);
        window.draw = () => { window.requestAnimationFrame = frame; late.forEach(drawn => frame(drawn)); };
    }""")
    asked = []
    page.route('**/run/predict*', lambda route: asked.append(route), times=1)  # the start button's state, at first
    page.click(TAB)
    page.set_input_files('#album input.photos', photo)
    page.wait_for_selector('.state:has-text("Files ready: 1 ")')
    page.evaluate('new Promise(drawn => { draw(); requestAnimationFrame(() => requestAnimationFrame(drawn)); })')
    asked[0].continue_()
    page.wait_for_selector('#album-start:not([disabled])')
    page.click('#album-start')
    _line(page, '1 of 1 photos coloured.')


def test_photos_and_folders_are_dropped(page, holiday, photo, tmp_path):
    _open(page)
    box = page.locator('.picker').bounding_box()
    at = {'x': box['x'] + 20, 'y': box['y'] + 20}
    data = {'items': [], 'files': [str(holiday), str(photo)], 'dragOperationsMask': 1}
    session = page.context.new_cdp_session(page)
    for kind in ('dragEnter', 'dragOver', 'drop'):
        session.send('Input.dispatchDragEvent', {'type': kind, **at, 'data': data})
    page.wait_for_selector('#album-start:not([disabled])')
    assert 'Files ready: 5 ' in page.inner_text('.state')
    page.click('.forget')
    page.wait_for_selector('#album-start[disabled]')
    assert page.inner_text('.state') == '' and page.errors == []


def test_what_cannot_be_uploaded_is_named(page, photo, tmp_path):
    large = tmp_path / 'large.tif'
    with large.open('wb') as file:
        file.truncate(210_000_000)
    _open(page)
    _choose(page, [large, photo], 1)
    assert page.inner_text('.state') == 'Files ready: 1 (0.0 MB). Not uploaded, because too large or cut off: large.tif'


def test_a_folder_keeps_its_folders(page, holiday, tmp_path):
    _open(page)
    _choose(page, holiday, 4, '.folder')  # hidden ones and what is no photo by its name stay at home
    page.click('#album-start')
    _line(page, '2 of 4 photos coloured.')
    assert 'holiday/summer/cut.jpg is damaged' in page.inner_text('.report ul')
    archive = _download(page, tmp_path)
    assert archive.name == 'holiday-colour.zip'
    assert names_in(archive) == ['holiday/summer/a [1].jpg', 'holiday/winter/ç.png']


def test_a_zip_beside_a_photo_with_settings(page, photo, tmp_path):
    source = zip_of(tmp_path / 'family.zip', photo, 'a.jpg', 'summer/photo.jpg')
    _open(page)
    _choose(page, [source], 1)
    _choose(page, [photo], 2)
    page.fill('#album-saturation input[type=number]', '0')
    page.keyboard.press('Enter')
    page.click('#album-start')
    _line(page, '3 of 3 photos coloured.')
    archive = _download(page, tmp_path)
    assert names_in(archive) == ['family/a.jpg', 'family/summer/photo.jpg', 'photo.jpg']
    assert redness(archive, 'photo.jpg', tmp_path) == 0
    assert page.locator('#album-gallery img').count() == 3


def test_cancel_keeps_what_is_done(page, photo, gate, tmp_path, monkeypatch):
    monkeypatch.setattr(album_page, 'SHOWN', 2)
    paths = [photo_file(tmp_path / f'{i}.jpg') for i in range(9)]
    _open(page)
    _choose(page, paths, 9)
    page.click('#album-start')
    gate.release(3)
    _line(page, '3 of 9 photos')
    assert page.locator('.report progress').evaluate('bar => bar.value') == pytest.approx(1 / 3)
    page.click('#album-stop')
    page.wait_for_function("document.querySelector('#album-stop').innerText.includes('Finishing')")
    gate.release(100)
    _line(page, '4 of 9 photos coloured. Cancelled: 5 were not reached.')
    assert names_in(_download(page, tmp_path)) == ['0.jpg', '1.jpg', '2.jpg', '3.jpg']
    assert page.errors == []


def test_an_album_that_waits_for_another_can_be_taken_back(page, client, photo, gate):
    job = client.submit([handle_file(photo)], api_name='/colorize_album')
    _until(lambda: job.outputs())
    _open(page)
    _choose(page, [photo], 1)
    page.click('#album-start')
    _line(page, 'Waiting for its turn')
    page.click('#album-leave')
    page.wait_for_selector('.picker', state='visible')
    gate.release(1)
    assert job.result(20)[1]['colored'] == 1
    page.click('#album-start')  # what was chosen is still there
    gate.release(1)
    _line(page, '1 of 1 photos coloured.')


def test_an_album_ends_with_its_page(browser, url, photo, gate, cache, tmp_path):
    for i in range(40):
        photo_file(tmp_path / 'left' / f'{i}.jpg')
    page = browser.new_page()
    page.goto(url)
    _open(page)
    _choose(page, tmp_path / 'left', 40, '.folder')
    page.click('#album-start')
    gate.release(1)
    _line(page, '1 of 40 photos')
    assert list(cache.rglob('.*.part*'))
    page.close()
    # The server hears of it after a while, and the album ends after the photo that is in work then.
    _until(lambda: gate.release() or not list(cache.rglob('.*.part*')), pause=0.4)
    albums = [found for found in gc.get_objects() if isinstance(found, album_page.AlbumPage)]
    assert albums and not any(found._cancels for found in albums) and not list(cache.rglob('left-colour.zip'))


def test_an_album_on_a_phone_in_the_dark_and_in_chinese(browser, url, holiday):
    page = browser.new_page(locale='zh-CN', viewport={'width': 390, 'height': 844})
    page.goto(f'{url}?__theme=dark')
    _open(page)
    assert page.inner_text('.picker .ask') == '把多张照片、文件夹或 ZIP 拖到这里'
    assert page.inner_text('#album-start') == '为相册上色'
    _choose(page, holiday, 4, '.folder')
    page.click('#album-start')
    _line(page, '4 张中已上色 2 张')
    assert page.inner_text('#album-download') == '下载 ZIP'
    assert page.evaluate('document.documentElement.scrollWidth') <= 390
    page.close()
