"""Archives, on one machine and a network whose colours are known beforehand; workers are real processes."""

import io
import itertools
import json
import tarfile
from dataclasses import replace

import numpy as np
import pytest
from albums import photo_file
from archives import Inline, member, report, shard
from fsspec.implementations.local import LocalFileSystem
from PIL import Image

from lumachrome.__main__ import LEFT_OUT, main
from lumachrome.adjustments import Adjustments
from lumachrome.archive import Archive, Job, crews, records, run
from lumachrome.archive.crews import Died, Step
from lumachrome.archive.worker import Done, Unit, Worker
from lumachrome.colorizer import Colorizer
from lumachrome.errors import ArchiveError


@pytest.fixture
def model(standins):
    return str(standins / 'plain.onnx')


@pytest.fixture
def source(tmp_path):
    """Seven photos in folders and a shard, two of them damaged."""
    top = tmp_path / 'scans'
    for name in ('a.jpg', 'ç [1].png', 'sub/a.jpg'):
        photo_file(top / name)
    photo_file(top / 'x.bmp')
    (top / 'bad.jpg').write_bytes((top / 'a.jpg').read_bytes()[:300])
    (top / '.hidden').mkdir()
    photo_file(top / '.hidden' / 'no.jpg')
    (top / 'notes.txt').write_text('no photo')
    shard(top / 'shards' / 's.tar', top / 'a.jpg', top / 'bad.jpg')
    return top


def test_the_command_colors_folders_and_shards_and_tells_of_all(source, tmp_path, model, capsys):
    out = tmp_path / 'out'
    assert main(['archive', str(source), str(out), '--model', model, '--workers', '2']) == LEFT_OUT
    said = capsys.readouterr()
    assert (
        '5 photos of the archive coloured' in said.out
        and '2 were not' in said.err
        and '--retry' in said.err
        and 'notes' not in said.out
    )
    rows = report(out)
    assert {name for name, row in rows.items() if row['error']} == {'bad.jpg', 'shards/s.tar/0002.jpg'}
    assert 'bad.jpg is damaged' in rows['bad.jpg']['error']
    assert rows['x.bmp']['target'] == 'x.bmp.png' and rows['a.jpg']['pixels'] == 1200
    assert rows['a.jpg']['provider'] == 'CPUExecutionProvider' and rows['a.jpg']['milliseconds'] > 0
    for name, row in rows.items():
        if row['target'] and '.tar' not in name:
            pixels = np.asarray(Image.open(out / row['target']).convert('RGB')).astype(int)
            assert pixels[0, 0, 0] > pixels[0, 0, 2] + 20, name  # red above
    with tarfile.open(out / 'shards' / 's.tar') as tar:
        assert tar.getnames() == ['0001.jpg', '0001.txt']
        assert tar.extractfile('0001.txt').read() == b'cat'
        assert Image.open(tar.extractfile('0001.jpg')).size == (40, 30)
    page = (out / 'summary.html').read_text()
    assert page.count('<img') == 5 and 'bad.jpg is damaged' in page and 'ç [1].png' in page
    assert sorted(path.name for path in (out / '.lumachrome').iterdir()) == ['records', 'run.json']


def test_what_was_stopped_goes_on_where_it_was(source, tmp_path, model, monkeypatch):
    monkeypatch.setattr(run, 'BATCH', 1)
    out, job = tmp_path / 'out', Job(str(source), str(tmp_path / 'out'), model)
    archive = Archive(job)
    with pytest.raises(KeyboardInterrupt):
        archive.run(Inline(archive.job, units=3))
    assert len(list((out / '.lumachrome' / 'records').iterdir())) == 3
    (out / '.lumachrome' / 'parts' / 'dead').mkdir(parents=True)
    (out / '.lumachrome' / 'parts' / 'dead' / 'half.jpg').write_bytes(b'half')
    first = (out / 'a.jpg').stat().st_mtime_ns
    again = Archive(job)
    crew = Inline(again.job)
    totals = again.run(crew)
    assert (totals.colored, totals.failed, len(report(out))) == (5, 2, 7)
    assert 1000 - crew.left == 3 and (out / 'a.jpg').stat().st_mtime_ns == first
    assert not (out / '.lumachrome' / 'parts').exists()
    assert not list(Archive(job).found())


