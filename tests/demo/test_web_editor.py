"""One photo on the static page: what stands beside it, and what is asked before it is left."""

import itertools

import numpy as np
import pytest
from PIL import Image
from static_page import WEB, built, is_said, site, until, visit

from lumachrome import Adjustments, Colorizer, hints, metadata, photofile
from lumachrome.hints import Hint

pytestmark = pytest.mark.browser
EXAMPLES = WEB.parent / 'examples'
# How strong the colours of each look's picture are.
CHROMA = """() => [...document.querySelectorAll('#presets canvas')].map(shown => {
    const canvas = Object.assign(document.createElement('canvas'), { width: shown.width, height: shown.height });
    const context = canvas.getContext('2d');
    context.drawImage(shown, 0, 0);
    const { data } = context.getImageData(0, 0, shown.width, shown.height);
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) {
        sum += Math.max(...data.slice(i, i + 3)) - Math.min(...data.slice(i, i + 3));
    }
    return sum / data.length; })"""
PASTE = """node => {
    const data = new DataTransfer();
    data.setData('text/plain', '42');
    const event = new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true, composed: true });
    (node ?? document.body).dispatchEvent(event);
    return document.querySelector('#status').textContent; }"""


@pytest.fixture(scope='module')
def context(browser):
    with visit(browser) as context:
        yield context


@pytest.fixture(scope='module')
def url():
    with site(built()) as url:
        yield url


@pytest.fixture
def page(context, url):
    page = context.new_page()
    page.goto(url)
    is_said(page, 'ready')
    page.set_input_files('#file', EXAMPLES / 'china.jpg')
    is_said(page, 'looks')
    yield page
    page.evaluate('localStorage.clear()')  # the next one speaks English
    page.close(run_before_unload=False)


def _pressed(page, box):
    return page.locator(f'{box} button[aria-pressed=true]').all_inner_texts()


def _downloaded(page, button, folder):
    with page.expect_download() as download:
        page.click(button)
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


@pytest.fixture
def tall(tmp_path):
    path = tmp_path / 'tall.png'
    Image.new('L', (150, 400), 128).save(path)
    return path


def test_work_is_left_only_when_the_visitor_says_so(page, tall):
    page.fill('#warmth [type=range]', '0.5')
    page.set_input_files('#another', tall)
    assert page.inner_text('#sure p') == 'Your changes to china.jpg would be lost.'
    page.click('#stay')
    assert 'china.jpg' in page.inner_text('#about') and page.input_value('#warmth [type=number]') == '0.5'
    page.set_input_files('#another', tall)
    page.keyboard.press('Escape')
    assert not page.is_visible('#sure') and 'china.jpg' in page.inner_text('#about')
    page.set_input_files('#another', tall)
    page.click('#leave')
    page.wait_for_selector('#about:has-text("tall.png")')


def test_what_is_set_back_is_nothing_to_lose(page, tall):
    for value in ('0.5', '0'):
        page.fill('#warmth [type=range]', value)
    page.set_input_files('#another', tall)
    page.wait_for_selector('#about:has-text("tall.png")')
    assert not page.is_visible('#sure')


def test_a_look_shows_what_it_makes_of_the_photo_and_sets_all_sliders(page):
    until(page, 'document.querySelectorAll("#presets canvas").length === 5')
    names = page.locator('#presets button').all_inner_texts()
    natural, rich, warm, faded, archive = page.evaluate(CHROMA)
    assert names == ['Natural', 'Rich', 'Warm', 'Faded', 'Archive'] and archive < faded < natural < rich != warm
    page.fill('#vividness [type=range]', '0.5')
    page.focus('#presets button >> nth=0')
    for _ in range(3):
        page.keyboard.press('Tab')
    page.keyboard.press('Enter')
    values = [page.input_value(f'#{name} [type=number]') for name in ('vividness', 'saturation', 'warmth')]
    assert values == ['1', '0.65', '0.15'] and _pressed(page, '#presets') == ['Faded']
    page.keyboard.press('Control+z')
    assert page.input_value('#vividness [type=number]') == '0.5' and _pressed(page, '#presets') == []


def test_a_number_can_be_typed_beside_its_slider(page):
    field, slider = '#saturation [type=number]', '#saturation [type=range]'
    looks = int(page.get_attribute('body', 'data-looks'))
    for typed, taken in (('0.45', '0.45'), ('', '0.45'), ('7', '2')):
        page.fill(field, typed)
        page.press(field, 'Enter')
        assert page.input_value(field) == page.input_value(slider) == taken
    until(page, f'document.body.dataset.looks > {looks}')
    page.dblclick(slider)
    assert page.input_value(field) == '1'
    page.click('#language')
    assert page.get_attribute(field, 'aria-label') == page.get_attribute(slider, 'aria-label') == '饱和度'


