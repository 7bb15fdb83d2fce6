"""From a folder of photos to a coloured one, by the commands that the README names, each in a process of its own."""

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image
from skimage import color, data

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.training


def run(*command, **options):
    """A command that must succeed; what it printed."""
    done = subprocess.run([sys.executable, *map(str, command)], cwd=ROOT, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope='module')
def exported(photo_folder, other_photos, tmp_path_factory):
    """A file of the article's network, fitted for a handful of steps."""
    folder = tmp_path_factory.mktemp('line')
    short = '--network article --loss mse --canvas 64 --size 64 --batch 4 --epoch 16 --budget 48 --held-out 0.2'
    fitted = run('-m', 'training', 'fit', '--photos', photo_folder, '--out', folder / 'run', *short.split())
    assert f'{folder}/run/best.keras is the network' in fitted and 'python -m export' in fitted
    printed = run('-m', 'training', 'evaluate', '--model', folder / 'run', '--photos', other_photos)
    assert '| gray |' in printed and '| article |' in printed
    (folder / 'evaluated.md').write_text(printed)
    run('-m', 'export', folder / 'run', folder / 'mine.onnx')
    return folder / 'mine.onnx'


@pytest.fixture
def old_photo(tmp_path):
    path = tmp_path / 'old.jpg'
    Image.fromarray((color.rgb2gray(data.astronaut()[:301, :222]) * 255).astype('uint8')).save(path, quality=95)
    return path


def check(old, colored):
    """As large, in colour, and as light as it was."""
    before, after = (np.asarray(Image.open(path).convert('RGB')) for path in (old, colored))
    assert after.shape == before.shape
    assert np.ptp(after.astype(int), axis=-1).max() > 2
    assert np.abs(color.rgb2lab(before)[..., 0] - color.rgb2lab(after)[..., 0]).mean() < 1


def test_a_file_says_what_it_is(exported):
    printed = run('-m', 'export', 'inspect', exported)
    for words in ('photo', 'colorized', 'article', 'photos_seen', 'ciede2000'):
        assert words in printed


def test_colors_in_the_shell(exported, old_photo, tmp_path):
    run('-m', 'lumachrome', 'colorize', old_photo, '-o', tmp_path / 'new.jpg', '--model', exported)
    check(old_photo, tmp_path / 'new.jpg')


def test_colors_through_the_page(exported, old_photo, tmp_path):
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    environment = os.environ | {'GRADIO_SERVER_PORT': str(port), 'GRADIO_TEMP_DIR': str(tmp_path), 'BROWSER': 'true'}
    server = subprocess.Popen([sys.executable, '-m', 'demo', '--model', exported], cwd=ROOT, env=environment)
    try:
        for _ in range(120):
            time.sleep(0.5)
            with socket.socket() as there:
                if there.connect_ex(('127.0.0.1', port)) == 0:
                    break
        client = Client(f'http://127.0.0.1:{port}', verbose=False, download_files=str(tmp_path / 'downloads'))
        colored, status = client.predict(handle_file(old_photo), api_name='/colorize')
        check(old_photo, colored)
        assert '222 × 301' in status and 'ms' in status
    finally:
        server.terminate()
        server.wait(20)


def test_evaluation_takes_the_finished_file(exported, other_photos, tmp_path):
    printed = run('-m', 'training', 'evaluate', '--model', exported, '--photos', other_photos, '--out', tmp_path)
    kept = (exported.parent / 'evaluated.md').read_text()  # of the network as Keras runs it
    ours, theirs = (float(re.search(r'\| article \| ([\d.]+)', text)[1]) for text in (printed, kept))
    assert ours == pytest.approx(theirs, abs=0.05)


def test_the_readmes_program_runs(tmp_path):
    program = re.search(r'```python\n(.*?)```', (ROOT / 'README.md').read_text(), re.DOTALL)[1]
    program = re.sub(r"'((?:demo|lumachrome)/[^']+)'", lambda found: repr(str(ROOT / found[1])), program)
    subprocess.run([sys.executable, '-c', program], cwd=tmp_path, check=True)
    check(ROOT / 'demo' / 'examples' / 'china.jpg', tmp_path / 'china-in-colour.png')


def test_the_readmes_example_of_the_package_runs(tmp_path):
    photo = ROOT / 'demo' / 'examples' / 'china.jpg'
    with Image.open(photo) as image:
        said = Image.Exif()
        said[0x010E] = 'Grandmother, 1931'
        image.save(tmp_path / 'photo.jpg', exif=said)
    program = re.search(r'```py\n(.*?)```', (ROOT / 'README.md').read_text(), re.DOTALL)[1]
    environment = os.environ | {'PYTHONPATH': str(ROOT)}
    subprocess.run([sys.executable, '-c', program], cwd=tmp_path, env=environment, check=True)
    assert Image.open(tmp_path / 'in-colour.jpg').size == Image.open(photo).size
    with Image.open(tmp_path / 'in-colour-too.jpg') as whole:
        assert whole.getexif()[0x010E] == 'Grandmother, 1931' and b'TrainedAlgorithmicMedia' in whole.info['xmp']
