"""What a visitor has done on the page is not lost and not mixed up: reloads, several tabs, no storage, haste."""

import threading

import numpy as np
import pytest
from browsers import choose, drop, news, opened, pixels
from PIL import Image

from demo.page import photo as one_photo

_ROOM = 'Storage.overrideQuotaForOrigin'


@pytest.fixture
def other(page, url):
    """The page in another tab of the same browser."""
    tab = page.context.new_page()
    tab.goto(url)
    tab.wait_for_selector('lumachrome-painter .after img')
    yield tab
    tab.close()


def _flat(path, value, size=(200, 150)):
    Image.new('L', size, value).save(path)
    return path


def _change(page, saturation='0.3'):
    with news(page):
        page.fill('.sliders .saturation input[type=number]', saturation)
        page.keyboard.press('Enter')


def _saturation(page):
    return page.input_value('.sliders .saturation input[type=number]')


def _is_kept(page):
    """Wait until what is seen lies in the browser's storage."""
    page.wait_for_selector('.studio[data-kept=yes]')


def test_each_tab_keeps_its_own_work(page, other, tmp_path):
    choose(page, _flat(tmp_path / 'mine.png', 60))
    choose(other, _flat(tmp_path / 'other.png', 200, (160, 160)))
    _change(other, '0.7')
    _is_kept(other)
    _change(page)
    _is_kept(page)
    page.reload()
    opened(page)
    assert '200 × 150 pixels' in page.inner_text('.studio .status') and _saturation(page) == '0.3'
    other.reload()
    opened(other)
    assert '160 × 160 pixels' in other.inner_text('.studio .status') and _saturation(other) == '0.7'


def test_a_copy_of_a_tab_begins_with_its_work_and_then_keeps_its_own(page, other, tmp_path):
    choose(page, _flat(tmp_path / 'mine.png', 60))
    _change(page)
    _is_kept(page)
    name = page.evaluate("sessionStorage.getItem('lumachrome')")
    other.evaluate("name => sessionStorage.setItem('lumachrome', name)", name)  # as browsers do
    other.reload()
    opened(other)
    assert _saturation(other) == '0.3'
    _change(other, '0.7')
    _is_kept(other)
    page.reload()
    opened(page)
    assert _saturation(page) == '0.3'


def test_a_new_tab_offers_what_was_done_last_until_it_is_discarded(page, url, tmp_path):
    first, second = page.context.new_page(), page.context.new_page()
    for tab, name in ((first, 'one.png'), (second, 'two.png')):
        tab.goto(url)
        choose(tab, _flat(tmp_path / name, 60))
        _is_kept(tab)
        tab.close()
    page.reload()
    page.click('.studio .resume:has-text("two.png")')
    opened(page)
    _is_kept(page)
    page.click('.studio .another')  # nothing was changed, before the reload nor since
    page.wait_for_selector('.studio .drop', state='visible')
    page.reload()
    page.wait_for_selector('.studio .resume:has-text("one.png")')


def test_only_so_many_photos_are_kept(page, url, tmp_path):
    for i in range(6):
        tab = page.context.new_page()
        tab.goto(url)
        choose(tab, _flat(tmp_path / f'{i}.png', 60))
        _is_kept(tab)
        tab.close()
    count = """new Promise(resolve => { const asked = indexedDB.open('lumachrome'); asked.onsuccess = () => {
        const keys = asked.result.transaction('work').objectStore('work').getAllKeys();
        keys.onsuccess = () => resolve(keys.result.map(key => key[0]).sort().join(' ')); }; })"""
    assert page.evaluate(count) == 'look look look look photo photo photo photo'


