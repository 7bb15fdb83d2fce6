"""One photo on the page, in a headless Chromium: in, seen, adjusted, kept, and out."""

import base64
import io

import numpy as np
import pytest
from browsers import choose, click, drop, news, opened, pixels, red, steered
from PIL import Image

from lumachrome import photofile


def _saved(page, button, path):
    with page.expect_download() as download:
        page.locator(button).evaluate('button => { button.click(); button.click(); }')  # that brings one file
    download.value.save_as(path)
    return download.value.suggested_filename


def test_from_upload_to_download(page, photo, tmp_path):
    assert not page.is_visible('.studio .download')
    example = page.locator('.layer.before img')  # an empty page shows what it does
    example.wait_for()
    assert example.get_attribute('alt') == 'The photo as it came'
    choose(page, photo)
    assert '300 × 400 pixels · plain on CPU' in page.inner_text('.studio .status')
    assert pixels(page).shape == (400, 300, 3)
    downloads = []
    page.on('download', lambda download: downloads.append(download))
    assert _saved(page, '.studio .download', tmp_path / 'got.jpg') == 'grandmother-colour.jpg'
    page.wait_for_selector('.studio .download:not([aria-disabled])')
    assert 'coloured in' in page.inner_text('.studio .status')
    got = photofile.read(tmp_path / 'got.jpg')
    assert got.pixels.shape == (400, 300, 3)
    assert abs(int(got.pixels[20, 100, 0]) - int(got.pixels[20, 100, 1]) - 40) < 6
    assert _saved(page, '.studio .share', tmp_path / 'both.jpg') == 'grandmother-before-after.jpg'
    both = photofile.read(tmp_path / 'both.jpg').pixels.astype(int)
    assert both.shape[1] == 2 * 300 + 8 and both.shape[0] > 400
    assert np.abs(both[20, 100, 0] - both[20, 100, 1]) < 3 and both[20, 408, 0] - both[20, 408, 1] > 30
    page.click('.studio .another')  # nothing was changed, so nothing is asked
    page.wait_for_selector('.studio .drop', state='visible')
    assert len(downloads) == 2 and page.outside == [] and page.errors == []


def test_sliders_looks_and_a_palette_are_live_and_undone_together(page, photo, tmp_path):
    choose(page, photo)
    first = pixels(page)
    with news(page):
        page.fill('.saturation input[type=number]', '0')
        page.keyboard.press('Enter')
    gray = pixels(page)
    assert np.abs(gray[..., 0] - gray[..., 2]).max() <= 2
    _saved(page, '.studio .download', tmp_path / 'got.jpg')
    got = photofile.read(tmp_path / 'got.jpg').pixels.astype(int)
    assert np.abs(got[..., 0] - got[..., 2]).max() <= 2
    with news(page):
        page.get_by_role('button', name='Warm', exact=True).click()
    page.fill('.warmth input[type=number]', '')
    page.keyboard.press('Enter')
    assert page.input_value('.warmth input[type=number]') == '0.4'
    assert (first[..., 2] - pixels(page)[..., 2]).mean() < -3  # the stand-in's blue is the gray plus b
    assert page.locator('.presets [aria-pressed=true]').inner_text() == 'Warm'
    Image.new('RGB', (60, 60), (200, 60, 60)).save(tmp_path / 'red.png')
    page.click('.studio .palettes summary')
    with news(page):
        page.set_input_files('.studio .palette-file', tmp_path / 'red.png')
    with news(page):
        page.fill('.strength input[type=number]', '1')
        page.keyboard.press('Enter')
    reds = pixels(page)
    assert (reds[..., 0] - reds[..., 1]).mean() > 50
    natural = page.get_attribute('.presets img >> nth=0', 'src').partition(',')[2]  # a look keeps the palette
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(natural)))).astype(int)
    assert (shown[..., 0] - shown[..., 1]).mean() > 50
    page.evaluate('document.activeElement.blur()')
    for _ in range(4):  # strength, palette, look, saturation
        with news(page):
            page.keyboard.press('Control+z')
    np.testing.assert_array_equal(pixels(page), first)
    assert page.locator('.undo').get_attribute('aria-disabled') == 'true'
    with news(page):
        page.keyboard.press('Control+Shift+z')
    np.testing.assert_array_equal(pixels(page), gray)
    with news(page):
        page.click('lumachrome-history .reset')
    np.testing.assert_array_equal(pixels(page), first)
    (tmp_path / 'letter.jpg').write_text('Dear grandmother')
    page.set_input_files('.studio .palette-file', tmp_path / 'letter.jpg')
    page.wait_for_selector('text=letter.jpg is not a photo that can be read.')
    assert not page.is_visible('.studio .no-palette')  # nor does it stand in the way of what follows
    with news(page):
        page.fill('.saturation input[type=number]', '0')
        page.keyboard.press('Enter')
    with news(page):
        page.set_input_files('.studio .palette-file', tmp_path / 'red.png')
    with news(page):
        page.click('.studio .no-palette')
    assert page.evaluate("document.activeElement.matches('.palette')")
    assert page.locator('.toast-body').count() == 1


