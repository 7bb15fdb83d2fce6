"""The page in a headless Chromium."""

import contextlib
import io

import httpx
import numpy as np
import pytest
from browsers import unfold
from PIL import Image

from lumachrome import Hint, hints, photofile


def _choose(page, path):
    page.set_input_files('#photo input[type=file]', path)
    page.wait_for_selector('#compare img.after')
    page.wait_for_function("document.querySelector('#compare img.after').naturalWidth > 0")


def _after(page):
    return page.get_attribute('#compare img.after', 'src')


def test_from_upload_to_download(page, photo, tmp_path):
    assert not page.is_visible('#download')
    _choose(page, photo)
    assert page.get_attribute('#compare img.before', 'alt') and page.get_attribute('#compare img.after', 'alt')
    assert page.evaluate("document.querySelector('#compare img.after').naturalHeight") == 400
    assert '300 × 400 pixels · plain on CPU' in page.inner_text('#status')
    with page.expect_download() as download:
        page.click('#download')
    assert download.value.suggested_filename == 'grandmother-colour.jpg'
    download.value.save_as(tmp_path / 'got.jpg')
    assert 'coloured in' in page.inner_text('#status')
    got = photofile.read(tmp_path / 'got.jpg')
    assert got.pixels.shape == (400, 300, 3)
    assert abs(int(got.pixels[20, 100, 0]) - int(got.pixels[20, 100, 1]) - 40) < 6
    page.click('#another')
    page.wait_for_selector('#photo', state='visible')
    page.wait_for_selector('#compare', state='hidden')
    assert page.outside == [] and page.errors == []


def test_saturation_is_live_and_in_the_download(page, photo, tmp_path):
    _choose(page, photo)
    before = _after(page)
    page.fill('#saturation input[type=number]', '0')
    page.keyboard.press('Enter')
    page.wait_for_function("src => document.querySelector('#compare img.after').src !== src", arg=before)
    with page.expect_download() as download:
        page.click('#download')
    download.value.save_as(tmp_path / 'got.jpg')
    pixels = photofile.read(tmp_path / 'got.jpg').pixels.astype(int)
    assert np.abs(pixels[..., 0] - pixels[..., 2]).max() <= 2


def test_another_model_brings_its_own_settings(page, photo):
    _choose(page, photo)
    assert not page.is_visible('#vividness')
    before = _after(page)
    unfold(page, '#settings button', '#model input')
    page.click('#model input')
    page.get_by_role('option', name='steered').click()
    page.wait_for_selector('#vividness', state='visible')
    page.wait_for_function("src => document.querySelector('#compare img.after').src !== src", arg=before)
    assert 'steered' in page.inner_text('#status')


def test_the_slider_works_from_the_keyboard_and_by_dragging(page, photo):
    _choose(page, photo)
    page.focus('#compare input')
    for _ in range(10):
        page.keyboard.press('ArrowLeft')
    assert page.get_attribute('#compare input', 'aria-valuetext') == '40 % before, 60 % after'
    box = page.locator('#compare .stage').bounding_box()
    page.mouse.move(box['x'] + box['width'] * 0.4, box['y'] + 50)
    page.mouse.down()
    page.mouse.move(box['x'] + box['width'] * 0.8, box['y'] + 50)
    page.mouse.up()
    assert page.input_value('#compare input') == '80'
    assert '80%' in page.evaluate("document.querySelector('#compare .after').style.clipPath")


def test_an_example_and_an_error(page, tmp_path):
    path = tmp_path / 'letter.jpg'
    path.write_text('Dear grandmother')
    page.set_input_files('#photo input[type=file]', path)
    page.wait_for_selector('.toast-body')
    assert 'letter.jpg is not a photo that can be read.' in page.inner_text('.toast-body')
    page.wait_for_selector('#photo img', state='detached')  # ready for the next try
    page.locator('.gallery-item').first.click()
    page.wait_for_selector('#compare img.after')
    assert page.errors == []


def _steered(page, photo):
    """The photo, with the network that takes hints."""
    _choose(page, photo)
    with _news(page):
        unfold(page, '#settings button', '#model input')
        page.click('#model input')
        page.get_by_role('option', name='steered').click()
    page.wait_for_selector('.painter .add')


@contextlib.contextmanager
def _news(page):
    """Something after which there is another picture."""
    before = _after(page)
    yield
    page.wait_for_function("src => document.querySelector('#compare img.after').src !== src", arg=before)
    page.wait_for_function("document.querySelector('#compare img.after').complete")