@pytest.mark.parametrize('is_tall', [False, True])
def test_a_picture_to_share_shows_both_and_says_who_made_the_colors(page, tall, tmp_path, is_tall):
    source = tall if is_tall else EXAMPLES / 'china.jpg'
    if is_tall:
        page.set_input_files('#another', tall)
        page.wait_for_selector('#about:has-text("tall.png")')
    page.fill('#warmth [type=range]', '1')
    before = photofile.read(source).pixels
    after = Colorizer().colorize(before, Adjustments(warmth=1)).astype(int)
    height, width = before.shape[:2]
    whole = (height, 2 * width + 8) if is_tall else (2 * height + 8, width)
    feet = []
    for _ in range(2):  # in both languages
        path = _downloaded(page, '#share', tmp_path)
        with Image.open(path) as image:
            shared = np.asarray(image).astype(int)
            assert image.format == 'JPEG' and image.layer[0][1:3] == (1, 1)  # full chroma
            assert metadata.SOURCE_TYPE.encode() in image.info['xmp']
        assert path.name == f'{source.stem}-before-after.jpg'
        assert shared.shape[0] > whole[0] and shared.shape[1] == whole[1]
        first, second = shared[:height, :width], shared[whole[0] - height : whole[0], whole[1] - width :]
        assert np.abs(first - before).mean() < 3 and np.abs(second - after).mean() < 3
        foot = shared[whole[0] :].mean(-1)
        assert foot.min() < 128 and min(foot[:, :3].min(), foot[:, -3:].min()) > 250  # a line is there, and fits
        feet.append(foot)
        page.click('#language')
    assert feet[0].shape == feet[1].shape and (feet[0] != feet[1]).any()


def test_while_one_file_is_made_the_other_waits(page):
    page.evaluate(
        """() => {
        const post = Worker.prototype.postMessage;
        Worker.prototype.postMessage = function (message, ...more) {
            const send = () => post.call(this, message, ...more);
            if (message.ask === 'compare') window.goOn = send;
            else send();
        }; }"""
    )
    page.click('#share')
    until(page, 'window.goOn !== undefined')
    assert page.get_attribute('#download', 'aria-disabled') == page.get_attribute('#share', 'aria-disabled') == 'true'
    with page.expect_download():
        page.evaluate('() => window.goOn()')
    page.wait_for_selector('#download[aria-disabled=false]')


def test_hints_are_kept_in_files_that_the_program_reads_and_come_back_from_its_own(page, tmp_path):
    page.click('#keep summary')
    assert page.get_attribute('#save-hints', 'aria-disabled') == 'true' and not page.is_visible('#reach')
    given = (Hint(0.3, 0.25, '#4060c0'), Hint(0.6, 0.7, '#c08040'))
    hints.write(tmp_path / 'given.json', 'china.jpg', given)
    page.set_input_files('#load-hints', tmp_path / 'given.json')
    page.wait_for_selector('lumachrome-painter summary:has-text("All hints (2)")')
    assert page.is_visible('#reach')
    path = _downloaded(page, '#save-hints', tmp_path)
    assert path.name == 'china-hints.json' and hints.read(path) == ('china.jpg', given)
    page.keyboard.press('Control+z')
    assert page.evaluate("document.querySelector('lumachrome-painter').hints") == []
    (tmp_path / 'other.json').write_text('{"hints": [{"x": 2}]}')
    page.set_input_files('#load-hints', tmp_path / 'other.json')
    page.wait_for_selector('#error:has-text("other.json holds no colour hints")')
    page.click('#language')
    assert page.inner_text('#error').startswith('other.json 中没有颜色提示')


def test_the_palette_that_is_named_is_the_one_that_is_used(page):
    page.click('#palettes summary')
    assert not page.is_visible('#no-palette') and not page.is_visible('#strength')
    for name in ('coffee.jpg', 'astronaut.jpg'):
        page.set_input_files('#palette', EXAMPLES / name)
        page.wait_for_selector(f'#palette-name:has-text("{name}")')
    page.click('lumachrome-history .undo')
    assert page.inner_text('#palette-name') == 'coffee.jpg'
    page.click('#no-palette')
    assert page.inner_text('#palette-name') == '' and not page.is_visible('#no-palette')
    assert page.evaluate('document.activeElement.id') == 'palette'
    page.click('lumachrome-history .undo')
    assert page.inner_text('#palette-name') == 'coffee.jpg' and page.is_visible('#strength')


def test_other_colorings_are_those_of_the_photo_and_of_what_is_set(page, tall):
    shapes = "[...document.querySelectorAll('#variants canvas')].map(({ width, height }) => width > height)"
    gray = """(() => {
        const shown = document.querySelector('#variants canvas'), canvas = document.createElement('canvas');
        if (!shown) return null;
        [canvas.width, canvas.height] = [shown.width, shown.height];
        const context = canvas.getContext('2d');
        context.drawImage(shown, 0, 0);
        const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
        return data.every((value, i) => i % 4 || Math.abs(value - data[i + 2]) < 2); })()"""
    page.click('#variants summary')
    until(page, f'{shapes}.join() === "true,true,true,true"')
    assert page.evaluate(gray) is False
    page.fill('#saturation [type=range]', '0')
    until(page, f'{gray} === true')
    page.set_input_files('#another', tall)
    page.click('#leave')
    until(page, f'{shapes}.join() === "false,false,false,false"')


