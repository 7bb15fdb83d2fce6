"""Colour hints on the page, in a browser: by mouse, by strokes, from the keyboard, and as files."""

import numpy as np
from browsers import choose, click, news, pixels, red, steered
from PIL import Image

from lumachrome import Hint, hints, photofile


def _mark(page):
    return page.locator('.mark').last


def test_a_hint_colors_the_photo_where_it_was_put(page, photo, tmp_path):
    steered(page, photo)
    before = pixels(page)
    click(page, 0.8, 0.9)
    assert page.get_attribute('.knob', 'aria-valuenow') == '0'  # what one does is to be seen
    assert not page.is_visible('[name=reach]')
    with news(page):
        red(page)
    assert page.is_visible('.studio .reach [type=range]')  # how far is asked once there is a hint
    after = pixels(page)
    quarter = np.s_[260:, 210:]  # JPEG and the middle aside, only the quarter that the hint lies in may change
    redder = (after[quarter][..., 0] - after[quarter][..., 1]).mean()
    assert redder > 60 and (before[quarter][..., 0] - before[quarter][..., 1]).mean() < 10
    assert np.abs(after[:140] - before[:140]).max() <= 3 and np.abs(after[:, :90] - before[:, :90]).max() <= 3
    with page.expect_download() as download:
        page.click('.studio .download')
    download.value.save_as(tmp_path / 'got.jpg')
    np.testing.assert_allclose(photofile.read(tmp_path / 'got.jpg').pixels, after, atol=6)
    page.click('.tools .done')
    assert page.get_attribute('.knob', 'aria-valuenow') == '50'


def test_hints_are_moved_recolored_removed_and_undone(page, photo):
    steered(page, photo)
    first = pixels(page)
    click(page, 0.8, 0.9)
    with news(page):
        red(page)
    placed = pixels(page)
    mark, stage = _mark(page).bounding_box(), page.locator('.stage').bounding_box()
    page.mouse.move(mark['x'] + 12, mark['y'] + 12)
    page.mouse.down()
    page.mouse.move(stage['x'] + 20, stage['y'] + 30, steps=5)
    with news(page):
        page.mouse.up()
    moved = pixels(page)
    assert (moved[:140, :90, 0] - moved[:140, :90, 1]).mean() > 60
    np.testing.assert_array_equal(moved[280:, 240:], first[280:, 240:])
    page.evaluate('document.activeElement.blur()')
    with news(page):
        page.keyboard.press('Control+z')
    np.testing.assert_array_equal(pixels(page), placed)
    with news(page):
        page.click('.tools .gray')
    gray = pixels(page)[280:, 240:]
    assert np.abs(gray[..., 0] - gray[..., 2]).max() <= 4
    with news(page):
        page.click('.tools .remove')
    np.testing.assert_array_equal(pixels(page), first)
    page.click('.tools .stroke')
    page.mouse.move(stage['x'] + 0.6 * stage['width'], stage['y'] + 0.8 * stage['height'])
    page.mouse.down()
    page.mouse.move(stage['x'] + 0.9 * stage['width'], stage['y'] + 0.8 * stage['height'], steps=12)
    page.mouse.up()
    with news(page):
        page.locator('.things').get_by_role('button', name='Brick').click()
    assert page.locator('.mark').count() > 4
    assert _mark(page).get_attribute('aria-label').endswith(': red')
    with news(page):
        page.keyboard.press('Control+z')  # a stroke is one step
    assert page.locator('.mark').count() == 0 and page.errors == []


def test_likely_colors_are_offered_as_they_will_look(page, photo):
    steered(page, photo)
    click(page, 0.3, 0.1)
    offered = page.locator('.likely .swatch').first
    shade = offered.get_attribute('title')
    assert not offered.get_attribute('aria-label').startswith('#')  # a screen reader says a name
    with news(page):
        offered.click()
    first, green, blue = bytes.fromhex(shade[1:])
    assert first - green in range(38, 43) and green - blue in range(8, 13)  # the likeliest there: 40, -10
    assert page.evaluate("document.querySelector('lumachrome-painter').shadowRoot.activeElement?.title") == shade
    click(page, 0.8, 0.9)
    page.click('.tools .dropper')
    box = page.locator('.stage').bounding_box()
    with news(page):
        page.mouse.click(box['x'] + 0.5 * box['width'], box['y'] + 0.25 * box['height'])
    assert page.locator('.mark').count() == 2
    taken = page.evaluate("document.querySelector('lumachrome-painter').hints[1].color")
    assert taken != shade


