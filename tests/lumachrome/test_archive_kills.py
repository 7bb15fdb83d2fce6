"""Archives whose workers and whose drivers are killed: nothing lost, nothing half, nothing in the report twice."""

import contextlib
import importlib.util
import os
import random
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
from albums import photo_file, until
from PIL import Image

from lumachrome.adjustments import Adjustments
from lumachrome.archive import Archive, Job, Processes
from lumachrome.archive.worker import Done

pytestmark = pytest.mark.slow
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec('ray') is None, reason='Ray is not installed: tests/requirements-slow.txt has it.'
)
PHOTOS, BAD = 1200, 5  # nineteen batches
CREWS = {'pool': (), 'ray': ('--ray',)}


@pytest.fixture
def source(tmp_path):
    photo = photo_file(tmp_path / 'one.jpg', (64, 48))
    (tmp_path / 'bad.jpg').write_bytes(photo.read_bytes()[:300])
    top = tmp_path / 'scans'
    for number in range(PHOTOS):
        name = top / f'{number % 7}' / f'{number:04}.jpg'
        name.parent.mkdir(parents=True, exist_ok=True)
        os.link(tmp_path / 'bad.jpg' if number % (PHOTOS // BAD) == 50 else photo, name)
    return top


def start(source, out, standins, *more):
    command = [sys.executable, '-m', 'lumachrome', 'archive', source, out, '--model', standins / 'plain.onnx']
    command += ['--workers', '2', '--render-size', '32', *more]
    with said(out).open('w') as file:  # no pipe: what outlives a driver would keep it open
        return subprocess.Popen(
            list(map(str, command)), cwd=Path(__file__).parents[2], stdout=file, stderr=subprocess.STDOUT
        )


def said(out):
    return out.with_name('said.txt')


def workers(driver, crew):
    found = psutil.Process(driver.pid).children(recursive=True)
    return [each for each in found if ('ray::_Actor' if crew == 'ray' else 'spawn_main') in ' '.join(each.cmdline())]


def recorded(out):
    return len(list((out / '.lumachrome' / 'records').glob('*.parquet'))) if out.exists() else 0


def check(source, out):
    rows = pq.read_table(out / 'report.parquet').to_pylist()
    names = [row['source'] for row in rows]
    assert sorted(names) == sorted(str(path.relative_to(source)) for path in source.rglob('*.jpg'))
    assert sum(bool(row['error']) for row in rows) == BAD
    results = sorted(str(path.relative_to(out)) for path in out.rglob('*.jpg'))
    assert results == sorted(row['target'] for row in rows if row['target']) and len(results) == PHOTOS - BAD
    for path in results:
        Image.open(out / path).load()
    assert not (out / '.lumachrome' / 'parts').exists()


@pytest.mark.parametrize('crew', ['pool', pytest.param('ray', marks=needs_ray)])
def test_a_worker_killed_in_the_middle_loses_nothing(crew, source, tmp_path, standins):
    out = tmp_path / 'out'
    driver = start(source, out, standins, *CREWS[crew])
    until(lambda: recorded(out) >= 2 or driver.poll() is not None, 120, 0.01)
    workers(driver, crew)[0].kill()
    assert driver.wait(timeout=240) == 3, said(out).read_text()
    assert f'{PHOTOS - BAD:,} photos of the archive coloured' in said(out).read_text()
    check(source, out)


@pytest.mark.parametrize(
    'crews',
    [
        'pool pool pool pool',
        pytest.param('ray ray ray pool', marks=needs_ray),
        pytest.param('pool ray pool ray', marks=needs_ray),
    ],
)
def test_a_driver_killed_three_times_loses_nothing(crews, source, tmp_path, standins):
    """Whatever crew it is, it goes on where another was killed; nobody waits for what that one has left running."""
    out, chance = tmp_path / 'out', random.Random(29)
    *killed, last = crews.split()
    seen, left = [], []
    for crew in killed:
        driver = start(source, out, standins, *CREWS[crew])
        enough = recorded(out) + chance.randrange(1, 3)
        until(lambda enough=enough, driver=driver: recorded(out) >= enough or driver.poll() is not None, 120, 0.01)
        time.sleep(chance.uniform(0, 0.2))
        assert driver.poll() is None, said(out).read_text()
        left += psutil.Process(driver.pid).children(recursive=True)
        driver.kill()
        driver.wait()
        seen.append(recorded(out))
    driver = start(source, out, standins, *CREWS[last])
    assert driver.wait(timeout=240) == 3, said(out).read_text()
    psutil.wait_procs(left, timeout=90)
    print(f'{crews}: {seen} records after each kill, {recorded(out)} in the end')
    assert seen == sorted(seen) and seen[-1] < recorded(out)
    check(source, out)


@needs_ray
def test_a_cluster_that_runs_already_does_the_same(source, tmp_path, standins, monkeypatch):
    out = tmp_path / 'out'
    monkeypatch.setenv('RAY_AUTH_MODE', 'token')
    monkeypatch.setenv('RAY_AUTH_TOKEN', secrets.token_hex(32))
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        address = f'127.0.0.1:{free.getsockname()[1]}'
    ray = [Path(sys.executable).with_name('ray'), 'start', '--head', '--block', '--num-cpus', '2']
    ray += ['--node-ip-address', '127.0.0.1', '--port', address.rpartition(':')[2], '--include-dashboard', 'false']
    with (tmp_path / 'ray.txt').open('w') as file:
        cluster = subprocess.Popen(list(map(str, ray)), stdout=file, stderr=subprocess.STDOUT, cwd=tmp_path)
    try:
        until(lambda: 'Ray runtime started' in (tmp_path / 'ray.txt').read_text(), 120)
        driver = start(source, out, standins, '--address', address)
        assert driver.wait(timeout=240) == 3, said(out).read_text()
    finally:
        parts = psutil.Process(cluster.pid).children(recursive=True)
        cluster.terminate()
        for part in parts:
            with contextlib.suppress(psutil.NoSuchProcess):
                part.terminate()
        cluster.wait(60)
    check(source, out)


def test_memory_is_flat_over_five_thousand_photos(tmp_path, standins):
    photo, top = photo_file(tmp_path / 'one.jpg', (64, 48)), tmp_path / 'scans'
    top.mkdir()
    for number in range(5000):
        os.link(photo, top / f'{number:04}.jpg')
    small = Adjustments(render_size=32)
    archive = Archive(Job(str(top), str(tmp_path / 'out'), str(standins / 'plain.onnx'), adjustments=small))
    crew, done, curve = Processes(archive.job, 2), 0, [0] * 10
    wait = crew.wait

    def watched():
        nonlocal done
        events = wait()
        for _, event in events:
            if isinstance(event, Done):
                everyone = [psutil.Process(), *psutil.Process().children(recursive=True)]
                part = done // 500
                curve[part] = max(curve[part], sum(each.memory_info().rss for each in everyone) // 2**20)
                print(f'{done} photos: {curve[part]} MiB')
                done += event.photos
        return events

    crew.wait = watched
    try:
        assert archive.run(crew).colored == 5000
    finally:
        crew.stop()
    print(f'MiB of the driver, two workers and their decoders, at most, in each 500 photos: {curve}')
    assert max(curve[5:]) < 1.03 * max(curve[1:5])