@pytest.mark.parametrize('room', [200_000, None])
def test_who_leaves_is_asked_if_the_work_could_not_be_kept(page, url, tmp_path, room):
    session, asked = page.context.new_cdp_session(page), []
    noise = np.random.default_rng(0).integers(0, 255, (900, 900)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / 'large.png')
    session.send(_ROOM, {'origin': url, **({'quotaSize': room} if room else {})})
    try:
        choose(page, _flat(tmp_path / 'small.png', 60))
        _is_kept(page)
        page.set_input_files('.studio .file', tmp_path / 'large.png')
        page.wait_for_selector('.studio .status:has-text("900 × 900")')
        _change(page)
        page.wait_for_selector(f'.studio[data-kept={"no" if room else "yes"}]')
        page.on('dialog', lambda dialog: (asked.append(dialog.type), dialog.accept()))
        page.reload()
        page.wait_for_selector('lumachrome-painter .after img')
        assert asked == (['beforeunload'] if room else [])
        page.wait_for_timeout(500)
        assert page.is_visible('.studio .panel') == (room is None)  # and no other photo with this one's look
    finally:
        session.send(_ROOM, {'origin': url})


def test_the_page_works_where_the_browser_refuses_all_storage(browser, url, photo):
    """As within a page of another site, where Spaces are shown."""
    page = browser.new_page()
    page.add_init_script("""for (const name of ['localStorage', 'sessionStorage', 'indexedDB', 'caches']) {
        Object.defineProperty(window, name, {
            get() { throw new DOMException('Access is denied for this document.', 'SecurityError'); } });
    }
    navigator.locks.request = () => { throw new DOMException('denied', 'SecurityError'); };""")
    page.goto(url)
    page.wait_for_selector('.examples button')
    choose(page, photo)
    _change(page)
    page.click('.studio .another')
    page.click('.studio .leave')
    page.wait_for_selector('.studio .drop', state='visible')
    page.close()


def test_of_two_examples_chosen_at_once_the_last_one_is_shown_and_kept(page, monkeypatch):
    read, gate = one_photo._decoded, threading.Event()
    monkeypatch.setattr(one_photo, '_decoded', lambda path: gate.wait(30) and read(path))
    named = 'document.querySelector(`.examples button[aria-label*="${name}"]`).click()'
    page.evaluate(f'() => {{ const click = name => {named}; click("china"); setTimeout(() => click("cat"), 120); }}')
    page.wait_for_timeout(500)
    gate.set()
    page.wait_for_selector('.studio .status:has-text("451 × 300")')
    assert not page.evaluate("document.querySelector('.studio .panel').inert")
    _change(page)
    _is_kept(page)
    page.reload()
    opened(page)
    page.wait_for_selector('.studio .status:has-text("451 × 300")')
    assert _saturation(page) == '0.3' and page.errors == []


def test_while_another_photo_comes_nothing_can_be_set(page, tmp_path):
    choose(page, _flat(tmp_path / 'one.png', 60))
    waiting = []
    page.route('**/gradio_api/upload*', lambda route: waiting.append(route))
    drop(page, [_flat(tmp_path / 'two.png', 200, (160, 160))])
    page.wait_for_selector('.studio .busy:has-text("Uploading")')
    page.click('.sliders .saturation input[type=number]', force=True)
    page.keyboard.type('5')
    assert page.evaluate("document.querySelector('.studio .panel').inert")
    waiting[0].continue_()
    page.wait_for_selector('.studio .status:has-text("160 × 160")')
    assert _saturation(page) == '1' and not page.evaluate("document.querySelector('.studio .panel').inert")
    assert pixels(page).shape == (160, 160, 3)
    page.unroute('**/gradio_api/upload*')


def test_the_server_may_be_gone(page, tmp_path):
    """Then it cannot say so itself."""
    page.route('**/queue/join*', lambda route: route.fulfill(status=500, body='{}'))
    page.set_input_files('.studio .file', _flat(tmp_path / 'one.png', 60))
    page.wait_for_selector('.studio .busy')
    page.wait_for_selector('.studio .drop', state='visible')
    page.unroute('**/queue/join*')
    choose(page, tmp_path / 'one.png')