def test_photos_are_dropped_and_pasted_anywhere(page, photo, tmp_path):
    drop(page, [photo])
    opened(page)
    (tmp_path / 'letter.txt').write_text('Dear grandmother')
    drop(page, [tmp_path / 'letter.txt'])
    page.wait_for_selector('.said:has-text("letter.txt is not a photo.")')
    (tmp_path / 'a$$b$&.txt').write_text('Dear grandmother')
    drop(page, [tmp_path / 'a$$b$&.txt'])
    page.wait_for_selector('.said:has-text("a$$b$&.txt is not a photo.")')
    paste = """files => {
        const data = new DataTransfer();
        for (const name of files) data.items.add(new File(['x'], name, { type: 'image/png' }));
        if (!files.length) data.setData('text/plain', 'hello');
        document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }));
    }"""
    page.evaluate(paste, [])
    page.wait_for_selector('.said:has-text("There is no picture in the clipboard")')
    with news(page):
        page.fill('.saturation input[type=number]', '0.5')
        page.keyboard.press('Enter')
    page.evaluate(paste, ['pasted.png'])
    page.wait_for_selector('.sure[open]')  # work would be lost
    page.click('.studio .stay')
    assert page.input_value('.saturation input[type=number]') == '0.5'
    page.evaluate(paste, ['pasted.png'])
    page.click('.studio .leave')
    page.wait_for_selector('.toast-body')  # x is no picture
    assert 'pasted.png' in page.inner_text('.toast-body')
    page.wait_for_selector('.studio .drop', state='visible')  # ready for the next try
    page.locator('.examples button').first.click()
    opened(page)
    drop(page, [photo, tmp_path / 'letter.txt'])
    page.wait_for_selector('#album .state:has-text("Files ready: 2 ")')
    assert page.locator('#album .names li').all_text_contents() == ['grandmother.jpg', 'letter.txt']
    assert page.errors == []


def test_of_several_that_are_no_photos_each_is_refused(page, photo, tmp_path):
    for name in ('first.jpg', 'second.jpg'):
        (tmp_path / name).write_text('Dear grandmother')
        page.set_input_files('.studio .file', tmp_path / name)
        page.wait_for_selector(f'text={name} is not a photo that can be read.')
        page.wait_for_selector('.studio .choose', state='visible')
        assert not page.is_visible('.studio .busy')
    choose(page, photo)


def test_what_hovers_is_told_of_buttons_alone(page, photo):
    choose(page, photo)
    labelled = "document.querySelectorAll('[data-label][aria-label]').length"  # of the page itself, not of its elements
    assert page.evaluate(labelled) >= 2
    assert page.evaluate("document.querySelectorAll('[data-label][title]:not(button)').length") == 0


