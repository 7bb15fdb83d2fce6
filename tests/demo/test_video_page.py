"""Short clips on the page, in a browser; and what becomes of those that are none, too long, too large or hostile."""

import base64
import io
import os
import sys

import httpx
import numpy as np
import pytest
from albums import until
from browsers import drop, unfold
from PIL import Image

try:
    import films
except ImportError:
    if os.environ.get('CI') == 'true':
        raise
    pytest.skip('PyAV or OpenCV is not here: no clip was tried.', allow_module_level=True)

from test_access import found  # noqa: F401  # a fixture

from demo import app
from demo.page import words
from demo.server import clips
from lumachrome import children, colorizer

TAB = 'role=tab >> nth=2'
# The two videos, and what the player around them shows
_PLAYER = """
    const player = document.querySelector('lumachrome-player').shadowRoot;
    const [before, after] = player.querySelector('lumachrome-slider').shadowRoot.querySelectorAll('video');
"""
_FRAMES = 30
_STEP = 1024  # of `films.UNIT`: together 2.4 seconds, of which an arrow goes one


@pytest.fixture(scope='module')
def film(tmp_path_factory):
    """A clip with sound and two scenes; to be read, not changed."""
    frames = np.repeat(films.pictures(15), _FRAMES // 15, 0)
    shown = [_STEP * i for i in range(_FRAMES)]
    return films.film(tmp_path_factory.mktemp('film') / 'Großmutter 1931.mp4', frames, shown=shown)


def _open(page):
    unfold(page, TAB, '#video .picker')


def _choose(page, path):
    page.set_input_files('#video input.clip', path)
    page.wait_for_selector('#video-start:not([disabled])')


def _colored(page, path):
    _open(page)
    _choose(page, path)
    page.click('#video-start')
    _line(page, f'{_FRAMES} frames in colour.')
    _plays(page)


def _line(page, text):
    page.wait_for_function("text => document.querySelector('#video-report .line').textContent.includes(text)", arg=text)


def _plays(page):
    page.wait_for_function(f'() => {{ {_PLAYER} return before.readyState > 2 && after.readyState > 2; }}')


def _asked(page, what):
    """What `what` is, where before, after and player are the nodes."""
    return page.evaluate(f'() => {{ {_PLAYER} return {what}; }}')


def _pixels(page, side):
    """What a video shows, as it lies on the screen."""
    address = _asked(
        page,
        f"""(() => {{ const drawn = Object.assign(document.createElement('canvas'), {{ width: 96, height: 64 }});
            drawn.getContext('2d').drawImage({side}, 0, 0); return drawn.toDataURL(); }})()""",
    )
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.split(',')[1])))).astype(int)[..., :3]


def _download(page, folder):
    with page.expect_download() as download:
        page.click('#video-download')
    download.value.save_as(folder / download.value.suggested_filename)
    return folder / download.value.suggested_filename


# ---- from the upload to the download


def test_a_clip_from_upload_to_download(page, film, tmp_path):
    _open(page)
    assert page.inner_text('#video .limit').startswith('At most 30 seconds, 100 MB and 1920 × 1080 pixels.')
    assert page.is_disabled('#video-start')
    _colored(page, film)
    assert _asked(page, '!after.paused && after.muted && after.loop')
    before, after = _pixels(page, 'before'), _pixels(page, 'after')
    assert np.abs(before - before.mean(-1, keepdims=True)).max() < 6
    assert (after[:24, :, 0] - after[:24, :, 1]).mean() > 25  # red above, as the stand-in has it
    assert np.corrcoef(before.mean(-1).ravel(), after.mean(-1).ravel())[0, 1] > 0.95
    path = _download(page, tmp_path)
    assert path.name == 'Großmutter 1931-colour.mp4'
    assert len(films.shown(path)[0]) == _FRAMES
    assert films.packets(path, 'audio') == films.packets(film, 'audio')
    page.click('#video-again')
    page.wait_for_selector('#video .picker', state='visible')
    page.wait_for_selector('#video-start[disabled]')
    assert page.inner_text('#video .state') == '' and not page.is_visible('lumachrome-player')
    assert page.outside == [] and page.errors == []