def test_likely_colors_come_again_where_a_place_was_left(page, photo):
    steered(page, photo)
    for _ in range(2):
        page.click('.tools .add')
        page.wait_for_selector('.likely .swatch')
        page.click('.chosen .remove')


def test_hints_work_from_the_keyboard_alone(page, photo):
    steered(page, photo)
    page.focus('.tools .add')
    page.keyboard.press('Enter')
    page.wait_for_selector('.likely .swatch')
    for key in ['ArrowRight'] * 3 + ['Shift+ArrowDown'] * 2:
        page.keyboard.press(key)
    page.focus('.tools .gray')
    with news(page):
        page.keyboard.press('Enter')
    page.focus('.tools summary')
    page.keyboard.press('Enter')
    assert [field.input_value() for field in page.locator('li input[type=number]').all()] == ['53', '60']
    with news(page):
        page.fill('li input[type=color]', '#0000ff')
        page.locator('li input[type=color]').dispatch_event('change')
    page.focus('.mark')
    with news(page):
        page.keyboard.press('Delete')
    assert page.locator('.mark').count() == 0
    assert 'add' in page.evaluate("document.querySelector('lumachrome-painter').shadowRoot.activeElement.className")
    with news(page):
        page.keyboard.press('Control+z')
    assert _mark(page).get_attribute('aria-label') == 'Hint 1: blue'


def test_hints_are_saved_and_restored_and_wait_for_a_network_that_takes_them(page, photo, tmp_path):
    steered(page, photo)
    click(page, 0.8, 0.9)
    with news(page):
        red(page)
    hinted = pixels(page)
    page.click('.studio .keep summary')
    with page.expect_download() as download:
        page.click('.studio .save-hints')
    assert download.value.suggested_filename == 'grandmother-hints.json'
    download.value.save_as(tmp_path / 'hints.json')
    assert hints.read(tmp_path / 'hints.json').photo == 'grandmother.jpg'
    with news(page):
        page.click('.tools .clear')
    with news(page):
        page.set_input_files('.studio .hints-file', tmp_path / 'hints.json')
    np.testing.assert_array_equal(pixels(page), hinted)
    (tmp_path / 'letter.json').write_text('{}')
    page.set_input_files('.studio .hints-file', tmp_path / 'letter.json')
    page.wait_for_selector('.said:has-text("letter.json holds no colour hints")')
    assert page.locator('.mark').count() == 1
    for model, shown in (('plain', False), ('steered', True)):
        with news(page):
            page.select_option('.studio .model label.model select', label=model)
        for part in ('.mark', '.tools .add', '.studio .variants', '.studio .keep', '.vividness'):
            page.wait_for_selector(part, state='visible' if shown else 'hidden')
    np.testing.assert_array_equal(pixels(page), hinted)


def test_other_colorings_are_offered_and_taken(page, photo, tmp_path):
    steered(page, photo)
    before = pixels(page)
    page.click('.studio .variants summary')
    page.wait_for_function('document.querySelectorAll(\'.choices img[src^="data:image/jpeg"]\').length === 4')
    assert page.locator('.choices span').all_inner_texts() == ['As proposed', 'Another', 'A third', 'A fourth']
    with news(page):
        page.locator('.choices button').nth(1).click()
    np.testing.assert_allclose((pixels(page) - before)[..., 0].mean(), 10, atol=2)
    click(page, 0.8, 0.9)
    with news(page):
        page.click('.tools .gray')
    redder = pixels(page)
    np.testing.assert_allclose((redder - before)[:140, :, 0].mean(), 10, atol=2)  # where no hint is, it stays
    with page.expect_download() as download:
        page.click('.studio .download')
    download.value.save_as(tmp_path / 'got.jpg')
    np.testing.assert_allclose(photofile.read(tmp_path / 'got.jpg').pixels, redder, atol=6)


