"""The plain HTTP API, on networks whose colours are known beforehand."""

import http.server
import io
import json
import runpy
import socket
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
import uvicorn
from PIL import Image
from starlette.testclient import TestClient

import demo
from demo import api
from demo.colorizers import Colorizers
from lumachrome import Hint, colorizer, hints

ONE = '{"x": 0, "y": 0, "color": "%23ffffff"}'


@pytest.fixture(scope='module')
def server(standins):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(colorizer, 'MODELS', standins)
        with TestClient(api.build('plain')) as client:
            yield client


def redness(answer, at=0):
    pixels = np.asarray(Image.open(io.BytesIO(answer.content))).astype(int)
    return pixels[at, at, 0] - pixels[at, at, 1]


@pytest.fixture
def png(photo):
    stream = io.BytesIO()
    Image.open(photo).convert('L').save(stream, 'PNG')
    return stream.getvalue()


def test_a_photo_comes_back_colored(server, photo, png):
    answer = server.post('/colorize', content=png)
    assert answer.status_code == 200 and answer.headers['content-type'] == 'image/png'
    assert answer.headers['cache-control'] == 'no-store' and redness(answer) == 40
    assert redness(server.post('/colorize?saturation=0.5', content=png)) == 20
    jpeg = server.post('/colorize', content=photo.read_bytes())
    assert jpeg.headers['content-type'] == 'image/jpeg'
    assert Image.open(io.BytesIO(jpeg.content)).size == (300, 400)  # upright, as its EXIF says


def test_how_near_to_a_palette_is_not_asked_where_none_can_be_sent(server, png):
    assert 'no parameter strength' in server.post('/colorize?strength=1', content=png).json()['detail']
    assert 'strength' not in server.get('/').text + server.get('/openapi.json').text


@pytest.mark.parametrize(
    ('query', 'content', 'status', 'sentence'),
    [
        ('', b'no photo', 400, 'The photo is not a photo'),
        ('', b'', 400, 'as the body'),
        ('?saturation=9', b'x', 422, 'saturation'),
        ('?model=/etc/passwd', b'x', 422, 'There is no such model'),
        ('?shine=1', b'x', 422, 'There is no parameter shine'),
        ('?vividness=0.5', None, 400, 'has no vividness'),
        ('?hints=red', b'x', 422, 'Hints are a list, such as [{"x": 0.5'),
        ('?hints={"photo": "a.jpg"}', b'x', 422, 'Hints are a list, such as'),
        ('?hints=[[[', b'x', 422, 'Hints are a list, such as'),
        ('?hints=[{"x": 2, "y": 0, "color": "%23ffffff"}]', b'x', 422, 'A hint has x and y, from 0 to 1'),
        (f'?hints=[{",".join(201 * [ONE])}]', b'x', 422, 'Hints are a list of at most 200'),
        (f'?hints=[{ONE}]', None, 400, 'plain takes no colour hints'),
    ],
)
def test_what_cannot_be_done_is_told(query, content, status, sentence, server, png):
    answer = server.post(f'/colorize{query}', content=png if content is None else content)
    assert answer.status_code == status and sentence in answer.json()['detail']


@pytest.mark.parametrize('as_file', [False, True])
def test_hints_steer_the_colors(as_file, server, png, tmp_path):
    given = [Hint(0.9, 0.9, '#ff0000')]
    text = json.dumps([hint.as_dict() for hint in given])
    if as_file:
        hints.write(tmp_path / 'photo-hints.json', 'photo.png', given)
        text = (tmp_path / 'photo-hints.json').read_text('utf-8')
    asked = {'model': 'steered', 'vividness': '0', 'hints': text}
    answer = server.post('/colorize', params=asked, content=png)
    assert answer.status_code == 200 and redness(answer, -1) == 80
    without = server.post('/colorize', params={**asked, 'hints': 'null'}, content=png)
    assert abs(redness(without, -1)) < 20


