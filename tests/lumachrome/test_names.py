"""Names: those that are no Unicode, and those of results, which never depend on what was there before."""

import os
import sys
import zipfile

import numpy as np
import pytest
from albums import names_in, photo_file
from PIL import Image

from lumachrome import album, colorizer, folders, photofile, streams, zipfiles
from lumachrome.__main__ import main
from lumachrome.errors import PhotoError, printable

NO_UNICODE = pytest.mark.skipif(sys.platform != 'linux', reason='Only Linux has names that are no Unicode.')


@pytest.fixture
def plain(standins, monkeypatch):
    monkeypatch.setattr(colorizer, 'MODELS', standins)
    return colorizer.Colorizer('plain')


def colored(inputs, out, plain, **folder):
    return list(album.colorize(album.tasks(inputs, out), plain, album.Folder(**folder)))


@NO_UNICODE
@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.tif', '.webp', '.avif', '.gif'])
def test_a_photo_whose_name_is_no_unicode_keeps_it(suffix, tmp_path, plain):
    name = os.fsdecode(b'\xe9t\xe9/Z\xfcrich')
    before = Image.fromarray(np.full((30, 40), 120, np.uint8))
    (tmp_path / name).parent.mkdir()
    exif = Image.Exif()
    exif[0x010F] = 'Acme'
    before.save(tmp_path / f'{name}{suffix}', **({} if suffix == '.gif' else {'exif': exif}))
    (outcome,) = colored([tmp_path], tmp_path / os.fsdecode(b'\xfcber'), plain)
    assert not outcome.error and outcome.name == printable(str(tmp_path / f'{name}{suffix}')).encode().decode()
    kept = '.png' if suffix == '.gif' else suffix
    result = tmp_path / os.fsdecode(b'\xfcber') / f'{name}{kept}'
    assert result.exists()
    pixels = np.asarray(Image.open(result).convert('RGB')).astype(int)
    assert abs(pixels[0, 0, 0] - pixels[0, 0, 1] - 40) < 12
    if suffix != '.gif':
        assert Image.open(result).getexif()[0x010F] == 'Acme'


@NO_UNICODE
def test_what_is_said_of_such_a_name_can_be_read(tmp_path, plain, capsys):
    folder = tmp_path / os.fsdecode(b'\xe9t\xe9')
    photo = photo_file(folder / os.fsdecode(b'Z\xfc.jpg'))
    (folder / os.fsdecode(b'\xff.jpg')).write_bytes(photo.read_bytes()[:300])
    (folder / os.fsdecode(b'\xff.\xff')).write_text('a letter')
    out = tmp_path / os.fsdecode(b'\xfc')
    for _ in range(2):
        assert main(['colorize', str(folder), '-o', str(out)]) == 1
    said = capsys.readouterr()
    assert '1 photo coloured with plain' in said.out and '\\udcfc\n' in said.out
    assert '\\udce9t\\udce9/\\udcff.jpg is damaged or cut short' in said.err
    assert 'Z\\udcfc.jpg is there already' in said.err and '1 .\\udcff' in said.err and 'Traceback' not in said.err
    with pytest.raises(PhotoError, match=r'Z.* cannot be written: '):
        photofile.write(photo / photo.name, np.zeros((2, 2, 3), np.uint8), photofile.read(photo))


@NO_UNICODE
def test_no_name_steers_the_terminal(tmp_path, plain, capsys):
    folder = tmp_path / 'a\nb\x1b[2J\x9b1m\u202e'
    photo_file(folder / 'whole.jpg')
    (folder / 'c\rd.jpg').write_bytes(b'no photo')
    (folder / 'e.f\x07').write_text('a letter')
    (folder / 'link').symlink_to(tmp_path)
    missing = folder / 'none.jpg'
    assert main(['colorize', str(folder), str(missing), '-o', str(tmp_path / 'out')]) == 1
    assert main(['colorize', str(folder / 'whole.jpg'), '-o', str(folder / 'whole.png')]) == 1
    assert main(['colorize', str(folder / 'whole.jpg'), '-o', str(folder / 'out.jpg')]) == 0
    assert main(['colorize', str(missing), '-o', str(tmp_path / 'out'), '--model', str(missing)]) == 1
    assert main(['video', str(missing), str(tmp_path / 'out.mp4')]) == 1
    said = ''.join(capsys.readouterr())
    for escaped in ('c\\rd.jpg is not a photo', '1 .f\\x07', 'link is a link', 'none.jpg does not exist', 'out.jpg\n'):
        assert escaped in said
    assert 'a\\nb\\x1b[2J\\x9b1m\\u202e' in said
    assert not set(said.replace('\x1b[A', '')) & set('\x1b\x9b\x07\u202e')  # but for those of tqdm
    assert 'a\nb' not in said and 'c\rd' not in said