def _click(page, x, y):
    """Click on the photo, at fractions of its width and height, and wait for the likely colours."""
    page.locator('#compare .stage').scroll_into_view_if_needed()
    box = page.locator('#compare .stage').bounding_box()
    page.mouse.click(box['x'] + x * box['width'], box['y'] + y * box['height'])
    page.wait_for_selector('.likely button')


def _pixels(page):
    return np.asarray(Image.open(io.BytesIO(httpx.get(_after(page)).content))).astype(int)


def test_a_hint_colors_the_photo_where_it_was_put(page, photo, tmp_path):
    _steered(page, photo)
    before = _pixels(page)
    _click(page, 0.8, 0.9)
    with _news(page):
        page.fill('.any input', '#ff0000')
    after = _pixels(page)
    quarter = np.s_[260:, 210:]  # JPEG and the middle aside, only the quarter that the hint lies in may change
    red = (after[quarter][..., 0] - after[quarter][..., 1]).mean()
    assert red > 60 and (before[quarter][..., 0] - before[quarter][..., 1]).mean() < 10
    assert np.abs(after[:140] - before[:140]).max() <= 3 and np.abs(after[:, :90] - before[:, :90]).max() <= 3
    with page.expect_download() as download:
        page.click('#download')
    download.value.save_as(tmp_path / 'got.jpg')
    np.testing.assert_allclose(photofile.read(tmp_path / 'got.jpg').pixels, after, atol=6)


def test_hints_are_moved_recolored_undone_removed_and_cleared(page, photo):
    _steered(page, photo)
    first = _pixels(page)
    _click(page, 0.8, 0.9)
    with _news(page):
        page.fill('.any input', '#ff0000')
    placed = _pixels(page)
    mark = page.locator('.mark').bounding_box()
    stage = page.locator('#compare .stage').bounding_box()
    page.mouse.move(mark['x'] + 11, mark['y'] + 11)
    page.mouse.down()
    page.mouse.move(stage['x'] + 20, stage['y'] + 30, steps=5)
    with _news(page):
        page.mouse.up()
    moved = _pixels(page)
    assert (moved[:140, :90, 0] - moved[:140, :90, 1]).mean() > 60
    np.testing.assert_array_equal(moved[280:, 240:], first[280:, 240:])
    with _news(page):
        page.click('.undo')
    np.testing.assert_array_equal(_pixels(page), placed)
    page.locator('.mark').click()
    with _news(page):
        page.click('.painter .gray')
    gray = _pixels(page)[280:, 240:]
    assert np.abs(gray[..., 0] - gray[..., 2]).max() <= 4
    with _news(page):
        page.click('.painter .remove')
    np.testing.assert_array_equal(_pixels(page), first)
    with _news(page):
        page.click('.border')
    assert page.locator('.mark').count() == 8
    with _news(page):
        page.click('.painter .clear')
    assert page.locator('.mark').count() == 0 and page.is_disabled('.painter .clear')
    np.testing.assert_array_equal(_pixels(page), first)
    assert page.errors == []


def test_likely_colors_are_offered_as_they_will_look(page, photo):
    _steered(page, photo)
    _click(page, 0.3, 0.1)
    offered = page.locator('.likely button').first
    shade = offered.get_attribute('title')
    with _news(page):
        offered.click()
    assert page.locator('.mark').get_attribute('aria-label') == f'Hint 1: {shade}'
    red, green, blue = bytes.fromhex(shade[1:])
    assert red - green in range(38, 43) and green - blue in range(8, 13)  # the likeliest there: 40, -10
    with _news(page):
        page.fill('.any input', '#0000ff')
    page.keyboard.press('Escape')
    _click(page, 0.6, 0.9)
    page.locator('.mark').first.click()  # what else is likely is offered at a hint as well
    page.wait_for_function("shade => document.querySelector('.likely button')?.title === shade", arg=shade)


def test_a_color_is_taken_from_the_photo(page, photo):
    _steered(page, photo)
    _click(page, 0.8, 0.9)
    page.click('.dropper')
    box = page.locator('#compare .stage').bounding_box()
    with _news(page):
        page.mouse.click(box['x'] + 0.5 * box['width'], box['y'] + 0.25 * box['height'])
    assert page.locator('.mark').count() == 1
    taken = bytes.fromhex(page.locator('.mark').get_attribute('aria-label').split('#')[1])
    np.testing.assert_allclose(list(taken), _pixels(page)[100, 150], atol=4)