def test_text_that_is_pasted_is_answered_once_and_left_alone_in_fields(page):
    assert page.evaluate(PASTE) == 'There is no picture in the clipboard: copy a picture first.'
    page.wait_for_selector('#status:empty', state='attached', timeout=10_000)
    page.evaluate(
        "document.querySelector('lumachrome-painter').hints = [{ x: 0.3, y: 0.3, color: '#ff0000' }]",
    )
    page.click('lumachrome-painter summary')
    assert page.locator('lumachrome-painter li input[type=number]').first.evaluate(PASTE) == ''


def test_what_becomes_of_a_file_is_said_without_contradiction(page, tmp_path):
    Image.new('L', (64, 48), 90).save(tmp_path / 'scan.gif')
    page.set_input_files('#another', tmp_path / 'scan.gif')
    page.wait_for_selector('#about:has-text("scan.gif")')
    assert page.inner_text('#format') == (
        "Browsers cannot write the format that came in: it becomes a PNG without the old file's metadata."
    )
    pages = [Image.new('L', (64, 48), 90)] * 2
    pages[0].save(tmp_path / 'pages.tif', save_all=True, append_images=pages[1:])
    page.set_input_files('#another', tmp_path / 'pages.tif')
    page.wait_for_selector('#about:has-text("pages.tif")')
    assert page.inner_text('#format').endswith('metadata. Only its first page is coloured.')
    page.click('#language')
    assert '。只为第一页上色。' in page.inner_text('#format')


def test_where_next_to_nothing_was_found_it_says_so_in_each_language(page, tmp_path):
    Image.new('L', (200, 150), 255).save(tmp_path / 'white.png')
    page.set_input_files('#another', tmp_path / 'white.png')
    page.wait_for_selector('#about:has-text("white.png")')
    found = '#status:has-text("The model found next to nothing to colour here. Click on the photo to help it.")'
    page.wait_for_selector(found)
    page.click('#language')
    assert page.inner_text('#status') == '模型在这张照片里几乎没找到可上的颜色。点击照片来帮助它。'


def test_a_photo_that_cannot_be_colored_is_no_longer_being_opened(page, tall):
    page.evaluate(
        """() => {
        const post = Worker.prototype.postMessage;
        Worker.prototype.postMessage = function (message, ...more) {
            const data = { id: message.id, word: 'failed', values: {}, detail: '' };
            if (message.ask === 'look') this.dispatchEvent(new MessageEvent('message', { data }));
            else post.call(this, message, ...more);
        }; }"""
    )
    page.set_input_files('#another', tall)
    page.wait_for_selector('#error:not(:empty)')
    page.wait_for_selector('#status:empty', state='attached', timeout=5000)


def test_sizes_and_examples_have_the_names_of_the_other_page(page):
    page.click('#sizes summary')
    assert page.locator('#render-size option').all_inner_texts() == ['Standard', 'Finer (384 pixels)']
    page.click('#language')
    names = page.evaluate("[...document.querySelectorAll('#examples button')].map(button => button.ariaLabel)")
    assert '示例：旧照 china' in names and '示例：coffee' in names


def test_on_a_phone_all_controls_are_in_sight_and_apart(browser, url):
    with visit(browser, viewport={'width': 390, 'height': 844}, has_touch=True, is_mobile=True) as context:
        page = context.new_page()
        page.goto(url)
        page.wait_for_selector('#sample .after canvas')
        assert page.is_visible('#sample .knob') and not page.is_visible('#sample .zoom-in')
        page.set_input_files('#file', EXAMPLES / 'china.jpg')
        is_said(page, 'looks')
        page.click('#keep summary')
        parts = ('#presets', '#vividness', '#save-hints', '.save')
        boxes = [page.locator(part).bounding_box() for part in parts]
        assert all(box['x'] >= 14 and box['x'] + box['width'] <= 376 for box in boxes)
        assert all(one['y'] + one['height'] < other['y'] for one, other in itertools.pairwise(boxes))
        assert page.locator('#vividness [type=number]').bounding_box()['height'] >= 44  # for a finger
        page.close(run_before_unload=False)


def test_what_has_the_focus_is_not_under_the_buttons_that_stay_in_sight(page):
    page.set_viewport_size({'width': 1280, 'height': 700})
    page.click('#keep summary')
    page.keyboard.press('Tab')
    focused, below = page.locator('#save-hints').bounding_box(), page.locator('.save').bounding_box()
    assert page.evaluate('document.activeElement.id') == 'save-hints'
    assert focused['y'] + focused['height'] <= below['y']


def test_one_policy_stands_in_the_page_and_in_what_is_sent_with_it(page, url):
    sent = page.evaluate("fetch('./').then(response => response.headers.get('content-security-policy'))")
    assert sent == page.get_attribute('meta[http-equiv=Content-Security-Policy]', 'content')
    assert "default-src 'none'" in sent
