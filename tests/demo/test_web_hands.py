"""What fingers, mouse and keys do on a photo and its hints: the components, on the static page."""

import pytest
from PIL import Image
from static_page import WEB, built, is_said, site, until, visit

pytestmark = pytest.mark.browser
PHOTO = WEB.parent / 'examples' / 'china.jpg'
PAINTER = "document.querySelector('lumachrome-painter')"
FRAME = f"{PAINTER}.slider.shadowRoot.querySelector('.frame')"
MARKS = f"[...{PAINTER}.slider.shadowRoot.querySelectorAll('.mark')]"


@pytest.fixture(scope='module')
def url():
    with site(built()) as url:
        yield url


def _opened(context, url):
    page = context.new_page()
    page.goto(url)
    is_said(page, 'ready')
    page.set_input_files('#file', PHOTO)
    is_said(page, 'looks')
    return page


@pytest.fixture
def page(browser, url):
    with visit(browser) as context:
        yield _opened(context, url)


@pytest.fixture
def phone(browser, url):
    """A page that is touched: `phone.touch(kind, x, y)`."""
    size = {'width': 390, 'height': 844}
    with visit(browser, viewport=size, has_touch=True, is_mobile=True) as context:
        page = _opened(context, url)
        session = context.new_cdp_session(page)

        def touch(kind, *place):
            points = [{'x': place[0], 'y': place[1], 'id': 1}] if place else []
            session.send('Input.dispatchTouchEvent', {'type': f'touch{kind}', 'touchPoints': points})

        page.touch = touch
        yield page


def _middle(page, node):
    box = page.evaluate(
        f'(({{ x, y, width, height }}) => [x + width / 2, y + height / 2])({node}.getBoundingClientRect())'
    )
    return box[0], box[1]


def _hints(page, *places):
    hints = [{'x': x, 'y': y, 'color': '#ff0000'} for x, y in places]
    page.evaluate(f'hints => {{ {PAINTER}.hints = hints; }}', hints)


def _places(page):
    return page.evaluate(f'{PAINTER}.hints.map(({{ x, y }}) => [x, y])')


def test_a_finger_draws_a_line_in_whatever_direction(phone):
    phone.click('lumachrome-painter .stroke')
    x, y = _middle(phone, FRAME)
    phone.touch('Start', x, y + 60)
    for step in range(1, 13):
        phone.touch('Move', x, y + 60 - 10 * step)
        phone.wait_for_timeout(16)
    phone.touch('End')
    phone.wait_for_selector('lumachrome-painter .chosen', state='visible')
    assert phone.evaluate('scrollY') == 0
    shade = phone.locator('lumachrome-painter .things .swatch').first.bounding_box()
    assert shade['width'] == shade['height'] == 44  # round, and as large as a finger


def test_a_touch_that_is_cancelled_lets_go_of_a_hint(phone):
    _hints(phone, (0.5, 0.3))
    x, y = _middle(phone, f'{MARKS}[0]')
    phone.touch('Start', x, y)
    phone.touch('Move', x + 30, y)
    phone.touch('Cancel')
    phone.mouse.move(x, y)
    phone.mouse.move(x + 12, y + 8, steps=3)
    assert _middle(phone, f'{MARKS}[0]') == pytest.approx((x, y), abs=1)
    assert _places(phone) == [[0.5, 0.3]]


def test_only_the_first_button_moves_a_hint(page):
    _hints(page, (0.5, 0.3))
    x, y = _middle(page, f'{MARKS}[0]')
    for button, moved in (('right', False), ('left', True)):
        page.mouse.move(x, y)
        page.mouse.down(button=button)
        page.mouse.move(x + 60, y, steps=4)
        page.mouse.up(button=button)
        assert (_places(page) != [[0.5, 0.3]]) is moved


def test_a_hint_in_the_middle_can_be_taken_hold_of(page):
    page.click('lumachrome-painter .add')
    page.wait_for_selector('lumachrome-painter .likely button')
    page.click('lumachrome-painter .gray')
    page.click('lumachrome-painter .done')
    x, y = _middle(page, f'{MARKS}[0]')
    top = f'{PAINTER}.slider.shadowRoot.elementFromPoint({x}, {y}).className'
    assert 'mark' in page.evaluate(top)


def test_removing_one_of_several_hints_leaves_the_focus_among_the_tools(page):
    _hints(page, (0.2, 0.2), (0.8, 0.2))
    page.mouse.click(*_middle(page, f'{MARKS}[0]'))
    page.focus('lumachrome-painter .remove')
    page.keyboard.press('Enter')
    assert _places(page) == [[0.8, 0.2]]
    assert page.evaluate(f'{PAINTER}.shadowRoot.activeElement?.className') == 'add'


def test_more_hints_than_there_may_be_are_refused_in_words(page):
    _hints(page, *[(0.01 + 0.004 * i, 0.1) for i in range(200)])
    x, y = _middle(page, FRAME)
    page.mouse.click(x + 60, y + 80)
    page.click('lumachrome-painter .gray')
    assert len(_places(page)) == 200
    assert page.evaluate(f'{PAINTER}.hints.every(hint => hint.color === "#ff0000")')
    assert page.inner_text('lumachrome-painter .help').startswith('There are 200 hints, which is the most')


def test_escape_leaves_the_full_window_where_there_is_no_full_screen(page):
    page.evaluate('delete Element.prototype.requestFullscreen')
    page.click('lumachrome-painter .full')
    page.click('lumachrome-painter .add')
    full = f"{PAINTER}.classList.contains('full')"
    page.keyboard.press('Escape')  # leaves the place first
    assert page.evaluate(full)
    page.keyboard.press('Escape')
    assert not page.evaluate(full)


def test_who_leaves_the_full_screen_by_the_browser_finds_its_button_as_it_was(page):
    button = 'lumachrome-painter .under .full'
    page.click(button)
    until(page, 'document.fullscreenElement !== null')
    assert page.get_attribute(button, 'aria-pressed') == 'true'
    page.evaluate('document.exitFullscreen()')
    until(page, 'document.fullscreenElement === null')
    page.wait_for_selector(f'{button}[aria-pressed=false]')


def test_what_only_screen_readers_see_makes_nothing_scroll(phone):
    heights = phone.evaluate(
        "(({ scrollHeight, clientHeight }) => [scrollHeight, clientHeight])(document.querySelector('.picture'))"
    )
    assert heights[0] <= heights[1]


def test_only_buttons_have_tooltips(page):
    assert page.get_attribute('lumachrome-painter .full', 'title') == 'Full screen'
    assert page.evaluate(f'{FRAME}.title') == ''


def test_a_photo_is_never_seen_in_the_last_ones_colors(page, tmp_path):
    Image.new('L', (150, 400), 128).save(tmp_path / 'tall.png')
    page.evaluate(f"""() => {{
        const slider = {PAINTER}.slider, size = side => {{
            const node = slider.shadowRoot.querySelector(`.layer.${{side}}`).firstElementChild;
            return node && node.width / node.height;
        }};
        window.seen = [];
        slider.addEventListener('shown', () => seen.push([size('before'), size('after')]));
    }}""")
    page.set_input_files('#another', tmp_path / 'tall.png')
    until(page, 'seen.length > 1')
    assert page.evaluate('seen.slice(0, 2)') == [[0.375, None], [0.375, 0.375]]
