"""What a visit to the static page outlives: refused storage, slow and failing workers, another version of the page."""

import contextlib
import re
import shutil

import numpy as np
import pytest
from PIL import Image
from static_page import built, is_said, site, until, visit

pytestmark = pytest.mark.browser
NO_STORAGE = """for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, {
    get() { throw new DOMException('Access is denied for this document.', 'SecurityError'); } });"""


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / 'ramp.jpg'
    Image.fromarray(np.tile(np.linspace(0, 255, 200).astype('uint8'), (150, 1))).save(path)
    return path


def test_a_frame_that_may_keep_nothing_has_its_words_and_examples(browser):
    with site(built()) as url, visit(browser) as context:
        page, errors = context.new_page(), []
        page.on('pageerror', lambda error: errors.append(str(error)))
        page.add_init_script(NO_STORAGE)
        page.goto(url)
        is_said(page, 'ready')
        assert page.inner_text('.lead') and page.locator('#examples button').count() > 4
        page.click('#language')
        assert page.get_attribute('html', 'lang') == 'zh' and errors == []


@contextlib.contextmanager
def _opened_without(pattern, browser, tmp_path):
    """The page of a site that lacks some files, once it is ready."""
    folder = shutil.copytree(built(), tmp_path / 'site')
    for path in folder.glob(pattern):
        path.unlink()
    with site(folder) as url, visit(browser) as context:
        page = context.new_page()
        page.goto(url)
        is_said(page, 'ready')
        yield page


def test_a_worker_that_cannot_be_installed_keeps_nobody_waiting(browser, tmp_path):
    with _opened_without('assets/*.svg', browser, tmp_path):
        pass


def test_a_sample_that_is_missing_keeps_nobody_waiting(browser, tmp_path):
    with _opened_without('assets/old-grace-hopper*', browser, tmp_path) as page:
        assert not page.is_visible('#error')


def test_a_photo_that_is_chosen_early_outlives_the_coming_again(browser, photo):
    with site(built(), {'sw.js': 1, '-0.bin': 3}) as url, visit(browser) as context:
        page, loads = context.new_page(), []
        page.on('framenavigated', lambda frame: loads.append(frame.url))
        page.goto(url, wait_until='commit')
        page.wait_for_selector('#examples button')
        page.set_input_files('#file', photo)
        is_said(page, 'looks')
        is_said(page, 'ready')
        assert page.is_visible('#editor') and len(loads) == 1


def test_a_first_visit_that_has_begun_nothing_comes_again_with_threads(browser):
    with site(built()) as url, visit(browser) as context:
        page = context.new_page()
        page.goto(url)
        is_said(page, 'ready')
        assert page.evaluate('crossOriginIsolated')


def _renewed(folder):
    """Put another version there: what writes photos has other names, as after any change to it."""
    names = [path.name for path in folder.glob('assets/encode-*.js')]
    for path in [folder / 'sw.js', *folder.glob('assets/*.js')]:
        text = path.read_text('utf-8')
        for name in names:
            text = text.replace(name, f'new-{name}')
        path.write_text(text)
    for name in names:
        (folder / 'assets' / name).rename(folder / 'assets' / f'new-{name}')
    text = (folder / 'sw.js').read_text('utf-8')
    other, count = re.subn('[0-9a-f]{12}(?=`)', 'f' * 12, text)  # the digest in the name of its cache
    assert names and count == 1
    (folder / 'sw.js').write_text(other)


def test_a_tab_works_on_after_another_version_came_and_other_pages_keep_theirs(browser, photo, tmp_path):
    folder = shutil.copytree(built(), tmp_path / 'site', copy_function=shutil.copyfile)
    with site(folder) as url, visit(browser) as context:
        page = context.new_page()
        page.goto(url)
        is_said(page, 'ready')  # before that the first visit may load the page again
        page.evaluate("caches.open('other-app-v1').then(cache => cache.put('/other', new Response('x')))")
        is_said(page, 'offline')
        page.set_input_files('#file', photo)
        is_said(page, 'looks')
        _renewed(folder)
        new = context.new_page()
        new.goto(url)
        is_said(new, 'ready')
        until(new, "caches.keys().then(names => names.some(name => name.endsWith('ffffffffffff')))")
        new.wait_for_timeout(1000)  # for what else it may do, now that it is there
        with page.expect_download() as download:
            page.click('#download')
        assert download.value.suggested_filename == 'ramp-colour.jpg'
        page.close(run_before_unload=False)
        new.close()
        page = context.new_page()
        page.goto(url)
        is_said(page, 'offline')
        names = page.evaluate('caches.keys()')
        assert 'other-app-v1' in names and sum(name.endswith('f' * 12) for name in names) == 1 and len(names) == 3
