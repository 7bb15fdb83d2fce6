"""Peak memory and time from file to file in the shell, for photos of 12 to 1,000 megapixels.

    python -m tests.benchmarks.memory [--megapixels 12 48 100 300] [--kinds jpeg png ...] [-- --model MODEL]

What `lumachrome colorize` and the decoders that it starts have resident, added up every 10 ms, and the pixels that they
keep in files that are memory; the largest of these sums. Libraries that several processes share count for each of them.
The photos are made first, from noise and a gradient, in a folder that is removed in the end. They take up to 2 GB, and
as much is needed beside them for the pixels while they are coloured.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyvips

PERIOD = 0.01  # seconds between two looks
KINDS = {  # suffix, how it is written, 16 bits, transparency, orientation
    'jpeg': ('.jpg', {'Q': 90}, False, False, 1),
    'jpeg on its side': ('.jpg', {'Q': 90}, False, False, 6),
    'jpeg, progressive': ('.jpg', {'Q': 90, 'interlace': True}, False, False, 1),
    'png': ('.png', {'compression': 1}, False, False, 1),
    'png, 16 bits, alpha': ('.png', {'compression': 1}, True, True, 1),
    'tiff, strips': ('.tif', {'compression': 'lzw'}, False, False, 1),
    'tiff, tiles': ('.tif', {'compression': 'deflate', 'tile': True}, False, False, 1),
    'tiff, 16 bits': ('.tif', {'compression': 'deflate'}, True, False, 1),
    'webp': ('.webp', {'Q': 80, 'effort': 0}, False, False, 1),
}
WEBP_SIDE = 16_383


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--megapixels', type=float, nargs='+', default=[12, 48, 100, 300])
    parser.add_argument('--kinds', nargs='+', default=list(KINDS), choices=KINDS, metavar='KIND')
    parser.add_argument('more', nargs='*', help='for lumachrome colorize')
    options = parser.parse_args()
    print(f'{"megapixels":>10}  {"kind":22}{"peak MB":>8}{"seconds":>9}')
    for megapixels in options.megapixels:
        for kind in options.kinds:
            with tempfile.TemporaryDirectory() as folder:
                photo = make(Path(folder), megapixels, kind)
                if photo is None:
                    continue
                command = [sys.executable, '-m', 'lumachrome', 'colorize', photo, '-o', f'{folder}/out', *options.more]
                peak, seconds = watched([str(each) for each in command])
            print(f'{megapixels:10.0f}  {kind:22}{peak / 1e6:8.0f}{seconds:9.1f}', flush=True)


def make(folder, megapixels, kind):
    """A photo of such a size: as gray as old ones are, with grain. None where the format holds none so large."""
    suffix, how, deep, alpha, orientation = KINDS[kind]
    width = round((megapixels * 1e6 * 4 / 3) ** 0.5)
    height = round(megapixels * 1e6 / width)
    if suffix == '.webp' and width > WEBP_SIDE:
        return None
    grain = pyvips.Image.gaussnoise(1000, 1000, mean=0, sigma=6).copy_memory()
    grain = grain.replicate(width // 1000 + 1, height // 1000 + 1).crop(0, 0, width, height)
    gray = (pyvips.Image.xyz(width, height)[0] * (200 / width) + grain + 20).cast('uchar')
    image = gray.bandjoin([gray, gray]).copy(interpretation='srgb')
    image = image.bandjoin(gray) if alpha else image
    image = (image.cast('ushort') * 257).cast('ushort').copy(interpretation='rgb16') if deep else image
    image = image.copy()
    image.set_type(pyvips.GValue.gint_type, 'orientation', orientation)
    image.write_to_file(str(folder / f'photo{suffix}'), **how)
    return folder / f'photo{suffix}'


def watched(command):
    """Run a command; the peak of its memory in bytes, and the seconds that it took."""
    start, peak = time.perf_counter(), 0
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    while process.poll() is None:
        peak = max(peak, held([process.pid]))
        time.sleep(PERIOD)
    if process.returncode:
        raise SystemExit(process.stderr.read())
    return peak, time.perf_counter() - start


def held(processes):
    """What these processes and all that they started have resident, and the files of theirs that are memory."""
    total, files = 0, {}
    while processes:
        process = Path('/proc', str(processes.pop()))
        with contextlib.suppress(OSError, ValueError, IndexError):  # it has just ended
            total += int((process / 'statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE')
            for task in (process / 'task').iterdir():
                processes += map(int, (task / 'children').read_text().split())
            for file in (process / 'fd').iterdir():
                with contextlib.suppress(OSError):
                    if 'memfd:' in os.readlink(file):
                        files[file.stat().st_ino] = file.stat().st_blocks * 512
    return total + sum(files.values())


if __name__ == '__main__':
    main()
