"""An album on the static page: what is chosen, what is said of it, and where it is written."""

import base64
import zipfile

import numpy as np
import pytest
from PIL import Image
from static_page import built, is_said, site, visit

pytestmark = pytest.mark.browser
# What a visitor would choose: a folder that the browser keeps for the page alone.
FOLDER = 'window.showDirectoryPicker = () => navigator.storage.getDirectory()'
WRITE = """async names => { for (const name of names) {
    const folder = await navigator.storage.getDirectory();
    const file = await (await folder.getFileHandle(name, { create: true })).createWritable();
    await file.write('as it came'); await file.close(); } }"""
LIST = """async () => {
    const found = {}, walk = async (folder, path) => { for await (const [name, entry] of folder.entries()) {
        if (entry.kind === 'directory') await walk(entry, `${path}${name}/`);
        else found[path + name] = (await entry.getFile()).size; } };
    await walk(await navigator.storage.getDirectory(), '');
    return found; }"""


@pytest.fixture
def page(browser):
    """The album of the static page, whose visitor has a folder to write to."""
    with site(built()) as url, visit(browser) as context:
        page = context.new_page()
        page.add_init_script(FOLDER)
        page.goto(url)
        is_said(page, 'ready')
        page.click('#tab-album')
        yield page


@pytest.fixture
def photos(tmp_path):
    for i in range(30):
        Image.fromarray(np.full((24, 32), 5 * i, 'uint8')).save(tmp_path / f'{i:02}.png')
    return sorted(tmp_path.glob('*.png'))


def _finished(page, count):
    page.wait_for_selector(f'#count:has-text("{count} of {count} photos coloured.")')


def test_what_lies_in_the_chosen_folder_is_never_written_over(page, photos):
    page.evaluate(WRITE, ['00.png'])
    page.set_input_files('#files', photos[:2])
    for folder in ('lumachrome.', 'lumachrome (2).'):
        page.click('#into-folder')
        page.wait_for_selector(f'#count:has-text("2 of 2 photos coloured. They lie in the new folder {folder}")')
    sizes = page.evaluate(LIST)
    written = {f'{folder}/{name}' for folder in ('lumachrome', 'lumachrome (2)') for name in ('00.png', '01.png')}
    assert sizes.keys() == {'00.png', *written} and sizes['00.png'] == len('as it came')


def test_where_nothing_is_found_it_says_so_and_keeps_what_there_was(page, photos, tmp_path):
    with zipfile.ZipFile(tmp_path / 'empty.zip', 'w') as file:
        file.writestr('.hidden/x', b'')
    page.set_input_files('#files', tmp_path / 'empty.zip')
    page.wait_for_selector('#error:has-text("No photos were found there.")')
    page.set_input_files('#files', photos[:1])
    page.wait_for_selector('#count:has-text("Files ready: 1")')
    assert not page.is_visible('#error')
    page.set_input_files('#files', tmp_path / 'empty.zip')
    page.wait_for_selector('#error:has-text("No photos were found there.")')
    assert page.inner_text('#count') == 'Files ready: 1'


def test_while_an_album_is_colored_no_other_photos_come_and_no_slider_moves(page, photos):
    page.set_input_files('#files', photos)
    page.click('#album-settings summary')
    page.click('#colour')
    page.wait_for_selector('#results figure')
    assert page.is_disabled('#album-warmth [type=range]')
    page.set_input_files('#files', photos[:1])
    page.wait_for_selector('#error:has-text("An album is being coloured")')
    page.click('#cancel')
    page.wait_for_selector('#count:has-text("Cancelled")')
    assert page.is_enabled('#album-warmth [type=range]')


def test_the_end_is_said_in_each_language_the_focus_stays_and_so_do_the_last_pictures(page, photos):
    page.set_input_files('#files', photos)
    page.click('#colour')
    _finished(page, 30)
    assert page.evaluate('document.activeElement.id') == 'zip'
    assert page.locator('#results figcaption').all_inner_texts() == [f'{i:02}.png' for i in range(29, 5, -1)]
    page.click('#language')
    assert page.inner_text('#count') == '30 张中已上色 30 张。'


def test_what_went_wrong_is_said_in_each_language(page, photos, tmp_path):
    (tmp_path / 'broken.png').write_bytes(photos[0].read_bytes()[:60])
    Image.new('L', (32, 24), 90).save(tmp_path / 'scan.gif')
    page.set_input_files('#files', [tmp_path / 'broken.png', tmp_path / 'scan.gif'])
    page.click('#into-folder')
    page.wait_for_selector('#count:has-text("1 of 2 photos coloured.")')
    problems = page.locator('#problems li')
    assert problems.first.inner_text() == 'broken.png is damaged or cut short and cannot be read.'
    assert problems.last.inner_text().startswith('scan.gif: Browsers cannot write the format')
    page.click('#language')
    assert problems.first.inner_text() == 'broken.png 已损坏或不完整，无法读取。'
    assert problems.last.inner_text().startswith('scan.gif：浏览器')
    assert page.inner_text('#count') == '2 张中已上色 1 张。已写入新文件夹 lumachrome。'
    page.click('#forget')
    page.set_input_files('#files', photos[:1])
    page.click('#language')
    assert not page.is_visible('#problems')


def test_a_picture_that_lies_in_no_folder_can_be_pasted(page, photos):
    """WebKit has an entry for it all the same, whose file cannot be had."""
    page.evaluate(
        """async text => {
        DataTransferItem.prototype.webkitGetAsEntry = () => ({ isFile: true, isDirectory: false, fullPath: '/image.png',
            file: (_, fail) => fail(new DOMException('Path does not exist', 'NotFoundError')) });
        const content = Uint8Array.from(atob(text), letter => letter.charCodeAt(0)), clipboardData = new DataTransfer();
        clipboardData.items.add(new File([content], 'image.png', { type: 'image/png' }));
        document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true })); }""",
        base64.b64encode(photos[0].read_bytes()).decode(),
    )
    page.wait_for_selector('#count:has-text("Files ready: 1")')
    assert page.inner_text('#names') == 'image.png'


def test_who_removes_all_photos_is_where_others_are_chosen(page, photos):
    page.set_input_files('#files', photos[:1])
    page.click('#forget')
    assert page.evaluate('document.activeElement.id') == 'files'


def test_no_folder_is_offered_where_none_can_be_chosen(browser):
    with site(built()) as url, visit(browser) as context:
        page = context.new_page()
        page.add_init_script('delete HTMLInputElement.prototype.webkitdirectory')
        page.goto(url)
        page.click('#tab-album')
        assert page.is_visible('#album .primary') and not page.is_visible('#album .folder')
