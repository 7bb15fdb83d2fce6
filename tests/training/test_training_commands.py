"""The commands of training: whatever ends them is told in words, and a bug as what it is."""

import os

import pytest

from training import fit, networks
from training.__main__ import main

pytestmark = [pytest.mark.training, pytest.mark.usefixtures('uncompiled')]


def test_ctrl_c_ends_in_a_sentence(photo_folder, tmp_path, monkeypatch, capsys):
    def press(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(fit, 'fit', press)
    flags = ['--photos', str(photo_folder), '--out', 'runs/mine', '--canvas', '64', '--size', '32']
    with pytest.raises(SystemExit) as error:
        main(['fit', *flags])
    assert error.value.code == 130 and 'goes on from the last epoch in runs/mine' in capsys.readouterr().err


@pytest.mark.parametrize('bug', [ValueError, RuntimeError, ModuleNotFoundError])
def test_a_bug_shows_its_traceback(bug, photo_folder, monkeypatch):
    """Also where it comes as an exception of Python's own that reads like a sentence."""

    def fail(*args):
        raise bug('operands could not be broadcast together')

    monkeypatch.setattr(fit, 'fit', fail)
    with pytest.raises(bug, match='broadcast'):
        main(['fit', '--photos', str(photo_folder), '--out', 'runs/mine', '--canvas', '64', '--size', '32'])


@pytest.mark.parametrize('command', ['fit --photos x', 'evaluate --photos x --model x', 'age --old x --clean x'])
@pytest.mark.parametrize(
    ('out', 'sentence'),
    [
        ('', 'the name is empty; "." is the current folder.'),
        ('file', 'file is a file: name a folder for the results.'),
        ('file/below', 'file is a file: name a folder for the results.'),
        ('\x1b' + 300 * 'a', f'\\x1b{300 * "a"}: File name too long.'),
    ],
)
def test_where_a_run_cannot_be_is_said_before_any_work(command, out, sentence, tmp_path, monkeypatch, capsys):
    (tmp_path / 'file').write_text('here')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main([*command.split(), '--out', out])
    assert f'argument --out: {sentence}' in capsys.readouterr().err and os.listdir(tmp_path) == ['file']


def test_files_that_cannot_be_written_are_named(tmp_path):
    (tmp_path / 'file').touch()
    networks.build('article').save(tmp_path / 'article.keras')
    with pytest.raises(SystemExit) as error:
        main(['keep', str(tmp_path / 'article.keras'), str(tmp_path / 'file' / 'kept.npz')])
    assert str(tmp_path / 'file') in error.value.code and '\n' not in error.value.code


def test_too_few_photos_are_an_error_in_words(photo_folder, tmp_path, capsys):
    with pytest.raises(SystemExit) as error:
        main(
            [
                'fit',
                '--photos',
                str(photo_folder),
                '--out',
                str(tmp_path),
                '--canvas',
                '64',
                '--size',
                '64',
                '--batch',
                '99',
            ]
        )
    assert 'fewer than one batch of 99' in str(error.value)
