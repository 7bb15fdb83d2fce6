"""Archives whose workers and whose drivers are killed: nothing lost, nothing half, nothing in the report twice."""

import importlib.util
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
from albums import photo_file, until
from PIL import Image

from lumachrome.archive import Archive, Job, Processes

pytestmark = pytest.mark.slow
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec('ray') is None, reason='Ray is not installed: tests/requirements-slow.txt has it.'
)
PHOTOS, BAD = 400, 5


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
    command = [sys.executable, '-m', 'lumachrome', 'archive', source, out, '--model', standins / 'plain.onnx', *more]
    return subprocess.Popen(
        list(map(str, command)),
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def workers(driver, ray):
    found = psutil.Process(driver.pid).children(recursive=True)
    return [each for each in found if ('ray::_Actor' if ray else 'spawn_main') in ' '.join(each.cmdline())]


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


@pytest.mark.parametrize('ray', [False, pytest.param(True, marks=needs_ray)])
def test_a_worker_killed_in_the_middle_loses_nothing(ray, source, tmp_path, standins):
    out = tmp_path / 'out'
    driver = start(source, out, standins, '--workers', '2', *(['--ray'] if ray else []))
    until(lambda: recorded(out) >= 2, 240)
    workers(driver, ray)[0].kill()
    said, _ = driver.communicate(timeout=240)
    assert driver.returncode == 3, said
    assert f'{PHOTOS - BAD} photos of the archive are coloured' in said
    check(source, out)


@pytest.mark.parametrize('ray', [False, pytest.param(True, marks=needs_ray)])
def test_a_driver_killed_three_times_loses_nothing(ray, source, tmp_path, standins):
    out, chance = tmp_path / 'out', random.Random(29)
    seen = []
    for _ in range(3):
        driver = start(source, out, standins, '--workers', '2', *(['--ray'] if ray else []))
        enough = recorded(out) + chance.randrange(1, 3)
        until(lambda enough=enough: recorded(out) >= enough, 240, 0.01)
        time.sleep(chance.uniform(0, 0.3))
        theirs = workers(driver, ray)
        driver.kill()
        driver.communicate()
        psutil.wait_procs(theirs, timeout=90)  # on Ray they end when it sees that nobody waits for them
        seen.append(recorded(out))
    driver = start(source, out, standins, '--workers', '2')  # processes go on with what actors have begun
    said, _ = driver.communicate(timeout=240)
    assert driver.returncode == 3, said
    print(f'records after each kill: {seen}')
    assert seen == sorted(seen) and seen[-1] < recorded(out)
    check(source, out)


def test_memory_is_flat_over_five_thousand_photos(tmp_path, standins):
    photo, top = photo_file(tmp_path / 'one.jpg', (64, 48)), tmp_path / 'scans'
    top.mkdir()
    for number in range(5000):
        os.link(photo, top / f'{number:04}.jpg')
    archive = Archive(Job(str(top), str(tmp_path / 'out'), str(standins / 'plain.onnx')))
    crew, curve = Processes(archive.job, 2), []
    wait = crew.wait

    def watched():
        events = wait()
        if events:
            own = [psutil.Process(), *(psutil.Process(process.pid) for process, _ in crew._workers)]
            curve.append(sum(each.memory_info().rss for each in own))
        return events

    crew.wait = watched
    try:
        assert archive.run(crew).colored == 5000
    finally:
        crew.stop()
    fifth = len(curve) // 5
    peaks = [max(curve[fifth * part : fifth * (part + 1)]) // 2**20 for part in range(5)]
    print(f'MiB of the driver and two workers, by fifths of the run: {peaks}')
    assert peaks[-1] < 1.05 * peaks[1]
