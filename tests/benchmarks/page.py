"""How long a visitor waits for the page, in a headless Chromium: the median of ten, and what the network takes of it.

    python -m tests.benchmarks.page [--megapixels 12] [--runs 10]

From what a hand does to the picture that can be seen: a slider, a look, a hint; and from a click to the file. `network`
is the time in the network, `join` that in colours joined to pixels; the rest is the page: events, files, JPEG, browser.
Server and browser share the machine: compare rows of one run. Needs Chromium.
"""

import argparse
import contextlib
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from lumachrome.colorizer import Colorizer

EXAMPLE = Path(__file__).parents[2] / 'demo' / 'examples' / 'china.jpg'
REST = 900  # milliseconds after which nothing of the last step goes on
# From an act to the next picture in colour that can be seen.
SEEN = """act => new Promise(seen => {
    const painter = document.querySelector('lumachrome-painter'), start = performance.now();
    const shown = ({ detail }) => {
        if (detail.side !== 'after') return;
        painter.removeEventListener('shown', shown);
        requestAnimationFrame(() => seen(performance.now() - start));
    };
    painter.addEventListener('shown', shown);
    new Function(act)();
})"""
SLIDER = """const range = document.querySelector('.saturation input[type=range]');
    range.value = range.value === '0.5' ? '1.5' : '0.5'; range.dispatchEvent(new Event('input'))"""
LOOK = """const looks = [...document.querySelectorAll('.presets button')].slice(1, 3);
    looks.find(look => look.ariaPressed !== 'true').click()"""
HINT = "document.querySelector('lumachrome-painter').shadowRoot.querySelectorAll('.things .swatch')[{which}].click()"


@contextlib.contextmanager
def timed():
    """Milliseconds in the network and in the join, summed up in a dict until they are taken out."""
    took, kept = {'network': 0.0, 'join': 0.0}, {}

    def watch(name, part):
        method = kept[name] = getattr(Colorizer, name)

        def watched(self, *given, **named):
            start = time.perf_counter()
            try:
                return method(self, *given, **named)
            finally:
                took[part] += 1000 * (time.perf_counter() - start)

        setattr(Colorizer, name, watched)

    watch('colors', 'network')
    watch('join', 'join')
    try:
        yield took
    finally:
        for name, method in kept.items():
            setattr(Colorizer, name, method)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--megapixels', type=float, default=12)
    parser.add_argument('--runs', type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, timed() as took, sync_playwright() as playwright:
        os.environ['GRADIO_TEMP_DIR'] = folder
        from demo import app  # Gradio reads the folder when it is imported

        served = app.build()
        _, url, _ = app.launch(served, prevent_thread_lock=True, quiet=True)
        chromium = shutil.which('chromium') or shutil.which('google-chrome')
        browser = playwright.chromium.launch(executable_path=chromium, args=['--no-sandbox', '--disable-gpu'])
        page = browser.new_page(viewport={'width': 1280, 'height': 900})
        page.set_default_timeout(120_000)
        page.goto(url)
        page.wait_for_selector('lumachrome-painter .after img')
        page.set_input_files('.studio .file', photo(Path(folder), options.megapixels))
        page.wait_for_selector('.studio .panel:not([hidden])')
        page.wait_for_timeout(2 * REST)

        print(f'{"ms, median of " + str(options.runs):28}{"all":>8}{"network":>9}{"join":>8}{"page":>8}')
        for name, act in (
            ('slider to picture', lambda run: page.evaluate(SEEN, SLIDER)),
            ('look to picture', lambda run: page.evaluate(SEEN, LOOK)),
            ('hint to picture', lambda run: hint(page, took, run)),
            (f'download, {options.megapixels:g} megapixels', lambda run: download(page)),
        ):
            row = []
            for run in range(options.runs):
                took.update(network=0.0, join=0.0)
                whole = act(run)
                row.append((whole, took['network'], took['join'], whole - took['network'] - took['join']))
                page.wait_for_timeout(REST)
            print(
                f'{name:28}'
                + ''.join(
                    f'{statistics.median(part):{9 if i == 1 else 8}.0f}'
                    for i, part in enumerate(zip(*row, strict=True))
                ),
                flush=True,
            )
        browser.close()
        served.close()


def photo(folder, megapixels):
    path = folder / 'photo.jpg'
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    with Image.open(EXAMPLE) as image:
        image.convert('L').resize((height * 4 // 3, height)).save(path, quality=90)
    return path


def hint(page, took, run):
    """A place is marked, its likely colours come, and then the clock runs: a thing's colour is chosen."""
    box = page.locator('.stage').bounding_box()
    page.mouse.click(box['x'] + (0.1 + 0.08 * run) * box['width'], box['y'] + 0.1 * box['height'])
    page.wait_for_selector('.likely .swatch')
    page.wait_for_timeout(REST)
    took.update(network=0.0, join=0.0)
    return page.evaluate(SEEN, HINT.format(which=3 + run % 5))


def download(page):
    start = time.perf_counter()
    with page.expect_download() as given:
        page.click('.studio .download')
    given.value.path()
    return 1000 * (time.perf_counter() - start)


if __name__ == '__main__':
    main()
