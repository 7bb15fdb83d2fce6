"""The plain API in one process and over Ray Serve, under the same load: python -m tests.benchmarks.servers.

Visitors send photos of three sizes, each the next one when the one before has come back. What is told is photos a
second as a ratio to the plain API's, how long a photo took in the middle and at worst, and the memory of all processes.
"""

import argparse
import contextlib
import importlib.util
import io
import itertools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import psutil
from PIL import Image

EXAMPLES = Path(__file__).parents[2] / 'demo' / 'examples'
PHOTOS = ('china', 'coffee', 'astronaut')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--visitors', type=int, default=12)
    parser.add_argument('--photos', type=int, default=60)
    options = parser.parse_args()
    bodies = list(itertools.islice(itertools.cycle(a_photo(name) for name in PHOTOS), options.photos))
    servers = {'python -m demo api': plain()}
    if importlib.util.find_spec('ray') is None:
        print('Ray is not installed: tests/requirements-slow.txt has it.')
    else:
        for doors, networks in ((1, 1), (1, 2), (2, 2)):
            servers[f'Ray Serve, {doors} doors, {networks} networks'] = over_ray(doors, networks)
    print(f'{"":36}{"photos/s":>10}{"median, s":>11}{"longest, s":>12}{"MB":>7}')
    first = None
    for name, server in servers.items():
        with server as url:
            speed, times, memory = under_load(url, bodies, options.visitors)
        first = first or speed
        print(
            f'{name:36}{speed / first:10.2f}{np.median(times):11.1f}{max(times):12.1f}{memory / 1e6:7.0f}', flush=True
        )
    print(f'1.00 is {first:.1f} photos a second')


def a_photo(name: str) -> bytes:
    stream = io.BytesIO()
    Image.open(EXAMPLES / f'{name}.jpg').convert('L').save(stream, 'JPEG', quality=92)
    return stream.getvalue()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        return free.getsockname()[1]


@contextlib.contextmanager
def plain() -> Generator[str]:
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, '-m', 'demo', 'api', '--port', str(port)],
        cwd=EXAMPLES.parents[1],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f'http://127.0.0.1:{port}'
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f'{url}/health')
                break
            assert server.poll() is None and time.monotonic() < end
            time.sleep(0.2)
        yield url
    finally:
        server.terminate()
        server.wait(30)


@contextlib.contextmanager
def over_ray(doors: int, networks: int) -> Generator[str]:
    import ray
    from ray import serve

    from demo import serve_ray

    os.environ['RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S'] = '60'  # by default 5, which a busy machine may not keep
    ray.init('local', object_store_memory=100_000_000, include_dashboard=False, log_to_driver=False)
    try:
        port = free_port()
        serve.start(http_options={'host': '127.0.0.1', 'port': port})
        serve.run(serve_ray.app(serve_ray.Options(doors=doors, networks=networks)))
        yield f'http://127.0.0.1:{port}'
    finally:
        serve.shutdown()
        ray.shutdown()


def under_load(url: str, bodies: list[bytes], visitors: int) -> tuple[float, list[float], int]:
    """Photos a second, the seconds that each took, and the most memory that all children of this process held."""
    with httpx.Client(base_url=url, timeout=300) as client, ThreadPoolExecutor(visitors) as threads:

        def visit(body: bytes) -> float:
            start = time.perf_counter()
            client.post('/colorize', content=body).raise_for_status()
            return time.perf_counter() - start

        list(threads.map(visit, bodies[:visitors]))  # networks are opened, decoders started
        start = time.perf_counter()
        times = list(threads.map(visit, bodies))
        took = time.perf_counter() - start
    memory = sum(child.memory_info().rss for child in psutil.Process(os.getpid()).children(recursive=True))
    return len(bodies) / took, times, memory


if __name__ == '__main__':
    main()
