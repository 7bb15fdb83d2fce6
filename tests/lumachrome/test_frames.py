"""How many pictures a file holds, and the word about it."""

import numpy as np
import pytest
from PIL import Image

from lumachrome import containers, frames, photofile


@pytest.fixture
def pictures(gray):
    return [Image.fromarray(pixels).convert('RGB') for pixels in (gray, 255 - gray, gray // 2)]


def saved(path, pictures, **more):
    pictures[0].save(path, save_all=True, append_images=pictures[1:], **more)
    return path


@pytest.mark.parametrize('suffix', ['.avif', '.png', '.mpo', '.webp', '.gif', '.tif'])
def test_sequences_are_noted(suffix, pictures, gray, tmp_path):
    photo = photofile.read(saved(tmp_path / f'a{suffix}', pictures))
    assert photo.note == f'a{suffix} has 3 pages or frames; this is the first one.'
    assert np.abs(photo.pixels[..., :3].astype(int) - gray[..., None]).max() < 10
    assert photo.suffix == {'.mpo': '.jpg', '.gif': '.png'}.get(suffix, suffix)
    assert photofile.read(saved(tmp_path / f'b{suffix}', pictures[:1])).note == ''


def test_a_heic_with_several_photos_is_noted(pictures, tmp_path, monkeypatch):
    saved(tmp_path / 'a.avif', pictures)
    monkeypatch.setattr(frames, '_FORMATS', ('HEIF',))
    seen = []

    class Several:
        n_frames = 3

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

    monkeypatch.setattr(frames.Image, 'open', lambda path, formats: seen.append(formats) or Several())
    assert frames.count(tmp_path / 'a.avif') == 3 and seen == [('HEIF',)]


def test_previews_and_maps_beside_a_photo_are_none(pictures, tmp_path):
    photo, *others = pictures
    path = saved(tmp_path / 'a.jpg', [photo, *(other.resize((12, 9)) for other in others)], format='MPO')
    with Image.open(path) as picture:
        assert picture.format == 'MPO' and picture.n_frames == 3
    assert frames.count(path) == 1 and photofile.read(path).note == ''


def test_what_cannot_be_counted_is_one(tmp_path):
    (tmp_path / 'a.png').write_bytes(b'no photo')
    assert frames.count(tmp_path / 'a.png') == frames.count(tmp_path / 'nobody.png') == 1


@pytest.mark.parametrize('comment', ['Großmutter 祖母'.encode(), 'Großmutter'.encode('latin-1'), b'x' * 700])
def test_the_comments_of_a_gif_become_texts_of_the_png(comment, pictures, tmp_path):
    photo = photofile.read(saved(tmp_path / 'a.gif', pictures, comment=comment))
    photofile.write(tmp_path / 'a.png', photo.pixels, photo)
    with Image.open(tmp_path / 'a.png') as file:
        text = file.info['Comment']
    assert text in (comment.decode(errors='replace'), comment.decode('latin-1'))
    content = (tmp_path / 'a.gif').read_bytes()
    (tmp_path / 'cut.gif').write_bytes(content[: -len(content) // 3])
    assert containers.parts(tmp_path / 'cut.gif')[0][1].endswith(comment)
    for length in range(20):  # whatever is missing, it ends
        (tmp_path / 'cut.gif').write_bytes(content[:length])
        assert containers.parts(tmp_path / 'cut.gif') == []