def test_before_and_after_are_in_step(page, film):
    _colored(page, film)
    for _ in range(6):
        page.wait_for_timeout(150)
        assert _asked(page, 'Math.abs(before.currentTime - after.currentTime)') < 0.1
    page.click('lumachrome-player .play')
    page.wait_for_function(f'() => {{ {_PLAYER} return before.paused && after.paused; }}')
    assert page.get_attribute('lumachrome-player .play', 'aria-label') == 'Play'
    page.locator('lumachrome-player .seek').evaluate(
        "range => { range.value = '1.2'; range.dispatchEvent(new Event('input')); }"
    )
    for key, place in ((None, 1.2), ('ArrowRight', 2.2), ('ArrowLeft', 1.2)):
        if key:
            page.focus('lumachrome-player .frame')
            page.keyboard.press(key)
        assert _asked(page, '[before.currentTime, after.currentTime]') == pytest.approx([place, place])
    page.wait_for_selector('lumachrome-player .seek[aria-valuetext="0:01 of 0:02"]')
    page.focus('lumachrome-player .frame')
    page.keyboard.press('Space')
    page.wait_for_function(f'() => {{ {_PLAYER} return !before.paused && after.currentTime > 1.3; }}')
    page.click('lumachrome-player .sound')
    assert _asked(page, '[before.muted, after.muted]') == [True, False]
    at = page.locator('lumachrome-player .knob').get_attribute('aria-valuenow')
    page.focus('lumachrome-player .knob')
    page.keyboard.press('ArrowLeft')  # the divider's, not the clip's
    assert page.locator('lumachrome-player .knob').get_attribute('aria-valuenow') == str(int(at) - 1)
    page.click('role=tab >> nth=0')
    page.wait_for_function(f'() => {{ {_PLAYER} return after.paused; }}')  # else it would still be heard
    assert page.errors == []


def test_settings_reach_the_clip(page, film, tmp_path):
    _open(page)
    page.fill('#video-saturation input[type=number]', '0')
    page.keyboard.press('Enter')
    _colored(page, film)
    frames = films.shown(_download(page, tmp_path))[0].astype(int)
    assert np.abs(frames - frames.mean(-1, keepdims=True)).max() < 12


def test_a_clip_dropped_anywhere_opens_its_tab(page, film):
    drop(page, [film])
    page.wait_for_selector('#video .state:has-text("Ready: Großmutter 1931.mp4")')
    page.wait_for_selector('#video-start:not([disabled])')


def test_a_clip_is_known_by_its_suffix_where_the_browser_names_no_kind(page):
    page.evaluate("""() => {
        const data = new DataTransfer();
        data.items.add(new File(['x'], 'wedding.MKV'));
        document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }));
    }""")
    page.wait_for_selector('#video .state:has-text("Ready: wedding.MKV")')


def test_a_browser_that_says_nothing_about_a_clip_is_not_waited_for(page, film):
    page.evaluate("Object.defineProperty(HTMLMediaElement.prototype, 'src', { set() {} })")
    _open(page)
    _choose(page, film)
    page.wait_for_selector('#video .state:has-text("Ready: ")')


def test_a_clip_can_be_cancelled_and_leaves_nothing(page, film, cache):
    _open(page)
    _choose(page, film)
    stayed = {path for path in cache.rglob('*') if path.is_file()}
    page.click('#video-start')
    page.wait_for_selector('#video-stop', state='visible')
    assert page.get_attribute('#video-report progress', 'aria-label') == 'Progress'
    page.click('#video-stop')
    page.wait_for_selector('#video .picker', state='visible')
    until(lambda: {path for path in cache.rglob('*') if path.is_file()} == stayed)
    page.click('#video-start')  # what was chosen is still there
    _line(page, f'{_FRAMES} frames in colour.')


def test_a_clip_ends_with_its_page(browser, url, film, monkeypatch):
    """The server hears of it after a while."""
    begun, popen = [], children.subprocess.Popen
    endless = [sys.executable, '-c', 'import time; time.sleep(600)']
    monkeypatch.setattr(
        children.subprocess, 'Popen', lambda _, **more: begun.append(popen(endless, **more)) or begun[-1]
    )
    page = browser.new_page()
    page.goto(url)
    _open(page)
    _choose(page, film)
    page.click('#video-start')
    until(lambda: begun)
    assert begun[0].poll() is None
    page.close()
    until(lambda: begun[0].poll() is not None)


# ---- what is refused


def _refused(page, path):
    """The sentence that a clip is refused with after the start."""
    _choose(page, path)
    page.click('#video-start')
    said = page.wait_for_selector(f'.toast-body:has-text("{path.name}")').inner_text()
    page.wait_for_selector('#video .picker', state='visible')
    return said


