"""A visitor's side of the page, without a browser: a server of its own, and pages of it whose events are fired.

What a browser sends is sent: events through the queue, with the values that the page holds, and a heartbeat that ends
when the page is closed. See `soak`.
"""

import contextlib
import io
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import psutil
from PIL import Image, ImageOps, UnidentifiedImageError

EXAMPLES = Path(__file__).parents[2] / 'demo' / 'examples'
API = '/gradio_api'
SECONDS = 240  # for one answer: the machine may be busy
SUFFIXES = {'JPEG': 'jpg', 'PNG': 'png', 'TIFF': 'tif', 'WEBP': 'webp', 'AVIF': 'avif'}


class Unmeant(Exception):
    """What should not have happened."""


# ---- the server


class Server:
    """A page's server in a process of its own, seen from outside."""

    def __init__(self, process, url, above, log):
        self.url, self._log, self._process = url, log, psutil.Process(process.pid)
        (self.folder,) = (above / 'cache').glob('lumachrome-*')
        self._temporary = above / 'tmp'
        self.first_files = files(self.folder, folders=True)
        self._most, self._over = 0, threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def memory(self):
        """Resident bytes of the server and its children."""
        return self._sum(lambda process: process.memory_info().rss)

    def most_memory(self):
        """The most since it was last asked for."""
        most, self._most = self._most, 0
        return most

    def temporary(self):
        """Files half written, and unpacked ones: while nothing is done there are none."""
        halves = {path for path in files(self.folder) if '.part' in path.name}
        return halves | {path for path in files(self._temporary) if path.parent != self._temporary}

    def open_files(self):
        return self._sum(lambda process: process.num_fds())

    def threads(self):
        return self._sum(lambda process: process.num_threads())

    def traces(self):
        """The last line of each traceback in what the server has printed."""
        return re.findall(
            r'Traceback \(most recent call last\):\n(?:[ +|].*\n|\n)*(.*)', self._log.read_text('utf-8', 'replace')
        )

    def _sum(self, ask):
        total = 0
        for process in [self._process, *self._process.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):  # decoders come and go
                total += ask(process)
        return total

    def _watch(self):
        while not self._over.wait(0.5):
            self._most = max(self._most, self.memory())

    def stop(self):
        self._over.set()


@contextlib.contextmanager
def server(above):
    """The page's server, started as people start it; its files are below the folder `above`."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    env = os.environ | {'GRADIO_SERVER_PORT': str(port), 'BROWSER': 'true'}
    for name, folder in (('GRADIO_TEMP_DIR', above / 'cache'), ('TMPDIR', above / 'tmp')):
        folder.mkdir()
        env[name] = str(folder)
    log = above / 'log'
    with log.open('wb') as written:
        process = subprocess.Popen([sys.executable, '-m', 'demo'], env=env, stdout=written, stderr=written)
    try:
        url = f'http://127.0.0.1:{port}'
        while process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f'{url}/config').status_code == 200:
                    break
            time.sleep(0.1)
        else:
            raise SystemExit(f'The page did not start ({process.returncode}): {log.read_text()}')
        found = Server(process, url, above, log)
        yield found
        found.stop()
    finally:
        process.terminate()
        process.wait(SECONDS)


def files(folder, folders=False):
    """All files below a folder, and the folders too if wanted."""
    return {
        Path(parent, name) for parent, below, names in os.walk(folder) for name in (*names, *(below if folders else ()))
    }


def age(folder, seconds):
    """Make what is so old look an hour older."""
    for path in files(folder, folders=True):
        with contextlib.suppress(OSError):
            state = path.lstat()
            if state.st_mtime <= time.time() - seconds:
                os.utime(path, (state.st_mtime - 3600, state.st_mtime - 3600))


# ---- photos


def encoded(image, kind, **settings):
    stream = io.BytesIO()
    image.save(stream, kind, **settings)
    return stream.getvalue()


def photo(chance, kind, long_side):
    """The name and bytes of a photo that was never there before."""
    path = chance.choice(sorted(EXAMPLES.glob('*.jpg')))
    with Image.open(path) as example:
        image = example.convert('L')
    image = image.resize((long_side, round(long_side * image.height / image.width)))
    pixels = np.asarray(image).copy()
    pixels[: long_side // 50, : long_side // 50] = chance.randrange(256)
    settings = {'compression': 'tiff_lzw'} if kind == 'TIFF' else {'speed': 10} if kind == 'AVIF' else {}
    return f'{path.stem}.{SUFFIXES[kind]}'.encode(), encoded(Image.fromarray(pixels), kind, **settings)


def size(content, unknown):
    """Width and height of a photo; `unknown` where Pillow alone does not know, as of HEIC."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            return ImageOps.exif_transpose(image).size
    except UnidentifiedImageError:
        return unknown