def test_what_could_not_be_colored_is_tried_again_when_asked(source, tmp_path, model, monkeypatch):
    monkeypatch.setattr(run, 'BATCH', 3)  # the damaged photo shares a record with two that are whole
    photo_file(source / 'bad.png').write_bytes(b'bad')
    out, job = tmp_path / 'out', Job(str(source), str(tmp_path / 'out'), model)
    archive = Archive(job)
    assert archive.run(Inline(archive.job)).failed == 3
    whole = (source / 'a.jpg').read_bytes()
    (source / 'bad.jpg').write_bytes(whole)
    (source / 'shards' / 's.tar').unlink()
    shard(source / 'shards' / 's.tar', source / 'a.jpg', source / 'bad.jpg')
    assert not list(Archive(job).found())
    before = (out / 'a.jpg').stat().st_mtime_ns
    for _ in range(2):  # what is damaged still is tried each time, and what has been mended once
        again = Archive(job, retry=True)
        totals = again.run(Inline(again.job))
        assert (totals.colored, totals.failed) == (7, 1) and len(report(out)) == 8
    assert [found.name for found in Archive(job, retry=True).found()] == ['bad.png']
    assert (out / 'a.jpg').stat().st_mtime_ns == before and Image.open(out / 'bad.jpg').size == (40, 30)
    with tarfile.open(out / 'shards' / 's.tar') as tar:
        assert tar.getnames() == ['0001.jpg', '0001.txt', '0002.jpg']


def test_who_is_tried_again_is_forgotten_where_a_kill_may_come_between(source, tmp_path, model, monkeypatch):
    monkeypatch.setattr(run, 'BATCH', 3)
    photo_file(source / 'x.bmp.png')  # so x.bmp is not coloured, and has to be renamed
    out, job = tmp_path / 'out', Job(str(source), str(tmp_path / 'out'), model)
    archive = Archive(job)
    assert archive.run(Inline(archive.job)).failed == 3
    (source / 'x.bmp').rename(source / 'y.bmp')
    (source / 'bad.jpg').unlink()
    (source / 'shards' / 's.tar').unlink()
    shard(source / 'shards' / 's.tar', source / 'a.jpg', source / 'a.jpg')
    records_now = [path.read_bytes() for path in sorted((out / '.lumachrome' / 'records').iterdir())]
    Archive(job, retry=True).estimate()
    assert records_now == [path.read_bytes() for path in sorted((out / '.lumachrome' / 'records').iterdir())]
    again = Archive(job, retry=True)
    with pytest.raises(KeyboardInterrupt):
        again.run(Inline(again.job, units=0))
    last = Archive(job)
    assert [found.name for found in last.found()] == ['y.bmp', 'shards/s.tar']
    totals = last.run(Inline(last.job))
    assert (totals.colored, totals.failed, len(report(out))) == (7, 0, 7)


def test_a_photo_that_kills_its_worker_is_tried_twice_and_named():
    unit = Unit(('a.jpg', 'b.jpg', 'c.jpg'), 30)
    tried = []

    class Crew:
        size, events = 2, []

        def give(self, worker, unit):
            tried.append(unit)
            deadly = 'b.jpg' in unit.names and 'b.jpg' not in unit.left_out
            self.events.append((worker, Died('killed', 'b.jpg') if deadly else Done(3, 1)))

        def wait(self):
            events, self.events = self.events, []
            return events

    class Bar:
        update = set_postfix_str = lambda self, given: None

    run._work(Crew(), iter([unit, Unit(('d.jpg',))]), Bar())
    assert [each.names[0] for each in tried] == ['a.jpg', 'd.jpg', 'a.jpg', 'a.jpg']
    assert [list(each.left_out) for each in tried if each.names[0] == 'a.jpg'] == [[], [], ['b.jpg']]
    assert 'b.jpg has ended two workers (killed)' in tried[-1].left_out['b.jpg']


def test_workers_that_die_before_a_photo_end_the_run():
    class Crew:
        size = 1
        give = lambda self, worker, unit: None  # noqa: E731
        wait = lambda self: [(0, Died('killed, as systems do when memory runs out'))]  # noqa: E731

    class Bar:
        update = set_postfix_str = lambda self, given: None

    with pytest.raises(ArchiveError, match=r'before they colour a photo .*memory runs out.*fewer --workers'):
        run._work(Crew(), iter([Unit(('a.jpg',))]), Bar())


