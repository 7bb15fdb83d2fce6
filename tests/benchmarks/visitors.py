"""What visitors see who come at once: each colours a photo of 2 megapixels through the API of one page.

    python -m tests.benchmarks.visitors [--visitors 20] [--model lumachrome]

Prints in which order they came and were served, how long each waited, and the most memory that the server held.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
from gradio_client import Client, handle_file
from PIL import Image

SIZE = (1633, 1225)  # 2 megapixels
EXAMPLE = Path(__file__).parents[2] / 'demo' / 'examples' / 'china.jpg'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--visitors', type=int, default=20)
    parser.add_argument('--model', default='lumachrome')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photos = [a_photo(Path(folder) / f'visitor-{i + 1}.jpg', i) for i in range(options.visitors)]
        server, url = serve(options.model, folder)
        try:
            clients = [Client(url, verbose=False, download_files=folder) for _ in photos]
            clients[0].predict(handle_file(photos[0]), api_name='/colorize')  # the network is read once
            memory = Memory(server.pid)
            before, served = memory.now(), []
            threads = [
                threading.Thread(target=visit, args=[i, client, photo, served])
                for i, (client, photo) in enumerate(zip(clients, photos, strict=True))
            ]
            for thread in threads:
                thread.start()
                time.sleep(0.05)  # so that it is known who came first
            for thread in threads:
                thread.join()
            peak = memory.stop()
        finally:
            server.terminate()
            server.wait(30)
    print(f'{"visitor":>8}{"served as":>11}{"waited, s":>11}{"own photo":>11}')
    for place, (visitor, waited, own) in enumerate(served, 1):
        print(f'{visitor + 1:8}{place:11}{waited:11.1f}{"yes" if own else "NO":>11}')
    print(f'{len(served)} of {options.visitors} were served in {max(waited for _, waited, _ in served):.1f} s.')
    print(f'The server held {before / 1e6:.0f} MB before and {peak / 1e6:.0f} MB at most.')


def a_photo(path, number):
    """A photo with a white stripe of its own, by which a visitor knows it again."""
    pixels = np.array(Image.open(EXAMPLE).convert('L').resize(SIZE))
    pixels[:, 40 * number : 40 * number + 40] = 255
    Image.fromarray(pixels).save(path)
    return path


def visit(number, client, photo, served):
    """Colour a photo and note who it was, how long it took, and whether it was the visitor's own."""
    start = time.monotonic()
    path, _ = client.predict(handle_file(photo), api_name='/colorize')
    waited = time.monotonic() - start
    bright = np.asarray(Image.open(path).convert('L'))[:, : 40 * 40].mean(0)
    served.append((number, waited, bool(bright[40 * number + 5 : 40 * number + 35].min() > 250)))


def serve(model, folder):
    """Start the page in a process of its own and wait until it answers."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    env = os.environ | {'GRADIO_SERVER_PORT': str(port), 'GRADIO_TEMP_DIR': folder, 'BROWSER': 'true'}
    command = [sys.executable, '-m', 'demo', '--model', model]
    server = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        with socket.socket() as door:
            if door.connect_ex(('127.0.0.1', port)) == 0:
                return server, f'http://127.0.0.1:{port}'
        time.sleep(0.1)
    raise SystemExit('The page did not start.')


class Memory:
    """Watches how much memory a process holds."""

    def __init__(self, pid):
        self._process, self._peak, self._over = psutil.Process(pid), 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def now(self):
        return self._process.memory_info().rss

    def stop(self):
        self._over.set()
        self._thread.join()
        return self._peak

    def _watch(self):
        while not self._over.wait(0.05):
            self._peak = max(self._peak, self.now())


if __name__ == '__main__':
    main()
