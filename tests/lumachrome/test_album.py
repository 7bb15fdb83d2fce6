"""Albums: ZIPs, and the loop that colours many photos, in the shell too."""

import contextlib
import threading
import zipfile
from pathlib import Path

import pytest
import pyvips
from albums import names_in, photo_file, redness, zip_of
from PIL import Image

from lumachrome import ahead, album, colorizer, limits, photofile, zipfiles
from lumachrome.__main__ import main
from lumachrome.errors import PhotoError


@pytest.fixture
def photo(tmp_path):
    return photo_file(tmp_path / 'photo.jpg')


@pytest.fixture
def plain(standins, monkeypatch):
    monkeypatch.setattr(colorizer, 'MODELS', standins)
    return colorizer.Colorizer('plain')


def _colored(source, target, plain):
    """A ZIP through the loop: its outcomes by name."""
    with zipfiles.new_zip(target) as writer:
        outcomes = list(album.colorize(album.in_zip(source, source.name, Path()), plain, writer))
    return {outcome.name: outcome for outcome in outcomes}


# ---- ZIPs


def test_a_zip_keeps_its_folders_and_loses_what_systems_add(photo, tmp_path, plain):
    names = ['a.jpg', 'summer/1931/b.JPG', 'winter\\c.jpg']
    hidden = ['__MACOSX/summer/._b.jpg', '.trash/d.jpg', 'summer/.e.jpg']
    source = zip_of(tmp_path / 'in.zip', photo, *names, *hidden, **{'.DS_Store': b'x', 'notes.txt': b'x'})
    outcomes = _colored(source, tmp_path / 'out.zip', plain)
    assert names_in(tmp_path / 'out.zip') == ['a.jpg', 'summer/1931/b.JPG', 'winter/c.jpg'] == sorted(outcomes)
    assert abs(redness(tmp_path / 'out.zip', 'a.jpg', tmp_path) - 40) < 6


def test_names_that_the_finder_wrote_are_read_as_utf8(photo, tmp_path):
    source = zip_of(tmp_path / 'in.zip', photo, 'Zürich/祖母.jpg')
    raw = source.read_bytes()
    with zipfile.ZipFile(source) as archive:
        info = archive.infolist()[0]
    for start in (info.header_offset + 6, archive.start_dir + 8):  # the flags, in both of its headers
        raw = raw[:start] + b'\0\0' + raw[start + 2 :]
    source.write_bytes(raw)
    assert zipfile.ZipFile(source).namelist() != ['Zürich/祖母.jpg']
    (member,) = zipfiles.members(source, 'in.zip')
    assert member.name == 'Zürich/祖母.jpg'
    with member.unpacked() as path:
        assert path.read_bytes() == photo.read_bytes()
    assert not path.exists() and not path.parent.exists()


