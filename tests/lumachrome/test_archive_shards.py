"""Archives in shards: cut short, compressed, or with odd names in them."""

import bz2
import gzip
import lzma
import tarfile

import pytest
from albums import photo_file
from archives import Inline, report, shard

from lumachrome.archive import Archive, Job


@pytest.fixture
def model(standins):
    return str(standins / 'plain.onnx')


def test_a_shard_cut_short_keeps_what_came_before(tmp_path, model):
    top = tmp_path / 'shards'
    photo = photo_file(top / 'a.jpg')
    shard(top / 'whole.tar', photo, photo)
    photo.unlink()
    content = (top / 'whole.tar').read_bytes()
    with tarfile.open(top / 'whole.tar') as tar:
        last = tar.getmember('0002.jpg')
    lengths = {'data.tar': last.offset_data + 100, 'header.tar': last.offset, 'nothing.tar': 0, 'other.tar': 300}
    for name, length in lengths.items():
        (top / name).write_bytes(content[:length])
    archive = Archive(Job(str(top), str(tmp_path / 'out'), model))
    archive.run(Inline(archive.job))
    rows = report(tmp_path / 'out')
    for name in ('data.tar', 'header.tar'):
        assert f'{name} is cut short or damaged at 000' in rows[name]['error']
        with tarfile.open(tmp_path / 'out' / name) as tar:
            assert tar.getnames() == ['0001.jpg', '0001.txt']
    assert 'nothing.tar is cut short or damaged from its start' in rows['nothing.tar']['error']
    assert not rows['whole.tar/0002.jpg']['error']


@pytest.mark.parametrize('packer', [gzip, bz2, lzma])
def test_a_compressed_shard_is_not_called_damaged(packer, tmp_path, model):
    top = tmp_path / 'shards'
    photo = photo_file(top / 'a.jpg')
    shard(top / 's.tar', photo, photo)
    (top / 's.tar').write_bytes(packer.compress((top / 's.tar').read_bytes()))
    archive = Archive(Job(str(top), str(tmp_path / 'out'), model))
    archive.run(Inline(archive.job))
    name = {gzip: 'gzip', bz2: 'bzip2', lzma: 'xz'}[packer]
    error = report(tmp_path / 'out')['s.tar']['error']
    assert error.startswith(f's.tar is compressed by {name}, and a shard is not: unpack it (`{name} -d < s.tar`)')
    assert not (tmp_path / 'out' / 's.tar').exists()


def test_a_shard_whose_first_name_begins_like_bzip2_is_colored(tmp_path, model):
    (tmp_path / 'shards').mkdir()
    with tarfile.open(tmp_path / 'shards' / 's.tar', 'w', format=tarfile.GNU_FORMAT) as tar:
        tar.add(photo_file(tmp_path / 'a.jpg'), 'BZhang/1931.jpg')
    archive = Archive(Job(str(tmp_path / 'shards'), str(tmp_path / 'out'), model))
    assert archive.run(Inline(archive.job)).colored == 1
