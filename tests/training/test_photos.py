"""Photos on their way into training: read, left out, kept, split."""

import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from training import photos

ROOT = Path(__file__).parents[2]


def save(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)
    return path


@pytest.fixture
def album(tmp_path):
    """A folder with photos of many kinds, and files that are none."""
    folder = tmp_path / 'album'
    save(folder / 'a.png', data.astronaut()[:200, :300])
    save(folder / 'deep' / 'er' / 'b.jpg', data.coffee()[:, :200])
    save(folder / 'c.webp', data.chelsea()[:90, :280])
    save(folder / 'gray.png', data.camera()[:150, :150])
    save(folder / 'tiny.png', data.astronaut()[:40, :90])
    (folder / 'broken.jpg').write_bytes((folder / 'a.png').read_bytes()[:2000])
    (folder / 'notes.txt').write_text('not a photo')
    return folder


def test_folder_is_read_and_what_is_left_out_is_named(album):
    found = photos.read([album], 96)
    assert sorted(Path(name).name for name in found.names) == ['a.png', 'b.jpg', 'c.webp']
    assert found[0].shape == (96, 96, 3) and found[0].dtype == np.uint8
    reasons = {reason: [Path(n).name for n in names] for reason, names in found.left_out.items()}
    assert reasons == {
        'cannot be decoded': ['broken.jpg'],
        'without colour of its own': ['gray.png'],
        'smaller than 64 pixels': ['tiny.png'],
    }
    assert 'broken.jpg' in photos.report(found)
    # The aspect is kept: the middle of the photo is in the middle of the square
    whole = Image.fromarray(data.astronaut()[:200, 50:250]).resize((96, 96), Image.Resampling.BILINEAR)
    assert np.abs(found[0].astype(int) - np.asarray(whole)).mean() < 2


def test_shards_and_folders_hold_the_same_photos_and_the_cache_gives_them_back(album, tmp_path):
    shard = tmp_path / 'shards' / 'shard.tar'
    shard.parent.mkdir()
    with tarfile.open(shard, 'w') as tar:
        for path in sorted(album.rglob('*.*')):
            tar.add(path, path.name)
    from_folder = photos.read([album], 96)
    from_shard = photos.read([shard], 96, cache=tmp_path / 'cache')
    assert sorted(from_folder.digests) == sorted(from_shard.digests)
    again = photos.read([shard], 96, cache=tmp_path / 'cache')
    assert isinstance(again.pictures, np.memmap) and again.names == from_shard.names
    assert all((again[i] == from_shard[i]).all() for i in range(len(again)))
    both = photos.read([album, shard.parent], 96)
    assert len(both) == 6


def test_a_damaged_cache_is_made_anew(album, tmp_path):
    cache = tmp_path / 'cache'
    whole = photos.read([album], 64, cache=cache)
    for kept in sorted(cache.iterdir()):
        kept.write_bytes(kept.read_bytes()[:100])
        again = photos.read([album], 64, cache=cache)
        assert again.names == whole.names and (again[0] == whole[0]).all()


def test_processes_that_share_a_cache_decode_once(photo_folder, tmp_path):
    code = (
        'import sys; from training import photos; found = photos.read([sys.argv[1]], 64, sys.argv[2]); '
        'assert all(found[i].any() for i in range(len(found))); print(found.names)'
    )
    command = [sys.executable, '-c', code, str(photo_folder), str(tmp_path / 'cache')]
    both = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    answers = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    kept = photos.read([photo_folder], 64, tmp_path / 'cache')
    assert len(kept) == 24 and all(kept[i].any() for i in range(24))
    assert not list((tmp_path / 'cache').glob('*.part'))


def test_a_lock_that_another_holds_is_waited_for(album, tmp_path, capsys):
    lock = next(iter(photos.read([album], 64, tmp_path) and tmp_path.glob('*.json'))).with_suffix('.lock')
    code = (
        'import sys, time; from training import photos\n'
        'with photos._alone(__import__("pathlib").Path(sys.argv[1])): print("held", flush=True); time.sleep(1)'
    )
    other = subprocess.Popen([sys.executable, '-c', code, str(lock)], cwd=ROOT, stdout=subprocess.PIPE)
    assert other.stdout.readline() == b'held\n'
    assert len(photos.read([album], 64, tmp_path)) == 3
    assert 'waiting for it' in capsys.readouterr().out
    other.wait(20)


