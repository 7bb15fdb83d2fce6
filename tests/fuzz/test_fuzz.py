"""A minute of mutated files, the same ones each time; and that what must not happen would be seen."""

import re
import time

import numpy as np
import pytest

from lumachrome import album, decoding, photofile
from lumachrome.errors import PhotoError
from tests.fuzz import trials
from tests.fuzz.mutations import Mutated, mutated
from tests.fuzz.seeds import HOSTILE, seeds

SECONDS = 45  # of the minute; the rest is for the other tests here
REFUSED = {'float.pnm', 'lzma.tif', 'turned.tif', 'zstd.tif'}  # though they are sound


@pytest.fixture
def trying(tmp_path):
    made = trials.Trials(tmp_path / 'found')
    yield made
    made.close()


@pytest.mark.fuzz
def test_mutated_files_hurt_nothing(trying):
    until, number = time.monotonic() + SECONDS, 0
    while time.monotonic() < until:
        trying.try_files(*map(mutated, range(number, number + trials.GROUP)))
        number += trials.GROUP
    assert not trying.counts.findings
    assert number > 100 and 0.2 < trying.counts.colored.total() / number < 0.8  # neither all sound nor all hopeless


@pytest.mark.fuzz
def test_what_is_mutated_is_sound(trying):
    coloured = set()
    for name, content in seeds().items():
        before = trying.counts.colored.total()
        assert not trying.try_files(Mutated(name, content))
        coloured |= {name} if trying.counts.colored.total() > before else set()
    assert seeds().keys() - coloured == REFUSED


@pytest.mark.parametrize('path', sorted(set(HOSTILE.glob('*.*')) - {HOSTILE / 'README.md'}), ids=lambda path: path.name)
def test_what_was_found_once_hurts_nothing_any_more(path, trying):
    assert not trying.try_files(Mutated(path.name, path.read_bytes()))


def test_memory_of_this_process_is_no_decoders(tmp_path, monkeypatch):
    monkeypatch.setattr(trials, 'BYTES', 400_000_000)
    ballast = np.ones(trials.BYTES, np.uint8)
    made = trials.Trials(tmp_path / 'found')
    ends_its_decoder = HOSTILE / 'segfault-minimal.heic'
    assert not made.try_files(Mutated(ends_its_decoder.name, ends_its_decoder.read_bytes()))
    made.close()
    assert ballast[-1]


def test_a_number_is_a_file():
    assert seeds.__wrapped__() == seeds()
    files = [mutated(number) for number in range(300)]
    assert [mutated(number) for number in range(300)] == files
    assert len({file.content for file in files}) > 250
    assert {file.seed.partition('.')[2] for file in files} == {name.partition('.')[2] for name in seeds()}


def fails(*given):
    raise ValueError('no such thing')


def speaks(*given):
    raise PhotoError('It did not work.')


def hangs(*given):
    time.sleep(5)


def fills(*given):
    assert np.ones(200_000_000, np.uint8).sum()
    return spooled(*given)


def litters(path, *given):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_name('.1.part.png').write_bytes(b'half')
    write(path, *given)


def forgets(path, pixels, *given):
    write(path, pixels.whole()[:-1], *given)


spooled, write = decoding.spooled, photofile.write
FAULTS = [
    (album, '_written', fails, 'shows a traceback: ValueError: no such thing'),
    (album, 'tasks', fails, 'ends the run: ValueError.*'),
    (decoding, 'spooled', speaks, 'is refused in these words: It did not work.'),
    (decoding, 'spooled', speaks, 'hurts its neighbour: It did not work.'),
    (decoding, 'spooled', hangs, 'takes more than 0.5 s'),
    (decoding, 'spooled', fills, 'takes more than .* GB in this process'),
    (photofile, 'write', litters, 'leaves .png behind'),
    (photofile, 'write', forgets, 'gives a result of another size'),
    (photofile, 'write', forgets, 'changes its neighbour'),
]


def test_the_one_of_several_that_did_it_is_kept(trying, tmp_path, monkeypatch):
    files = [Mutated(name, seeds()[name]) for name in ('plain.jpg', 'gama.png', 'plain.bmp')]

    def one_fails(path, *given):
        assert path.read_bytes() != files[1].content
        return spooled(path, *given)

    monkeypatch.setattr(decoding, 'spooled', one_fails)
    assert trying.try_files(*files)
    (kept,) = (tmp_path / 'found').glob('*[!t]')
    assert kept.read_bytes() == files[1].content
    assert trying.counts.tried.total() == 3


@pytest.mark.parametrize(('module', 'name', 'fault', 'kind'), FAULTS, ids=[fault[3] for fault in FAULTS])
def test_what_must_not_happen_is_seen(module, name, fault, kind, trying, tmp_path, monkeypatch):
    file = Mutated('plain.png', seeds()['plain.png'], origin='by hand')
    assert not trying.try_files(file)
    monkeypatch.setattr(module, name, fault)
    if fault is hangs:
        monkeypatch.setattr(trials, 'SECONDS', 0.5)
    if fault is fills:
        trials._forget_peaks()
        monkeypatch.setattr(trials, 'BYTES', trials._peak('self') - trying._others + 100_000_000)
    findings = trying.try_files(file)
    assert any(re.fullmatch(kind, each) for each in findings), findings
    (kept,) = (tmp_path / 'found').glob('*.png')
    assert kept.read_bytes() == file.content
    assert 'by hand' in kept.with_name(f'{kept.name}.txt').read_text('utf-8')
