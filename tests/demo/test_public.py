"""What strangers try on a public page: each test attacks a running one."""

import base64
import http.server
import io
import json
import math
import os
import shutil
import threading
import time
from pathlib import Path
from urllib.parse import quote

import gradio as gr
import httpx
import numpy as np
import pytest
from browsers import opened
from gradio_client import Client, handle_file
from gradio_client.utils import QueueError
from PIL import Image, ImageFile

from demo import app
from demo.colorizers import Colorizers
from demo.page.photo import PhotoPage
from demo.page.studio import Detail, Given
from demo.server import limits, middleware, queueing, retention, uploads
from lumachrome import colorizer, loading, srgb
from lumachrome.adjustments import SETTINGS
from lumachrome.errors import PhotoError

MARK = {'_type': 'gradio.FileData'}
DEFAULTS = {'model': 'plain'} | {name: setting.default for name, setting in SETTINGS.items()}  # as /call takes them
ALBUM_DEFAULTS = [value for name, value in DEFAULTS.items() if name != 'hints'] + [False]  # the last: all_pages


def call(url, photo, changes=None):
    """What plain HTTP gives for a photo: the status and the text of the refusal, or 200 and the text of the events."""
    data = {'data': [photo, *DEFAULTS.values()] if changes is None else [photo, *(DEFAULTS | changes).values()]}
    answer = httpx.post(f'{url}/gradio_api/call/colorize', json=data)
    if answer.status_code != 200:
        return answer.status_code, answer.json()['detail']
    return 200, httpx.get(f'{url}/gradio_api/call/colorize/{answer.json()["event_id"]}', timeout=30).text


def upload(url, name, content):
    return httpx.post(f'{url}/gradio_api/upload', files={'files': (name, content)}).json()[0]


def data_address(content, kind='png'):
    return {'path': None, 'url': f'data:image/{kind};base64,{base64.b64encode(content).decode()}', 'meta': MARK}


@pytest.fixture
def victim():
    """An address of another server, and what was asked of it."""
    asked = []

    class Witness(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_POST = do_GET
        log_message = lambda *_: None  # noqa: E731

    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Witness)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}/a.jpg', asked
    server.shutdown()


@pytest.fixture
def bomb():
    """A PNG of 110 kB that unpacks to 900 megapixels."""
    stored = io.BytesIO()
    Image.new('1', (30_000, 30_000)).save(stored, 'PNG')
    return stored.getvalue()


# ---- what a request names


@pytest.mark.parametrize('spell', ['{}', ' {}', '\t{}', 'HTTP{}'])
def test_no_address_is_fetched(url, victim, spell):
    address, asked = victim
    address = spell.format(address.removeprefix('http') if spell.startswith('HTTP') else address)
    for photo in ({'path': address, 'meta': MARK}, {'path': address}, address):
        assert call(url, photo) == (400, 'Upload the photo: web addresses are not fetched.')
        for place, body in (
            ('run/colorize', {'data': [photo, *DEFAULTS.values()]}),
            ('queue/join', {'data': [photo, *DEFAULTS.values()], 'fn_index': 0, 'session_hash': 'x'}),
            ('call/v2/colorize', {'photo': photo}),
        ):
            assert httpx.post(f'{url}/gradio_api/{place}', json=body).status_code == 400, place
    status, events = call(url, {'path': None, 'url': address, 'meta': MARK})
    assert status == 200 and 'Upload the photo, or send it as a data: URL' in events
    spelled = quote(address, safe=':/')
    for place in (f'file={spelled}', f'proxy={spelled}', f'file={spelled.replace("h", "%68", 1)}'):
        assert httpx.get(f'{url}/gradio_api/{place}').status_code in (403, 404), place
    assert asked == []


def test_files_of_the_server_are_not_opened(url, photo, tmp_path):
    assert photo.exists()  # a photo, so that only the refusal can keep it from being coloured
    for path in (str(photo), f'file://{photo}', os.path.relpath(photo), '/etc/passwd', ''):
        for mark in ({'meta': MARK}, {}, {'meta': MARK, 'is_stream': True}):
            status, text = call(url, {'path': path, **mark})
            assert status == 400 and ('no longer on the server' in text or 'not fetched' in text), path
    assert 'event: error' in call(url, str(photo))[1]
    for place in (photo, '/etc/passwd', '../../etc/passwd', '%2e%2e/%2e%2e/etc/passwd'):
        assert httpx.get(f'{url}/gradio_api/file={place}').status_code in (403, 404)


