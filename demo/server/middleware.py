"""What Gradio leaves open on a public address, closed by a small piece of ASGI middleware.

Gradio fetches any public web address that a request names as a photo, streams any other through `/file=`, opens any
file of this machine where a path comes without its mark, and reads JSON and form fields of any size into memory. Here
what a request names must have been uploaded, and every body is bounded, in its bytes and in what it takes to read it.
"""

import contextlib
import json
import re
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.page import words
from demo.server.limits import FILE_MB, UPLOAD_BYTES
from demo.server.uploads import DATA_URL, JSON_BYTES, folder, uploaded
from lumachrome import limits

MOST_FILES = 2000  # that a request may name: each is looked for on the disk
# Commas and opening brackets, of which there are more than values. A file takes a dozen; a photo as a data: URL, one.
# Whoever sends millions would keep the server from everybody else: JSON is read in one go, here and again by Gradio.
MOST_MARKS = 50_000
MOST_LETTERS = 10_000  # of a text that is no photo: Gradio writes what it cannot use into its log, line by line

_ANSWERED = re.compile(r'/gradio_api/(upload|queue/join|call/[^/]+|call/v2/[^/]+|run/[^/]+|cancel|reset|mcp(/.*)?)/?$')
_UPLOAD = re.compile(r'/gradio_api/upload/?$')
# A developer's doors, and others that nobody uses here.
_CLOSED = re.compile(
    r'/gradio_api/(deep_link|dev/|vibe|proxy|stream/|runs|run-history|profiling|mcp/(sse|messages))'
    r'|^/(log(in|out)|monitoring)(/|$)'
)
_WAITED = re.compile(r'/gradio_api/(?:queue/data|call/[^/]+/([^/]+))/?$')
_RANGE = re.compile(rb'bytes=[0-9]{1,15}-')  # of a download that goes on
_REMOTE_FILE = re.compile(r'/file[=/]+\s*(https?|ftp):', re.IGNORECASE)
_ADDRESSES = ('http:', 'https:', 'ftp:', 'file:')
LONGEST_QUERY = 2000  # letters: Gradio keeps some of what it is asked for, by the name that the visitor gives it
_NOT_FETCHED = 'Upload the photo: web addresses are not fetched.'


class SecurityMiddleware:
    """What a request names must lie among the uploads, what it holds is bounded; photos are not cached on the way.

    Parameters
    ----------
    app : ASGIApp
        Gradio's.
    """

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'http':
            return await self.app(scope, receive, send)
        path = scope['path']
        if _REMOTE_FILE.search(path):
            return await _refuse(403, 'Files from other places are not served here.', scope, receive, send)
        if len(scope.get('query_string', b'')) > LONGEST_QUERY:
            return await _refuse(414, 'The address is too long.', scope, receive, send)
        if _CLOSED.search(path) or (scope['method'] not in ('GET', 'HEAD', 'OPTIONS') and not _ANSWERED.search(path)):
            return await _refuse(404, 'There is nothing here.', scope, receive, send)
        if scope['method'] == 'GET' and (waited := _WAITED.search(path)) and not _is_under_way(scope, waited[1]):
            return await _refuse(404, 'Nothing is under way under this name.', scope, receive, send)
        if '/file' in path:  # at other ranges Gradio stumbles, or it sends all headers back
            kept = [(name, value) for name, value in scope['headers'] if name != b'range' or _RANGE.fullmatch(value)]
            scope = {**scope, 'headers': kept}
        if _UPLOAD.search(path):
            text = f'A file has at most {FILE_MB} MB here: make it smaller first.'
            if int(dict(scope['headers']).get(b'content-length', 0)) > UPLOAD_BYTES:
                return await _refuse(413, text, scope, receive, send)
            place = folder()
            place.mkdir(parents=True, exist_ok=True)
            if not limits.has_room(place, UPLOAD_BYTES):
                return await _refuse(507, words.of(Request(scope))['disk'], scope, receive, send)
            receive = _bounded(receive, UPLOAD_BYTES)
        elif scope['method'] == 'POST':
            body = await _body(receive)
            if body is None:
                text = f'A request holds at most {JSON_BYTES // 1_000_000} MB: upload the photo as a file.'
                return await _refuse(413, text, scope, receive, send)
            if sum(map(body.count, (b',', b'[', b'{'))) > MOST_MARKS:
                text = f'A request holds at most {MOST_MARKS:,} values: send several.'
                return await _refuse(413, text, scope, receive, send)
            # In a thread, because paths are looked for on the disk.
            if refusal := await run_in_threadpool(_refusal, body, words.of(Request(scope))):
                return await _refuse(*refusal, scope, receive, send)
            receive = _again(body, receive)

        async def send_with_headers(message: Message) -> None:
            if message['type'] == 'http.response.start':
                headers = [(b'x-content-type-options', b'nosniff'), (b'referrer-policy', b'same-origin')]
                if '/file=' in path:
                    headers.append((b'cache-control', b'private, no-store'))
                message = {**message, 'headers': [*message.get('headers', []), *headers]}
            await send(message)

        with contextlib.suppress(ClientDisconnect):  # who hangs up is no bug, and nobody waits for an answer
            await self.app(scope, receive, send_with_headers)