def test_work_is_kept_through_a_reload(page, photo):
    steered(page, photo)
    click(page, 0.8, 0.9)
    with news(page):
        red(page)
    with news(page):
        page.fill('.warmth input[type=number]', '1')
        page.keyboard.press('Enter')
    now = pixels(page)
    page.wait_for_timeout(400)
    page.reload()
    opened(page)
    page.wait_for_function("document.querySelector('lumachrome-painter').hints.length === 1")
    np.testing.assert_array_equal(pixels(page), now)
    with news(page):
        page.keyboard.press('Control+z')  # back to how the photo came
    page.click('.studio .another')
    page.wait_for_selector('.studio .drop', state='visible')
    page.reload()
    page.wait_for_selector('.studio .choose')
    assert not page.is_visible('.studio .panel')


def test_an_example_is_as_large_after_a_reload(page):
    page.locator('.examples button').nth(5).click()
    opened(page)
    large = pixels(page).shape
    page.wait_for_timeout(400)
    page.reload()
    opened(page)
    assert pixels(page).shape == large  # and not as small as its picture among the examples


def test_all_of_the_place_to_drop_a_photo_may_be_clicked(page, photo):
    with page.expect_file_chooser() as chooser:
        page.click('.studio .drop', position={'x': 20, 'y': 20})
    chooser.value.set_files(photo)
    opened(page)


def test_zoom_brings_the_photos_own_pixels(page, tmp_path):
    noise = np.random.default_rng(0).integers(60, 190, (1500, 2400)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / 'large.png')
    choose(page, tmp_path / 'large.png')
    frame = page.locator('.frame').bounding_box()
    page.mouse.move(frame['x'] + 0.75 * frame['width'], frame['y'] + 0.5 * frame['height'])
    page.mouse.wheel(0, -500)
    patch = page.locator('.layer.after .patch')
    patch.wait_for()
    page.click('.under .scale')
    page.wait_for_function("document.querySelector('lumachrome-painter').slider.zoom === 1")
    patch.wait_for(state='detached')
    page.click('.under .scale')  # the photo's own pixels
    patch.wait_for()
    place = patch.evaluate('node => ({ width: node.naturalWidth, left: parseFloat(node.style.left) / 100 })')
    assert abs(place['width'] - frame['width']) <= 2
    assert page.locator('.under .scale').inner_text() == '100 %'
    page.focus('.frame')
    page.keyboard.press('0')
    assert page.evaluate("document.querySelector('lumachrome-painter').slider.zoom") == 1
    page.focus('.knob')
    for _ in range(10):
        page.keyboard.press('ArrowLeft')
    assert page.get_attribute('.knob', 'aria-valuetext') == '40 % before, 60 % after'
    page.mouse.move(frame['x'] + frame['width'] * 0.4, frame['y'] + 50)
    page.mouse.down()
    page.mouse.move(frame['x'] + frame['width'] * 0.8, frame['y'] + 50, steps=3)
    page.mouse.up()
    assert abs(int(page.get_attribute('.knob', 'aria-valuenow')) - 80) <= 2 and page.errors == []


def _touch(session, kind, *fingers):
    points = [{'x': x, 'y': y, 'id': i} for i, (x, y) in enumerate(fingers)]
    session.send('Input.dispatchTouchEvent', {'type': f'touch{kind}', 'touchPoints': points})


