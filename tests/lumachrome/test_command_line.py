"""The command line, on networks whose colours are known beforehand."""

import errno
import os

import numpy as np
import pytest
from albums import photo_file
from PIL import Image
from skimage import data

from lumachrome import Hint, album, colorizer, hints
from lumachrome.__main__ import main


@pytest.fixture(autouse=True)
def shipped(standins, monkeypatch):
    monkeypatch.setattr(colorizer, 'MODELS', standins)


@pytest.fixture
def folder(gray, tmp_path):
    top = tmp_path / 'album'
    (top / 'summer' / '1931').mkdir(parents=True)
    (top / '.hidden').mkdir()
    image = Image.fromarray(gray)
    image.save(top / 'a [1].jpg')
    image.save(top / 'summer' / 'b.PNG')
    image.save(top / 'summer' / '1931' / 'ç.tif')
    image.save(top / '.hidden' / 'no.jpg')
    (top / 'notes.txt').write_text('not a photo')
    return top


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob('*') if path.is_file())


def test_a_folder_is_colored_with_its_structure(folder, tmp_path, capsys):
    out = tmp_path / 'out'
    assert main(['colorize', str(folder), '-o', str(out)]) == 0
    assert names(out) == ['a [1].jpg', 'summer/1931/ç.tif', 'summer/b.PNG']
    pixels = np.asarray(Image.open(out / 'summer' / 'b.PNG')).astype(int)
    assert (pixels[0, :, 0] - pixels[0, :, 1] == 40).all()
    said = capsys.readouterr()
    assert '3 photos coloured with plain on CPUExecutionProvider' in said.out and '3/3' in said.err


def test_nothing_is_overwritten_without_force(folder, tmp_path, capsys):
    out = tmp_path / 'out'
    command = ['colorize', str(folder / 'summer' / 'b.PNG'), '-o', str(out)]
    assert main(command) == 0
    (out / 'b.PNG').write_bytes(b'mine')
    assert main(command) == 1
    assert 'b.PNG is there already: use --force' in capsys.readouterr().err
    assert (out / 'b.PNG').read_bytes() == b'mine'
    assert main([*command, '--force']) == 0
    assert Image.open(out / 'b.PNG').mode == 'RGB'


def test_results_of_a_run_that_was_stopped_are_counted_not_listed(folder, tmp_path, capsys):
    command = ['colorize', str(folder), '-o', str(tmp_path / 'out')]
    assert main(command) == 0
    (tmp_path / 'out' / 'a [1].jpg').unlink()
    capsys.readouterr()
    assert main(command) == 1
    said = capsys.readouterr()
    assert said.out.startswith('1 photo coloured') and said.err.count('already') == 1
    assert '2 results are there already: use --force to replace them.\n2 of 3 photos were not coloured.' in said.err


def test_a_photo_is_never_replaced_by_its_result(folder, capsys):
    before = (folder / 'a [1].jpg').read_bytes()
    assert main(['colorize', str(folder), '-o', str(folder), '--force']) == 1
    assert 'choose another folder' in capsys.readouterr().err
    assert (folder / 'a [1].jpg').read_bytes() == before


def test_a_bad_file_does_not_spoil_the_rest(folder, tmp_path, capsys):
    (folder / 'b.jpg').write_bytes((folder / 'a [1].jpg').read_bytes()[:200])
    out = folder / 'out'  # inside: a second run must not colour the results of the first
    assert main(['colorize', str(folder), str(tmp_path / 'missing.jpg'), '-o', str(out)]) == 1
    assert names(out) == ['a [1].jpg', 'summer/1931/ç.tif', 'summer/b.PNG']
    errors = capsys.readouterr().err
    assert 'b.jpg is damaged' in errors and 'missing.jpg does not exist' in errors
    assert '2 of 5 photos were not coloured' in errors and 'Traceback' not in errors
    assert len(album.tasks([folder], out)) == 4


def test_a_photo_in_a_folder_that_is_shut_may_not_be_read(monkeypatch, tmp_path, capsys):
    path = tmp_path / 'shut' / 'photo.jpg'

    def shut(asked, **more):
        if asked == path:
            raise PermissionError(errno.EACCES, 'Permission denied', str(asked))
        return stat(asked, **more)

    stat = os.stat
    monkeypatch.setattr(os, 'stat', shut)
    assert main(['colorize', str(path), '-o', str(tmp_path / 'out')]) == 1
    assert f'{path} may not be read: permission denied.' in capsys.readouterr().err