def _is_under_way(scope: Scope, event: str | None) -> bool:
    """Whether an event, or a visitor's session, is known; Gradio finds that out amid its answer."""
    name = event or Request(scope).query_params.get('session_hash')
    return name in scope['app'].get_blocks()._queue.pending_messages_per_session


async def _refuse(status: int, text: str, scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse({'detail': text}, status)(scope, receive, send)


def _bounded(receive: Receive, limit: int) -> Receive:
    """A `receive` that ends an upload at so many bytes, as Gradio ends one whose file is too large."""
    received = 0

    async def bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get('body', b''))
        if received > limit:
            raise MultiPartException(f'A file has at most {FILE_MB} MB here, the maximum allowed size.')
        return message

    return bounded


async def _body(receive: Receive) -> bytes | None:
    """The whole body, or None if it is longer than `JSON_BYTES`."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get('body', b'')
        more = message.get('more_body', False)
        if len(body) > JSON_BYTES:
            return None
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body that was read already, then goes on with the connection."""
    messages: list[Message] = [{'type': 'http.request', 'body': body, 'more_body': False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def _refusal(body: bytes, say: words.Words) -> tuple[int, str] | None:
    """A status and a sentence on why what a JSON body names is not opened, or None where all of it was uploaded."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None  # it names nothing: Gradio answers what is not JSON
    if any(isinstance(value, str) and _is_address(value) for value in _values(content)):
        return 400, _NOT_FETCHED
    waiting, paths = [content], set()
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if isinstance(path := part.get('path'), str):
                paths.add(path)
            waiting += [*part, *part.values()]
        elif isinstance(part, list):
            waiting += part
        elif isinstance(part, str) and len(part) > MOST_LETTERS and not _is_data_url(part):
            return 413, f'A text has at most {MOST_LETTERS:,} letters here, but for a photo as a data: URL.'
    if any(map(_is_address, paths)):
        return 400, _NOT_FETCHED
    if len(paths) > MOST_FILES:
        return 400, f'A request names at most {MOST_FILES:,} files: send several.'
    if any(uploaded(path) is None for path in paths):
        return 400, say['gone']
    return None


def _is_address(text: str) -> bool:
    """Whether a text may be a web address. Without a pattern: one would try 20 MB of spaces again and again."""
    return text.lstrip()[:6].casefold().startswith(_ADDRESSES)


def _is_data_url(text: str) -> bool:
    """Whether a text may be a photo, by its beginning and by being one line."""
    return DATA_URL.match(text) is not None and text.isascii() and text.isprintable()


def _values(content: Any) -> list[Any]:
    """What is given for the inputs themselves: in a list of data, or by their names."""
    if not isinstance(content, dict):
        return []
    data = content.get('data')
    return [*content.values(), *data] if isinstance(data, list) else list(content.values())
