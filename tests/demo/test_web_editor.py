"""One photo on the static page: what stands beside it, and what is asked before it is left."""

import pytest
from PIL import Image
from static_page import WEB, built, is_said, site, until, visit

pytestmark = pytest.mark.browser
EXAMPLES = WEB.parent / 'examples'
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
    page.close(run_before_unload=False)


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


def test_sizes_and_examples_have_the_names_of_the_other_page(page):
    page.click('#sizes summary')
    assert page.locator('#render-size option').all_inner_texts() == ['Standard', 'Finer (384 pixels)']
    page.click('#language')
    names = page.evaluate("[...document.querySelectorAll('#examples button')].map(button => button.ariaLabel)")
    assert '示例：旧照 china' in names and '示例：coffee' in names


def test_one_policy_stands_in_the_page_and_in_what_is_sent_with_it(page, url):
    sent = page.evaluate("fetch('./').then(response => response.headers.get('content-security-policy'))")
    assert sent == page.get_attribute('meta[http-equiv=Content-Security-Policy]', 'content')
    assert "default-src 'none'" in sent