def test_two_photos_never_share_a_result(folder, gray, tmp_path):
    Image.fromarray(gray).save(folder / 'x.gif')
    Image.fromarray(gray).save(folder / 'x.bmp')
    out = tmp_path / 'out'
    assert main(['colorize', str(folder / 'x.gif'), str(folder / 'x.bmp'), '-o', str(out), '--force']) == 0
    assert names(out) == ['x (2).png', 'x.png']


def test_several_photos_do_not_go_into_a_folder_with_the_name_of_one(folder, tmp_path, capsys):
    out = tmp_path / 'colour.jpg'
    assert main(['colorize', str(folder), '-o', str(out)]) == 1
    assert f'{out} is a name for one photo: name a folder for the results of several.' in capsys.readouterr().err
    assert not out.exists()
    out.mkdir()  # somebody wants it so
    assert main(['colorize', str(folder), '-o', str(out)]) == 0


def test_several_folders_keep_their_names(folder, tmp_path):
    found = album.tasks([folder, folder / 'summer'], tmp_path / 'out')
    assert {str((task.folder / task.stem).relative_to(tmp_path / 'out')) for task in found} == {
        'album/a [1]',
        'album/summer/b',
        'album/summer/1931/ç',
        'summer/b',
        'summer/1931/ç',
    }


def test_one_photo_may_get_a_name(folder, tmp_path, capsys):
    target = tmp_path / 'deep' / 'colour.jpg'
    options = [
        '--saturation',
        '0',
        '--model',
        'steered',
        '--vividness',
        '0',
        '--render-size',
        '64',
        '--provider',
        'cpu',
    ]
    assert main(['colorize', str(folder / 'a [1].jpg'), '-o', str(target), *options]) == 0
    pixels = np.asarray(Image.open(target)).astype(int)
    assert np.abs(pixels[..., 0] - pixels[..., 2]).max() <= 2
    assert main(['colorize', str(folder / 'summer' / 'b.PNG'), '-o', str(tmp_path / 'b.jpg')]) == 1
    assert 'is written as PNG: name the result b.PNG' in capsys.readouterr().err and not (tmp_path / 'b.jpg').exists()


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['--model', 'nobody'], 'no model named nobody'),
        (['--vividness', '0.5'], 'plain has no vividness'),
        (['--saturation', '5'], 'from 0 to 4'),
        (['--render-size', '7'], '0 or from 32 to 1024'),
        (['--saturation', 'nan'], 'from 0 to 4'),
        (['--warmth', 'hot'], 'warmth is a number, from -1 to 1'),
        (['--variant', '4'], 'variant is a whole number, from 0 to 3'),
        (['--variant', '1'], 'plain has no variant'),
        (['--palette', 'nowhere.jpg'], 'nowhere.jpg does not exist'),
    ],
)
def test_a_wrong_setting_is_said_before_any_work(arguments, words, folder, tmp_path, capsys):
    try:
        code = main(['colorize', str(folder), '-o', str(tmp_path / 'out'), *arguments])
    except SystemExit as error:
        code = error.code
    assert code and words in capsys.readouterr().err and not (tmp_path / 'out').exists()


def test_an_empty_folder_is_an_error(folder, tmp_path, capsys):
    (tmp_path / 'empty').mkdir()
    assert main(['colorize', str(tmp_path / 'empty'), str(folder), '-o', str(tmp_path / 'out')]) == 1
    assert 'empty holds no photos' in capsys.readouterr().err
    assert len(names(tmp_path / 'out')) == 3


def test_what_is_passed_over_is_named(folder, tmp_path, capsys):
    (folder / 'letters.TXT').write_text('no photo either')
    (folder / 'summer' / 'IMG_1.dng').write_bytes(b'II*')
    (folder / 'Makefile').write_text('')
    (folder / '.notes.txt').write_text('hidden')
    photo_file(tmp_path / 'elsewhere' / 'x.jpg')
    (folder / 'summer' / 'more').symlink_to(tmp_path / 'elsewhere')
    (tmp_path / 'out').mkdir()
    (folder / 'out').symlink_to(tmp_path / 'out')
    assert main(['colorize', str(folder), '-o', str(tmp_path / 'out')]) == 0
    said = capsys.readouterr().err
    assert f'{folder / "summer" / "more"} is a link to a folder and was passed over: name it as well' in said
    assert f'{folder} holds files that are no photos by their names, and were passed over: 1 .dng, 2 .txt, 1 w' in said
    assert said.count('passed over') == 2
    assert names(tmp_path / 'out') == ['a [1].jpg', 'summer/1931/ç.tif', 'summer/b.PNG']
    assert main(['colorize', str(folder / 'summer' / 'more'), '-o', str(tmp_path / 'two')]) == 0
    assert names(tmp_path / 'two') == ['x.jpg'] and 'passed over' not in capsys.readouterr().err


