"""How the page starts."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from demo import app
from demo.__main__ import main
from lumachrome import photofile

ROOT = Path(__file__).parents[2]


def started(**more):
    """What a process says that has loaded the page: whether Gradio tells of it, and which modules there are."""
    env = {name: value for name, value in os.environ.items() if name != 'GRADIO_ANALYTICS_ENABLED'} | more
    code = (
        'import json, sys, lumachrome.colorizer, demo.__main__, demo.app, gradio; '
        'print(json.dumps([gradio.Blocks().analytics_enabled, list(sys.modules)]))'
    )
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope='module')
def as_it_starts():
    return started()


@pytest.mark.startup
def test_telemetry_is_off_unless_somebody_wants_it(as_it_starts):
    assert not as_it_starts[0] and started(GRADIO_ANALYTICS_ENABLED='True')[0]


@pytest.mark.startup
@pytest.mark.parametrize('given', [None, '0'])
def test_onnxruntime_tells_its_makers_nothing_unless_somebody_wants_it(given, tmp_path):
    env = {name: value for name, value in os.environ.items() if name != 'ORT_DISABLE_TELEMETRY'}
    env |= {'TMPDIR': str(tmp_path), 'HOME': str(tmp_path), 'XDG_CACHE_HOME': str(tmp_path)}
    env |= {'ORT_DISABLE_TELEMETRY': given} if given else {}
    code = 'import os, lumachrome; lumachrome.Colorizer(); print(os.environ["ORT_DISABLE_TELEMETRY"])'
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, env=env)
    assert done.stdout.strip() == (given or '1'), done.stderr
    assert given or not list(tmp_path.rglob('*'))  # else it keeps there who this machine is, and what it will send


@pytest.mark.startup
def test_the_demo_loads_neither_training_nor_export(as_it_starts):
    assert not {'tensorflow', 'keras', 'skimage', 'training', 'export'} & set(as_it_starts[1])


def test_the_page_is_where_the_shell_says(monkeypatch, capsys):
    launched = {}
    monkeypatch.setenv('GRADIO_TEMP_DIR', os.environ.get('GRADIO_TEMP_DIR', tempfile.gettempdir()))  # as it was, after
    monkeypatch.setattr(app.signal, 'signal', lambda *_: None)
    monkeypatch.setattr(app, 'build', lambda *_: SimpleNamespace(block_thread=lambda: launched.update(ended=True)))
    monkeypatch.setattr(app, 'launch', lambda *_, **given: launched.update(given) or (None, 'http://here:7999/', None))
    assert main(['--port', '7999']) == 0 and launched['ended']
    assert capsys.readouterr().out == 'The page is at http://here:7999/ until you press Ctrl+C.\n'
    assert (launched['server_name'], launched['server_port']) == (None, 7999)


def test_a_port_that_is_taken_is_said(monkeypatch, capsys):
    monkeypatch.setenv('GRADIO_TEMP_DIR', os.environ.get('GRADIO_TEMP_DIR', tempfile.gettempdir()))
    monkeypatch.setattr(app.signal, 'signal', lambda *_: None)
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
        assert main(['--port', str(port)]) == 1
    assert f'The page cannot be served at 127.0.0.1:{port}: choose another --port' in capsys.readouterr().err


@pytest.mark.startup
def test_a_port_that_is_taken_is_said_of_the_api_too(capsys):
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
        assert main(['api', '--port', str(port)]) == 1
    assert f'The API cannot be served at 127.0.0.1:{port}: choose another --port' in capsys.readouterr().err


@pytest.mark.parametrize('port', ['0', '99999', 'door', '-1'])
def test_what_is_no_port_is_said(port, monkeypatch, capsys):
    for arguments, given in ((['--port', port], ''), ([], port)):
        monkeypatch.setenv('GRADIO_SERVER_PORT', given)
        with pytest.raises(SystemExit):
            main(arguments)
        assert f'{port} is no port: a number from 1 to 65535.' in capsys.readouterr().err


def test_a_proxy_is_not_asked_whether_the_page_runs(monkeypatch):
    with monkeypatch.context() as patch:
        for name in ('no_proxy', 'NO_PROXY'):
            patch.setenv(name, 'example.org')
        for name in ('http_proxy', 'HTTP_PROXY'):
            patch.setenv(name, 'http://127.0.0.1:9')  # where nobody answers
        page = app.build()
        app.launch(page, prevent_thread_lock=True, quiet=True)
        page.close()


def test_the_examples_are_black_and_white_or_one_tone():
    found = sorted((ROOT / 'demo' / 'examples').glob('*.jpg'))
    assert sum(path.stem.startswith('old-') for path in found) == 2
    for path in found:
        assert not photofile.read_palette(path).is_colored, path
