"""What the tests in a browser share."""

import contextlib
import io

import httpx
import numpy as np
from PIL import Image

# The picture in colour, which lies in the shadow of two elements; `whole` once it is as large as that before.
_AFTER = """
    const layers = document.querySelector('lumachrome-painter').slider.shadowRoot;
    const [before, after] = ['before', 'after'].map(side => layers.querySelector(`.layer.${side} > img:not(.patch)`));
"""


def unfold(page, button, inside):
    """Open a tab or an accordion, and wait until `inside`, which is in it, keeps what it is given.

    One frame after it has drawn something for the first time, Gradio sets it back to what it was. No visitor is as
    fast as that, a test is.
    """
    page.click(button)
    page.wait_for_selector(inside, state='attached')
    page.evaluate('new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))')


def choose(page, path):
    """Bring a photo and wait until it is there in colour."""
    page.set_input_files('.studio .file', path)
    opened(page)


def opened(page):
    page.wait_for_selector('.studio .panel:not([hidden])')
    page.wait_for_function(f'() => {{ {_AFTER} return after?.src.includes("/after.jpg"); }}')


def after(page):
    """The address of the picture in colour."""
    return page.wait_for_function(f'() => {{ {_AFTER} return after?.src; }}').json_value()


def before(page):
    """The address of the picture as it came."""
    return page.wait_for_function(f'() => {{ {_AFTER} return before?.src; }}').json_value()


def pixels(page):
    return np.asarray(Image.open(io.BytesIO(httpx.get(after(page)).content))).astype(int)


@contextlib.contextmanager
def news(page):
    """Something after which there is another picture; the small one, while a slider moves, does not count."""
    before = after(page)
    yield
    page.wait_for_function(
        f'src => {{ {_AFTER} return after && after.src !== src && after.naturalWidth === before?.naturalWidth; }}',
        arg=before,
    )


def steered(page, photo, fold=True):
    """A photo, with the network that takes hints; `fold` says whether its fold is still closed."""
    choose(page, photo)
    with news(page):
        if fold:
            page.click('.studio .model summary')
        page.select_option('.studio .model label.model select', label='steered')
    page.wait_for_selector('.tools .add')


def click(page, x, y):
    """Click on the photo, at fractions of its width and height, and wait for the likely colours."""
    box = page.locator('.stage').bounding_box()
    page.mouse.click(box['x'] + x * box['width'], box['y'] + y * box['height'])
    page.wait_for_selector('.likely .swatch')


def red(page):
    """Make what is chosen red."""
    page.fill('.any input', '#ff0000')


def drop(page, paths, at=(500, 880)):
    """Let files fall on the page, as from a folder of the system."""
    data = {'items': [], 'files': [str(path) for path in paths], 'dragOperationsMask': 1}
    session = page.context.new_cdp_session(page)
    for kind in ('dragEnter', 'dragOver', 'drop'):
        session.send('Input.dispatchDragEvent', {'type': kind, 'x': at[0], 'y': at[1], 'data': data})
