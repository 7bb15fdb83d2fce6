"""The Space: what is uploaded, to a stand-in for the Hub, and its page, started from its own requirements alone."""

import base64
import hashlib
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file
from PIL import Image
from static_page import built

from demo import publish

ROOT = Path(publish.__file__).parent.parent
REPO = 'somebody/lumachrome'


class Hub(http.server.ThreadingHTTPServer):
    """As much of the Hub as an upload asks for; `space` is what it holds, path to bytes."""

    def __init__(self, home):
        super().__init__(('127.0.0.1', 0), Answers)
        self.url = f'http://127.0.0.1:{self.server_port}'
        self.home = home  # where a visitor's token would lie
        self.created, self.parcels, self.space = None, {}, {'left-over.txt': b'of an earlier version'}


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if 'poor' in self.path:
            return self.answer({'error': 'There is no such Space.'}, 404)
        files = [{'type': 'file', 'path': path, 'oid': '0' * 40, 'size': 1} for path in self.server.space]
        return self.answer(files if '/tree/' in self.path else {'id': REPO, 'sha': '0' * 40, 'siblings': []})

    def do_PUT(self):
        self.server.parcels[self.path.rsplit('/')[-1]] = self.body()
        self.answer({})

    def do_POST(self):
        body, hub = self.body(), self.server
        if self.headers.get('authorization') != 'Bearer hf_somebody':
            return self.answer({'error': 'Invalid username or password.'}, 401)
        if self.path.endswith('/repos/create'):
            if b'poor' in body:
                return self.answer({'error': 'A Space with Gradio needs a paid plan.'}, 402)
            hub.created = json.loads(body)
            return self.answer({'url': f'{hub.url}/spaces/{REPO}', 'id': REPO})
        if '/preupload/' in self.path:
            paths = [file['path'] for file in json.loads(body)['files']]
            modes = {path: 'lfs' if path.endswith(('.onnx', '.jpg')) else 'regular' for path in paths}
            return self.answer(
                {'files': [{'path': p, 'uploadMode': m, 'shouldIgnore': False} for p, m in modes.items()]}
            )
        if self.path.endswith('/objects/batch'):
            uploads = [
                {**thing, 'actions': {'upload': {'href': f'{hub.url}/parcels/{thing["oid"]}'}}}
                for thing in json.loads(body)['objects']
            ]
            return self.answer({'transfer': 'basic', 'objects': uploads})
        if '/commit/' in self.path:
            for line in map(json.loads, body.splitlines()):
                self.commit(line['key'], line['value'])
            return self.answer({'commitUrl': f'{hub.url}/spaces/{REPO}/commit/1', 'commitOid': '1' * 40})
        return self.answer({'errors': [], 'warnings': []})

    def commit(self, kind, value):
        if kind == 'file':
            self.server.space[value['path']] = base64.b64decode(value['content'])
        elif kind == 'lfsFile':
            self.server.space[value['path']] = self.server.parcels[value['oid']]
        elif kind == 'deletedFile':
            del self.server.space[value['path']]

    def body(self):
        if self.headers.get('transfer-encoding') != 'chunked':
            return self.rfile.read(int(self.headers.get('content-length', 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b''.join(parts)

    def answer(self, content, status=200):
        text = json.dumps(content).encode()
        self.send_response(status)
        self.send_header('content-length', str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(tmp_path):
    hub = Hub(tmp_path)
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    yield hub
    hub.shutdown()


def published(hub, repo=REPO, token='hf_somebody', static=False):
    env = {name: value for name, value in os.environ.items() if name not in ('HF_TOKEN', 'HF_HUB_OFFLINE')}
    env |= {
        'HF_ENDPOINT': hub.url,
        'HF_HUB_DISABLE_XET': '1',
        'HF_HUB_DISABLE_TELEMETRY': '1',
        'HF_HOME': str(hub.home),
    }
    env |= {'HF_TOKEN': token} if token else {}
    command = [sys.executable, '-m', 'demo.publish', *(['--static'] if static else []), repo]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=100)


@pytest.fixture(scope='module')
def staged(tmp_path_factory):
    folder = tmp_path_factory.mktemp('space')
    publish.stage(folder, REPO)
    return folder


def below(folder):
    return {str(path.relative_to(folder)): path for path in folder.rglob('*') if path.is_file()}


# ---- what it is


def front_matter(text):
    """The simple values at the top of a README: name to text."""
    return dict(re.findall(r'^(\w+): (.*)$', text.split('---')[1], re.MULTILINE))


def pins(path):
    lines = [line.split('#')[0].strip() for line in path.read_text('utf-8').splitlines()]
    return [line for line in lines if line]


def test_the_three_files_lie_at_the_root_beside_the_package(staged):
    files = below(staged)
    assert {name for name in files if '/' not in name} == {'README.md', 'requirements.txt', 'app.py', 'LICENSE'}
    assert {
        'demo/app.py',
        'lumachrome/models/lumachrome.onnx',
        'lumachrome/models/join.onnx',
        'demo/examples/cat.jpg',
    } <= set(files)
    assert {'demo/page/static/components.js', 'demo/page/i18n/zh.json', 'lumachrome/colorizer.py'} <= set(files)
    strays = ('cache', 'tests', 'demo/space', 'node_modules', 'package', 'biome', '.pyi', '.npmrc')
    assert not [name for name in files if any(stray in name for stray in strays)]


def test_the_front_matter_is_what_the_hub_takes(staged):
    card = (staged / 'README.md').read_text('utf-8')
    front = front_matter(card)
    assert front['sdk'] == 'gradio' and front['app_file'] == 'app.py' and front['license'] == 'cc-by-nc-4.0'
    assert front['python_version'] == '3.12.12'  # ZeroGPU takes no 3.11
    assert len(front['short_description']) <= 60
    assert f'gradio[mcp]=={front["sdk_version"]}' in pins(staged / 'requirements.txt')
    picture = front['thumbnail'].removeprefix(f'https://huggingface.co/spaces/{REPO}/resolve/main/')
    assert (staged / picture).is_file() and 'OWNER' not in card
    assert '\ntags:\n  - ' in card and '\nmodels:\n  - ' in card


def test_its_requirements_are_those_of_the_demo(staged):
    assert pins(staged / 'requirements.txt') == pins(ROOT / 'demo' / 'requirements.txt')
    assert all('==' in pin and 'tensorflow' not in pin for pin in pins(staged / 'requirements.txt'))


# ---- publishing


def test_the_upload_arrives_whole(hub, staged):
    done = published(hub)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f'{hub.url}/spaces/{REPO}'
    assert hub.created['type'] == 'space' and hub.created['sdk'] == 'gradio'
    sent = {name: hashlib.sha256(content).hexdigest() for name, content in hub.space.items() if name[0] != '.'}
    assert sent == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in below(staged).items()}


def test_the_static_page_arrives_whole_with_the_headers_that_threads_need(hub):
    page = below(built())
    done = published(hub, static=True)
    assert done.returncode == 0, done.stderr
    assert hub.created['type'] == 'space' and hub.created['sdk'] == 'static'
    sent = {name: content for name, content in hub.space.items() if name[0] != '.'}
    assert {name: path.read_bytes() for name, path in page.items()}.items() <= sent.items()
    assert sent.keys() - page.keys() == {'README.md', 'LICENSE', 'model/LICENSE'}
    card = sent['README.md'].decode()
    front = front_matter(card)
    assert front['sdk'] == 'static' and front['app_file'] == 'index.html' and 'OWNER' not in card
    assert len(front['short_description']) <= 60
    assert re.search('custom_headers:\n  cross-origin-embedder-policy: require-corp\n', card)


@pytest.mark.startup
def test_what_keeps_it_from_being_published_is_said_in_a_sentence(hub):
    for given, sentence in (
        ({'token': None}, 'refuses somebody/lumachrome: log in first, with'),
        ({'token': 'hf_nobody'}, 'refuses somebody/lumachrome: log in first, with'),
        ({'repo': 'poor/lumachrome'}, 'refuses poor/lumachrome: A Space with Gradio needs a paid plan.'),
        ({'repo': 'lumachrome'}, 'Say where to: make space REPO=user/name'),
    ):
        done = published(hub, **given)
        assert done.returncode and sentence in done.stderr and 'Traceback' not in done.stderr, done.stderr
    hub.shutdown()
    hub.server_close()
    assert 'Hugging Face cannot be reached' in published(hub).stderr


@pytest.mark.skipif(not shutil.which('make'), reason='It is a target of make.')
def test_make_space_says_what_it_needs():
    done = subprocess.run(['make', 'space'], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode and 'make space REPO=user/name' in done.stdout and 'demo.publish' not in done.stdout


# ---- running


def start(python, folder, **env):
    """Start a Space's page and wait for it: the process, its address and the seconds that it took."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    env = {'PATH': os.environ['PATH'], 'HOME': str(folder), 'GRADIO_SERVER_PORT': str(port), **env}
    begun, url = time.monotonic(), f'http://127.0.0.1:{port}'
    process = subprocess.Popen(
        [python, 'app.py'], cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    while process.poll() is None and time.monotonic() < begun + 120:
        try:
            httpx.get(url, timeout=30).raise_for_status()
            return process, url, time.monotonic() - begun
        except httpx.TransportError:
            time.sleep(0.1)
    process.kill()
    raise AssertionError(process.stdout.read().decode())


def newest_python():
    """Python 3.12, which the Space asks for, or 3.13; else the one that runs."""
    for name in ('python3.12', 'python3.13'):
        if shutil.which(name) and subprocess.run([name, '-c', 'import ensurepip'], capture_output=True).returncode == 0:
            return name
    return sys.executable


# Minutes, most of them for pip; tests/test_requirements.py looks sooner whether the list is whole.
@pytest.mark.install
@pytest.mark.slow
def test_it_runs_from_its_own_requirements_alone(staged, photo, tmp_path, capsys):
    subprocess.run([newest_python(), '-m', 'venv', tmp_path / 'env'], check=True)
    python = str(tmp_path / 'env' / 'bin' / 'python')
    install = [python, '-m', 'pip', 'install', '--quiet', '-r', staged / 'requirements.txt']
    subprocess.run(install, check=True, cwd=staged, timeout=500)
    process, url, seconds = start(python, staged, TMPDIR=str(tmp_path))
    try:
        path, status = Client(url, verbose=False).predict(handle_file(photo), api_name='/colorize')
        with Image.open(path) as image:
            assert image.mode == 'RGB' and image.size == (300, 400)
        assert 'lumachrome on' in status
        assert [tool['name'] for tool in httpx.get(f'{url}/gradio_api/mcp/schema').json()] == ['colorize']
    finally:
        process.terminate()
        process.wait(30)
    assert not list(tmp_path.glob('lumachrome-*'))  # what visitors sent goes with the page
    with capsys.disabled():
        print(f'\nA Space starts in {seconds:.1f} s.')


@pytest.mark.startup
def test_on_zerogpu_albums_borrow_the_gpu_and_single_photos_do_not(staged, photo, tmp_path):
    """With a stand-in for Hugging Face's package, which has a GPU for nobody: it counts who asks."""
    (tmp_path / 'spaces.py').write_text(
        'import functools\n'
        'def GPU(duration):\n'
        '    def lend(function):\n'
        '        @functools.wraps(function)\n'
        '        def lent(*given):\n'
        '            print("lent", flush=True)\n'
        '            return function(*given)\n'
        '        return lent\n'
        '    return lend\n'
    )
    env = {'SPACES_ZERO_GPU': '1', 'PYTHONPATH': str(tmp_path), 'TMPDIR': str(tmp_path)}
    process, url, _ = start(sys.executable, staged, **env)
    try:
        client = Client(url, verbose=False)
        client.predict(handle_file(photo), api_name='/colorize')
        Image.new('LA', (60, 40), (120, 200)).save(tmp_path / 'transparent.png')
        photos = [handle_file(path) for path in (photo, tmp_path / 'transparent.png', photo)]
        archive, report = client.predict(photos, api_name='/colorize_album')
    finally:
        process.terminate()
        said = process.communicate(timeout=30)[0].decode()
    assert report['colored'] == 3 and said.count('lent') == 3, (report, said)
    with zipfile.ZipFile(archive) as found, Image.open(found.open('transparent.png')) as image:
        assert image.mode == 'RGBA' and image.getchannel('A').getextrema() == (200, 200)
