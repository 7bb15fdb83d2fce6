"""What Gradio leaves open on a public address, closed by a small piece of ASGI middleware.

Gradio fetches any public web address that a request names as a photo, streams any other through `/file=`, opens any
file of this machine where a path comes without its mark, and reads JSON and form fields of any size into memory. Here
what a request names must have been uploaded, and every body is bounded.
"""

import json
import re
from pathlib import Path
from urllib.parse import unquote

import gradio as gr
from gradio.route_utils import GradioMultiPartParser
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse

from demo.page import words
from lumachrome import zipfiles

JSON_BYTES = 20_000_000  # a photo may come as a data: URL of this size; larger ones are uploaded as files
MOST_FILES = 2000  # that a request may name: each is looked for on the disk
UPLOAD_MB = 200  # a file's, in Gradio's megabytes of 1024 x 1024 bytes
_UPLOAD_BYTES = UPLOAD_MB * 2**20 + 2**16  # of one request: a file of that size and what it is wrapped in

_ANSWERED = re.compile(r'/gradio_api/(upload|queue/join|call/[^/]+|call/v2/[^/]+|run/[^/]+|cancel|reset|mcp(/.*)?)/?$')
_UPLOAD = re.compile(r'/gradio_api/upload/?$')
_CLOSED = re.compile(r'/gradio_api/(deep_link|dev/|vibe|proxy)')  # a developer's doors
_REMOTE_FILE = re.compile(r'/file[=/]+\s*(https?|ftp):', re.IGNORECASE)
_ADDRESS = re.compile(r'\s*(https?|ftp|file):', re.IGNORECASE)
_OWN = re.compile(r'https?://[^/]+(?:/.*)?/gradio_api/file=', re.IGNORECASE)
_NOT_FETCHED = 'Upload the photo: web addresses are not fetched.'


class Guard:
    """Middleware: what a request names must lie among the uploads, what it holds is bounded; photos are not cached."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope['type'] != 'http':
            return await self.app(scope, receive, send)
        path = scope['path']
        if _REMOTE_FILE.search(path):
            return await _refuse(403, 'Files from other places are not served here.', scope, receive, send)
        if _CLOSED.search(path) or (scope['method'] not in ('GET', 'HEAD', 'OPTIONS') and not _ANSWERED.search(path)):
            return await _refuse(404, 'There is nothing here.', scope, receive, send)
        if _UPLOAD.search(path):
            text = f'A file has at most {UPLOAD_MB} MB here: make it smaller first.'
            if int(dict(scope['headers']).get(b'content-length', 0)) > _UPLOAD_BYTES:
                return await _refuse(413, text, scope, receive, send)
            folder = Path(gr.utils.get_upload_folder())
            folder.mkdir(parents=True, exist_ok=True)
            if not zipfiles.has_room(folder, _UPLOAD_BYTES):
                text = words.of(Request(scope))['disk']
                return await _refuse(507, text, scope, receive, send)
            receive = _bounded(receive, _UPLOAD_BYTES)
        elif scope['method'] == 'POST':
            body = await _body(receive)
            if body is None:
                text = f'A request holds at most {JSON_BYTES // 1_000_000} MB: upload the photo as a file.'
                return await _refuse(413, text, scope, receive, send)
            if text := _refusal(body, words.of(Request(scope))):
                return await _refuse(400, text, scope, receive, send)
            receive = _again(body, receive)

        async def send_with_headers(message):
            if message['type'] == 'http.response.start':
                headers = [(b'x-content-type-options', b'nosniff'), (b'referrer-policy', b'same-origin')]
                if '/file=' in path:
                    headers.append((b'cache-control', b'private, no-store'))
                message = {**message, 'headers': [*message.get('headers', []), *headers]}
            await send(message)

        await self.app(scope, receive, send_with_headers)


class FilesAlone(GradioMultiPartParser):
    """Gradio's reader of uploads, without form fields: it would keep those in memory, however large they are."""

    def on_headers_finished(self):
        super().on_headers_finished()
        if self._current_part.file is None:
            raise MultiPartException('Send files alone: the form field "files", each with a file name.')


def uploaded(address):
    """The path of a file that lies among the uploads, or None.

    Parameters
    ----------
    address : str
        Its path, as the upload was answered, or its web address on this server, which is not fetched.
    """
    own = _OWN.match(address)
    try:
        path = Path(unquote(address[own.end() :]) if own else address).resolve()
        is_here = path.is_relative_to(Path(gr.utils.get_upload_folder()).resolve()) and path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return None
    return path if is_here else None


async def _refuse(status, text, scope, receive, send):
    await JSONResponse({'detail': text}, status)(scope, receive, send)


def _bounded(receive, limit):
    """A `receive` that ends an upload at so many bytes, as Gradio ends one whose file is too large."""
    received = 0

    async def bounded():
        nonlocal received
        message = await receive()
        received += len(message.get('body', b''))
        if received > limit:
            raise MultiPartException(f'A file has at most {UPLOAD_MB} MB here, the maximum allowed size.')
        return message

    return bounded


async def _body(receive):
    """The whole body, or None if it is longer than `JSON_BYTES`."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get('body', b'')
        more = message.get('more_body', False)
        if len(body) > JSON_BYTES:
            return None
    return bytes(body)


def _again(body, receive):
    """A `receive` that gives a body that was read already, then goes on with the connection."""
    messages = [{'type': 'http.request', 'body': body, 'more_body': False}]

    async def replay():
        return messages.pop() if messages else await receive()

    return replay


def _refusal(body, say):
    """A sentence on why what a JSON body names is not opened, or None where all of it was uploaded."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None  # it names nothing: Gradio answers what is not JSON
    if any(isinstance(value, str) and _ADDRESS.match(value) for value in _values(content)):
        return _NOT_FETCHED
    waiting, paths = [content], set()
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if isinstance(path := part.get('path'), str):
                paths.add(path)
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    if any(_ADDRESS.match(path) for path in paths):
        return _NOT_FETCHED
    if len(paths) > MOST_FILES:
        return f'A request names at most {MOST_FILES:,} files: send several.'
    if any(uploaded(path) is None for path in paths):
        return say['gone']
    return None


def _values(content):
    """What is given for the inputs themselves: in a list of data, or by their names."""
    if not isinstance(content, dict):
        return []
    data = content.get('data')
    return [*content.values(), *data] if isinstance(data, list) else list(content.values())