def test_other_colorings_follow_the_photo_and_its_hints(page, photo, tmp_path):
    steered(page, photo)
    page.click('.studio .variants summary')
    shown = """document.querySelector('.choices img').src"""
    page.wait_for_function(f"{shown}.startsWith('data:image/jpeg')")
    first = page.evaluate(shown)
    click(page, 0.3, 0.2)
    with news(page):
        red(page)
    page.wait_for_function(f'src => {shown} !== src', arg=first)
    page.click('.studio .another')
    page.click('.studio .leave')
    hinted = page.evaluate(shown)
    Image.new('L', (300, 100), 200).save(tmp_path / 'wide.png')
    steered(page, tmp_path / 'wide.png', fold=False)
    page.wait_for_function(f'src => {shown} !== src', arg=hinted)
    shape = (
        "(({ naturalWidth, naturalHeight }) => naturalWidth / naturalHeight)(document.querySelector('.choices img'))"
    )
    page.wait_for_function(f'{shape} > 2.5')
    with news(page):  # to one that has no others
        page.select_option('.studio .model label.model select', label='plain')
    page.wait_for_timeout(500)
    assert not page.is_visible('.toast-body') and page.errors == []


def test_a_number_is_pasted_into_a_hints_field(page, photo):
    steered(page, photo)
    click(page, 0.3, 0.2)
    with news(page):
        red(page)
    page.click('.tools summary')
    field = page.locator('.tools li input[type=number]').first
    field.focus()
    prevented = field.evaluate("""field => {
        const data = new DataTransfer();
        data.setData('text/plain', '42');
        const pasted = { clipboardData: data, bubbles: true, cancelable: true, composed: true };
        return !field.dispatchEvent(new ClipboardEvent('paste', pasted));
    }""")
    assert not prevented and not page.is_visible('main > .said')


def test_next_to_no_color_brings_a_warning_and_what_to_do(page, photo, tmp_path):
    choose(page, photo)
    page.click('.studio .model summary')
    with news(page):
        page.select_option('.studio .model label.model select', label='steered')
    assert page.inner_text('.studio .warning').strip() == ''
    quarters = [(x, y) for x in (0.2, 0.8) for y in (0.2, 0.8)]
    hints.write(tmp_path / 'gray.json', 'grandmother.jpg', [Hint(x, y, '#808080') for x, y in quarters])
    with news(page):
        page.set_input_files('.studio .hints-file', tmp_path / 'gray.json')
    assert page.inner_text('.studio .warning').strip() == (
        'The model found next to nothing to colour here. Click on the photo to help it.'
    )


def test_the_page_says_what_comes_next_and_a_phone_shows_all_of_it(page, photo):
    page.set_viewport_size({'width': 390, 'height': 844})
    steered(page, photo)

    def within(*parts):
        boxes = [page.locator(f'.tools {part}').bounding_box() for part in parts]
        return all(box and box['x'] >= 0 and box['x'] + box['width'] <= 390 for box in boxes)

    assert page.inner_text('.tools .help') == 'Give a hint: choose a place in the photo, then its colour.'
    assert within('.help', '.add', '.stroke')
    click(page, 0.8, 0.9)
    assert page.inner_text('.tools .help') == 'Now choose its colour.'
    assert within('.any', '.dropper', '.gray', '.remove', '.done')
    with news(page):
        red(page)
    assert page.inner_text('.tools .help') == 'Change it, or choose the next place.'
    page.click('.tools .dropper')
    assert page.inner_text('.tools .help') == 'Click where the colour is that you want.'
    page.click('.tools .done')
    assert within('.add', '.stroke', '.clear')
    label, number = (page.locator(f'.studio .reach {part}').bounding_box() for part in ('span', 'input[type=number]'))
    assert label['y'] < number['y'] + number['height'] / 2 < label['y'] + label['height']  # beside each other
