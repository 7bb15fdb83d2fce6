"""What the tests of the static page share: Node, the built page, and its TypeScript as something that can be asked."""

import contextlib
import functools
import http.server
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

WEB = Path(__file__).parents[1] / 'demo' / 'web'
BIN = WEB / 'node_modules' / '.bin'


def need_node():
    """Skip, but not in CI, where there is no Node 20 or where `make check` has not brought what it needs."""
    node = shutil.which('node')
    version = subprocess.run([node, '--version'], capture_output=True, text=True).stdout if node else 'v0'
    if int(version[1:].split('.')[0]) >= 20 and BIN.exists():
        return
    if os.environ.get('CI') == 'true':
        pytest.fail('CI needs Node 20 or newer, and demo/web/node_modules: make check')
    pytest.skip('The static page needs Node 20 or newer, and make check.')


@functools.cache
def built():
    """The folder of the page, built anew, once a run."""
    need_node()
    done = subprocess.run(['npm', 'run', '--silent', 'build'], cwd=WEB, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return WEB / 'dist'


_TEXT = '(_, value) => ArrayBuffer.isView(value) ? [...value] : value'


def asked(folder, sources, script, given):
    """What `script`, the body of a function of `given` and `web` (all that the sources export), returns: as JSON."""
    _bundle(folder, sources)
    (folder / 'given.json').write_text(json.dumps(given))
    (folder / 'run.mjs').write_text(
        f"import * as web from './bundle.mjs'; import {{ readFileSync }} from 'node:fs';\n"
        f"const given = JSON.parse(readFileSync('given.json'));\n"
        f'const found = await (async () => {{ {script} }})();\n'
        f'console.log(JSON.stringify(found, {_TEXT}));'
    )
    done = subprocess.run(['node', 'run.mjs'], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def asked_in(browser, folder, sources, script, given):
    """What `asked` gives, of a browser's page."""
    _bundle(folder, sources)
    (folder / 'index.html').write_text('<!doctype html><title>empty</title>')
    server = serve(folder)
    page = browser.new_page()
    try:
        page.goto(f'http://127.0.0.1:{server.server_address[1]}/')
        bundle = json.dumps(f'{page.url}bundle.mjs')
        function = f'async given => {{ const web = await import({bundle}); {script} }}'
        return json.loads(page.evaluate(f'async given => JSON.stringify(await ({function})(given), {_TEXT})', given))
    finally:
        page.close()
        server.shutdown()


def _bundle(folder, sources):
    need_node()
    entry = folder / 'entry.ts'
    entry.write_text(''.join(f'export * from {json.dumps(str(WEB / "src" / source))};\n' for source in sources))
    command = [BIN / 'rolldown', entry, '--format', 'esm', '--file', folder / 'bundle.mjs', '--inline-dynamic-imports']
    done = subprocess.run(command, cwd=WEB, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A host without headers of its own, as the poorest are; `slow` is for how many seconds it thinks of a file."""

    slow: Mapping[str, float] = {}

    def do_GET(self):
        time.sleep(sum(seconds for end, seconds in self.slow.items() if self.path.endswith(end)))
        super().do_GET()

    def guess_type(self, path):
        return {'.mjs': 'text/javascript', '.wasm': 'application/wasm'}.get(Path(path).suffix) or super().guess_type(
            path
        )

    def log_message(self, *_):
        pass


def serve(folder, slow=None, kind=Quiet):
    """A server of a folder on a free port, with seconds by how a file's name ends: call `shutdown` on it."""
    handler = type('Handler', (kind,), {'slow': slow or {}})
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@contextlib.contextmanager
def site(folder, slow=None):
    """The address of such a server, as long as it is needed."""
    server = serve(folder, slow)
    try:
        yield f'http://127.0.0.1:{server.server_address[1]}/'
    finally:
        server.shutdown()


@contextlib.contextmanager
def visit(browser, **settings):
    """Somebody who comes for the first time, as a browser's context."""
    context = browser.new_context(**({'viewport': {'width': 1280, 'height': 900}, 'locale': 'en-US'} | settings))
    context.set_default_timeout(30_000)
    try:
        yield context
    finally:
        context.close()


def is_said(page, name):
    """Wait until the page says of itself that it is `ready`, can be used `offline`, or how many `looks` there were."""
    page.wait_for_selector(f'body[data-{name}]', state='attached')


def until(page, expression):
    """Wait until JavaScript is true of the page, whose policy lets nobody but the debugger evaluate any."""
    for _ in range(300):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f'Never: {expression}')


def peak_of_tabs():
    """The most megabytes that a process of a page has held, of a Chromium that this process has started."""
    return max(_peak(pid) for pid in _renderers())


def _renderers():
    parents, found = {}, []
    for entry in Path('/proc').iterdir():
        if entry.name.isdigit():
            try:
                stat, command = (entry / 'stat').read_text(), (entry / 'cmdline').read_bytes()
            except OSError:
                continue
            parents[int(entry.name)] = int(stat.rpartition(')')[2].split()[1])
            if b'--type=renderer' in command:
                found.append(int(entry.name))
    for pid in found:
        above = pid
        while above and above != os.getpid():
            above = parents.get(above, 0)
        if above:
            yield pid


def _peak(pid):
    lines = Path(f'/proc/{pid}/status').read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith('VmHWM'))
