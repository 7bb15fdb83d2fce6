"""Files that appear whole or not at all, errors with one base, and examples in docstrings."""

import _thread
import doctest
import errno
import importlib
import os
import pkgutil
import signal
import threading

import numpy as np
import pytest
from albums import photo_file

import lumachrome
from lumachrome import errors, photofile
from lumachrome.errors import UserError, atomic


def test_a_file_appears_when_it_is_whole(tmp_path):
    target = tmp_path / 'new' / ('x' * 250 + '.png')  # names have 255 bytes at most
    with atomic(target) as temporary:
        assert temporary.parent == target.parent and temporary.suffix == '.png' and temporary.name.startswith('.')
        temporary.write_text('half')
        assert not target.exists()
        temporary.write_text('whole')
    assert target.read_text() == 'whole' and os.listdir(target.parent) == [target.name]


@pytest.mark.parametrize('wrong', [ValueError, KeyboardInterrupt, GeneratorExit])
def test_what_goes_wrong_leaves_the_file_as_it_was(wrong, tmp_path):
    target = tmp_path / 'a.txt'
    target.write_text('before')
    with pytest.raises(wrong), atomic(target) as temporary:
        temporary.write_text('half')
        raise wrong
    assert target.read_text() == 'before' and os.listdir(tmp_path) == ['a.txt']
    with atomic(target):
        pass  # nothing was written
    assert target.read_text() == 'before' and os.listdir(tmp_path) == ['a.txt']


def test_a_full_disk_is_said_of_the_file_that_was_to_be_written(tmp_path):
    with pytest.raises(OSError, match='No space left') as caught, atomic(tmp_path / 'a.txt') as temporary:
        temporary.write_text('half')
        raise OSError(errno.ENOSPC, 'No space left on device')  # as a write says it, which knows no name
    assert caught.value.filename == str(tmp_path / 'a.txt') and not os.listdir(tmp_path)


def test_who_interrupts_a_long_write_is_heard(tmp_path):
    small = photo_file(tmp_path / 'photo.png')
    noise = np.random.default_rng(1).integers(0, 256, (2400, 3000, 3), 'uint8')
    photo = photofile.read(small)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it may be ignored
    clock = threading.Timer(0.1, _thread.interrupt_main)
    try:
        with pytest.raises(KeyboardInterrupt):
            clock.start()
            photofile.write(tmp_path / 'out.png', noise, photo)
            pytest.fail('nobody heard of the interrupt')
    finally:
        clock.join()
        signal.signal(signal.SIGINT, before)
    assert os.listdir(tmp_path) == ['photo.png']


def test_two_who_write_the_same_file_do_not_mix(tmp_path):
    with atomic(tmp_path / 'a') as one, atomic(tmp_path / 'a') as other:
        assert one != other
        one.write_text('one')
        other.write_text('other')
    assert (tmp_path / 'a').read_text() == 'one'


def test_every_kind_of_error_is_a_user_error():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) >= 5 and all(issubclass(kind, UserError) for kind in kinds)
    assert not issubclass(UserError, ValueError)  # what catches bugs of others must not catch it


def test_examples_in_docstrings_run():
    tried = 0
    for module in pkgutil.iter_modules(lumachrome.__path__, 'lumachrome.'):
        if not module.name.endswith('__main__'):
            result = doctest.testmod(importlib.import_module(module.name), optionflags=doctest.ELLIPSIS)
            assert not result.failed
            tried += result.attempted
    result = doctest.testmod(lumachrome)
    assert not result.failed and result.attempted and tried >= 5
    assert set(lumachrome.__all__) <= set(dir(lumachrome))
    with pytest.raises(AttributeError, match='Nothing'):
        lumachrome.Nothing  # noqa: B018
