"""How the page starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lumachrome import photofile

ROOT = Path(__file__).parents[2]


@pytest.mark.startup
@pytest.mark.parametrize(('given', 'kept'), [(None, 'False'), ('True', 'True')])
def test_telemetry_is_off_unless_somebody_wants_it(given, kept):
    env = {name: value for name, value in os.environ.items() if name != 'GRADIO_ANALYTICS_ENABLED'}
    env |= {'GRADIO_ANALYTICS_ENABLED': given} if given else {}
    code = 'import demo.app, gradio; print(gradio.Blocks().analytics_enabled)'
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, env=env)
    assert done.stdout.strip() == kept, done.stderr


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
def test_the_demo_loads_neither_training_nor_export():
    code = (
        'import sys, lumachrome.colorizer, demo.__main__, demo.app; '
        'print([name for name in ("tensorflow", "keras", "skimage", "training", "export") if name in sys.modules])'
    )
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert done.stdout.strip() == '[]', done.stderr


def test_the_examples_are_black_and_white_or_one_tone():
    found = sorted((ROOT / 'demo' / 'examples').glob('*.jpg'))
    assert sum(path.stem.startswith('old-') for path in found) == 2
    for path in found:
        assert not photofile.read_palette(path).is_colored, path
