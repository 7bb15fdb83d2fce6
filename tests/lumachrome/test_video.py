"""Videos, colored by networks whose colors are known."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

try:
    import films
except ImportError:
    if os.environ.get('CI') == 'true':
        raise
    pytest.skip('PyAV or OpenCV is not here: no video was tried.', allow_module_level=True)

from lumachrome import Adjustments, Colorizer, UserError, colorizer, video, videofile
from lumachrome.__main__ import main
from lumachrome.adjustments import Colors

ROOT = Path(__file__).parent.parent.parent
SMALL = Adjustments(render_size=64)


@pytest.fixture(autouse=True)
def shipped(standins, monkeypatch):
    monkeypatch.setattr(colorizer, 'MODELS', standins)


@pytest.fixture(scope='module')
def film(tmp_path_factory):
    """Two scenes in an .mkv, with sound, subtitles and a rate that varies; to be read, not changed."""
    return films.film(tmp_path_factory.mktemp('film') / 'film.mkv', films.pictures(), subtitles=True)


@pytest.fixture
def plain(standins):
    return Colorizer('plain')


# With loss, x264's threads do not always make the same pictures of the same frames
LOSSLESS = ('libx264', {'crf': '0'})


def assert_same_pictures(one, other):
    ours, theirs = ([packet[1:] for packet in films.packets(path, 'video')] for path in (one, other))
    assert ours == theirs
    np.testing.assert_array_equal(films.shown(one)[0], films.shown(other)[0])


def test_what_is_said_of_a_video_stands_on_a_line_of_its_own(gray, tmp_path, capsys):
    Image.fromarray(gray).save(tmp_path / 'photo.jpg')  # a video of one frame, to some programs
    assert main(['video', str(tmp_path / 'photo.jpg'), str(tmp_path / 'out.mp4'), '--model', 'plain']) == 0
    assert re.search(r'\n[^\r\n]*out\.mp4 is written as h264', capsys.readouterr().err)


def test_everything_but_the_colors_stays(film, tmp_path, capsys):
    out = tmp_path / 'new' / 'out.mkv'
    assert main(['video', str(film), str(out), '--model', 'plain', '--render-size', '64']) == 0
    said = capsys.readouterr()
    assert '20 frames in 2 scenes coloured with plain on CPUExecutionProvider' in said.out and '20/20' in said.err
    frames, codec, pixels = films.shown(out)
    assert (codec, pixels) == ('h264', 'yuv420p')
    redder = (frames[..., 0].astype(int) - frames[..., 1]).mean((0, 2))
    assert redder[4] > 30 and redder[-4] < 0  # above and below, as the stand-in has it
    before = films.shown(film, 'gray')[0].astype(int)
    assert np.abs(np.corrcoef(before.ravel(), frames.mean(-1).ravel())[0, 1]) > 0.99
    for kind in ('audio', 'subtitle'):
        assert films.packets(out, kind) == films.packets(film, kind)
    assert [time for _, time, _ in films.packets(out, 'video')] == [time for _, time, _ in films.packets(film, 'video')]
    assert os.listdir(out.parent) == ['out.mkv']
    with films.av.open(str(out)) as file:
        assert file.metadata['title'] == 'Großmutter, 1931'
        said = {key.lower(): value for key, value in file.metadata.items()}
        assert said['comment'].count('made by software') == 1


def test_an_mp4_keeps_its_times_to_the_tick(tmp_path, plain):
    source = films.film(tmp_path / 'film.mp4', films.pictures(12))
    outcome = video.colorize(source, tmp_path / 'out.mp4', plain, SMALL)
    assert (outcome.frames, outcome.scenes, outcome.notes) == (12, 2, ())
    for kind in ('audio', 'video'):
        was, now = ([packet[1] for packet in films.packets(tmp_path / name, kind)] for name in ('film.mp4', 'out.mp4'))
        assert was == now


def test_an_avi_shows_its_frames_in_their_order(tmp_path, plain):
    shown = list(range(12))
    blocks = np.kron(np.random.default_rng(3).integers(0, 255, (8, 12)), np.ones((8, 8))).astype(np.uint16) * 257
    moving = np.stack([np.roll(blocks, number, 1) for number in shown])  # slowly, so that frames could wait
    source = films.film(tmp_path / 'a.avi', moving, 'wmv2', unit=films.Fraction(1, 10), shown=shown)
    video.colorize(source, tmp_path / 'out.avi', plain, SMALL)
    with films.av.open(str(tmp_path / 'out.avi')) as file:  # whose readers may begin a frame late, but no frame twice
        times = [round(frame.time, 3) for frame in file.decode(video=0)]
    np.testing.assert_allclose(np.diff(times), 0.1, atol=1e-3)


def test_ten_bits_and_rotation(tmp_path, plain):
    ramp = np.tile(np.linspace(20000, 22000, 96).astype(np.uint16), (3, 64, 1))
    source = films.film(tmp_path / 'deep.mov', ramp, pixels='yuv420p10le', sound=False, rotation=90)
    video.colorize(source, tmp_path / 'out.mov', plain, SMALL)
    frames, _, pixels = films.shown(tmp_path / 'out.mov', 'gray16le')
    assert pixels == 'yuv420p10le' and frames.shape == (3, 96, 64)
    rows = frames[0].astype(int).mean(1)
    assert rows[0] > rows[-1] + 1500  # turned to the left, the right side is on top
    assert len(np.unique(frames[0] >> 6)) > 20  # 8 bits would hold 8 levels of this


def test_what_cannot_be_written_as_it_came_is_said(tmp_path, plain):
    shown = list(range(3))
    source = films.film(tmp_path / 'old.avi', films.pictures(3), 'wmv2', unit=films.Fraction(1, 25), shown=shown)
    outcome = video.colorize(source, tmp_path / 'out.mp4', plain, SMALL)
    assert outcome.notes == ('out.mp4 is written as h264: wmv2 cannot be written there.',)
    same = films.film(tmp_path / 'old4.avi', films.pictures(3), 'mpeg4', unit=films.Fraction(1, 25), shown=shown)
    assert video.colorize(same, tmp_path / 'out.avi', plain, SMALL).notes == ()
    assert films.shown(tmp_path / 'out.avi')[1] == 'mpeg4'
    subtitled = films.film(tmp_path / 'said.mkv', films.pictures(3), subtitles=True)
    [note] = video.colorize(subtitled, tmp_path / 'said.mp4', plain, SMALL).notes
    assert note == 'said.mkv has a track (subtitle) that said.mp4 cannot hold: it is left out.'


@pytest.mark.parametrize('fast', [False, True])
def test_an_interrupted_run_goes_on_where_it_was(film, tmp_path, plain, monkeypatch, fast):
    monkeypatch.setattr(video, 'PART', 8)
    monkeypatch.setitem(videofile._ENCODERS, 'h264', LOSSLESS)
    looked = []
    monkeypatch.setattr(
        plain, 'colors', lambda *given, look=plain.colors, **more: looked.append(1) or look(*given, **more)
    )
    whole, out = tmp_path / 'whole.mkv', tmp_path / 'out.mkv'
    video.colorize(film, whole, plain, SMALL, fast=fast)
    assert len(looked) == (8 if fast else 20)  # the first of a scene, and every fourth from there, and the last
    for stop in (9, 12):

        def progress(what, done, total, stop=stop):
            if what == video.COLORING and done == stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            video.colorize(film, out, plain, SMALL, fast=fast, progress=progress)
        assert not out.exists() and not list(tmp_path.rglob('.*'))
    looked.clear()
    video.colorize(film, out, plain, SMALL, fast=fast)
    assert len(looked) == (4 if fast else 10)  # the second scene alone
    assert_same_pictures(out, whole)
    assert sorted(os.listdir(tmp_path)) == ['out.mkv', 'whole.mkv']


def test_another_network_of_the_same_size_begins_anew(film, tmp_path, standins, monkeypatch):
    looked = []

    def stopped(path, after):
        colorizer = Colorizer(path)
        look = colorizer.colors
        monkeypatch.setattr(colorizer, 'colors', lambda *given, **more: looked.append(path) or look(*given, **more))

        def progress(what, done, total):
            if what == video.COLORING and done == after:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            video.colorize(film, tmp_path / 'out.mkv', colorizer, SMALL, progress=progress)

    first, other = standins / 'plain.onnx', tmp_path / 'plain.onnx'
    content = first.read_bytes()
    mine = np.float32(-10).tobytes()
    assert mine in content
    other.write_bytes(content.replace(mine, np.float32(-20).tobytes()))
    stopped(first, 12)  # the first scene is kept
    looked.clear()
    stopped(other, 12)
    assert len(looked) == 12


def test_scenes_are_listed_and_have_wishes_of_their_own(film, tmp_path, capsys):
    listed = tmp_path / 'scenes.json'
    assert main(['video', str(film), str(listed)]) == 0
    assert '2 scenes' in capsys.readouterr().out
    content = json.loads(listed.read_text())
    assert [scene['start'] for scene in content['scenes']] == [0, 0.407]
    content['scenes'][0]['hints'] = [{'x': 0.2, 'y': 0.2, 'color': '#0000ff'}]
    content['scenes'][1]['adjustments'] = {'saturation': 0}
    listed.write_text(json.dumps(content))
    out = tmp_path / 'out.mkv'
    assert (
        main(['video', str(film), str(out), '--model', 'steered', '--scenes', str(listed), '--render-size', '64']) == 0
    )
    frames = films.shown(out)[0].astype(int)
    first = frames[5, :20, :30].mean((0, 1))
    without = frames[5, :20, -30:].mean((0, 1))
    assert first[2] < first[1] - 60 and abs(first[0] - first[1]) < 20  # the stand-in adds b to the blue channel
    assert without[0] > without[1] + 40
    assert np.abs(frames[15] - frames[15].mean(-1, keepdims=True)).max() < 12


@pytest.mark.parametrize(
    ('scenes', 'reason'),
    [
        ('[]', 'holds no scenes'),
        ('{"scenes": [{"start": NaN}]}', 'The video has no second nan'),
        ('{"scenes": [{"start": 99}]}', 'The video has no second 99'),
        ('{"scenes": [{"start": 0, "adjustments": {"hue": 1}}]}', 'A scene has no hue'),
        ('{"scenes": [{"start": 0, "adjustments": {"warmth": 7}}]}', 'warmth is a number'),
        ('{"scenes": [{"start": 0, "hints": [{"x": 3, "y": 0, "color": "#000000"}]}]}', 'A hint has x and y'),
        ('{"scenes": [{"start": 0, "hints": [{"at": 0.6, "x": 0, "y": 0, "color": "#000000"}]}]}', 'not in its scene'),
    ],
)
def test_wishes_that_cannot_be_meant(film, tmp_path, plain, scenes, reason):
    path = tmp_path / 'scenes.json'
    path.write_text(scenes)
    with pytest.raises(UserError, match=reason) as caught:
        video.colorize(film, tmp_path / 'out.mkv', plain, SMALL, scene_file=path)
    assert 'scenes.json' in str(caught.value)


@pytest.mark.parametrize('content', [None, '{', '{"scenes": {"start": 0}}'])
def test_a_file_that_holds_no_scenes_is_known_before_the_film_is_looked_at(content, film, tmp_path, plain):
    path = tmp_path / 'scenes.json'
    if content:
        path.write_text(content)
    with pytest.raises(UserError, match=r'scenes\.json (cannot be read|holds no scenes)'):
        video.colorize(film, tmp_path / 'out.mkv', plain, SMALL, scene_file=path)
    assert not list(tmp_path.glob('out*'))


def test_bad_videos_get_a_sentence(film, tmp_path, plain):
    def refused(source, target, **more):
        with pytest.raises(UserError) as caught:
            video.colorize(source, target, plain, SMALL, **more)
        assert not (tmp_path / 'out.mkv').exists()
        return str(caught.value)

    out = tmp_path / 'out.mkv'
    sound = tmp_path / 'sound.wav'
    with films.av.open(str(sound), 'w') as file:
        track = file.add_stream('pcm_s16le', rate=8000)
        frame = films.av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), 's16', 'mono')
        frame.rate = 8000
        file.mux(track.encode(frame))
    assert 'has no pictures' in refused(sound, out)
    text = tmp_path / 'text.mp4'
    text.write_text('Dear grandmother')
    assert 'cannot be read as a video: it is none, or it is damaged' in refused(text, out)
    assert 'does not exist' in refused(tmp_path / 'none.mp4', out)
    assert 'would be replaced by its colour version' in refused(film, film, force=True)
    for name in ('out.txt', 'out.png', 'out.m3u8'):  # the last two would be many files
        assert f'{name} has the suffix of no video: name the result out.mp4' in refused(film, tmp_path / name)
    assert 'is a folder: name a file' in refused(film, tmp_path)
    parts = tmp_path / 'out.mkv.parts'
    parts.mkdir()
    (parts / 'mine.txt').write_text('mine')
    assert 'mine.txt is none of them: move it' in refused(film, out)
    assert (parts / 'mine.txt').read_text() == 'mine'
    shutil.rmtree(parts)
    parts.write_text('mine')
    assert 'out.mkv.parts is none of them: move it' in refused(film, out)
    text.unlink()
    text.write_text('mine')
    assert 'is there already: use --force' in refused(film, text)
    assert text.read_text() == 'mine'


def test_of_a_damaged_video_what_can_be_read_is_kept(tmp_path, plain):
    source = films.film(tmp_path / 'film.mkv', films.pictures(60), sound=False, shown=[i * 1280 for i in range(60)])
    content = bytearray(source.read_bytes())
    cut = tmp_path / 'cut.mkv'
    cut.write_bytes(content[: len(content) // 2])
    outcome = video.colorize(cut, tmp_path / 'out.mkv', plain, SMALL)
    assert 20 < outcome.frames < 40 and len(films.shown(tmp_path / 'out.mkv')[0]) == outcome.frames
    assert any('breaks off after' in note or 'is damaged' in note for note in outcome.notes)


def test_without_the_extra_it_is_said(film, tmp_path, monkeypatch, capsys):
    import lumachrome

    for name in ('av', 'cv2'):
        with monkeypatch.context() as patch:
            for ours in ('video', 'videofile', 'muxing', 'flow'):
                patch.delitem(sys.modules, f'lumachrome.{ours}')
                patch.delattr(lumachrome, ours)
            patch.setitem(sys.modules, name, None)
            assert main(['video', str(film), str(tmp_path / 'out.mkv')]) == 1
        assert 'pip install av opencv-python-headless' in capsys.readouterr().err


def test_what_comes_again_in_another_scene_keeps_its_colors(tmp_path, monkeypatch):
    frames = films.pictures(10)
    source = films.film(tmp_path / 'film.mkv', np.concatenate([frames, films.pictures(20)[10:], frames]), sound=False)
    steered = Colorizer('steered')
    looks, count = steered.colors, iter(range(100))

    def colors(photo, adjustments, vivid):  # the network's mood changes with each frame
        found = looks(photo, adjustments, vivid)
        return Colors(found.ab + 3 * next(count), found.probabilities, found.bins)

    monkeypatch.setattr(steered, 'colors', colors)
    video.colorize(source, tmp_path / 'out.mkv', steered, SMALL, consistent=True)
    frames = films.shown(tmp_path / 'out.mkv')[0].astype(int)
    assert np.abs(frames[5] - frames[25]).mean() < 8


@pytest.mark.slow
def test_a_killed_run_goes_on_and_memory_is_bounded(standins, tmp_path):
    """Killed three times, a video ends as it would have at once; and 360 frames take no more memory than 120."""
    frames = np.concatenate([films.pictures(2 * films.SHOT, 180, 200)] * 6).repeat(2, 1).repeat(2, 2)
    source = films.film(tmp_path / 'film.mkv', frames)
    code = (
        'import re, sys; from pathlib import Path;'
        'from lumachrome import Adjustments, Colorizer, colorizer, video, videofile;'
        f'colorizer.MODELS = Path(sys.argv[3]); videofile._ENCODERS["h264"] = {LOSSLESS};'
        'video.colorize(sys.argv[1], sys.argv[2], Colorizer("plain"), Adjustments(render_size=64));'
        # Not rusage's: that begins with what the process held that started this one
        'print(int(re.search("VmHWM: *(.*) kB", Path("/proc/self/status").read_text().expandtabs())[1]) // 1024)'
    )

    def run(source, out, **more):
        command = [sys.executable, '-c', code, str(source), str(out), str(standins)]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, **more)

    whole, out = tmp_path / 'whole.mkv', tmp_path / 'out.mkv'
    megabytes = int(run(source, whole).communicate()[0])
    for count in (2, 5, 8):
        process = run(source, out)
        while len(list(out.with_name('out.mkv.parts').glob('*.part'))) < count and process.poll() is None:
            time.sleep(0.05)
        process.kill()
        process.wait()
        assert not out.exists()
    assert run(source, out).wait() == 0
    assert_same_pictures(out, whole)
    long = films.film(tmp_path / 'long.mkv', np.concatenate([frames] * 3), sound=False)
    longer = int(run(long, tmp_path / 'long-out.mkv').communicate()[0])
    print(f'{megabytes} MB, and of three times as many frames {longer} MB')
    assert longer < megabytes + 60