def test_what_others_sent_is_neither_listed_nor_guessed(url, cache, photo):
    path = upload(url, 'grandmother.jpg', photo.read_bytes())
    for place in (cache, f'{cache}/', os.path.dirname(path), f'{cache}/grandmother.jpg', f'{cache}/*'):
        answer = httpx.get(f'{url}/gradio_api/file={place}')
        assert answer.status_code in (403, 404) and 'Index' not in answer.text
    own = httpx.get(f'{url}/gradio_api/file={path}')
    assert own.content == photo.read_bytes() and own.headers['cache-control'] == 'private, no-store'
    results = [json.loads(call(url, {'path': path, 'meta': MARK})[1].split('data: ')[1])[0]['path'] for _ in range(2)]
    assert results[0] != results[1]  # the same photo and settings: drawn by lot, not computed


def test_only_uploads_and_calls_are_answered(url):
    for place in ('component_server', 'process_recording', 'stream/x', 'vibe-edit', 'vibe-code', 'run-history/connect'):
        assert httpx.post(f'{url}/gradio_api/{place}', json={}).status_code == 404, place
    places = ('openapi.json', 'docs', 'monitoring', 'monitoring/summary', 'gradio_api/runs', 'gradio_api/dev/reload')
    for place in (*places, 'gradio_api/deep_link?session_hash=x', 'gradio_api/vibe-code'):
        assert httpx.get(f'{url}/{place}').status_code in (403, 404), place
    answer = httpx.post(f'{url}/gradio_api/run/colorize', json={'data': [data_address(b'x'), *DEFAULTS.values()]})
    assert answer.status_code == 404 and 'join the queue' in answer.text
    assert httpx.get(url).headers['x-content-type-options'] == 'nosniff'
    assert httpx.get(f'{url}/config').json()['analytics_enabled'] is False


# ---- sizes


def test_json_is_bounded_with_and_without_a_length(url):
    text = b'{"data": ["' + b'A' * uploads.JSON_BYTES + b'"]}'
    for place in ('call/colorize', 'call/v2/colorize', 'run/colorize', 'queue/join', 'cancel', 'reset', 'mcp/'):
        for content in (text, iter([text[:1000], text[1000:]])):
            answer = httpx.post(f'{url}/gradio_api/{place}', content=content)
            assert answer.status_code == 413 and 'upload the photo as a file' in answer.text, place
    assert httpx.post(f'{url}/gradio_api/call/colorize', content=b'[' * 40_000).status_code == 422


def test_uploads_are_bounded_and_leave_nothing(url, cache, monkeypatch):
    monkeypatch.setattr(middleware, 'UPLOAD_BYTES', 3_000_000)
    before = _bytes_in(cache)
    start = b'--B\r\nContent-Disposition: form-data; name="files"; filename="big.jpg"\r\n\r\n'
    for content in (start + bytes(4_000_000), iter([start] + 4 * [bytes(1_000_000)])):
        answer = httpx.post(
            f'{url}/gradio_api/upload', content=content, headers={'content-type': 'multipart/form-data; boundary=B'}
        )
        assert answer.status_code == 413 and 'A file has at most 200 MB here' in answer.text
    assert _bytes_in(cache) == before


def test_form_fields_are_not_kept_in_memory(url):
    answer = httpx.post(f'{url}/gradio_api/upload', files={'files': (None, bytes(100_000))})
    assert answer.status_code == 400 and 'Send files alone' in answer.text


def test_a_full_disk_takes_no_uploads(url, monkeypatch):
    monkeypatch.setattr(shutil, 'disk_usage', lambda folder: shutil._ntuple_diskusage(10**12, 10**12, 10**6))
    answer = httpx.post(f'{url}/gradio_api/upload', files={'files': ('a.jpg', b'x')})
    assert answer.status_code == 507 and answer.json()['detail'] == 'The disk of the server is full: try again later.'


def test_a_request_names_only_so_many_files(url, photo, monkeypatch):
    mine = upload(url, 'mine.jpg', photo.read_bytes())
    looked = []
    monkeypatch.setattr(middleware, 'uploaded', looked.append)
    many = [{'path': f'{mine}{i}', 'meta': MARK} for i in range(middleware.MOST_FILES + 1)]
    answer = httpx.post(f'{url}/gradio_api/call/colorize_album', json={'data': [many]})
    assert answer.status_code == 400 and 'names at most 2,000 files' in answer.text and not looked
    httpx.post(f'{url}/gradio_api/call/colorize_album', json={'data': [[{'path': mine, 'meta': MARK}] * 5000]})
    assert looked == [mine]


def _bytes_in(folder):
    return sum(path.stat().st_size for path in folder.rglob('*') if path.is_file())


