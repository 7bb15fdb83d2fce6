"""What the middleware refuses before it costs anything, tried on itself and on a running page."""

import asyncio
import json
import os
import shutil
import socket
import threading
import time
import types
from pathlib import Path
from urllib.parse import urlsplit

import gradio.mcp
import gradio.queueing
import gradio.route_utils
import gradio.routes
import httpx
import pytest

from demo.server import gradio_patches, mcp, middleware, queueing, uploads
from lumachrome.errors import PhotoError

PLACE = '/gradio_api/call/colorize'


def answer(body, path=PLACE):
    """The status for a POST, and the body that the app behind the middleware got, or None."""
    got, sent = [], []

    async def app(scope, receive, send):
        got.append((await receive())['body'])
        await send({'type': 'http.response.start', 'status': 200, 'headers': []})
        await send({'type': 'http.response.body', 'body': b'{}'})

    async def receive():
        return {'type': 'http.request', 'body': body, 'more_body': False}

    async def send(message):
        sent.append(message)

    scope = {'type': 'http', 'method': 'POST', 'path': path, 'headers': []}
    asyncio.run(middleware.SecurityMiddleware(app)(scope, receive, send))
    text = b''.join(message.get('body', b'') for message in sent).decode()
    return sent[0]['status'], text, got[0] if got else None


