"""Albums through the API."""

import io
import shutil
import threading
import zipfile
from pathlib import Path

import httpx
import numpy as np
import pytest
from albums import names_in, photo_file, redness, until, zip_of
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from demo.page import album as album_page
from lumachrome import Hint, hints
from lumachrome.adjustments import SETTINGS


@pytest.fixture
def photo(tmp_path):
    return photo_file(tmp_path / 'photo.jpg')


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
    until(lambda: any(report['colored'] == 2 for _, report in job.outputs()))
    assert list(cache.rglob('.*.part*'))
    threading.Thread(target=job.cancel).start()  # returns when the photo in work is done
    until(lambda: gate.release() or not list(cache.rglob('.*.part*')), pause=0.2)
    assert job.outputs()[-1][1]['colored'] < 50
    assert client.predict([handle_file(photo)], api_name='/colorize_album')[1]['colored'] == 1
