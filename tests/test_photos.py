"""Photos on their way into training: read, left out, kept, split."""

import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from training import photos


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
    monkeypatch.setattr(photos, 'CONTAINER_LIMIT', tmp_path / 'memory.max')
    (tmp_path / 'memory.max').write_text('1000')
    with pytest.raises(photos.PhotosError, match='--cache'):
        photos.read([album], 96)
    (tmp_path / 'memory.max').write_text('max')
    assert len(photos.read([album], 96)) == 3