def test_bombs_are_refused_unopened(url, bomb, tmp_path, monkeypatch):
    for photo in (
        {'path': upload(url, 'bomb.png', bomb), 'orig_name': 'bomb.png', 'meta': MARK},
        data_address(bomb),
    ):
        status, events = call(url, photo)
        assert status == 200 and '.png has more than 100 megapixels: make it smaller first.' in events
    unpacked = []
    monkeypatch.setattr(ImageFile.ImageFile, 'load', lambda image: unpacked.append(image.size))
    monkeypatch.setattr(srgb, 'to_srgb', lambda image: unpacked.append((image.width, image.height)))
    (tmp_path / 'bomb.png').write_bytes(bomb)
    with pytest.raises(PhotoError, match='more than 100 megapixels'):
        loading.decode(tmp_path / 'bomb.png', 'bomb.png', limits.MAX_PIXELS)  # what a decoder's process runs
    assert not unpacked


@pytest.mark.parametrize(
    'changes',
    [
        {'model': 'nobody'},
        {'saturation': 1e9},
        {'saturation': []},
        {'vividness': {}},
        {'render_size': 'x'},
        {'warmth': True},
        {'variant': 'pink'},
        {'model': 'steered', 'variant': 4},
        {'palette': 'nowhere.jpg'},
        {'saturation': math.nan},
        {'vividness': math.nan},
        {'warmth': -math.inf},
        {'render_size': 10**9},
        {'hints': [{'x': 1}] * 300},
        {'model': 'steered', 'hints': [{'x': 0.5, 'y': 0.5, 'color': '<script>'}]},
        {'hints': [{'x': 10**400, 'y': 0.5, 'color': '#000000'}]},
    ],
)
def test_odd_values_give_no_trace_and_no_path(url, photo, changes):
    data = [data_address(photo.read_bytes(), 'jpeg'), *(DEFAULTS | changes).values()]
    content = json.dumps({'data': data})  # NaN too, which httpx would refuse
    headers = {'content-type': 'application/json'}
    event = httpx.post(f'{url}/gradio_api/call/colorize', content=content, headers=headers).json()['event_id']
    events = httpx.get(f'{url}/gradio_api/call/colorize/{event}', timeout=30).text
    assert events.startswith('event: error') and 'null' not in events, events
    assert not any(word in events for word in ('Traceback', 'site-packages', '.py', 'File "', str(app.EXAMPLES)))


def test_a_wish_that_is_null_is_the_default(url, photo):
    for changes in (dict.fromkeys(SETTINGS), {'model': None}, {'hints': []}):
        status, events = call(url, data_address(photo.read_bytes(), 'jpeg'), changes)
        assert status == 200 and events.startswith('event: complete'), events


@pytest.mark.parametrize('photo', [7, [7], {}, {'path': 7}])
def test_what_is_no_photo_is_told_what_to_send(url, photo):
    assert 'Upload the photo, or send it as a data: URL' in call(url, photo)[1]
    answer = httpx.post(f'{url}/gradio_api/call/colorize_album', json={'data': [photo, *ALBUM_DEFAULTS]})
    event = answer.json()['event_id']
    assert 'Choose some photos first' in httpx.get(f'{url}/gradio_api/call/colorize_album/{event}', timeout=30).text


# ---- many visitors


@pytest.fixture
def gate(monkeypatch):
    """While it is clear, every network waits."""
    opened, compute = threading.Event(), colorizer.Colorizer._colors_of
    monkeypatch.setattr(
        colorizer.Colorizer, '_colors_of', lambda *given, **more: (opened.wait(30), compute(*given, **more))[1]
    )
    yield opened
    opened.set()


def test_visitors_are_served_in_order_and_one_too_many_is_told(url, photo, page, gate):
    client = Client(url, verbose=False)
    order, events = [], []
    for i in range(1 + app.WAITING):
        body = {'data': [data_address(photo.read_bytes(), 'jpeg'), *DEFAULTS.values()]}
        events.append(httpx.post(f'{url}/gradio_api/call/colorize', json=body).json()['event_id'])
        if i == 0:
            time.sleep(0.5)  # it leaves the queue for the network
    assert call(url, data_address(photo.read_bytes(), 'jpeg')) == (503, 'Queue is full. Max size is 32 and size is 32.')
    with pytest.raises(QueueError, match=r'Queue is full! Please try again\.'):
        client.predict(handle_file(photo), api_name='/colorize')
    page.set_input_files('.studio .file', photo)
    page.wait_for_selector('.toast-body')
    assert 'busy. Please try again' in page.inner_text('.toast-body')

    def wait_for(i):
        assert 'event: complete' in httpx.get(f'{url}/gradio_api/call/colorize/{events[i]}', timeout=60).text
        order.append(i)

    threads = [threading.Thread(target=wait_for, args=[i]) for i in range(len(events))]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join(60)
    assert sorted(order) == list(range(len(events)))
    assert max(abs(i - place) for place, i in enumerate(order)) <= 2  # answers may overtake each other on the wire