def test_hints_work_from_the_keyboard_alone(page, photo):
    _steered(page, photo)
    page.focus('.painter .add')
    page.keyboard.press('Enter')
    page.wait_for_selector('.likely button')
    for key in ['ArrowRight'] * 3 + ['Shift+ArrowDown'] * 2:
        page.keyboard.press(key)
    page.focus('.painter .gray')
    with _news(page):
        page.keyboard.press('Enter')
    page.focus('.all summary')
    page.keyboard.press('Enter')
    assert [field.input_value() for field in page.locator('.all input[type=number]').all()] == ['53', '60']
    with _news(page):
        page.fill('.all input[type=color]', '#0000ff')
        page.locator('.all input[type=color]').dispatch_event('change')
    page.focus('.mark')
    with _news(page):
        page.keyboard.press('Delete')
    assert page.locator('.mark').count() == 0
    assert page.evaluate('document.activeElement.className') == 'add'
    with _news(page):
        page.keyboard.press('Control+z')
    assert page.locator('.mark').get_attribute('aria-label') == 'Hint 1: #0000ff'


def test_hints_are_saved_and_restored(page, photo, tmp_path):
    _steered(page, photo)
    _click(page, 0.8, 0.9)
    with _news(page):
        page.fill('.any input', '#ff0000')
    hinted = _pixels(page)
    unfold(page, '#keep button', '#keep input[type=file]')
    with page.expect_download() as download:
        page.click('#save-hints')
    assert download.value.suggested_filename == 'grandmother-hints.json'
    download.value.save_as(tmp_path / 'hints.json')
    with _news(page):
        page.click('.painter .clear')
    with _news(page):
        page.set_input_files('#keep input[type=file]', tmp_path / 'hints.json')
    assert page.locator('.mark').count() == 1
    np.testing.assert_array_equal(_pixels(page), hinted)
    (tmp_path / 'letter.json').write_text('{}')
    page.set_input_files('#keep input[type=file]', tmp_path / 'letter.json')
    page.wait_for_selector('.toast-body')
    assert 'letter.json holds no colour hints' in page.inner_text('.toast-body')
    assert page.locator('.mark').count() == 1


def test_a_network_without_hints_shows_none_and_keeps_them(page, photo):
    _steered(page, photo)
    _click(page, 0.8, 0.9)
    with _news(page):
        page.fill('.any input', '#ff0000')
    for model, shown in (('plain', False), ('steered', True)):
        with _news(page):
            page.click('#model input')
            page.get_by_role('option', name=model).click()
        page.wait_for_function("shown => document.querySelector('.painter').hidden === !shown", arg=shown)
        for part in ('.mark', '.painter', '#variants', '#keep', '#vividness'):
            page.wait_for_selector(part, state='visible' if shown else 'hidden')
    red = _pixels(page)[280:, 240:]
    assert (red[..., 0] - red[..., 1]).mean() > 60


def test_other_colorings_are_offered_and_taken(page, photo, tmp_path):
    _steered(page, photo)
    before = _pixels(page)
    page.click('#variants button')
    page.wait_for_function("document.querySelectorAll('#gallery img').length === 4")
    assert page.locator('#gallery .caption-label').all_inner_texts() == [
        'As proposed',
        'Another',
        'A third',
        'A fourth',
    ]
    with _news(page):
        page.locator('#gallery button.thumbnail-item').nth(2).click()
    np.testing.assert_allclose((_pixels(page) - before)[..., 0].mean(), 20, atol=2)
    with _news(page):
        page.locator('#gallery button.thumbnail-item').nth(1).click()  # the others stay on offer
    _click(page, 0.8, 0.9)
    with _news(page):
        page.click('.painter .gray')
    redder = _pixels(page)
    np.testing.assert_allclose((redder - before)[:140, :, 0].mean(), 10, atol=2)  # where no hint is, it stays
    with page.expect_download() as download:
        page.click('#download')
    download.value.save_as(tmp_path / 'got.jpg')
    np.testing.assert_allclose(photofile.read(tmp_path / 'got.jpg').pixels, redder, atol=6)


def test_warmth_and_a_palette_are_live(page, photo, tmp_path):
    _choose(page, photo)
    before = _pixels(page)
    with _news(page):
        page.fill('#warmth input[type=number]', '1')
        page.keyboard.press('Enter')
    assert (before[..., 2] - _pixels(page)[..., 2]).mean() < -5  # the stand-in's blue is the gray plus b
    Image.new('RGB', (60, 60), (200, 60, 60)).save(tmp_path / 'red.png')
    unfold(page, '#palettes button', '#palette input[type=file]')
    with _news(page):
        page.set_input_files('#palette input[type=file]', tmp_path / 'red.png')
    with _news(page):
        page.fill('#strength input[type=number]', '1')
        page.keyboard.press('Enter')
    reds = _pixels(page)
    assert (reds[..., 0] - reds[..., 1]).mean() > 50