@pytest.mark.parametrize(
    'start, part, end',
    [(b'{"data": [', b'1,', b'1]}'), (b'', b'[', b''), (b'[', b'{},', b'{}]'), (b'{', b'"a":1,', b'"b":1}')],
    ids=['numbers', 'nested', 'objects', 'keys'],
)
def test_millions_of_small_values_are_refused_unread(monkeypatch, start, part, end):
    monkeypatch.setattr(middleware, 'json', types.SimpleNamespace(loads=lambda body: pytest.fail('It was parsed.')))
    body = start + part * ((uploads.JSON_BYTES - 100) // len(part)) + end
    status, text, got = answer(body)
    assert status == 413 and got is None
    assert json.loads(text)['detail'] == 'A request holds at most 50,000 values: send several.'


def test_an_honest_photo_as_a_data_address_passes():
    url = f'data:image/jpeg;base64,{"A/+9" * 3_750_000}'
    for text in (url, url.replace('/', '\\/')):  # as PHP writes it
        body = b'{"data": [{"path": null, "url": "' + text.encode() + b'", "meta": {"_type": "gradio.FileData"}}]}'
        assert len(body) > 15_000_000 and answer(body) == (200, '{}', body)


@pytest.mark.parametrize('text', ['\\n' * 9_000_000, ' ' * 10_001, 'data:image/png;base64,' + '\\n' * 9_000_000])
def test_a_long_text_that_is_no_photo_is_refused(text):
    """Gradio would take seconds to write it into its log, and answer nobody meanwhile."""
    for body in (f'{{"data": ["{text}"]}}', f'{{"data": [{{"{text}": 1}}]}}'):
        status, said, got = answer(body.encode())
        assert status == 413 and got is None and 'A text has at most 10,000 letters here' in said


def test_as_many_files_as_a_request_may_name_are_no_flood():
    file = {'path': '', 'url': None, 'size': None, 'orig_name': 'a, b [c] {d}', 'mime_type': None, 'is_stream': False}
    named = [{'file': {**file, 'meta': {'_type': 'gradio.FileData'}}, 'name': 'a'}] * middleware.MOST_FILES
    assert answer(json.dumps({'data': [{'files': named}]}).encode())[0] == 400  # for what it names, not for its size


def test_while_one_request_is_looked_through_others_are_answered(url, monkeypatch):
    begun, over = threading.Event(), threading.Event()

    def slowly(path):
        begun.set()
        over.wait(30)

    monkeypatch.setattr(middleware, 'uploaded', slowly)
    body = {'data': [{'path': 'a'}]}
    statuses = []
    sender = threading.Thread(
        target=lambda: statuses.append(httpx.post(url + PLACE, json=body, timeout=60).status_code)
    )
    sender.start()
    try:
        assert begun.wait(10)
        assert httpx.get(f'{url}/config', timeout=5).status_code == 200 and not statuses
    finally:
        over.set()
        sender.join(30)
    assert statuses == [400]


@pytest.mark.parametrize('before', ['', ' \n\t', ' ' * 3_000_000], ids=['nothing', 'blanks', 'many spaces'])
@pytest.mark.parametrize('address', ['https://a/b.jpg', 'FTP://a', 'File:/a'])
def test_addresses_are_known_by_their_beginning(address, before):
    for content in ({'data': [before + address]}, {'photo': before + address}, {'data': [{'path': address}]}):
        status, said, got = answer(json.dumps(content).encode())
        assert (status, got) == (400, None) and 'web addresses are not fetched' in said
    body = json.dumps({'data': [f'see {address}']}).encode()
    assert answer(body) == (200, '{}', body)


def test_a_kind_of_image_without_end_is_read_once():
    """Tried at each of its letters, this one takes half a minute."""
    assert uploads.DATA_URL.match('data:image/svg+xml;base64,PHN2')[1] == 'svg'
    start = time.process_time()
    assert not uploads.DATA_URL.match(f'data:image/{"a" * 50_000}') and time.process_time() - start < 10


def test_only_names_that_an_upload_may_have_are_looked_for(monkeypatch, tmp_path):
    monkeypatch.setenv('GRADIO_TEMP_DIR', str(tmp_path / 'cache'))
    photo = uploads.new_file('a photo.jpg')
    photo.write_bytes(b'x')
    (tmp_path / 'secret').write_bytes(b'x')
    (photo.parent / 'link').symlink_to(tmp_path / 'secret')
    for address in (str(photo), f'http://127.0.0.1:1/gradio_api/file={str(photo).replace(" ", "%20")}'):
        assert uploads.uploaded(address) == photo
    for address in (tmp_path / 'secret', photo.parent / 'link', photo.parent, photo.parent / 'none', 'a\0b', ''):
        assert uploads.uploaded(str(address)) is None
    monkeypatch.setattr(Path, 'is_file', lambda path: pytest.fail('It was looked for.'))
    for address in (
        '/a' * 10_000_000,
        f'http://a{"/b" * 10_000_000}',
        f'{photo.parent}/../{photo.parent.name}/{photo.name}',
    ):
        assert uploads.uploaded(address) is None


def test_only_a_download_that_goes_on_gets_a_part(url):
    """Gradio stumbles over two ranges, and sends all headers of the request back with one that has an end."""
    path = httpx.post(f'{url}/gradio_api/upload', files={'files': ('monitoring.bin', bytes(range(200)))}).json()[0]
    for wanted in ('bytes=0-3', 'bytes=0-0,2-2', 'bytes=--', 'bytes=-5'):
        answer = httpx.get(f'{url}/gradio_api/file={path}', headers={'range': wanted, 'x-own': 'secret'})
        assert answer.status_code == 200 and len(answer.content) == 200 and 'x-own' not in answer.headers, wanted
    answer = httpx.get(f'{url}/gradio_api/file={path}', headers={'range': 'bytes=150-'})
    assert answer.status_code == 206 and answer.content == bytes(range(150, 200))


def test_doors_that_nobody_uses_are_closed(url):
    for place in ('gradio_api/mcp/sse', 'gradio_api/mcp/messages/', 'gradio_api/stream/a/b/1/playlist.m3u8', 'logout'):
        answer = httpx.get(f'{url}/{place}', timeout=5)
        assert answer.status_code == 404 and 'nothing here' in answer.text, place
    assert httpx.get(f'{url}/gradio_api/mcp/schema').status_code == 200
    assert httpx.get(f'{url}/gradio_api/heartbeat/{"a" * 10}?{"a" * 2001}', timeout=5).status_code == 414


@pytest.mark.parametrize('place', [0, 1, 2])
def test_what_is_sent_in_a_wrong_place_does_not_fill_the_log(url, place, capfd):
    """First with too few values, then as the name of a model, then as a number."""
    photo = f'data:image/png;base64,{"A" * 100_000}'
    data = [photo] if place == 0 else [None, 'plain', 0, 1, 1, 0, 1, 0, None, 0, []]
    data[place] = photo if place == 0 else [photo]
    event = httpx.post(f'{url}{PLACE}', json={'data': data}).json()['event_id']
    answer = httpx.get(f'{url}{PLACE}/{event}', timeout=30).text
    said = 'colorize takes 11 values, and 1 came.' if place == 0 else 'A text has at most 10,000 letters here.'
    assert said in answer and len(answer) < 1000
    written = capfd.readouterr()
    assert len(written.out) + len(written.err) < 10_000


@pytest.mark.parametrize('place', ['queue/data?session_hash=none', 'queue/data', 'call/colorize/none'])
def test_who_asks_for_what_nobody_began_is_told_so_and_fills_no_log(url, place, capfd):
    answer = httpx.get(f'{url}/gradio_api/{place}')
    assert answer.status_code == 404 and answer.json()['detail'] == 'Nothing is under way under this name.'
    assert 'Traceback' not in ''.join(capfd.readouterr())


def test_an_upload_that_breaks_off_leaves_nothing(url, cache, capfd):
    def found():
        return {Path(parent, name) for parent, _, names in os.walk(cache) for name in names}

    place, before = urlsplit(url), found()
    form = b'--B\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n' + bytes(500_000)
    head = f'POST /gradio_api/upload HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: 900000\r\n'
    with socket.create_connection((place.hostname, place.port)) as door:
        door.sendall(f'{head}Content-Type: multipart/form-data; boundary=B\r\n\r\n'.encode() + form)
        _until(lambda: sum(path.stat().st_size for path in found() - before) > 100_000)
    _until(lambda: found() == before)
    assert httpx.get(f'{url}/config').status_code == 200 and 'Traceback' not in capfd.readouterr().err


def _until(holds, seconds=15):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_uploads_that_nobody_watches_are_forgotten(monkeypatch):
    monkeypatch.setattr(uploads, 'WATCHED', 3)
    progress = uploads.UploadProgress()

    async def use():
        for i in range(10):
            progress.append(f'sent-{i}', 'a.jpg', b'x')
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(progress.is_tracked(f'never-{i}'), 0.001)
        assert await progress.is_tracked('sent-9')

    asyncio.run(use())
    assert list(progress._statuses) == ['sent-7', 'sent-8', 'sent-9'] == list(progress._signals)
    progress.stop_tracking('sent-8')
    assert 'sent-8' not in progress._signals


def test_a_full_disk_takes_no_photo_in_a_request(monkeypatch, tmp_path):
    monkeypatch.setenv('GRADIO_TEMP_DIR', str(tmp_path))
    assert Path(uploads.store('data:image/png;base64,QUJD')).read_bytes() == b'ABC'
    monkeypatch.setattr(shutil, 'disk_usage', lambda folder: shutil._ntuple_diskusage(10**12, 10**12, 10**6))
    with pytest.raises(PhotoError, match='The disk of the server is full'):
        uploads.store('data:image/png;base64,QUJD')


def test_what_is_replaced_of_gradio_is_named_and_missed(monkeypatch):
    gradio_patches.apply()
    assert gradio.mcp.GradioMCPServer is mcp.Server
    assert gradio.route_utils.GradioMultiPartParser is uploads.FilesOnlyParser
    assert isinstance(gradio.routes.file_upload_statuses, uploads.UploadProgress)
    assert gradio.queueing.Queue is queueing.Queue
    monkeypatch.delattr(gradio.route_utils, 'GradioMultiPartParser')
    with pytest.raises(
        RuntimeError, match=r'has no gradio\.route_utils\.GradioMultiPartParser that demo\.server\.uploads'
    ):
        gradio_patches.apply()