def test_two_fingers_zoom_one_moves_and_the_screen_can_be_filled(browser, url, photo):
    context = browser.new_context(viewport={'width': 390, 'height': 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(url)
    choose(page, photo)
    session, box = context.new_cdp_session(page), page.locator('.stage').bounding_box()
    x, y = box['x'] + box['width'] / 2, box['y'] + box['height'] / 2
    _touch(session, 'Start', (x - 20, y), (x + 20, y))
    for reach in (30, 40, 50, 60):
        _touch(session, 'Move', (x - reach, y), (x + reach, y))
    _touch(session, 'End')
    zoom = "document.querySelector('lumachrome-painter').slider.zoom"
    assert 2.5 < page.evaluate(zoom) < 3.5
    there = page.locator('.stage').bounding_box()
    x, y = x - 60, y - 60  # not on the divider's knob
    _touch(session, 'Start', (x, y))
    for step in (10, 20, 40):
        _touch(session, 'Move', (x + step, y + step))
    _touch(session, 'End')
    moved = page.locator('.stage').bounding_box()
    assert 20 < moved['x'] - there['x'] < 45 and 20 < moved['y'] - there['y'] < 45
    page.click('.under .full')
    page.wait_for_function("document.fullscreenElement?.localName === 'lumachrome-painter'")
    assert page.locator('.frame').bounding_box()['width'] > 360
    page.click('.under .full')
    page.wait_for_function('!document.fullscreenElement')
    context.close()


def test_a_dropped_folder_becomes_an_album_and_ctrl_z_works_from_everywhere(page, photo, holiday):
    choose(page, photo)
    first = pixels(page)
    with news(page):
        page.focus('.warmth input[type=range]')
        page.keyboard.press('End')
    warm = pixels(page)
    for place in ('.warmth input[type=range]', '.studio .download', '.frame', '.studio .another'):
        page.focus(place)
        with news(page):
            page.keyboard.press('Control+z')
        np.testing.assert_array_equal(pixels(page), first)
        with news(page):
            page.keyboard.press('Control+Shift+z')
        np.testing.assert_array_equal(pixels(page), warm)
    drop(page, [holiday])
    page.wait_for_selector('#album .state:has-text("Files ready")')
    assert 'holiday/summer/a [1].jpg' in page.locator('#album .names li').all_text_contents()
    assert page.errors == []


def test_a_photo_with_colors_of_its_own_brings_a_warning(page, photo, tmp_path):
    picture = np.zeros((60, 80, 3), np.uint8)
    picture[:, :40], picture[:, 40:] = (200, 60, 60), (60, 60, 200)
    Image.fromarray(picture).save(tmp_path / 'colour.png')
    choose(page, tmp_path / 'colour.png')
    page.wait_for_selector('.studio .warning:has-text("colours of its own")')
    page.click('.studio .another')
    choose(page, photo)
    assert page.inner_text('.studio .warning').strip() == ''


def test_the_page_speaks_chinese(browser, url, photo, tmp_path):
    page = browser.new_page(locale='zh-CN')
    page.goto(url)
    choose(page, photo)
    assert page.inner_text('.studio .download') == '下载彩色照片' and '像素' in page.inner_text('.studio .status')
    assert page.locator('.layer.after img').get_attribute('alt') == '上色后的照片'
    page.click('.studio .another')
    (tmp_path / 'letter.jpg').write_text('hello')
    page.set_input_files('.studio .file', tmp_path / 'letter.jpg')
    page.wait_for_selector('.toast-body')
    assert page.inner_text('.toast-body').endswith('letter.jpg 不是可以读取的照片。')
    page.close()


@pytest.mark.parametrize('theme', ['light', 'dark'])
def test_a_phone_keeps_the_picture_in_view(page, url, photo, theme):
    page.set_viewport_size({'width': 390, 'height': 844})
    page.goto(f'{url}?__theme={theme}')
    choose(page, photo)
    assert page.evaluate('document.documentElement.scrollWidth') <= 390
    looks = [button.bounding_box() for button in page.locator('.presets button').all()]
    assert len(looks) == 5 and all(look['x'] > 0 and look['x'] + look['width'] < 390 for look in looks)
    page.locator('.warmth input[type=range]').scroll_into_view_if_needed()
    stage = page.locator('.stage').bounding_box()
    slider = page.locator('.warmth input[type=range]').bounding_box()
    assert stage['y'] > -1 and slider['y'] > stage['y'] + stage['height'] and slider['y'] < 844