def test_bad_members_are_named_and_the_rest_is_colored(photo, tmp_path, plain):
    source = tmp_path / 'in.zip'
    content = photo.read_bytes()
    with zipfile.ZipFile(source, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name in ('good.jpg', 'locked.jpg', 'lies.jpg', 'again.jpg', '../../outside.jpg', '/etc/absolute.jpg'):
            archive.writestr(name, content)
        archive.writestr('rare.jpg', content, zipfile.ZIP_LZMA)
        archive.writestr('letter.jpg', 'Dear grandmother')
        archive.getinfo('locked.jpg').flag_bits |= 1
        archive.getinfo('lies.jpg').file_size = 100  # it is larger than it says
    outcomes = _colored(source, tmp_path / 'out.zip', plain)
    assert names_in(tmp_path / 'out.zip') == ['again.jpg', 'good.jpg']
    errors = {name: outcome.error for name, outcome in outcomes.items() if outcome.error}
    assert errors == {
        'locked.jpg': 'locked.jpg is locked with a password: pack it without one.',
        'lies.jpg': 'lies.jpg is damaged and cannot be unpacked.',
        'outside.jpg': '../../outside.jpg points outside its ZIP and was left out.',
        'etc/absolute.jpg': '/etc/absolute.jpg points outside its ZIP and was left out.',
        'rare.jpg': 'rare.jpg is compressed in an unusual way: pack it as an ordinary ZIP.',
        'letter.jpg': 'letter.jpg is not a photo that can be read.',
    }


def test_bombs_are_refused_before_anything_is_unpacked(photo, tmp_path, monkeypatch):
    source = zip_of(tmp_path / 'in.zip', photo, *(f'{i}.jpg' for i in range(6)))
    assert len(zipfiles.members(source, 'in.zip', max_photos=6)) == 6
    with pytest.raises(PhotoError, match=r'in\.zip holds 6 photos, the limit is 5: split it first\.'):
        zipfiles.members(source, 'in.zip', max_photos=5)
    with zipfile.ZipFile(tmp_path / 'bomb.zip', 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('a.jpg', bytes(3_000_000))
    assert (tmp_path / 'bomb.zip').stat().st_size < 10_000
    with pytest.raises(PhotoError, match=r'bomb\.zip has 0\.0 GB unpacked'):
        zipfiles.members(tmp_path / 'bomb.zip', 'bomb.zip', max_bytes=2_999_999)
    monkeypatch.setattr(zipfiles, 'LIST_BYTES', 200)
    with pytest.raises(PhotoError, match=r'in\.zip is not a ZIP that can be read'):
        zipfiles.members(source, 'in.zip')


@pytest.mark.parametrize('content', [b'', b'hello', b'PK\5\6' + bytes(18), 'cut'])
def test_what_is_no_zip_with_photos_is_said_in_a_sentence(content, photo, tmp_path):
    path = zip_of(tmp_path / 'a.zip', photo, 'a.jpg')
    path.write_bytes(path.read_bytes()[:-10] if content == 'cut' else content)
    with pytest.raises(PhotoError, match=r'^a\.zip (is not a ZIP that can be read|holds no photos)\.$'):
        zipfiles.members(path, 'a.zip')


def test_results_of_one_name_both_survive(photo, tmp_path, plain):
    Image.open(photo).save(tmp_path / 'x.gif')
    Image.open(photo).save(tmp_path / 'x.bmp')
    source = tmp_path / 'in.zip'
    with zipfile.ZipFile(source, 'w') as archive:
        archive.write(tmp_path / 'x.gif', 'x.gif')
        archive.write(tmp_path / 'x.bmp', 'x.bmp')
        for name in ('b/a.jpg', 'B/A.JPG', 'b/a.jpg'):  # one file on many systems
            with pytest.warns(UserWarning) if name in archive.namelist() else contextlib.nullcontext():
                archive.write(photo, name)
    _colored(source, tmp_path / 'out.zip', plain)
    assert names_in(tmp_path / 'out.zip') == ['B/A (2).JPG', 'b/a (3).jpg', 'b/a.jpg', 'x (2).png', 'x.png']


@pytest.fixture
def opened(monkeypatch):
    """The rows of all photos that were read."""
    made, read = [], photofile.read_rows

    def watched(*given):
        photo, rows = read(*given)
        made.append(rows)
        return photo, rows

    monkeypatch.setattr(photofile, 'read_rows', watched)
    return made


def _open(made):
    return sum(not rows._file.closed for rows in made)


def test_few_photos_are_held_at_a_time_and_none_in_the_end(tmp_path, plain, opened):
    paths = [photo_file(tmp_path / f'{i}.png') for i in range(8)]
    found = [album.Task(path.name, path, Path(), path.stem) for path in paths]
    with zipfiles.new_zip(tmp_path / 'out.zip') as target:
        for outcome in album.colorize(found, plain, target, preview=100):
            assert outcome.small is not None and _open(opened) <= ahead.PHOTOS
    assert len(opened) == 8 and _open(opened) == 0
    assert pyvips.cache_get_size() == 0  # nor does libvips remember them
    assert names_in(tmp_path / 'out.zip') == [path.name for path in paths]
    assert zipfile.ZipFile(tmp_path / 'out.zip').namelist() == [path.name for path in paths]  # as they came


@pytest.mark.parametrize('where', ['between', 'while it waits'])
def test_who_stops_finds_what_was_told_and_no_more(where, tmp_path, plain, opened, monkeypatch):
    paths = [photo_file(tmp_path / f'{i}.png') for i in range(8)]
    out = tmp_path / 'out'
    outcomes = album.colorize(album.tasks(paths, out), plain, album.Folder())
    names = [next(outcomes).target.name for _ in range(2)]
    if where == 'between':
        outcomes.close()
    else:
        monkeypatch.setattr(album, '_written', lambda *given: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            next(outcomes)
    assert sorted(path.name for path in out.iterdir()) == names == ['0.png', '1.png']
    assert _open(opened) == 0 and len(opened) < 8
    assert not [thread for thread in threading.enumerate() if thread.name.startswith('album')]
    assert photofile.read(paths[0]).pixels.shape == (30, 40, 3)  # decoders go on


def test_what_goes_wrong_leaves_no_file(photo, tmp_path, plain):
    out = tmp_path / 'out'
    out.mkdir()
    found = album.in_zip(zip_of(tmp_path / 'in.zip', photo, 'a.jpg', 'b.jpg'), 'in.zip', Path())
    with pytest.raises(KeyboardInterrupt), zipfiles.new_zip(out / 'a.zip') as target:
        next(album.colorize(found, plain, target))
        [unfinished] = out.iterdir()
        assert unfinished.name.startswith('.')
        raise KeyboardInterrupt
    with zipfiles.new_zip(out / 'a.zip'):
        pass  # no photos
    assert list(out.iterdir()) == []


def test_a_full_zip_and_a_full_disk_are_said(photo, tmp_path, plain, monkeypatch):
    source = zip_of(tmp_path / 'in.zip', photo, 'a.jpg', 'b.jpg')
    _colored(zip_of(tmp_path / 'one.zip', photo, 'a.jpg'), tmp_path / 'one-out.zip', plain)
    most = int(1.5 * (tmp_path / 'one-out.zip').stat().st_size)
    with zipfiles.new_zip(tmp_path / 'out.zip', max_bytes=most) as target:
        errors = [o.error for o in album.colorize(album.in_zip(source, 'in.zip', Path()), plain, target)]
    assert errors == ['', 'b.jpg no longer fits into the ZIP: send it as another album.']
    assert names_in(tmp_path / 'out.zip') == ['a.jpg']
    monkeypatch.setattr(limits, 'SPARE_BYTES', 1 << 60)
    outcomes = _colored(source, tmp_path / 'none.zip', plain)
    assert outcomes['a.jpg'].error == 'a.jpg finds no room on the disk of this machine.'
    assert not (tmp_path / 'none.zip').exists()


def test_a_folder_that_may_not_be_searched_is_named(holiday, tmp_path, plain, monkeypatch, capsys):
    scandir = album.os.scandir

    def refuse(path):
        if str(path).endswith('winter'):
            raise PermissionError(13, 'Permission denied', str(path))
        return scandir(path)

    monkeypatch.setattr(album.os, 'scandir', refuse)
    outcomes = list(album.colorize(album.tasks([holiday], tmp_path / 'out'), plain, album.Folder()))
    assert [outcome.error for outcome in outcomes if 'winter' in outcome.name] == [
        f'{holiday / "winter"} cannot be searched: Permission denied.'
    ]
    assert [outcome.target.name for outcome in outcomes if outcome.target] == ['a [1].jpg']


def test_the_command_line_takes_a_zip(photo, tmp_path, plain, capsys):
    source = zip_of(tmp_path / 'in.zip', photo, 'a.jpg', 'summer/b.jpg', **{'summer/letter.jpg': b'Dear grandmother'})
    assert main(['colorize', str(source), '-o', str(tmp_path / 'out')]) == 1
    found = sorted(str(path.relative_to(tmp_path / 'out')) for path in (tmp_path / 'out').rglob('*.*'))
    assert found == ['a.jpg', 'summer/b.jpg']
    assert 'summer/letter.jpg is not a photo' in capsys.readouterr().err
    assert main(['colorize', str(source), str(photo.parent / 'nobody.zip'), '-o', str(tmp_path / 'two')]) == 1
    assert (tmp_path / 'two' / 'in' / 'summer' / 'b.jpg').exists()
    assert 'nobody.zip does not exist' in capsys.readouterr().err


def test_no_photo_of_the_run_is_replaced_even_by_force(photo, tmp_path, plain, capsys):
    photo_file(tmp_path / 'a' / 'x.jpg')
    other = photo_file(tmp_path / 'b' / 'x.jpg')
    before = other.read_bytes()
    code = main(['colorize', str(tmp_path / 'a' / 'x.jpg'), str(other), '-o', str(other.parent), '--force'])
    assert code == 1 and other.read_bytes() == before
    assert 'would be replaced by a colour version: choose another folder' in capsys.readouterr().err


def test_what_nobody_thought_of_spoils_one_photo_alone(photo, tmp_path, plain, monkeypatch, caplog):
    read = photofile.read_rows

    class Foreign(Exception):
        """As onnxruntime's are: of no class that anybody knows."""

    stumbles = {'a': ValueError('cannot reshape'), 'b': OSError(5, 'Input/output error'), 'c': Foreign('no\nkernel')}

    def stumble(path, name, *more):
        if name != str(photo):
            raise stumbles[path.stem]
        return read(path, name, *more)

    monkeypatch.setattr(photofile, 'read_rows', stumble)
    found = album.tasks([tmp_path / 'a.jpg', tmp_path / 'b.jpg', tmp_path / 'c.jpg', photo], tmp_path / 'out')
    *failed, good = album.colorize(found, plain, album.Folder())
    assert good.target.exists() and not good.error
    for outcome, reason in zip(failed, ('cannot reshape', 'Input/output error', 'no kernel'), strict=True):
        assert outcome.error.startswith(outcome.name) and reason in outcome.error and '\n' not in outcome.error
    assert [record.exc_info[0] for record in caplog.records] == [ValueError, OSError, Foreign]  # a bug shows its trace


def test_a_result_of_another_format_may_lie_beside_its_photo(tmp_path, plain):
    gif = photo_file(tmp_path / 'x.gif')
    (outcome,) = album.colorize(album.tasks([gif], tmp_path), plain, album.Folder(photos=[gif]))
    assert outcome.target == tmp_path / 'x.png' and not outcome.error


@pytest.mark.parametrize('name', ['C:/x.jpg', 'C:x.jpg', './C:D:/x.jpg', 'C:\\x.jpg', '../x.jpg', '/x.jpg'])
def test_no_name_leads_out_of_an_album_on_any_system(name):
    assert zipfiles.inside(name) == 'x.jpg'


def test_a_long_list_is_not_read_for_each_photo(photo, tmp_path, plain, monkeypatch):
    names = [f'{i}.jpg' for i in range(6)]
    source = zip_of(tmp_path / 'in.zip', photo, *names, **{f'{i}.txt': b'' for i in range(100)})
    found = album.in_zip(source, 'in.zip', Path())
    opened = []
    whole = zipfile.ZipFile
    monkeypatch.setattr(zipfiles.zipfile, 'ZipFile', lambda *a, **k: (opened.append(a), whole(*a, **k))[1])
    for task in found:
        with task.opened() as path:
            assert path.read_bytes() == photo.read_bytes()
    assert len(opened) == 1
    assert found[0].source.archive._archive is None  # and closed after the last
    with task.opened() as path:  # who comes again is served
        assert path.read_bytes() == photo.read_bytes()
