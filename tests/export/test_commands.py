"""`python -m export`: each command takes what it has a use for, and says in a sentence what is wrong."""

import re

import pytest

from export import __main__ as command

COMMANDS = {  # as documents have them, with what they take besides
    'runs/mine mine.onnx': ('--float16', '--int8 PHOTOS', '--licence MINE'),
    'network runs/mine mine.onnx': ('--float16', '--int8 PHOTOS', '--licence MINE'),
    'inspect mine.onnx': (),
    'parts lumachrome/models': (),
    'tails': (),
    'triton DIR': ('--model NAME',),
    'documents': (),
}
OPTIONS = ('--float16', '--int8 PHOTOS', '--licence MINE', '--model NAME', 'MORE')


@pytest.fixture
def begun(monkeypatch):
    """What was begun, without doing it."""
    begun = []
    for name in ('network', 'inspect', 'parts', 'tails', 'triton', 'documents'):
        monkeypatch.setattr(command, f'run_{name}', lambda options, name=name: begun.append(name))
    return begun


@pytest.mark.parametrize('what', COMMANDS)
def test_a_command_takes_its_own_options_and_no_others(what, begun, capsys):
    name = 'network' if what.startswith('runs') else what.split()[0]
    for option in ('', *COMMANDS[what]):
        command.main(f'{what} {option}'.split())
    assert begun == [name] * (1 + len(COMMANDS[what]))
    for option in set(OPTIONS) - set(COMMANDS[what]):
        with pytest.raises(SystemExit):
            command.main(f'{what} {option}'.split())
        assert f'unrecognized arguments: {option}' in capsys.readouterr().err


def test_options_may_stand_before_a_network(begun):
    command.main(['--float16', '--licence', 'MINE', 'runs/mine', 'mine.onnx'])
    assert begun == ['network']


@pytest.mark.parametrize('what', ['runs/mine', 'network runs/mine', 'inspect', 'parts', 'triton', ''])
def test_what_is_missing_is_named(what, capsys):
    with pytest.raises(SystemExit):
        command.main(what.split())
    assert re.search('arguments are required: (TARGET|FILE|FOLDER|COMMAND)', capsys.readouterr().err)


@pytest.mark.parametrize(
    ('content', 'words'),
    [(None, r'mine\.onnx does not exist'), (b'no network', r'mine\.onnx is not an ONNX file, or is damaged')],
)
def test_what_cannot_be_inspected_is_one_sentence(content, words, tmp_path):
    if content is not None:
        (tmp_path / 'mine.onnx').write_bytes(content)
    with pytest.raises(SystemExit, match=words) as stopped:
        command.main(['inspect', str(tmp_path / 'mine.onnx')])
    assert 'ONNXRuntimeError' not in str(stopped.value) and '\n' not in str(stopped.value)