def test_toned_prints_have_no_color_of_their_own(tmp_path):
    gray = data.camera()[100:300, 100:300, None] / 255
    for name, tone in (('sepia', (1.0, 0.92, 0.8)), ('cyanotype', (0.8, 0.93, 1.0))):
        save(tmp_path / f'{name}.jpg', (255 * gray ** (1 / np.array(tone)) * tone).astype('uint8'))
    save(tmp_path / 'coffee.png', data.coffee()[:200, :200])
    found = photos.read([tmp_path], 96)
    assert [Path(name).name for name in found.names] == ['coffee.png']
    assert len(found.left_out['without colour of its own']) == 2


def test_hidden_folders_are_passed_over_and_links_followed(album, tmp_path):
    save(album / '.thumbnails' / 'd.png', data.coffee()[:100, :100])
    save(tmp_path / 'elsewhere' / 'e.png', data.coffee()[100:200, :100])
    (album / 'linked').symlink_to(tmp_path / 'elsewhere')
    (album / 'deep' / 'around').symlink_to(album)
    names = [Path(name).name for name in photos.read([album], 64).names]
    assert sorted(names) == ['a.png', 'b.jpg', 'c.webp', 'e.png']


def test_a_sample_is_the_same_wherever_photos_lie(photo_folder, album):
    one, other = (photos.read(sources, 64) for sources in ([photo_folder, album], [album, photo_folder]))
    assert one.names != other.names
    assert one.sample(9).digests == other.sample(9).digests and len(one.sample(99)) == 27
    assert (one.sample(9).stacked() == other.sample(9).stacked()).all()


def test_a_plug_in_that_fails_costs_one_photo(album, monkeypatch):
    draft = photos.Image.Image.draft

    def fail(self, mode, size):
        if self.format == 'WEBP':
            raise AssertionError
        return draft(self, mode, size)

    monkeypatch.setattr(photos.Image.Image, 'draft', fail)
    found = photos.read([album], 64)
    assert {Path(name).name for name in found.left_out['cannot be decoded']} == {'broken.jpg', 'c.webp'}
    assert len(found) == 2


def test_a_photo_never_changes_sides_and_copies_stay_together(photo_folder, tmp_path):
    few = photos.read([photo_folder], 64)
    train, validation = photos.split(few, 0.3)
    assert len(train) and len(validation) and len(train) + len(validation) == len(few)
    for i, path in enumerate(sorted(photo_folder.iterdir())):
        (tmp_path / f'copy-{i}{path.suffix}').write_bytes(path.read_bytes())
    save(tmp_path / 'another.png', data.chelsea())
    more_train, more_validation = photos.split(photos.read([photo_folder, tmp_path], 64), 0.3)
    assert set(train.digests) <= set(more_train.digests)
    assert set(validation.digests) <= set(more_validation.digests)
    assert not set(more_train.digests) & set(more_validation.digests)


def test_sources_that_hold_nothing_are_named(tmp_path):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'a.tar').write_text('no tar')
    for source, words in (
        ('missing', 'does not exist'),
        ('empty', 'holds no photos'),
        ('a.tar', 'not an uncompressed'),
    ):
        with pytest.raises(photos.PhotosError, match=words) as error:
            photos.read([tmp_path / source], 64)
        assert source in str(error.value)


def test_memory_that_would_run_out_is_said_before(album, tmp_path, monkeypatch):
    monkeypatch.setattr(photos.psutil, 'virtual_memory', lambda: type('Memory', (), {'available': 1000}))
    with pytest.raises(photos.PhotosError, match='--cache'):
        photos.read([album], 96)
    monkeypatch.undo()
    monkeypatch.setattr(photos.limits, '_CONTAINER', tmp_path)
    (tmp_path / 'memory.stat').write_text('anon 5\ninactive_file 7000\n')
    (tmp_path / 'memory.current').write_text('9000000')
    (tmp_path / 'memory.max').write_text('9001000')
    with pytest.raises(photos.PhotosError, match='--cache'):
        photos.read([album], 96)
    (tmp_path / 'memory.stat').write_text('anon 5\ninactive_file 7000000\n')
    assert len(photos.read([album], 96)) == 3
    (tmp_path / 'memory.max').write_text('max')
    assert len(photos.read([album], 96)) == 3
