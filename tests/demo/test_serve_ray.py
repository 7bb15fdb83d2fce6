"""The API over a local Ray: the same answers as from one process, and photos that wait together colored together."""

import importlib.util
import io
import socket
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from PIL import Image

from demo.colorizers import Colorizers
from lumachrome.colorizer import Colorizer
from lumachrome.hints import Hint

if importlib.util.find_spec('ray') is None:
    pytest.skip('Ray is not installed: tests/requirements-slow.txt has it.', allow_module_level=True)

from demo import serve_ray

pytestmark = pytest.mark.slow  # Ray starts, and a process for each part of the application


def test_photos_of_one_size_take_one_run(standins, monkeypatch):
    opened, runs = Colorizers(), []
    steered = opened(standins / 'steered.onnx')
    together = steered.colors_together
    monkeypatch.setattr(
        steered, 'colors_together', lambda shown, *more: (runs.append(len(shown)), together(shown, *more))[1]
    )
    rng = np.random.default_rng(0)

    def asked(height, *hints, variant=0):
        shown = rng.integers(0, 256, (height, 256, 3), np.uint8)
        return serve_ray.Asked(str(standins / 'steered.onnx'), shown, hints, variant, True, 1.0)

    wanted = [asked(256), asked(320), asked(256, Hint(0.1, 0.1, '#ff0000')), asked(256, variant=1)]
    found = serve_ray.colors_of(wanted, opened)
    assert runs == [2, 1, 1]
    for each, colors in zip(wanted, found, strict=True):
        [alone] = together([each.shown], [each.hints], each.variant)
        np.testing.assert_allclose(colors.ab, alone.ab, atol=1e-5)


def test_many_photos_at_once_come_back_as_from_one_process(standins, photo, monkeypatch):
    import ray
    from ray import serve

    monkeypatch.setenv('RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S', '60')  # for machines with more to do; by default 5
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    small, sent = photo.read_bytes(), io.BytesIO()
    Image.open(photo).convert('L').crop((0, 0, 200, 200)).save(sent, 'PNG')
    ray.init('local', num_cpus=2, object_store_memory=100_000_000, include_dashboard=False, log_to_driver=False)
    try:
        serve.start(http_options={'host': '127.0.0.1', 'port': port})
        serve.run(serve_ray.app(serve_ray.Options(model=str(standins / 'plain.onnx'), doors=2, networks=2)))
        with httpx.Client(base_url=f'http://127.0.0.1:{port}', timeout=60) as client, ThreadPoolExecutor(8) as threads:
            bodies = [small, sent.getvalue()] * 8
            answers = list(threads.map(lambda body: client.post('/colorize', content=body), bodies))
            wrong = client.post('/colorize', content=b'no photo')
        assert {answer.status_code for answer in answers} == {200}, answers[0].text
        alone = Colorizer(standins / 'plain.onnx')
        for answer, body in zip(answers, bodies, strict=True):
            expected = np.asarray(alone.colorize(Image.open(io.BytesIO(body)))).astype(int)
            found = np.asarray(Image.open(io.BytesIO(answer.content))).astype(int)
            assert found.shape == expected.shape and abs(found - expected).mean() < 2  # JPEG
        assert wrong.status_code == 400 and 'is not a photo' in wrong.json()['detail']
    finally:
        serve.shutdown()
        ray.shutdown()