def album_files(photos):
    """A ZIP. Names that are no UTF-8 are written as they are, as Unix does."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, 'w') as archive:
        for name, content in photos:
            archive.writestr(said(name), content)
    return stream.getvalue()


def said(name):
    """A file's name as text, as a browser would say it."""
    return name.decode('utf-8', 'replace')


# ---- the page


class Page:
    """A page as a visitor has it open. `counted` are requests: done, refused as they should be, and left midway."""

    def __init__(self, url):
        self._host, self._http = urlsplit(url).netloc, httpx.Client(base_url=url, timeout=SECONDS)
        self._config = self._http.get('/config').json()
        self._session, self.counted, self._sent = secrets.token_hex(6), Counter(done=1), {}
        self._ids = {part['props'].get('elem_id'): part['id'] for part in self._config['components']}
        self._values = {part['id']: part['props'].get('value') for part in self._config['components']}
        beat = self._http.build_request('GET', f'{API}/heartbeat/{self._session}')
        self._heartbeat = self._http.send(beat, stream=True)

    def close(self):
        self._heartbeat.close()
        self._http.close()

    def set(self, element, value):
        self._values[self._ids[element]] = value

    def get(self, element):
        return self._values[self._ids[element]]

    @staticmethod
    def file(path, name=b'photo.jpg'):
        return {'path': path, 'orig_name': said(name), 'meta': {'_type': 'gradio.FileData'}}

    def fire(self, event, event_data=None, may_fail=False, midway=None):
        """Send an event, 'element.event' or an endpoint's name, and take what it gives into the page."""
        found = self._found(event)
        self._join(found, event_data)
        for message in self._messages(f'{API}/queue/data', session_hash=self._session):
            if message['msg'] not in ('process_generating', 'process_completed'):
                continue
            if message['msg'] == 'process_completed' and not message['success']:
                return self._refused(message['output'].get('error'), event, may_fail)
            self._take(found, message)
            if midway and self.get('album-report').get('share'):
                midway = self._at_once(midway)
            if message['msg'] == 'process_completed':
                self.counted['done'] += 1
                return None
        raise Unmeant(f'{event}: the stream ended without an answer')

    def broken_off(self, event):
        """Send an event and close the connection on which its answer would come."""
        self._join(self._found(event))
        with self._http.stream('GET', f'{API}/queue/data', params={'session_hash': self._session}) as stream:
            next(stream.iter_bytes())
        self.counted['left'] += 1

    def call(self, name, *data, may_fail=False):
        """What a program does: the outputs, or None where it was refused."""
        answer = self._ask(name, data)
        if answer.status_code != 200:
            return self._refused(answer.json().get('detail'), name, may_fail and answer.status_code < 500)
        event = None
        with self._http.stream('GET', f'{API}/call/{name}/{answer.json()["event_id"]}') as stream:
            for line in stream.iter_lines():
                if line.startswith('event: '):
                    event = line[7:]
                elif line.startswith('data: ') and event in ('complete', 'error'):
                    content = json.loads(line[6:])
                    if event == 'error':
                        return self._refused((content or {}).get('error'), name, may_fail)
                    self.counted['done'] += 1
                    return content
        raise Unmeant(f'{name}: the stream ended without an answer')

    def asked_only(self, name, *data):
        """Nobody comes for the answer."""
        if self._ask(name, data).status_code != 200:
            raise Unmeant(f'{name} was not taken')
        self.counted['left'] += 1

    def fetch(self, file, whole=True):
        """The bytes of a file that the server gave."""
        with self._http.stream('GET', f'{API}/file={file["path"]}') as answer:
            if answer.status_code != 200:
                raise Unmeant(f'{file["path"]}: {answer.status_code}')
            if whole:
                self.counted['done'] += 1
                return answer.read()
            self.counted['left'] += 1
            return next(answer.iter_raw(1000))

    def opened(self):
        """Load what the page names, as a browser does."""
        text = self._http.get('/').text
        for address in set(re.findall(r'(?:src|href)="(?:\./|/)?((?:assets|static)/[^"]+)"', text)):
            if self._http.get(f'/{address}').status_code != 200:
                raise Unmeant(f'{address} is not there')
        self._http.get(f'{API}/info').raise_for_status()
        self.counted['done'] += 2

    def upload_broken_off(self, name, content, share):
        """Send a part of an upload, and hang up."""
        body, kind = _form(name, content)
        host, port = self._host.split(':')
        head = f'POST {API}/upload HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: {kind}\r\n'
        with socket.create_connection((host, int(port)), SECONDS) as door:
            door.sendall(f'{head}Content-Length: {len(body)}\r\n\r\n'.encode() + body[: int(share * len(body))])
        self.counted['left'] += 1

    def _found(self, event):
        element, _, name = event.partition('.')
        for each in self._config['dependencies']:
            if [self._ids.get(element), name] in each['targets'] or (not name and each['api_name'] == event):
                return each
        raise Unmeant(f'The page has no event {event}')

    def _join(self, found, event_data=None):
        data = [self._values[part] for part in found['inputs']]
        body = {'data': data, 'fn_index': found['id'], 'session_hash': self._session, 'event_data': event_data}
        answer = self._http.post(f'{API}/queue/join', json=body)
        if answer.status_code != 200:
            raise Unmeant(f'{found["api_name"]}: {answer.status_code} {answer.text[:200]}')

    def _at_once(self, event):
        """An event that passes the queue by, while another runs."""
        found = self._found(event)
        data = [self._values[part] for part in found['inputs']]
        body = {'data': data, 'fn_index': found['id'], 'session_hash': self._session, 'event_data': None}
        self._http.post(f'{API}/run/predict', json=body).raise_for_status()
        self.counted['done'] += 1

    def _ask(self, name, data):
        (found,) = (each for each in self._config['dependencies'] if each['api_name'] == name)
        defaults = [self._values[part] for part in found['inputs']]
        return self._http.post(f'{API}/call/{name}', json={'data': [*data, *defaults[len(data) :]]})

    def _messages(self, place, **params):
        with self._http.stream('GET', place, params=params) as stream:
            for line in stream.iter_lines():
                if line.startswith('data: '):
                    message = json.loads(line[6:])
                    if message['msg'] == 'close_stream':
                        return
                    yield message

    def _take(self, found, message):
        """Values as the page's own script takes them; a generator's later ones come as differences."""
        outputs = message['output']['data']
        if message['msg'] == 'process_generating' and self._sent.get(message['event_id']):
            outputs = [
                _patched(before, changes)
                for before, changes in zip(self._sent[message['event_id']], outputs, strict=True)
            ]
        self._sent = {message['event_id']: outputs}
        for part, value in zip(found['outputs'], outputs, strict=True):
            if isinstance(value, dict) and value.get('__type__') == 'update':
                if 'value' not in value:
                    continue
                value = value['value']
            if isinstance(value, dict) and isinstance(self._values[part], dict) and 'files' not in value:
                value = self._values[part] | {key: each for key, each in value.items() if each is not None}
            self._values[part] = value

    def _refused(self, reason, what, may_fail):
        if not may_fail or not reason or not isinstance(reason, str):
            raise Unmeant(f'{what} was refused: {reason!r}')
        self.counted['refused'] += 1


def _patched(value, changes):
    """A value with the differences that Gradio sends: (what to do, where, with what)."""
    for action, path, new in changes:
        if not path:
            value = new
            continue
        place = value
        for step in path[:-1]:
            place = place[step]
        if action == 'delete':
            del place[path[-1]]
        elif action == 'append':
            place[path[-1]] += new
        elif action == 'add' and isinstance(place, list):
            place.insert(path[-1], new)
        else:
            place[path[-1]] = new
    return value


def _form(name, content):
    head = b'--BOUND\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\n' % name
    return head + content + b'\r\n--BOUND--\r\n', 'multipart/form-data; boundary=BOUND'


def upload(page, name, content):
    """The path of an uploaded file."""
    body, kind = _form(name, content)
    watched = {'upload_id': secrets.token_hex(6)}  # as the browser's, which may look how far it is
    answer = page._http.post(f'{API}/upload', params=watched, content=body, headers={'content-type': kind})
    if answer.status_code != 200:
        raise Unmeant(f'upload of {name!r}: {answer.status_code} {answer.text[:200]}')
    page.counted['done'] += 1
    return answer.json()[0]
