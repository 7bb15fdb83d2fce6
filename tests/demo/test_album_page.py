"""Albums on the page, in a browser."""

import gc
import io
import zipfile

import httpx
import numpy as np
import pytest
from albums import names_in, photo_file, redness, until, zip_of
from browsers import before, news, opened, unfold
from gradio_client import handle_file
from PIL import Image

from demo.page import album as album_page


@pytest.fixture
def photo(tmp_path):
    return photo_file(tmp_path / 'photo.jpg')


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
    page.wait_for_function("document.activeElement.matches('#album .choose-photos')")
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
    lost = 'Not uploaded, because too large or cut off: large.tif'
    assert page.inner_text('.state') == f'Files ready: 1 (0.1 MB) · {lost}'


def test_who_removes_all_photos_is_where_others_are_chosen(page, photo):
    _open(page)
    _choose(page, [photo], 1)
    page.click('#album .forget')
    assert page.evaluate("document.activeElement.matches('#album .choose-photos')")


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


def test_a_result_is_opened_changed_and_put_back(page, tmp_path):
    source = zip_of(tmp_path / 'family.zip', photo_file(tmp_path / 'p.jpg'), 'a.jpg', 'summer/b.jpg')
    _open(page)
    _choose(page, [source], 1)
    page.fill('#album-warmth input[type=number]', '0.5')
    page.keyboard.press('Enter')
    page.click('#album-start')
    _line(page, '2 of 2 photos coloured.')
    page.locator('#album-gallery button.thumbnail-item').first.click()
    opened(page)
    assert page.input_value('.warmth input[type=number]') == '0.5'
    name = page.evaluate("document.querySelector('#album-gallery .caption-label').textContent.trim()")
    with news(page):
        page.fill('.saturation input[type=number]', '0')
        page.keyboard.press('Enter')
    picture = page.locator('#album-gallery img').first
    shown = picture.get_attribute('src')
    page.click('.studio .put-back')
    page.wait_for_selector('#album-download', state='visible')
    page.wait_for_function("was => document.querySelector('#album-gallery img').src !== was", arg=shown)
    small = np.asarray(Image.open(io.BytesIO(httpx.get(picture.get_attribute('src')).content))).astype(int)
    assert np.ptp(small, axis=2).max() <= 4  # gray, as it has become
    page.wait_for_selector('.said:has-text("now holds this version")')
    assert page.evaluate("document.activeElement.matches('[role=tab]')")
    archive = _download(page, tmp_path)
    assert archive.name == 'family-colour.zip' and names_in(archive) == ['a.jpg', 'summer/b.jpg']
    gray, other = ('summer/b.jpg', 'a.jpg') if name == 'b.jpg' else ('a.jpg', 'summer/b.jpg')
    assert redness(archive, gray, tmp_path) == 0 and redness(archive, other, tmp_path) > 30
    page.locator('#album-gallery button.thumbnail-item').last.click()
    # What lies in the album is not lost, so nothing is asked.
    page.wait_for_function("document.querySelector('.saturation').value === 1")
    assert page.errors == []


def _finish(page, paths):
    _open(page)
    for i, path in enumerate(paths, 1):
        _choose(page, [path], i)
    page.click('#album-start')
    _line(page, f'{len(paths)} of {len(paths)} photos coloured.')


def _brightness(address):
    return np.asarray(Image.open(io.BytesIO(httpx.get(address).content)).convert('L')).mean()


def _flat(path, value):
    path.parent.mkdir(exist_ok=True)
    Image.new('L', (90, 60), value).save(path)
    return path


def test_who_stays_puts_back_the_photo_that_is_open_and_not_the_one_that_was_clicked(page, tmp_path):
    _finish(page, [_flat(tmp_path / 'dark.png', 40), _flat(tmp_path / 'light.png', 210)])
    page.locator('#album-gallery button.thumbnail-item').nth(1).click()
    opened(page)
    assert page.inner_text('#album-gallery .caption-label >> nth=1') == 'dark.png'
    with news(page):
        page.fill('.saturation input[type=number]', '0')
        page.keyboard.press('Enter')
    page.click(TAB)
    page.locator('#album-gallery button.thumbnail-item').first.click()
    page.wait_for_selector('.sure[open]')
    page.click('.sure .stay')
    page.click('.studio .put-back')
    page.wait_for_selector('.said:has-text("now holds this version")')
    archive = _download(page, tmp_path)
    with zipfile.ZipFile(archive) as got:
        bright = {
            name: np.asarray(Image.open(io.BytesIO(got.read(name))).convert('L')).mean() for name in got.namelist()
        }
    assert abs(bright['dark.png'] - 40) < 20 and abs(bright['light.png'] - 210) < 20
    assert redness(archive, 'dark.png', tmp_path) == 0 and redness(archive, 'light.png', tmp_path) > 30
    assert page.errors == []


def test_what_was_opened_in_another_album_is_not_put_into_this_one(page, tmp_path):
    _finish(page, [_flat(tmp_path / 'one' / 'x.png', 40)])
    page.locator('#album-gallery button.thumbnail-item').click()
    opened(page)
    page.click(TAB)
    page.click('#album-again')
    page.wait_for_selector('.picker', state='visible')
    page.wait_for_selector('#album-start[disabled]')
    _choose(page, [_flat(tmp_path / 'two' / 'x.png', 210)], 1)
    page.click('#album-start')
    _line(page, '1 of 1 photos coloured.')
    page.click('role=tab >> nth=0')
    page.click('.studio .put-back')
    page.wait_for_selector('.toast-body')
    page.click(TAB)
    archive = _download(page, tmp_path)
    with zipfile.ZipFile(archive) as got, got.open('x.png') as file:
        assert abs(np.asarray(Image.open(file).convert('L')).mean() - 210) < 20


def test_two_photos_of_one_name_are_each_opened_by_their_picture(page, tmp_path):
    _finish(page, [_flat(tmp_path / 'one' / 'x.png', 40), _flat(tmp_path / 'two' / 'x.png', 210)])
    seen = []
    for i in range(2):
        page.click(TAB)
        small = page.locator('#album-gallery img').nth(i).get_attribute('src')
        page.locator('#album-gallery button.thumbnail-item').nth(i).click()
        opened(page)
        page.wait_for_selector('.studio .put-back', state='visible')
        page.wait_for_timeout(500)
        seen.append(_brightness(small))
        assert abs(_brightness(before(page)) - seen[-1]) < 20
    assert abs(seen[0] - seen[1]) > 100


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
    until(lambda: job.outputs())
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
    until(lambda: gate.release() or not list(cache.rglob('.*.part*')), pause=0.4)
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
