"""Albums: ZIPs, the loop that colours many photos, and both through the API and the page."""

import contextlib
import threading
import time
import weakref
import zipfile
from pathlib import Path

import httpx
import numpy as np
import pytest
import pyvips
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from demo import album, album_page, colorizer, photofile, zipped
from demo.__main__ import main
from demo.photofile import PhotoError


def _photo(path, size=(40, 30)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.linspace(80, 170, size[0] * size[1]).reshape(size[::-1]).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def photo(tmp_path):
    return _photo(tmp_path / 'photo.jpg')


@pytest.fixture
def holiday(tmp_path):
    """A folder with two photos in folders, and two that are none."""
    folder = tmp_path / 'holiday'
    _photo(folder / 'summer' / 'a [1].jpg')
    _photo(folder / 'winter' / 'ç.png')
    (folder / 'summer' / 'cut.jpg').write_bytes((folder / 'summer' / 'a [1].jpg').read_bytes()[:300])
    (folder / 'letter.jpg').write_text('Dear grandmother')
    (folder / '.hidden.jpg').write_bytes(b'')
    (folder / 'notes.txt').write_text('not a photo')
    return folder


def _zip(path, photo, *names, **more):
    """A ZIP with one photo under several names, and other content."""
    with zipfile.ZipFile(path, 'w') as archive:
        for name in names:
            archive.write(photo, name)
        for name, content in more.items():
            archive.writestr(name, content)
    return path


def _names(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return sorted(archive.namelist())


def _redness(path, name, folder):
    """Red minus green of the first pixel of a photo in a ZIP: 40 where the stand-in coloured it."""
    with zipfile.ZipFile(path) as archive:
        pixels = np.asarray(Image.open(archive.extract(name, folder))).astype(int)
    return pixels[0, 0, 0] - pixels[0, 0, 1]


@pytest.fixture
def plain(standins, monkeypatch):
    monkeypatch.setattr(colorizer, 'MODELS', standins)
    return colorizer.Colorizer('plain')


def _coloured(source, target, plain, **settings):
    """A ZIP through the loop: its outcomes by name."""
    with zipped.Writer(target) as writer:
        outcomes = list(album.colorize(album.in_zip(source, source.name, Path()), plain, writer, **settings))
    return {outcome.name: outcome for outcome in outcomes}


# ---- ZIPs


def test_a_zip_keeps_its_folders_and_loses_what_systems_add(photo, tmp_path, plain):
    names = ['a.jpg', 'summer/1931/b.JPG', 'winter\\c.jpg']
    hidden = ['__MACOSX/summer/._b.jpg', '.trash/d.jpg', 'summer/.e.jpg']
    source = _zip(tmp_path / 'in.zip', photo, *names, *hidden, **{'.DS_Store': b'x', 'notes.txt': b'x'})
    outcomes = _coloured(source, tmp_path / 'out.zip', plain)
    assert _names(tmp_path / 'out.zip') == ['a.jpg', 'summer/1931/b.JPG', 'winter/c.jpg'] == sorted(outcomes)
    assert abs(_redness(tmp_path / 'out.zip', 'a.jpg', tmp_path) - 40) < 6


def test_names_that_the_finder_wrote_are_read_as_utf8(photo, tmp_path):
    source = _zip(tmp_path / 'in.zip', photo, 'Zürich/祖母.jpg')
    raw = source.read_bytes()
    with zipfile.ZipFile(source) as archive:
        info = archive.infolist()[0]
    for start in (info.header_offset + 6, archive.start_dir + 8):  # the flags, in both of its headers
        raw = raw[:start] + b'\0\0' + raw[start + 2 :]
    source.write_bytes(raw)
    assert zipfile.ZipFile(source).namelist() != ['Zürich/祖母.jpg']
    (member,) = zipped.members(source, 'in.zip')
    assert member.name == 'Zürich/祖母.jpg'
    with member.unpacked() as path:
        assert path.read_bytes() == photo.read_bytes()
    assert not path.exists() and not path.parent.exists()


def test_bad_members_are_named_and_the_rest_is_coloured(photo, tmp_path, plain):
    source = tmp_path / 'in.zip'
    content = photo.read_bytes()
    with zipfile.ZipFile(source, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name in ('good.jpg', 'locked.jpg', 'lies.jpg', 'again.jpg', '../../outside.jpg', '/etc/absolute.jpg'):
            archive.writestr(name, content)
        archive.writestr('rare.jpg', content, zipfile.ZIP_LZMA)
        archive.writestr('letter.jpg', 'Dear grandmother')
        archive.getinfo('locked.jpg').flag_bits |= 1
        archive.getinfo('lies.jpg').file_size = 100  # it is larger than it says
    outcomes = _coloured(source, tmp_path / 'out.zip', plain)
    assert _names(tmp_path / 'out.zip') == ['again.jpg', 'good.jpg']
    errors = {name: outcome.error for name, outcome in outcomes.items() if outcome.error}
    assert errors == {
        'locked.jpg': 'locked.jpg is locked with a password: pack it without one.',
        'lies.jpg': 'lies.jpg is damaged and cannot be unpacked.',
        'outside.jpg': '../../outside.jpg points outside its ZIP and was left out.',
        'etc/absolute.jpg': '/etc/absolute.jpg points outside its ZIP and was left out.',
        'rare.jpg': 'rare.jpg is compressed in an unusual way: pack it as an ordinary ZIP.',
        'letter.jpg': 'letter.jpg is not a photo that can be read.',
    }


def test_bombs_are_refused_before_anything_is_unpacked(photo, tmp_path, monkeypatch):
    source = _zip(tmp_path / 'in.zip', photo, *(f'{i}.jpg' for i in range(6)))
    assert len(zipped.members(source, 'in.zip', max_photos=6)) == 6
    with pytest.raises(PhotoError, match=r'in\.zip holds 6 photos, the limit is 5: split it first\.'):
        zipped.members(source, 'in.zip', max_photos=5)
    with zipfile.ZipFile(tmp_path / 'bomb.zip', 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('a.jpg', bytes(3_000_000))
    assert (tmp_path / 'bomb.zip').stat().st_size < 10_000
    with pytest.raises(PhotoError, match=r'bomb\.zip has 0\.0 GB unpacked'):
        zipped.members(tmp_path / 'bomb.zip', 'bomb.zip', max_bytes=2_999_999)
    monkeypatch.setattr(zipped, 'LIST_BYTES', 200)
    with pytest.raises(PhotoError, match=r'in\.zip is not a ZIP that can be read'):
        zipped.members(source, 'in.zip')


@pytest.mark.parametrize('content', [b'', b'hello', b'PK\5\6' + bytes(18), 'cut'])
def test_what_is_no_zip_with_photos_is_said_in_a_sentence(content, photo, tmp_path):
    path = _zip(tmp_path / 'a.zip', photo, 'a.jpg')
    path.write_bytes(path.read_bytes()[:-10] if content == 'cut' else content)
    with pytest.raises(PhotoError, match=r'^a\.zip (is not a ZIP that can be read|holds no photos)\.$'):
        zipped.members(path, 'a.zip')


def test_results_of_one_name_both_survive(photo, tmp_path, plain):
    Image.open(photo).save(tmp_path / 'x.gif')
    Image.open(photo).save(tmp_path / 'x.bmp')
    source = tmp_path / 'in.zip'
    with zipfile.ZipFile(source, 'w') as archive:
        archive.write(tmp_path / 'x.gif', 'x.gif')
        archive.write(tmp_path / 'x.bmp', 'x.bmp')
        for name in ('b/a.jpg', 'B/A.JPG', 'b/a.jpg'):  # one file on many systems
            with pytest.warns(UserWarning) if name in archive.namelist() else contextlib.nullcontext():
                archive.write(photo, name)
    _coloured(source, tmp_path / 'out.zip', plain)
    assert _names(tmp_path / 'out.zip') == ['B/A (2).JPG', 'b/a (3).jpg', 'b/a.jpg', 'x (2).png', 'x.png']


def test_no_photo_stays_in_memory(tmp_path, plain, monkeypatch):
    alive, read, colour = [], photofile.read, plain.colorize

    def watched(value, pixels):
        alive.append(weakref.ref(pixels))
        return value

    monkeypatch.setattr(photofile, 'read', lambda *given: watched(photo := read(*given), photo.pixels))
    monkeypatch.setattr(plain, 'colorize', lambda *given, **more: watched(pixels := colour(*given, **more), pixels))
    paths = [_photo(tmp_path / f'{i}.png') for i in range(3)]
    found = [album.Task(path.name, path, Path(), path.stem) for path in paths]
    with zipped.Writer(tmp_path / 'out.zip') as target:
        for outcome in album.colorize(found, plain, target, preview=100):
            assert outcome.small is not None and [pixels() for pixels in alive] == [None] * len(alive) != []
    assert len(alive) == 6
    assert pyvips.cache_get_size() == 0  # nor does libvips remember them


def test_what_goes_wrong_leaves_no_file(photo, tmp_path, plain):
    out = tmp_path / 'out'
    out.mkdir()
    found = album.in_zip(_zip(tmp_path / 'in.zip', photo, 'a.jpg', 'b.jpg'), 'in.zip', Path())
    with pytest.raises(KeyboardInterrupt), zipped.Writer(out / 'a.zip') as target:
        next(album.colorize(found, plain, target))
        assert [path.name for path in out.iterdir()] == ['.a.zip.part']
        raise KeyboardInterrupt
    with zipped.Writer(out / 'a.zip'):
        pass  # no photos
    assert list(out.iterdir()) == []


def test_a_full_zip_and_a_full_disk_are_said(photo, tmp_path, plain, monkeypatch):
    source = _zip(tmp_path / 'in.zip', photo, 'a.jpg', 'b.jpg')
    with zipped.Writer(tmp_path / 'out.zip', max_bytes=int(1.5 * photo.stat().st_size) + 1000) as target:
        errors = [o.error for o in album.colorize(album.in_zip(source, 'in.zip', Path()), plain, target)]
    assert errors == ['', 'b.jpg no longer fits into the ZIP: send it as another album.']
    assert _names(tmp_path / 'out.zip') == ['a.jpg']
    monkeypatch.setattr(zipped, 'SPARE_BYTES', 1 << 60)
    outcomes = _coloured(source, tmp_path / 'none.zip', plain)
    assert outcomes['a.jpg'].error == 'a.jpg finds no room on the disk of this machine.'
    assert not (tmp_path / 'none.zip').exists()


def test_a_folder_that_may_not_be_searched_is_named(holiday, tmp_path, plain, monkeypatch, capsys):
    scandir = album.os.scandir

    def refuse(path):
        if str(path).endswith('winter'):
            raise PermissionError(13, 'Permission denied', str(path))
        return scandir(path)

    monkeypatch.setattr(album.os, 'scandir', refuse)
    outcomes = list(album.colorize(album.tasks([holiday], tmp_path / 'out'), plain, album.Folder()))
    assert [outcome.error for outcome in outcomes if 'winter' in outcome.name] == [
        f'{holiday / "winter"} cannot be searched: Permission denied.'
    ]
    assert [outcome.target.name for outcome in outcomes if outcome.target] == ['a [1].jpg']


def test_the_command_line_takes_a_zip(photo, tmp_path, plain, capsys):
    source = _zip(tmp_path / 'in.zip', photo, 'a.jpg', 'summer/b.jpg', **{'summer/letter.jpg': b'Dear grandmother'})
    assert main(['colorize', str(source), '-o', str(tmp_path / 'out')]) == 1
    found = sorted(str(path.relative_to(tmp_path / 'out')) for path in (tmp_path / 'out').rglob('*.*'))
    assert found == ['a.jpg', 'summer/b.jpg']
    assert 'summer/letter.jpg is not a photo' in capsys.readouterr().err
    assert main(['colorize', str(source), str(photo.parent / 'nobody.zip'), '-o', str(tmp_path / 'two')]) == 1
    assert (tmp_path / 'two' / 'in' / 'summer' / 'b.jpg').exists()
    assert 'nobody.zip does not exist' in capsys.readouterr().err


def test_no_photo_of_the_run_is_replaced_even_by_force(photo, tmp_path, plain, capsys):
    _photo(tmp_path / 'a' / 'x.jpg')
    other = _photo(tmp_path / 'b' / 'x.jpg')
    before = other.read_bytes()
    code = main(['colorize', str(tmp_path / 'a' / 'x.jpg'), str(other), '-o', str(other.parent), '--force'])
    assert code == 1 and other.read_bytes() == before
    assert 'would be replaced by a colour version: choose another folder' in capsys.readouterr().err


def test_what_nobody_thought_of_spoils_one_photo_alone(photo, tmp_path, plain, monkeypatch):
    read = photofile.read
    stumbles = iter([ValueError('cannot reshape'), OSError(5, 'Input/output error'), pyvips.Error('no such operation')])

    def stumble(path, name, *more):
        if name != str(photo):
            raise next(stumbles)
        return read(path, name, *more)

    monkeypatch.setattr(photofile, 'read', stumble)
    found = album.tasks([tmp_path / 'a.jpg', tmp_path / 'b.jpg', tmp_path / 'c.jpg', photo], tmp_path / 'out')
    *failed, good = album.colorize(found, plain, album.Folder())
    assert good.target.exists() and not good.error
    for outcome, reason in zip(failed, ('cannot reshape', 'Input/output error', 'no such operation'), strict=True):
        assert outcome.error.startswith(outcome.name) and reason in outcome.error and '\n' not in outcome.error


def test_a_result_of_another_format_may_lie_beside_its_photo(tmp_path, plain):
    gif = _photo(tmp_path / 'x.gif')
    (outcome,) = album.colorize(album.tasks([gif], tmp_path), plain, album.Folder(photos=[gif]))
    assert outcome.target == tmp_path / 'x.png' and not outcome.error


@pytest.mark.parametrize('name', ['C:/x.jpg', 'C:x.jpg', './C:D:/x.jpg', 'C:\\x.jpg', '../x.jpg', '/x.jpg'])
def test_no_name_leads_out_of_an_album_on_any_system(name):
    assert zipped.inside(name) == 'x.jpg'


def test_what_is_transparent_does_not_choose_the_colours(tmp_path, monkeypatch, plain):
    seen = []
    guess = plain.colors
    monkeypatch.setattr(plain, 'colors', lambda photo, **more: (seen.append(photo), guess(photo, **more))[1])
    image = Image.new('RGBA', (40, 30), (120, 120, 120, 255))
    image.paste((0, 0, 0, 0), (0, 0, 20, 30))
    image.save(tmp_path / 'cut.png')
    (outcome,) = album.colorize(album.tasks([tmp_path / 'cut.png'], tmp_path / 'out'), plain, album.Folder())
    plain.colorize(image)
    assert len(seen) == 2 and all((photo[:, :20] == 255).all() and (photo[:, 20:] == 120).all() for photo in seen)
    with Image.open(outcome.target) as written:
        assert written.getchannel('A').tobytes() == image.getchannel('A').tobytes()
        assert written.getpixel((30, 9))[:3] == (160, 120, 110)


# ---- HTTP


def test_the_api_page_shows_a_call_that_works(client):
    files, *settings = client.view_api(return_format='dict')['named_endpoints']['/colorize_album']['parameters']
    assert files['label'] == 'Photos or ZIPs' and files['example_input'][0]['path'] == 'album.zip'
    assert [setting['parameter_name'] for setting in settings] == ['model', 'saturation', 'vividness', 'render_size']
    assert all(setting['parameter_has_default'] for setting in settings)


def test_an_album_through_the_api(client, holiday, tmp_path):
    photos = [handle_file(path) for path in sorted(holiday.rglob('*.*'))]
    archive, report = client.predict(photos, api_name='/colorize_album')
    assert Path(archive).name == 'album-colour.zip' and _names(archive) == ['a [1].jpg', 'ç.png']
    assert _redness(archive, 'ç.png', tmp_path) == 40
    reasons = {failed['name']: failed['reason'] for failed in report.pop('failed')}
    assert report == {'photos': 6, 'coloured': 2, 'notes': [], 'ended': ''}
    assert reasons == {
        '.hidden.jpg': '.hidden.jpg is not a photo that can be read.',
        'cut.jpg': 'cut.jpg is damaged or cut short and cannot be read.',
        'letter.jpg': 'letter.jpg is not a photo that can be read.',
        'notes.txt': 'notes.txt is not a photo that can be read.',
    }


def test_a_zip_through_the_api_with_settings(client, photo, tmp_path):
    source = _zip(tmp_path / 'family.zip', photo, 'a.jpg', 'summer/b.jpg')
    archive, report = client.predict(
        [handle_file(source)], model='steered', saturation=2, vividness=0, render_size=500, api_name='/colorize_album'
    )
    assert Path(archive).name == 'family-colour.zip' and _names(archive) == ['a.jpg', 'summer/b.jpg']
    assert report['coloured'] == 2
    one, _ = client.predict(
        handle_file(photo), model='steered', saturation=2, vividness=0, render_size=500, api_name='/colorize'
    )
    alone = np.asarray(Image.open(one)).astype(int)[0, 0]
    assert _redness(archive, 'summer/b.jpg', tmp_path) == alone[0] - alone[1] != 0
    gray, _ = client.predict(handle_file(source), saturation=0, api_name='/colorize_album')  # one needs no list
    assert _redness(gray, 'a.jpg', tmp_path) == 0


def test_long_names_stay(client, photo, tmp_path):
    long = 'a very long name ' * 14
    source = _zip(tmp_path / f'{long}.zip', photo, f'summer/{long}.jpg')
    archive, _ = client.predict([handle_file(source)], api_name='/colorize_album')
    assert _names(archive) == [f'summer/{long}.jpg']


def test_bombs_and_too_much_are_refused_through_the_api(client, photo, tmp_path, monkeypatch):
    source = _zip(tmp_path / 'bomb.zip', photo, *(f'{i}.jpg' for i in range(4)))
    monkeypatch.setattr(album_page, 'MAX_PHOTOS', 3)
    archive, report = client.predict([handle_file(source), handle_file(photo)], api_name='/colorize_album')
    assert report['failed'] == [
        {'name': 'bomb.zip', 'reason': 'bomb.zip holds 4 photos, the limit is 3: split it first.'}
    ]
    assert _names(archive) == ['photo.jpg']
    monkeypatch.setattr(album_page, 'MAX_UNPACKED', 3 * photo.stat().st_size)
    monkeypatch.setattr(album_page, 'MAX_PHOTOS', 4)
    archive, report = client.predict([handle_file(source)], api_name='/colorize_album')
    assert archive is None and 'unpacked, the limit is' in report['failed'][0]['reason']
    with pytest.raises(AppError, match='An album here has at most 4'):
        client.predict([handle_file(photo)] * 5, api_name='/colorize_album')
    with pytest.raises(AppError, match='Choose some photos first'):
        client.predict([], api_name='/colorize_album')


def test_an_album_has_only_so_long(client, photo, monkeypatch):
    monkeypatch.setattr(album_page, 'MINUTES', 0)
    archive, report = client.predict([handle_file(photo)] * 3, api_name='/colorize_album')
    assert report['ended'] == 'late' and report['coloured'] == 1 and _names(archive) == ['photo.jpg']


def test_an_album_of_somebody_elses_files_is_refused(url, photo):
    """Neither door takes a path that was not uploaded; with one that was, both do."""
    config = httpx.get(f'{url}/config').json()
    begin = next(call['id'] for call in config['dependencies'] if [*call['targets'], ['']][0][1] == 'picked')

    def picked(path, **more):
        file = {'path': str(path), **more}
        body = {'data': [{'files': [{'file': file, 'name': 'a.jpg'}]}], 'fn_index': begin, 'session_hash': 'somebody'}
        return httpx.post(f'{url}/gradio_api/run/predict', json=body)

    def called(path, **more):
        body = {'data': [[{'path': str(path), **more}], 'plain', 1, 1, 0]}
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
    semaphore, colour = threading.Semaphore(0), colorizer.Colorizer.colorize

    def colorize(self, *values, **settings):
        assert semaphore.acquire(timeout=20)
        return colour(self, *values, **settings)

    monkeypatch.setattr(colorizer.Colorizer, 'colorize', colorize)
    monkeypatch.setattr(album_page, 'PAUSE', 0)
    yield semaphore
    semaphore.release(1000)


def test_an_album_keeps_nobody_with_one_photo_waiting(url, client, photo, gate):
    job = client.submit([handle_file(photo)] * 2, api_name='/colorize_album')
    other = Client(url, verbose=False, download_files=str(photo.parent / 'other'))
    assert other.predict(handle_file(photo), api_name='/colorize')[0]
    assert not job.done()
    gate.release(2)
    assert job.result(20)[1]['coloured'] == 2


def test_an_album_that_is_cancelled_leaves_nothing(client, photo, gate, cache):
    job = client.submit([handle_file(photo)] * 50, api_name='/colorize_album')
    gate.release(2)
    _until(lambda: any(report['coloured'] == 2 for _, report in job.outputs()))
    assert list(cache.rglob('*.part'))
    threading.Thread(target=job.cancel).start()  # returns when the photo in work is done
    _until(lambda: gate.release() or not list(cache.rglob('*.part')), pause=0.2)
    assert job.outputs()[-1][1]['coloured'] < 50
    assert client.predict([handle_file(photo)], api_name='/colorize_album')[1]['coloured'] == 1


def _until(holds, seconds=15, pause=0.05):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(pause)


# ---- the browser


def _open(page):
    page.get_by_role('tab').nth(1).click()
    page.wait_for_selector('#album .picker')


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
    assert archive.name == 'album-colour.zip' and _names(archive) == ['a [1].jpg']
    assert abs(_redness(archive, 'a [1].jpg', tmp_path) - 40) < 6
    page.click('#album-again')
    page.wait_for_selector('.picker', state='visible')
    assert page.inner_text('.state') == '' and page.is_disabled('#album-start')
    assert not page.is_visible('#album-gallery') and not page.is_visible('.forget')
    assert page.outside == [] and page.errors == []


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
    assert _names(archive) == ['holiday/summer/a [1].jpg', 'holiday/winter/ç.png']


def test_a_zip_beside_a_photo_with_settings(page, photo, tmp_path):
    source = _zip(tmp_path / 'family.zip', photo, 'a.jpg', 'summer/photo.jpg')
    _open(page)
    _choose(page, [source], 1)
    _choose(page, [photo], 2)
    page.fill('#album-saturation input[type=number]', '0')
    page.keyboard.press('Enter')
    page.click('#album-start')
    _line(page, '3 of 3 photos coloured.')
    archive = _download(page, tmp_path)
    assert _names(archive) == ['family/a.jpg', 'family/summer/photo.jpg', 'photo.jpg']
    assert _redness(archive, 'photo.jpg', tmp_path) == 0
    assert page.locator('#album-gallery img').count() == 3


def test_cancel_keeps_what_is_done(page, photo, gate, tmp_path, monkeypatch):
    monkeypatch.setattr(album_page, 'SHOWN', 2)
    paths = [_photo(tmp_path / f'{i}.jpg') for i in range(9)]
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
    assert _names(_download(page, tmp_path)) == ['0.jpg', '1.jpg', '2.jpg', '3.jpg']
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
    assert job.result(20)[1]['coloured'] == 1
    page.click('#album-start')  # what was chosen is still there
    gate.release(1)
    _line(page, '1 of 1 photos coloured.')


def test_an_album_ends_with_its_page(browser, url, photo, gate, cache, tmp_path):
    for i in range(40):
        _photo(tmp_path / 'left' / f'{i}.jpg')
    page = browser.new_page()
    page.goto(url)
    _open(page)
    _choose(page, tmp_path / 'left', 40, '.folder')
    page.click('#album-start')
    gate.release(1)
    _line(page, '1 of 40 photos')
    assert list(cache.rglob('*.part'))
    page.close()
    # The server hears of it after a while, and the album ends after the photo that is in work then.
    _until(lambda: gate.release() or not list(cache.rglob('*.part')), pause=0.4)
    assert not list(cache.rglob('left-colour.zip')) and not album_page._cancels


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