def test_albums_leave_room_for_visitors_with_one_photo(url, photo, gate):
    path = upload(url, 'mine.jpg', photo.read_bytes())
    album = {'data': [[{'path': path, 'meta': MARK}], *ALBUM_DEFAULTS]}
    place, answers = f'{url}/gradio_api/call/colorize_album', []
    for i in range(queueing.ALBUMS + 2):
        answers.append(httpx.post(place, json=album))
        if i == 0:
            time.sleep(0.5)  # it leaves the queue for the network
    assert [answer.status_code for answer in answers] == [200] * (1 + queueing.ALBUMS) + [503]
    gate.set()
    assert call(url, {'path': path, 'meta': MARK})[1].startswith('event: complete')
    for answer in answers[:-1]:
        assert 'event: complete' in httpx.get(f'{place}/{answer.json()["event_id"]}', timeout=60).text


def test_two_visitors_at_once_get_their_own_pictures(browser, url, tmp_path):
    pages, levels = [browser.new_page() for _ in range(2)], (60, 180)
    for page, level in zip(pages, levels, strict=True):
        Image.new('L', (300, 200), level).save(tmp_path / f'{level}.png')
        page.goto(url)
        page.wait_for_selector('.studio .choose')
    for page, level in zip(pages, levels, strict=True):
        page.set_input_files('.studio .file', tmp_path / f'{level}.png')
    for page, level in zip(pages, levels, strict=True):
        opened(page)
        with page.expect_download() as download:
            page.click('.studio .download')
        with Image.open(download.value.path()) as image:
            assert download.value.suggested_filename == f'{level}-colour.png'
            assert np.abs(np.asarray(image)[..., 1].astype(int) - level).max() <= 1
        page.close()


# ---- the browser


def test_an_oversized_file_is_refused_before_it_is_sent(page, tmp_path):
    path, sent = tmp_path / 'huge.jpg', []
    with path.open('wb') as file:
        file.truncate(limits.FILE_MB * 2**20 + 1)
    page.on('request', lambda request: sent.append(request) if request.method == 'POST' else None)
    page.set_input_files('.studio .file', path)
    page.wait_for_selector('.said:has-text("Not uploaded, because too large or cut off: huge.jpg")')
    assert sent == []


def test_names_are_text_not_markup(page, photo, tmp_path):
    name = '<img src=x onerror=window.seen=1>${window.seen=2}{{window.seen=3}}.jpg'
    (tmp_path / name).write_bytes(b'\xff\xd8\xff\xe0 cut short')
    page.set_input_files('.studio .file', tmp_path / name)
    page.wait_for_selector('.toast-body')
    page.wait_for_selector('.studio .drop', state='visible')
    (tmp_path / name).write_bytes(photo.read_bytes())
    page.set_input_files('.studio .file', tmp_path / name)
    opened(page)
    with page.expect_download() as download:
        page.click('.studio .download')
    assert download.value.suggested_filename.endswith('-colour.jpg')
    page.wait_for_timeout(300)
    assert page.evaluate('window.seen') is None and page.errors == []


# ---- what stays


def _files(folder):
    """All files below; folders may vanish meanwhile."""
    return {Path(parent, name) for parent, _, names in os.walk(folder) for name in names}


def test_what_visitors_sent_is_deleted_in_the_end(url, client, cache, photo):
    client.predict(handle_file(photo), api_name='/colorize')
    with retention.swept(cache, seconds=4, pause=0.1):  # the examples are here already, and stay
        there = _files(cache)
        client.predict(handle_file(photo), saturation=0.5, api_name='/colorize')
        (cache / 'broken-off').write_bytes(b'half of an upload')
        for _ in range(100):
            if _files(cache) <= there:
                break
            time.sleep(0.1)
    assert _files(cache) == there
    assert client.predict(handle_file(photo), api_name='/colorize')[0]  # and the page works on


def test_a_sweep_takes_old_files_and_empty_folders_alone(tmp_path):
    for name in ('old/photo.jpg', 'new/photo.jpg', 'shown/example.jpg'):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b'photo')
    for name in ('old/photo.jpg', 'old', 'shown/example.jpg', 'shown'):
        os.utime(tmp_path / name, (0, 0))
    stays = frozenset([tmp_path / 'shown', tmp_path / 'shown' / 'example.jpg'])
    retention.sweep(tmp_path, 60, stays)
    os.utime(tmp_path / 'old', (0, 0))  # taking the file out was a change
    retention.sweep(tmp_path, 60, stays)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['new', 'shown']
    assert all(any(folder.iterdir()) for folder in tmp_path.iterdir())


def test_what_the_server_has_forgotten_is_said():
    page = PhotoPage(Colorizers())
    for ask in (page.look, page.tint, page.suggest, page.variants, page.part, page.save, page.compared):
        with pytest.raises(gr.Error, match='The photo is no longer on the server: choose it again'):
            ask(None, None, Given(None, '', [], {}, Detail()))
