"""The plain HTTP API, without Gradio: POST a photo, get a photo.

    curl --data-binary @grandmother.jpg 'http://127.0.0.1:7861/colorize?saturation=1.1' -o coloured.jpg

The parameters are the fields of `Adjustments`; `--url-query hints@photo-hints.json` sends a file of hints that the page
saved. A photo comes back in the format it came in, with its metadata.
"""

import asyncio
import contextlib
import html
import json
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path, PurePath
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from demo import API_PORT, HOST
from demo.colorizers import Colorizers, OpenColorizer
from demo.server.limits import FILE_MB, MAX_PIXELS, UPLOAD_BYTES, WAITING
from lumachrome import album, decoding, hints, limits
from lumachrome.adjustments import SETTINGS, Adjustments
from lumachrome.colorizer import find_model, models
from lumachrome.errors import AdjustmentError, UserError
from lumachrome.hints import Hint

AGAIN = '5'  # seconds
HEAD_BYTES = 4 * hints.FILE_BYTES  # a request's head: an address may hold a file of hints, with three bytes for one
FULL = 'The disk of this server is full: send it again later.'
KINDS = {'.jpg': 'image/jpeg', '.png': 'image/png', '.webp': 'image/webp', '.tif': 'image/tiff', '.avif': 'image/avif'}
HINTS = (
    'Colours that are known at some places, as JSON: [{"x": 0.5, "y": 0.2, "color": "#4060c0"}], x and y from 0 to 1; '
    'or what a file of hints holds that the page saved: curl --url-query hints@photo-hints.json.'
)
# Of a palette, a request has no place for the photo
NUMBERS = [setting for setting in SETTINGS.values() if setting.is_number and setting.name != 'strength']


def build(model: str | Path | None = None, open_colorizer: OpenColorizer | None = None, at_a_time: int = 1) -> FastAPI:
    """The API as an ASGI application.

    Parameters
    ----------
    model : str or Path, optional
        The network for those who name none.
    open_colorizer : OpenColorizer, optional
        Gives the networks.
    at_a_time : int
        Photos that are coloured at a time: where the network runs here, onnxruntime uses all cores for one.

    Raises
    ------
    ModelError
        There is no such model, or none at all.
    """
    find_model(model)
    opened = open_colorizer or Colorizers()
    names = sorted(models())
    # Without the pages that load scripts from other places
    app = FastAPI(title='Lumachrome', description=__doc__ or '', docs_url=None, redoc_url=None)
    turns, waiting = asyncio.Semaphore(at_a_time), [0]

    @app.middleware('http')
    async def headers(request: Request, call_next: Any) -> Response:
        response = await call_next(request)
        response.headers.update({'x-content-type-options': 'nosniff', 'cache-control': 'no-store'})
        return response

    @app.get('/', include_in_schema=False)
    def page(request: Request) -> HTMLResponse:
        return HTMLResponse(_page(names, str(request.url_for('colorize'))))

    @app.get('/health')
    def health() -> dict[str, str]:
        """Whether the server is there."""
        return {'status': 'ok'}

    @app.post('/colorize', openapi_extra=_described(names), response_class=FileResponse)
    async def colorize(request: Request) -> FileResponse:
        """Colour a photo: its bytes are the body, and so is the answer's."""
        named, adjustments = _asked(dict(request.query_params), names)
        if waiting[0] >= WAITING:
            raise HTTPException(503, 'Too many photos wait: send it again later.', {'retry-after': AGAIN})
        waiting[0] += 1
        try:
            with contextlib.ExitStack() as made:
                folder = made.enter_context(_new_folder())
                await _received(request, folder / 'photo')
                async with turns:
                    colorizer = await run_in_threadpool(opened, named or model)
                    result = await run_in_threadpool(_colored, folder, colorizer, adjustments)
                kept = made.pop_all()  # the answer is sent from the folder
        except UserError as error:
            raise HTTPException(400, str(error)) from error
        finally:
            waiting[0] -= 1
        kind = KINDS.get(result.suffix, 'application/octet-stream')
        return FileResponse(result, media_type=kind, background=BackgroundTask(kept.close))

    return app


def serve(model: str | Path | None = None, host: str = HOST, port: int = API_PORT) -> None:
    """Answer until it is stopped.

    Raises
    ------
    UserError
        The port is taken, or the host is none of this machine's.
    """
    app = build(model)
    decoding.start()  # the first visitor need not wait for it
    try:
        uvicorn.run(app, host=host, port=port, server_header=False, h11_max_incomplete_event_size=HEAD_BYTES)
    except SystemExit as error:  # so uvicorn ends where it cannot listen
        raise UserError(f'The API cannot be served at {host}:{port}: choose another --port or --host.') from error