def test_a_worker_that_is_killed_is_replaced(source, tmp_path, model):
    crew = crews.Processes(Job(str(source), str(tmp_path / 'out'), model), 1)
    try:
        crew.give(0, Unit(('a.jpg',)))
        events = []
        while not events or not isinstance(events[-1], Done):
            events += [event for _, event in crew.wait()]
        assert events == [Step('a.jpg', 0), Done(1, 0)]
        crew._workers[0][0].kill()
        events = []
        while not events:
            events = [event for _, event in crew.wait()]
        assert events == [Died('killed, as systems do when memory runs out', 'a.jpg')]
        assert crew._workers[0][0].is_alive()
    finally:
        crew.stop()


@pytest.mark.parametrize(('empty', 'dry'), [('folder', []), ('folder', ['--dry-run']), ('hidden', []), ('shard', [])])
def test_an_archive_without_a_photo_is_an_error(empty, dry, tmp_path, model, capsys):
    source = top = tmp_path / 'empty'
    top.mkdir()
    if empty == 'shard':
        source = top / 's.tar'
        with tarfile.open(source, 'w') as tar:
            tar.addfile(member('a.txt', 3), io.BytesIO(b'cat'))
    else:
        (top / {'folder': 'notes.txt', 'hidden': '.a.jpg'}[empty]).write_text('no photo')
    assert main(['archive', str(source), str(tmp_path / 'out'), '--model', model, '--workers', '1', *dry]) == 1
    assert f'{source} holds no photos: name a folder of photos' in capsys.readouterr().err
    assert empty == 'shard' or not (tmp_path / 'out').exists()


