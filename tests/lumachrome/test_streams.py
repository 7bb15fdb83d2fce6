"""Standard input and output as photos, and outputs that nobody reads, or only in another alphabet."""

import io
import os
import subprocess
import sys

import numpy as np
import pytest
from albums import photo_file, zip_of
from PIL import Image
from skimage import data

from lumachrome import colorizer, limits
from lumachrome.__main__ import main


@pytest.fixture(autouse=True)
def shipped(standins, monkeypatch):
    monkeypatch.setattr(colorizer, 'MODELS', standins)


@pytest.fixture
def photo(tmp_path):
    return photo_file(tmp_path / 'photo.jpg')


def sent(monkeypatch, content):
    monkeypatch.setattr(sys, 'stdin', io.TextIOWrapper(io.BytesIO(content)))


def redness(file):
    pixels = np.asarray(Image.open(file)).astype(int)
    return pixels[0, 0, 0] - pixels[0, 0, 1]


def test_a_photo_goes_through_a_pipe(photo, monkeypatch, capsysbinary):
    sent(monkeypatch, photo.read_bytes())
    assert main(['colorize', '-', '-o', '-']) == 0
    said = capsysbinary.readouterr()
    assert Image.open(io.BytesIO(said.out)).format == 'JPEG' and abs(redness(io.BytesIO(said.out)) - 40) < 6
    assert b'1 photo coloured with plain on CPUExecutionProvider: standard output' in said.err


def test_a_pipe_on_one_side(photo, tmp_path, monkeypatch, capsysbinary):
    assert main(['colorize', str(photo), '-o', '-']) == 0
    assert redness(io.BytesIO(capsysbinary.readouterr().out))
    for out, result in ((tmp_path / 'new' / 'named.jpg', 'new/named.jpg'), (tmp_path / 'folder', 'folder/stdin.jpg')):
        sent(monkeypatch, photo.read_bytes())
        assert main(['colorize', '-', '-o', str(out)]) == 0
        assert abs(redness(tmp_path / result) - 40) < 6
    sent(monkeypatch, photo.read_bytes())
    assert main(['colorize', '-', '-o', str(tmp_path / 'a.png')]) == 1
    assert b'Standard input is written as JPEG: name the result a.jpg.' in capsysbinary.readouterr().err


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        (b'', b'Standard input is empty: send a photo.'),
        (b'Dear grandmother', b'Standard input is not a photo that can be read.'),
        (None, b'Standard input cannot be read: it is closed.'),
    ],
)
def test_what_is_no_photo_on_standard_input_is_said(content, words, monkeypatch, capsysbinary):
    monkeypatch.setattr(sys, 'stdin', None) if content is None else sent(monkeypatch, content)
    assert main(['colorize', '-', '-o', '-']) == 1
    said = capsysbinary.readouterr()
    assert words in said.err and said.out == b''


def test_a_full_disk_takes_nothing_from_standard_input(photo, tmp_path, monkeypatch, capsysbinary):
    sent(monkeypatch, photo.read_bytes())
    monkeypatch.setattr(limits, 'SPARE_BYTES', 10**18)
    assert main(['colorize', '-', '-o', str(tmp_path / 'out')]) == 1
    assert b'Standard input finds no room on the disk of this machine.' in capsysbinary.readouterr().err


def test_standard_output_takes_one_photo(photo, tmp_path, monkeypatch, capsys):
    for inputs in ([photo, photo], [tmp_path], [zip_of(tmp_path / 'a.zip', photo, 'a.jpg')]):
        assert main(['colorize', *map(str, inputs), '-o', '-']) == 1
        said = capsys.readouterr()
        assert 'Standard output takes one photo: name a folder' in said.err and said.out == ''


def test_a_word_when_a_photo_has_colours_of_its_own(photo, tmp_path, capsys):
    Image.fromarray(data.coffee()).save(tmp_path / 'coffee.png')
    words = 'has colours of its own: only its light and dark are used.'
    assert main(['colorize', str(tmp_path / 'coffee.png'), '-o', str(tmp_path / 'out')]) == 0
    assert f'{tmp_path / "coffee.png"} {words}' in capsys.readouterr().err
    assert main(['colorize', str(photo), '-o', str(tmp_path / 'out')]) == 0
    assert words not in capsys.readouterr().err


# ---- outputs that are closed, full, or know few letters


@pytest.fixture
def shell(standins, tmp_path):
    """Runs a line of the shell, in which $LUMACHROME colours; gives the exit code and what was said."""

    def run(line, **env):
        command = f'{sys.executable} -m lumachrome colorize --model {standins / "plain.onnx"}'
        env = {**os.environ, 'LUMACHROME': command, **env}
        env['PYTHONPATH'] = os.pathsep.join(sys.path)
        done = subprocess.run(['sh', '-c', line], cwd=tmp_path, env=env, capture_output=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    return run


POSIX = pytest.mark.skipif(os.name != 'posix', reason='Needs a shell.')


@POSIX
@pytest.mark.startup
@pytest.mark.parametrize(
    'outputs', ['>&-', '2>&-', '>&- 2>&-', '<&- >&- 2>&-', *['>/dev/full', '2>/dev/full'] * os.path.exists('/dev/full')]
)
def test_nobody_need_listen(outputs, shell, photo, tmp_path):
    code, _, said = shell(f'$LUMACHROME photo.jpg photo.jpg -o out {outputs}')
    assert code == 0 and b'rror' not in said and b'Exception' not in said
    assert sorted(os.listdir(tmp_path / 'out')) == ['photo (2).jpg', 'photo.jpg']
    assert redness(tmp_path / 'out' / 'photo.jpg') > 20
    assert shell(f'$LUMACHROME photo.jpg nobody.jpg -o out {outputs}')[0] == 1


@POSIX
@pytest.mark.startup
def test_whoever_reads_may_go_away(shell, photo, tmp_path):
    for out, pipe in (('one', '2>rest | true'), ('two', '2>&1 >rest | true')):
        code, _, _ = shell(
            f'{{ $LUMACHROME photo.jpg photo.jpg -o {out} {pipe[: pipe.index("|")]}; echo $? >code; }} | true'
        )
        assert code == 0 and (tmp_path / 'code').read_text() == '0\n'
        assert len(os.listdir(tmp_path / out)) == 2
        assert 'rror' not in (tmp_path / 'rest').read_text()


@POSIX
@pytest.mark.startup
def test_a_result_that_nobody_takes_is_an_error(shell, photo):
    for outputs, reason in (('>&-', b'it is closed'), ('>/dev/full', b'No space left on device')):
        code, _, said = shell(f'$LUMACHROME photo.jpg -o - {outputs}')
        assert code == 1 and said == b'photo.jpg cannot be written to standard output: ' + reason + b'.\n'


@POSIX
@pytest.mark.startup
def test_an_alphabet_that_lacks_letters(shell, photo, tmp_path):
    photo.rename(tmp_path / '祖母 Zü.jpg')
    code, said, _ = shell('$LUMACHROME 祖母*.jpg -o 祖母.jpg', PYTHONIOENCODING='latin-1:strict')
    assert code == 0 and said.endswith(b': \\u7956\\u6bcd.jpg\n')
    code, _, said = shell('$LUMACHROME 祖母*.jpg 母ü.jpg -o out', PYTHONIOENCODING='latin-1:strict')
    assert code == 1 and b'\\u6bcd\xfc.jpg does not exist.\n' in said and b'Traceback' not in said
