"""What Gradio leaves open on a public address, closed by a small piece of ASGI middleware.

Gradio fetches any public web address that a request names as a photo, streams any other through `/file=`, and takes
pictures of any size inside JSON; none of it obeys the limit on uploads. Here addresses are refused, and JSON
is bounded.
"""

import json
import re

from starlette.responses import JSONResponse

JSON_BYTES = 20_000_000  # a photo may come as a data: URL of this size; larger ones are uploaded as files
_REMOTE_FILE = re.compile(r'/(file|proxy)[=/]+\s*(https?|ftp):', re.IGNORECASE)
_CALL = re.compile(r'/(call|queue/join|run|api|mcp)(/|$)')
_ADDRESS = re.compile(r'\s*(https?|ftp|file):', re.IGNORECASE)


class Guard:
    """Middleware: refuses remote addresses and oversized JSON, and keeps visitors' photos out of shared caches."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope['type'] != 'http':
            return await self.app(scope, receive, send)
        path = scope['path']
        if _REMOTE_FILE.search(path):
            return await _refuse(403, 'Files from other places are not served here.', scope, receive, send)
        if scope['method'] == 'POST' and _CALL.search(path):
            body = await _body(receive)
            if body is None:
                text = f'A request holds at most {JSON_BYTES // 1_000_000} MB: upload the photo as a file.'
                return await _refuse(413, text, scope, receive, send)
            if _names_address(body):
                return await _refuse(400, 'Upload the photo: web addresses are not fetched.', scope, receive, send)
            receive = _again(body, receive)

        async def send_with_headers(message):
            if message['type'] == 'http.response.start':
                headers = [(b'x-content-type-options', b'nosniff'), (b'referrer-policy', b'same-origin')]
                if '/file=' in path:
                    headers.append((b'cache-control', b'private, no-store'))
                message = {**message, 'headers': [*message.get('headers', []), *headers]}
            await send(message)

        await self.app(scope, receive, send_with_headers)


async def _refuse(status, text, scope, receive, send):
    await JSONResponse({'detail': text}, status)(scope, receive, send)


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


def _names_address(body):
    try:
        waiting = [json.loads(body)]
    except (ValueError, RecursionError):
        return False  # Gradio answers what is not JSON
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if isinstance(part.get('path'), str) and _ADDRESS.match(part['path']):
                return True
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return False