def test_many_hints_may_come_in_pieces(standins, png, monkeypatch):
    given = json.dumps([Hint(1 / 3, i / 200, '#ff0000').as_dict() for i in range(200)], indent=1)
    head = f'POST /colorize?{urlencode({"hints": given})} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(png)}\r\n\r\n'
    assert len(head) > 20_000
    run = {}
    monkeypatch.setattr(api.uvicorn, 'run', lambda app, **settings: run.update(settings, app=app))
    api.serve(standins / 'steered.onnx', port=0)
    serving = uvicorn.Server(uvicorn.Config(**run, http='h11', log_level='error'))  # what is there without extras
    thread = threading.Thread(target=serving.run)
    thread.start()
    try:
        while thread.is_alive() and not serving.started:
            time.sleep(0.05)
        with socket.create_connection(serving.servers[0].sockets[0].getsockname()) as connection:
            connection.sendall(head[:18_000].encode())
            time.sleep(0.3)
            connection.sendall(head[18_000:].encode() + png)
            assert connection.recv(12) == b'HTTP/1.1 200'
    finally:
        serving.should_exit = True
        thread.join()


def test_a_form_is_not_taken_for_a_photo(server, png):
    answer = server.post('/colorize', files={'photo': png})
    assert answer.status_code == 400 and 'curl --data-binary' in answer.json()['detail']


def test_a_body_is_bounded_whatever_it_says_of_its_length(server, monkeypatch):
    monkeypatch.setattr(api, 'UPLOAD_BYTES', 1000)
    assert server.post('/colorize', content=bytes(2000)).status_code == 413
    assert server.post('/colorize', content=(bytes(500) for _ in range(4))).status_code == 413


def test_nothing_of_a_photo_stays(server, png, tmp_path, monkeypatch):
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    server.post('/colorize', content=png)
    server.post('/colorize', content=b'no photo')
    server.post('/colorize', content=b'')
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_said_and_takes_nobodys_place(server, png, monkeypatch):
    monkeypatch.setattr(api, 'WAITING', 2)
    with monkeypatch.context() as patch:
        patch.setattr(api.tempfile, 'mkdtemp', lambda **_: (_ for _ in ()).throw(OSError(28, 'full')))
        assert [server.post('/colorize', content=png).status_code for _ in range(3)] == [507] * 3
    assert server.post('/colorize', content=png).status_code == 200


def test_who_comes_when_too_many_wait_is_told_so(standins, png, monkeypatch):
    monkeypatch.setattr(api, 'WAITING', 1)
    begun, go = threading.Event(), threading.Event()
    opened = Colorizers()

    def slow(model=None):
        begun.set()
        assert go.wait(20)
        return opened(standins / 'plain.onnx')

    with TestClient(api.build(standins / 'plain.onnx', slow)) as client:
        answers = []
        first = threading.Thread(target=lambda: answers.append(client.post('/colorize', content=png)))
        first.start()
        assert begun.wait(20)
        busy = client.post('/colorize', content=png)
        go.set()
        first.join()
    assert busy.status_code == 503 and busy.headers['retry-after']
    assert answers[0].status_code == 200


def test_it_describes_itself(server):
    described = server.get('/openapi.json').json()['paths']['/colorize']['post']
    assert {'saturation', 'hints', 'model'} <= {parameter['name'] for parameter in described['parameters']}
    page = server.get('/')
    assert (
        'saturation' in page.text
        and 'url-query hints@' in page.text
        and 'http://testserver/colorize?' in page.text
        and 'cdn' not in page.text
    )
    assert server.get('/health').json() == {'status': 'ok'}


def test_a_container_is_asked_whether_it_answers(monkeypatch):
    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == '/health' else 404)
            self.end_headers()

        def log_message(self, *said):
            pass

    with http.server.HTTPServer((demo.HOST, 0), Answers) as server:
        monkeypatch.setattr(demo, 'PORT', 1)  # where nobody is
        monkeypatch.setattr(demo, 'API_PORT', server.server_port)
        threading.Thread(target=server.handle_request).start()
        with pytest.raises(SystemExit) as ended:
            runpy.run_module('demo.health')
        assert ended.value.code == 0
    with pytest.raises(SystemExit) as ended:
        runpy.run_module('demo.health')
    assert ended.value.code == 1
    for name in ('Containerfile', 'Containerfile.cuda'):
        assert '["python", "-m", "demo.health"]' in (Path(demo.__file__).parents[1] / name).read_text()


def test_it_needs_no_gradio():
    import subprocess

    code = 'import sys; from demo import api; print("gradio" in sys.modules)'
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout == 'False\n'
