"""One batch over several accelerators, which XLA makes of the CPU: the same run as on one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow  # two processes compile a network each

ROOT = Path(__file__).parents[2]
FIT = """
import hashlib, json, sys, types
from pathlib import Path

sys.path.insert(0, 'tests')
import tiny
from training import fit, networks, runs
from training.__main__ import main

networks.NAMES = (*networks.NAMES, 'tiny')
sys.modules['training.networks.tiny'] = types.SimpleNamespace(MULTIPLE=8, RENDER_SIZE=64, build=tiny.build_tiny)
photos, out = sys.argv[1:]
seen, devices = {}, []
batch, write_state = fit.Batches.batch, runs.write_state

def watched(self, step):
    crops = batch(self, step)
    seen[step] = hashlib.sha256(crops.tobytes()).hexdigest()
    return crops

def counted(model, *more):
    devices.append(len(model.network.weights[0].value.sharding.device_set))
    write_state(model, *more)

fit.Batches.batch, runs.write_state = watched, counted
options = '--network tiny --encoder-weights none --loss bins --optimizer adamw --aging-prob 0.5 --canvas 64 --size 32'
short = '--batch 8 --epoch 16 --budget 48 --held-out 0.3 --learning-rate 1e-4'
main(['fit', '--photos', photos, '--out', out, *options.split(), *short.split()])
print(json.dumps({'seen': [seen[step] for step in range(6)], 'devices': devices}))
"""


def fitted(count, photos, out, **more):
    """What a run on so many devices saw, and how it went."""
    flags = {'XLA_FLAGS': f'--xla_force_host_platform_device_count={count}', 'KERAS_BACKEND': 'jax'}
    flags |= {'JAX_DISABLE_MOST_OPTIMIZATIONS': 'true'}  # it compiles sooner
    done = subprocess.run(
        [sys.executable, '-c', FIT, photos, out],
        env=os.environ | flags | more,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout.splitlines()[-1])
    with np.load(out / 'state.npz') as state:
        weights = [state[name] for name in state.files if state[name].dtype == np.float32]
    history = json.loads((out / 'run.json').read_text())['history']
    return said, [row['loss'] for row in history], weights


def test_four_devices_fit_as_one_does(photo_folder, tmp_path):
    alone, losses, weights = fitted(1, photo_folder, tmp_path / 'one')
    shared, their_losses, their_weights = fitted(4, photo_folder, tmp_path / 'four')
    assert set(alone['devices']) == {1} and set(shared['devices']) == {4}
    assert shared['seen'] == alone['seen'] and len(set(alone['seen'])) == 6
    print(f'losses on one: {losses}, on four: {their_losses}')
    np.testing.assert_allclose(their_losses, losses, rtol=1e-4)
    for ours, theirs in zip(weights, their_weights, strict=True):
        np.testing.assert_allclose(theirs, ours, atol=2e-4)


def test_a_batch_that_cannot_be_shared_is_told(photo_folder, tmp_path):
    with pytest.raises(AssertionError, match='A batch of 8 cannot be shared by 3 accelerators: give --batch a mult'):
        fitted(3, photo_folder, tmp_path / 'three')