def test_a_palette_that_cannot_be_read_is_taken_back_alone(page, photo, tmp_path):
    (tmp_path / 'letter.jpg').write_text('Dear grandmother')
    _choose(page, photo)
    before = _pixels(page)
    unfold(page, '#palettes button', '#palette input[type=file]')
    page.set_input_files('#palette input[type=file]', tmp_path / 'letter.jpg')
    page.wait_for_selector('text=letter.jpg is not a photo that can be read.')
    page.wait_for_selector('#palette img', state='detached')  # there is room for another
    np.testing.assert_array_equal(_pixels(page), before)
    with _news(page):
        page.fill('#warmth input[type=number]', '1')
        page.keyboard.press('Enter')


def test_a_photo_with_colors_of_its_own_brings_a_warning(page, photo, tmp_path):
    pixels = np.zeros((60, 80, 3), np.uint8)
    pixels[:, :40], pixels[:, 40:] = (200, 60, 60), (60, 60, 200)
    Image.fromarray(pixels).save(tmp_path / 'colour.png')
    _choose(page, tmp_path / 'colour.png')
    page.wait_for_function("document.querySelector('#warning').innerText.includes('colours of its own')")
    page.click('#another')
    page.wait_for_selector('#photo', state='visible')
    _choose(page, photo)
    assert page.inner_text('#warning').strip() == ''


def test_next_to_no_color_brings_a_warning_and_what_to_do(page, photo, tmp_path):
    _steered(page, photo)
    assert page.inner_text('#warning').strip() == ''
    quarters = [(x, y) for x in (0.2, 0.8) for y in (0.2, 0.8)]
    hints.write(tmp_path / 'gray.json', 'grandmother.jpg', [Hint(x, y, '#808080') for x, y in quarters])
    unfold(page, '#keep button', '#keep input[type=file]')
    with _news(page):
        page.set_input_files('#keep input[type=file]', tmp_path / 'gray.json')
    assert page.inner_text('#warning').strip() == (
        'The network found next to nothing to colour here. Click on the photo to help it.'
    )


def test_zoom_keeps_the_place_and_clicks_still_meet_it(page, photo):
    _steered(page, photo)
    width = page.locator('#compare .stage').bounding_box()['width']
    page.click('.zoom-in')
    assert page.locator('#compare .stage').bounding_box()['width'] == pytest.approx(2 * width, abs=2)
    frame = page.locator('#compare .frame').bounding_box()
    page.mouse.click(frame['x'] + frame['width'] / 2, frame['y'] + frame['height'] / 2)
    page.wait_for_selector('.likely button')
    mark = page.locator('.mark')
    place = [float(mark.evaluate(f'mark => mark.style.{side}').rstrip('%')) for side in ('left', 'top')]
    np.testing.assert_allclose(place, 50, atol=3)
    page.click('.zoom-out')
    assert page.locator('#compare .stage').bounding_box()['width'] == pytest.approx(width, abs=2)
    assert page.is_disabled('.zoom-out')


def test_the_page_speaks_chinese(browser, url, photo, tmp_path):
    page = browser.new_page(locale='zh-CN')
    page.goto(url)
    page.wait_for_selector('#photo input[type=file]', state='attached')
    _choose(page, photo)
    assert page.inner_text('#download') == '下载彩色照片' and '像素' in page.inner_text('#status')
    assert page.get_attribute('#compare img.after', 'alt') == '上色后的照片'
    page.click('#another')
    page.wait_for_selector('#photo', state='visible')
    (tmp_path / 'letter.jpg').write_text('hello')
    page.set_input_files('#photo input[type=file]', tmp_path / 'letter.jpg')
    page.wait_for_selector('.toast-body')
    assert '这张照片无法读取或写入。letter.jpg' in page.inner_text('.toast-body')
    page.close()


@pytest.mark.parametrize('theme', ['light', 'dark'])
def test_a_phone_shows_it_without_scrolling_sideways(page, url, photo, theme):
    page.set_viewport_size({'width': 390, 'height': 844})
    page.goto(f'{url}?__theme={theme}')
    page.wait_for_selector('#photo input[type=file]', state='attached')
    _choose(page, photo)
    assert page.evaluate('document.documentElement.scrollWidth') <= 390
    assert page.locator('#compare .stage').bounding_box()['width'] > 150