def _asked(given: dict[str, str], names: list[str]) -> tuple[str | None, Adjustments]:
    """What a request asks for, checked; a model must be one of those that ship, never a path."""
    known = [setting.name for setting in NUMBERS] + ['hints', 'model']
    if unknown := sorted(given.keys() - set(known)):
        raise HTTPException(422, f'There is no parameter {unknown[0][:50]}; there are: {", ".join(known)}.')
    model = given.pop('model', None)
    if model not in (None, *names):
        raise HTTPException(422, f'There is no such model; there are: {", ".join(names)}.')
    try:
        settings: dict[str, Any] = {**given, 'hints': _hints(given.get('hints', 'null'))}
        return model, Adjustments(**settings)
    except AdjustmentError as error:
        raise HTTPException(422, str(error)) from error


def _hints(text: str) -> tuple[Hint, ...]:
    """The hints of JSON: a list of them, or what a file of them holds."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = text  # which is no list
    return hints.parse(content.get('hints', text) if isinstance(content, dict) else content)


@contextlib.contextmanager
def _new_folder() -> Generator[Path]:
    """A folder for one photo, which goes with the context."""
    try:
        folder = tempfile.mkdtemp(prefix='lumachrome-')
    except OSError as error:
        raise HTTPException(507, FULL) from error
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder)


async def _received(request: Request, path: Path) -> None:
    """Write a request's body to a file."""
    as_body = HTTPException(400, 'Send the photo as the body: curl --data-binary @photo.jpg')
    if request.headers.get('content-type', '').startswith('multipart/'):  # a form, as of curl -F
        raise as_body
    too_large = HTTPException(413, f'A photo has at most {FILE_MB} MB here: make it smaller first.')
    if int(request.headers.get('content-length') or 0) > UPLOAD_BYTES:
        raise too_large
    if not limits.has_room(path.parent, UPLOAD_BYTES):
        raise HTTPException(507, FULL)
    size = 0
    with path.open('wb') as file:
        async for piece in request.stream():
            size += len(piece)
            if size > UPLOAD_BYTES:
                raise too_large
            file.write(piece)
    if not size:
        raise as_body


def _colored(folder: Path, colorizer: Any, adjustments: Adjustments) -> Path:
    """Colour the photo of a folder into it; UserError where that cannot be done."""
    task = album.Task('The photo', folder / 'photo', folder, 'colored')
    [outcome] = album.colorize([task], colorizer, album.Folder(), adjustments, max_pixels=MAX_PIXELS)
    if outcome.error or not isinstance(outcome.target, PurePath):
        raise UserError(outcome.error)
    return Path(outcome.target)


def _described(names: list[str]) -> dict[str, Any]:
    """What OpenAPI says of the request."""
    numbers = [
        {
            'name': setting.name,
            'in': 'query',
            'description': f'{setting.help} A number {setting.range}.',
            'schema': {'type': 'integer' if setting.whole else 'number', 'default': setting.default},
        }
        for setting in NUMBERS
    ]
    hinted = {'name': 'hints', 'in': 'query', 'description': HINTS, 'schema': {'type': 'string'}}
    model = {'name': 'model', 'in': 'query', 'description': 'The network.', 'schema': {'type': 'string', 'enum': names}}
    body = {'required': True, 'content': {'image/*': {'schema': {'type': 'string', 'format': 'binary'}}}}
    return {'parameters': [*numbers, hinted, model], 'requestBody': body}


def _page(names: list[str], address: str) -> str:
    rows = ''.join(
        f'<tr><td><code>{setting.name}</code><td>{html.escape(setting.help)} A number {setting.range}, by default '
        f'{setting.default:g}.'
        for setting in NUMBERS
    )
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Lumachrome API</title><style>:root {{ color-scheme: light dark }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem }}
pre {{ overflow-x: auto; padding: .75rem; border: 1px solid #8886; border-radius: .5rem }}
td {{ padding: .35rem .75rem .35rem 0; vertical-align: top }}</style>
<h1>POST a photo, get a photo</h1>
<pre>curl --data-binary @grandmother.jpg '{html.escape(address)}?saturation=1.1' -o coloured.jpg</pre>
<table>{rows}<tr><td><code>hints</code><td>{html.escape(HINTS)}<tr><td><code>model</code><td>{', '.join(names)}</table>
<p>At most {FILE_MB} MB and {MAX_PIXELS // 10**6} megapixels. The same for programs: <a href="openapi.json">OpenAPI</a>.
</html>"""
