"""How long the static page takes for a photo's colours beside Python, and how much memory its tab: as ratios too.

    python -m tests.benchmarks.browser [--megapixels 1 12]

Both do the same: a small copy, the network, the colours joined to all pixels; decoding and writing files are left out.
Best of three, in one run: compare rows, not runs. Needs Node 20 or newer and Chromium.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from tests.static_page import built, peak_of_tabs, serve

EXAMPLE = Path(__file__).parents[2] / 'demo' / 'examples' / 'china.jpg'
RUNS = 3
NATIVE = """
import os, sys, time
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:int(sys.argv[2])])
import numpy as np
from PIL import Image
from lumachrome import Colorizer
photo, colorizer, best = np.asarray(Image.open(sys.argv[1]).convert('RGB')), Colorizer(), 1e9
for _ in range(4):
    start = time.perf_counter()
    colorizer.colorize(photo)
    best = min(best, time.perf_counter() - start)
print(best * 1000)
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--megapixels', type=float, nargs='+', default=[1, 12])
    server = serve(built())
    url = f'http://127.0.0.1:{server.server_address[1]}/'
    print(f'{"megapixels":>10}{"threads":>8}{"python ms":>11}{"browser ms":>11}{"ratio":>7}{"tab MB":>8}')
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        for megapixels in parser.parse_args().megapixels:
            path = Path(folder) / f'{megapixels}.jpg'
            height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
            with Image.open(EXAMPLE) as image:
                image.convert('L').resize((height * 4 // 3, height)).save(path, quality=90)
            for threads in (1, 2):
                command = [sys.executable, '-c', NATIVE, path, str(threads)]
                native = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
                took, memory = in_browser(playwright, url, path, threads)
                print(
                    f'{megapixels:10g}{threads:8}{native:11.0f}{took:11.0f}{took / native:7.2f}{memory:8.0f}',
                    flush=True,
                )
    server.shutdown()


def in_browser(playwright, url, path, threads):
    """Milliseconds, and the most megabytes that the tab's process has held."""
    chromium = shutil.which('chromium') or shutil.which('google-chrome')
    browser = playwright.chromium.launch(executable_path=chromium, args=['--no-sandbox', '--disable-gpu'])
    page = browser.new_context(accept_downloads=True).new_page()
    page.set_default_timeout(120_000)
    page.add_init_script(f"Object.defineProperty(navigator, 'hardwareConcurrency', {{ get: () => {threads} }})")
    page.goto(url)
    page.wait_for_selector('body[data-ready]')
    assert page.get_attribute('body', 'data-threads') == str(threads)
    times = []
    for run in range(1, RUNS + 1):
        page.set_input_files('#file' if run == 1 else '#another', path)
        page.wait_for_selector(f'body[data-looks="{run}"]')
        with page.expect_download():
            page.click('#download')
        times.append([float(page.get_attribute('body', f'data-{part}-ms')) for part in ('network', 'join')])
    memory = peak_of_tabs()
    browser.close()
    return float(np.min(times, axis=0).sum()), memory


if __name__ == '__main__':
    main()