def _zip_with(path, photo, raw, flags, system):
    """A ZIP with a good photo, and one whose name is `raw`."""
    with zipfile.ZipFile(path, 'w') as archive:
        archive.write(photo, 'good.jpg')
        info = zipfile.ZipInfo('x' * len(raw))
        info.create_system = system
        archive.writestr(info, photo.read_bytes())
        at, start = info.header_offset, archive.start_dir
    data = bytearray(path.read_bytes().replace(b'x' * len(raw), raw))
    entry = data.index(b'PK\1\2', start + 4)
    for flag in (at + 6, entry + 8):
        data[flag : flag + 2] = flags.to_bytes(2, 'little')
    path.write_bytes(data)
    return path


@NO_UNICODE
@pytest.mark.parametrize('flags', [0, 0x800])
def test_names_in_zips_that_are_no_unicode(flags, tmp_path, plain):
    photo = photo_file(tmp_path / 'photo.jpg')
    source = _zip_with(tmp_path / os.fsdecode(b'\xfc.zip'), photo, b'\xe9t\xe9/Z\xfc.jpg', flags, system=3)
    outcomes = colored([source], tmp_path / 'out', plain)
    assert [outcome.error for outcome in outcomes] == ['', '']
    assert outcomes[1].name == '\\udce9t\\udce9/Z\\udcfc.jpg'
    assert os.listdir(os.fsencode(tmp_path / 'out' / os.fsdecode(b'\xe9t\xe9'))) == [b'Z\xfc.jpg']
    with zipfiles.new_zip(tmp_path / 'out.zip') as target:  # where names are Unicode
        errors = [o.error for o in album.colorize(album.in_zip(source, 'in.zip', album.PurePosixPath()), plain, target)]
    assert errors == ['', '']
    assert names_in(tmp_path / 'out.zip') == ['good.jpg', b'\xe9t\xe9/Z\xfc.jpg'.decode('cp437')]


def test_names_of_dos_are_read_in_its_alphabet(tmp_path):
    photo = photo_file(tmp_path / 'photo.jpg')
    source = _zip_with(tmp_path / 'in.zip', photo, 'Zürich.jpg'.encode('cp437'), 0, system=0)
    assert [member.name for member in zipfiles.members(source, 'in.zip')] == ['good.jpg', 'Zürich.jpg']


def test_no_name_that_a_visitor_invents_stops_an_album(tmp_path, plain):
    photo = photo_file(tmp_path / 'photo.jpg')
    place = album.PurePosixPath(zipfiles.inside('\ud800\udcff.jpg'))
    task = album.Task(str(place), photo, place.parent, place.stem)
    with zipfiles.new_zip(tmp_path / 'out.zip') as target:
        (outcome,) = album.colorize([task], plain, target)
    assert not outcome.error and outcome.name.encode()
    assert len(names_in(tmp_path / 'out.zip')) == 1


def test_thousands_of_suffixes_are_no_long_sentence():
    said = folders.passed_over('a.zip', {f'.{i:0100}': i for i in range(1, 5000)} | {'.txt': 6000, '': 5500})
    assert len(said) < 600 and '6000 .txt' in said and f'5500 without a suffix, {sum(range(1, 4990)):,} others.' in said
    assert folders.passed_over('a', {f'.{i}': 1 for i in range(13)}).endswith(' 1 other.')
    assert folders.passed_over('a', {'.txt': 2, '': 1}).endswith('passed over: 2 .txt, 1 without a suffix.')


# ---- results


@pytest.fixture
def alike(tmp_path):
    """A folder with photos that would have the same results: what it says it is does not matter for a HEIC here."""
    folder = tmp_path / 'alike'
    photo = photo_file(folder / 'm.jpg')
    for name in ('m.heic', 'm.HEIF', 'M.heic', 'm (2).jpg'):
        (folder / name).write_bytes(photo.read_bytes())
    for name in ('m.bmp', 'm.gif'):
        Image.open(photo).save(folder / name)
    return folder