def test_an_archive_that_is_done_is_no_error(source, tmp_path, model, capsys):
    command = ['archive', str(source), str(tmp_path / 'out'), '--model', model, '--workers', '1']
    for _ in range(2):
        assert main(command) == LEFT_OUT
    assert main([*command, '--dry-run']) == 0
    assert '0 photos are left to do' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('given', 'sentence'),
    [
        ('{0} {0}', 'is the source as well'),
        ('{0}/none {1}', 'does not exist'),
        ('{0}/a.jpg {1}', 'is a file: an archive is a folder'),
        ('{0} {0}/shards', 'holds other files'),
        ('{0} s4://bucket/out', 's4://bucket/out is no address'),
        ('{0} {1} --model nobody', 'no model named nobody'),
        ('{0} {1} --workers 0', '0 is no number of workers'),
        ('{0} {1} --vividness 0.5', 'has no vividness'),
        ('{0} {1} --gpus 0.5', '--gpus is for workers on Ray'),
        ('{0} {1} --ray --gpus -3', '-3 is no share of a GPU'),
        ('{0} {1} --model {0}', 'is a folder: name an .onnx file'),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(given, sentence, source, tmp_path, model, capsys):
    words = given.format(source, tmp_path / 'out').split(' ')
    words += [] if '--model' in words else ['--model', model]
    try:
        code = main(['archive', *words])
    except SystemExit as exit:
        code = exit.code
    said = capsys.readouterr().err
    assert code in (1, 2) and sentence in said and 'Traceback' not in said
    assert not (tmp_path / 'out' / 'a.jpg').exists()


def test_a_target_is_gone_on_with_the_same_settings_only(source, tmp_path, model):
    job = Job(str(source), str(tmp_path / 'out'), model)
    archive = Archive(job)
    archive.run(Inline(archive.job))
    with pytest.raises(ArchiveError, match='begun with another saturation'):
        Archive(Job(str(source), str(tmp_path / 'out'), model, adjustments=Adjustments(saturation=0.5)))
    # What a version without the reach began goes on with the reach as it comes
    begun = next((tmp_path / 'out').rglob('run.json'))
    settings = json.loads(begun.read_text())
    del settings['reach']
    begun.write_text(json.dumps(settings))
    Archive(job)
    with pytest.raises(ArchiveError, match='begun with another reach'):
        Archive(Job(str(source), str(tmp_path / 'out'), model, adjustments=Adjustments(reach=0.5)))


@pytest.mark.parametrize('consistent', [False, True])
def test_consistent_colors_hold_within_a_unit(consistent, source, tmp_path, standins, monkeypatch):
    """With a network that changes its mind from photo to photo."""
    job = Job(str(source), str(tmp_path / 'out'), str(standins / 'steered.onnx'), consistent=consistent)
    worker, together, count = Worker(job), Colorizer.colors_together, itertools.count()

    def moody(self, shown, *more):
        return [replace(found, ab=found.ab + 8 * next(count)) for found in together(self, shown, *more)]

    monkeypatch.setattr(Colorizer, 'colors_together', moody)
    worker.work(Unit(('a.jpg', 'sub/a.jpg')))
    worker.work(Unit(('ç [1].png',)))
    first, same, later = (
        np.asarray(Image.open(tmp_path / 'out' / name).convert('RGB')).astype(int)
        for name in ('a.jpg', 'sub/a.jpg', 'ç [1].png')
    )
    assert (abs(same - first).mean() < 2) == consistent and abs(later - first).mean() > 4


def test_a_target_is_gone_on_with_consistent_colors_or_without(source, tmp_path, model):
    archive = Archive(Job(str(source), str(tmp_path / 'out'), model, consistent=True))
    archive.run(Inline(archive.job))
    with pytest.raises(ArchiveError, match='begun with another consistent'):
        Archive(replace(archive.job, consistent=False))


def test_the_source_is_listed_once(source, tmp_path, model, monkeypatch):
    listed, ls = [], LocalFileSystem.ls
    monkeypatch.setattr(LocalFileSystem, 'ls', lambda fs, path, **more: listed.append(path) or ls(fs, path, **more))
    archive = Archive(Job(str(source), str(tmp_path / 'out'), model))
    assert archive.run(Inline(archive.job)).colored == 5
    assert [path for path in listed if path.startswith(str(source))] == [
        str(source),
        f'{source}/shards',
        f'{source}/sub',
    ]


def test_missing_credentials_and_packages_are_told(monkeypatch, source, tmp_path):
    class NoCredentialsError(Exception):
        pass

    class Store:
        protocol = 's3'

        def exists(self, path):
            raise NoCredentialsError('Unable to locate credentials')

    monkeypatch.setattr(run, 'place', lambda address: (Store(), 'bucket'))
    with pytest.raises(ArchiveError, match=r's3://bucket may not be used \(Unable to locate credentials\): give its'):
        Archive(Job('s3://bucket', str(tmp_path / 'out')))


def test_a_full_disk_ends_the_run_and_blames_no_photo(source, tmp_path, model, monkeypatch):
    worker = Worker(Job(str(source), str(tmp_path / 'out'), model))

    def full(path, *more):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('lumachrome.photofile._save', full)
    with pytest.raises(ArchiveError, match='No space left on device'):
        worker.work(Unit(('a.jpg', 'bad.jpg')))
    assert not list((tmp_path / 'out').rglob('*.parquet'))


def test_an_estimate_writes_nothing(source, tmp_path, model, capsys):
    assert main(['archive', str(source), str(tmp_path / 'out'), '--model', model, '--dry-run', '--workers', '2']) == 0
    assert '5 photos and 1 shard are left to do' in capsys.readouterr().out
    assert not (tmp_path / 'out').exists()


def test_a_photo_that_stands_in_two_records_counts_once(tmp_path):
    folder = tmp_path / records.RECORDS
    folder.mkdir(parents=True)
    records.write_record(folder / 'a.parquet', [records.Row('x.jpg', error='gone'), records.Row('y.jpg', 'y.jpg')])
    records.write_record(folder / 'b.parquet', [records.Row('x.jpg', 'x.jpg', 7), records.Row('y.jpg', 'y.jpg')])
    import fsspec

    found = records.Records(fsspec.filesystem('file'), str(tmp_path))
    totals = records.write_report(found, tmp_path / 'report.parquet', 4)
    assert (totals.colored, totals.failed, totals.pixels) == (2, 0, 7)
    assert not report(tmp_path)['x.jpg']['error']
    (folder / 'c.parquet').write_bytes(b'half')
    with pytest.raises(ArchiveError, match=r'c\.parquet is damaged: delete it'):
        found.done()


def test_other_storages_are_read_and_written(source, tmp_path, model):
    import fsspec

    memory = fsspec.filesystem('memory')
    memory.put(str(source), '/scans', recursive=True)
    job = Job('memory://scans', 'memory://out', model)
    archive = Archive(job)
    try:
        totals = archive.run(Inline(archive.job))
        assert (totals.colored, totals.failed) == (5, 2)
        assert Image.open(io.BytesIO(memory.cat_file('/out/sub/a.jpg'))).size == (40, 30)
        assert {path for path in memory.find('/out') if path.endswith('.parquet')} >= {'/out/report.parquet'}
        assert not list(Archive(job).found())
    finally:
        memory.store.clear()