def test_every_adjustment_reaches_the_photo(gray, tmp_path, capsys):
    photo, out = tmp_path / 'a.png', tmp_path / 'out.png'
    Image.fromarray(gray).save(photo)
    Image.fromarray(data.coffee()).save(tmp_path / 'coffee.png')
    seen = set()
    for options in (
        [],
        ['--saturation', '2'],
        ['--warmth', '1'],
        ['--vividness', '0'],
        ['--variant', '2'],
        ['--saturation', '2', '--render-size', '1024'],
        ['--palette', str(tmp_path / 'coffee.png')],
        ['--palette', str(tmp_path / 'coffee.png'), '--strength', '1'],
    ):
        command = ['colorize', str(photo), '-o', str(out), '--model', 'steered', '--force']
        assert main([*command, *options]) == 0, capsys.readouterr().err
        seen.add(Image.open(out).tobytes())
    assert len(seen) == 8


# ---- hints


@pytest.fixture
def red(tmp_path):
    hints.write(tmp_path / 'a-hints.json', 'a.png', [Hint(0.9, 0.9, '#ff0000')])
    return tmp_path / 'a-hints.json'


def redness(path, row, column):
    pixels = np.asarray(Image.open(path)).astype(int)
    return pixels[row, column, 0] - pixels[row, column, 1]


def test_hints_reach_their_photo(gray, red, tmp_path, capsys):
    photo, out = tmp_path / 'b.png', tmp_path / 'out'
    Image.fromarray(gray).save(photo)
    command = ['colorize', str(photo), '-o', str(out), '--hints', str(red), '--force', '--model']
    assert main([*command, 'steered', '--vividness', '0']) == 0  # a single photo's, whatever its name
    assert redness(out / 'b.png', -1, -1) == 80 and redness(out / 'b.png', 0, 0) == 20
    assert main([*command, 'plain']) == 1
    assert 'plain takes no colour hints.' in capsys.readouterr().err
    red.write_text('{}')
    assert main([*command, 'steered']) == 1
    assert 'a-hints.json holds no colour hints' in capsys.readouterr().err


def test_hints_of_an_album_belong_to_the_photo_that_they_name(gray, red, tmp_path, capsys):
    for name in ('album/a.png', 'album/b.png', 'album/deep/b.png'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(gray).save(tmp_path / name)
    command = ['colorize', str(tmp_path / 'album'), '-o', str(tmp_path / 'out'), '--model', 'steered', '--force']
    assert main([*command, '--vividness', '0', '--hints', str(red)]) == 0
    assert redness(tmp_path / 'out' / 'a.png', -1, -1) == 80
    assert abs(redness(tmp_path / 'out' / 'b.png', -1, -1)) < 20
    assert main([*command, '--hints', str(red), '--hints', str(red)]) == 1
    assert 'a.png twice: leave one of the two files out.' in capsys.readouterr().err
    for name, what in (
        (
            'b.png',
            f'2 photos of that name: write it with its folders in the file of hints, as in {tmp_path}/album/b.png.',
        ),
        ('nobody.png', 'no photo of that name: take it along, or leave its hints out.'),
    ):
        hints.write(red, name, [Hint(0.9, 0.9, '#ff0000')])
        assert main([*command, '--hints', str(red)]) == 1
        assert f'There are hints for {name}, and {what}' in capsys.readouterr().err
    hints.write(red, '', [Hint(0.9, 0.9, '#ff0000')])
    assert main([*command, '--hints', str(red)]) == 1
    assert 'There are hints that name no photo: write "photo": "photo.jpg" into' in capsys.readouterr().err
    hints.write(red, f'{tmp_path}/album/deep/b.png', [Hint(0.9, 0.9, '#ff0000')])
    assert main([*command, '--vividness', '0', '--hints', str(red)]) == 0
    assert redness(tmp_path / 'out' / 'deep' / 'b.png', -1, -1) == 80


@pytest.mark.parametrize(
    'command',
    [
        ['colorize', '', '-o', 'out'],
        ['colorize', 'a.jpg', '-o', ''],
        ['colorize', 'a.jpg', '-o', 'out', '--palette', ''],
        ['colorize', 'a.jpg', '-o', 'out', '--model', ''],
        ['video', 'a.mp4', 'b.mp4', '--scenes', ''],
        ['archive', '', 'out'],
        ['archive', 'in', ''],
    ],
)
def test_an_empty_name_is_not_the_current_folder(command, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    before = names(folder)
    with pytest.raises(SystemExit, match='2'):
        main(command)
    assert 'the name is empty' in capsys.readouterr().err and names(folder) == before