def test_what_is_no_clip_is_refused_in_a_sentence(page, film, tmp_path):
    letter, cut, sound = tmp_path / 'letter.mp4', tmp_path / 'cut.mp4', tmp_path / 'song.mp4'
    letter.write_text('Dear grandmother')
    cut.write_bytes(film.read_bytes()[:3000])
    with films.av.open(str(sound), 'w') as out, films.av.open(str(film)) as given:
        copied = out.add_stream_from_template(given.streams.audio[0])
        for packet in given.demux(given.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = copied
                out.mux(packet)
    _open(page)
    for path in (letter, cut):
        assert f'{path.name} is not a video that can be read, or it is damaged.' in _refused(page, path)
    assert 'song.mp4 has no pictures that can be read: choose a video with a picture track.' in _refused(page, sound)
    assert page.errors == []


def test_a_damaged_clip_is_kept_as_far_as_it_goes(page, tmp_path):
    whole = films.film(tmp_path / 'whole.mkv', films.pictures(), sound=False)
    broken = tmp_path / 'broken.mkv'
    content = whole.read_bytes()
    broken.write_bytes(content[: len(content) * 2 // 3])
    _open(page)
    _choose(page, broken)
    page.click('#video-start')
    _line(page, 'frames in colour.')
    assert 0 < int(page.inner_text('#video-report .line').split()[0]) < 20
    _plays(page)
    assert not page.is_visible('lumachrome-player .sound')


@pytest.mark.parametrize('locale', ['en-GB', 'zh-CN'])
def test_limits_are_kept_before_the_upload(browser, url, tmp_path, locale):
    say = words.WORDS['zh' if locale == 'zh-CN' else 'en']
    long, wide, large = tmp_path / 'long.mp4', tmp_path / 'wide.mp4', tmp_path / 'large.mp4'
    frames = films.pictures(2)
    films.film(long, frames, sound=False, shown=[0, 40 * 12800])
    films.film(wide, np.zeros((2, 1082, 1922), np.uint8), sound=False)
    with large.open('wb') as file:
        file.truncate(101 * 2**20)
    page, sent = browser.new_page(locale=locale), []
    page.on('request', lambda request: sent.append(request.url) if 'upload' in request.url else None)
    page.goto(url)
    _open(page)
    for path, word, values in (
        (long, 'video_too_long', {'seconds': 40, 'limit': 30}),
        (wide, 'video_too_wide', {'width': 1922, 'height': 1082, 'limit': '1920 × 1080'}),
        (large, 'video_too_large', {'size': 101, 'limit': 100}),
    ):
        page.set_input_files('#video input.clip', path)
        text = say[word].format(name=path.name, **values)
        page.wait_for_function("text => document.querySelector('#video .state').textContent === text", arg=text)
        assert page.is_disabled('#video-start')
    assert sent == []
    page.close()


# ---- who may


def test_clips_are_for_the_page_alone(url, client):
    endpoints = client.view_api(return_format='dict')
    assert set(endpoints['named_endpoints']) == {'/colorize', '/colorize_album'} and not endpoints['unnamed_endpoints']
    config = httpx.get(f'{url}/config').json()
    assert all(
        each['api_visibility'] == 'private' for each in config['dependencies'] if 'colorize' not in each['api_name']
    )
    schema = httpx.get(f'{url}/gradio_api/mcp/schema').json()
    assert [tool['name'] for tool in schema] == ['colorize']


def test_there_is_no_tab_without_the_packages(standins, monkeypatch):
    monkeypatch.setattr(colorizer, 'MODELS', standins)
    there = {'one_photo', 'album', 'one_video'}
    for missing, tabs in (((), there), (('av',), there - {'one_video'}), (('cv2',), there - {'one_video'})):
        monkeypatch.setattr(
            clips.importlib.util, 'find_spec', lambda name, missing=missing: name not in missing or None
        )
        page = app.build()
        labels = {str(block.label) for block in page.blocks.values() if block.get_block_name() == 'tabitem'}
        assert {name for name in there if any(name in label for label in labels)} == tabs


# ---- who sees and touches it


@pytest.mark.parametrize('theme', ['light', 'dark'])
def test_axe_finds_nothing(page, url, film, found, theme):  # noqa: F811
    page.goto(f'{url}?__theme={theme}')
    page.wait_for_selector('.layer.after img')
    _open(page)
    empty = found()
    _colored(page, film)
    assert {'empty': empty, 'played': found()} == {'empty': [], 'played': []}


def test_a_clip_on_a_phone_in_the_dark_and_in_chinese(browser, url, film):
    context = browser.new_context(
        locale='zh-CN', viewport={'width': 390, 'height': 844}, has_touch=True, is_mobile=True, reduced_motion='reduce'
    )
    page = context.new_page()
    page.goto(f'{url}?__theme=dark')
    _open(page)
    assert page.locator(TAB).inner_text() == '视频' and page.inner_text('#video-start') == '为视频上色'
    _choose(page, film)
    page.click('#video-start')
    _line(page, f'已上色 {_FRAMES} 帧')
    _plays(page)
    page.wait_for_timeout(300)
    assert _asked(page, '[before.paused, after.paused, after.currentTime]') == [True, True, 0]
    small = page.evaluate("""() => {
        const player = document.querySelector('lumachrome-player').shadowRoot;
        const parts = [player, player.querySelector('lumachrome-slider').shadowRoot];
        return parts.flatMap(part => [...part.querySelectorAll('button, input, .knob')])
            .filter(node => node.checkVisibility() && node.getBoundingClientRect().height < 44)
            .map(node => node.className);
    }""")
    assert small == []
    assert page.evaluate('document.documentElement.scrollWidth') <= 390
    context.close()