def test_photos_that_keep_their_name_come_first(alike, tmp_path, plain):
    places = {
        os.path.basename(outcome.name): outcome.target.name for outcome in colored([alike], tmp_path / 'out', plain)
    }
    assert places == {
        'm.jpg': 'm.jpg',
        'm (2).jpg': 'm (2).jpg',
        'M.heic': 'M (3).jpg',  # on many systems M.jpg is m.jpg
        'm.HEIF': 'm (4).jpg',
        'm.heic': 'm (5).jpg',
        'm.bmp': 'm.png',
        'm.gif': 'm (2).png',
    }


def test_a_run_that_goes_on_finds_the_same_names(alike, tmp_path, plain):
    out = tmp_path / 'out'
    before = {outcome.name: outcome.target for outcome in colored([alike], out, plain)}
    for gone in ('m.heic', 'm.gif', 'm.jpg'):
        before[str(alike / gone)].unlink()
        outcomes = {outcome.name: outcome for outcome in colored([alike], out, plain)}
        assert {name: outcome.target for name, outcome in outcomes.items() if outcome.target} == {
            str(alike / gone): before[str(alike / gone)]
        }
        assert all('is there already' in outcome.error for outcome in outcomes.values() if not outcome.target)


def test_a_photo_that_is_not_what_its_name_says_takes_no_name_of_others(tmp_path, plain):
    Image.open(photo_file(tmp_path / 'in' / 'b.png')).save(tmp_path / 'in' / 'b.jpg', format='PNG')
    (tmp_path / 'in' / 'bad.gif').write_bytes(b'GIF89a')
    photo_file(tmp_path / 'in' / 'bad.png')
    outcomes = colored([tmp_path / 'in'], tmp_path / 'out', plain)
    assert [outcome.target and outcome.target.name for outcome in outcomes] == ['b (2).png', 'b.png', None, 'bad.png']


# ---- what is said of the disk


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.tif', '.webp', '.avif'])
def test_a_full_disk_is_said_whatever_the_format(suffix, tmp_path):
    resource, signal = pytest.importorskip('resource'), pytest.importorskip('signal')
    photo = photofile.read(photo_file(tmp_path / f'a{suffix}'))
    pixels = np.random.default_rng(0).integers(0, 256, (300, 300, 3)).astype(np.uint8)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))  # stands for it: the system says no in the midst of a file
    try:
        with pytest.raises(PhotoError) as caught:
            photofile.write(tmp_path / 'out' / f'a{suffix}', pixels, photo)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert str(caught.value) == f'{tmp_path}/out/a{suffix} cannot be written: File too large.'
    assert list((tmp_path / 'out').iterdir()) == []


def test_a_full_disk_is_said_without_the_name_of_a_temporary_file(tmp_path, plain, monkeypatch):
    photo = photo_file(tmp_path / 'in' / 'a.jpg')

    def full(path, *more):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(photofile, '_save', full)
    task = album.Task('a.jpg', photo, album.PurePosixPath(), 'a')
    with zipfiles.new_zip(tmp_path / 'out.zip') as target:
        (packed,) = album.colorize([task], plain, target)
    (piped,) = album.colorize([task], plain, streams.Output())
    assert packed.error == 'a.jpg cannot be put into the ZIP: No space left on device.'
    assert piped.error == 'a.jpg cannot be written to standard output: No space left on device.'


def test_a_folder_that_takes_no_file_is_named_and_no_hidden_one(tmp_path, plain, monkeypatch):
    photo = photo_file(tmp_path / 'a.jpg')
    opened = os.open

    def refuse(path, flags, *more, **named):
        if flags & os.O_CREAT and str(path).startswith(str(tmp_path / 'out')):
            raise PermissionError(13, 'Permission denied', str(path))
        return opened(path, flags, *more, **named)

    monkeypatch.setattr(os, 'open', refuse)
    (outcome,) = colored([photo], tmp_path / 'out', plain)
    assert outcome.error == f'{tmp_path}/out/a.jpg cannot be written: Permission denied.'
    with pytest.raises(PermissionError) as caught, zipfiles.new_zip(tmp_path / 'out' / 'a.zip'):
        pass
    assert caught.value.filename == str(tmp_path / 'out')
