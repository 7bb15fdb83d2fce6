"""What people install: the wheel, its contents, and the package in an environment that holds nothing else."""

import email
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_requirements import PROJECT, ROOT, pins, version

DEMO = 'demo/requirements.txt'


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp('dist')
    pip('wheel', '--no-deps', '--wheel-dir', folder, ROOT)
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope='module')
def environment(wheel, tmp_path_factory):
    """The folder of programs of an environment with the wheel and its extra `cpu`, in the versions that are pinned."""
    folder = tmp_path_factory.mktemp('environment')
    constraints = folder / 'constraints.txt'
    constraints.write_text(''.join(f'{pin.name}=={version(pin)}\n' for pin in pins(DEMO)))
    subprocess.run([sys.executable, '-m', 'venv', '--without-pip', folder / 'env'], check=True)
    programs = folder / 'env' / 'bin'
    pip('--python', programs / 'python', 'install', '--no-compile', '-c', constraints, f'{wheel}[cpu]')
    return programs


def pip(*arguments):
    command = [sys.executable, '-m', 'pip', '--quiet', '--disable-pip-version-check', *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, env={'HOME': str(cwd)}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.install
def test_the_wheel_is_the_package_alone_with_its_models(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        info = f'lumachrome-{PROJECT["version"]}.dist-info'
        about = email.message_from_bytes(archive.read(f'{info}/METADATA'))
    assert {name.split('/')[0] for name in names} == {'lumachrome', info}
    here = {str(path.relative_to(ROOT)) for path in (ROOT / 'lumachrome').rglob('*') if '__pycache__' not in path.parts}
    code_and_models = {name for name in here if name.endswith(('.py', '.onnx', 'py.typed'))}
    assert 'lumachrome/models/lumachrome.onnx' in code_and_models <= names
    licences = {'LICENSE', 'lumachrome/models/LICENSE'}
    assert about['License-Expression'] == 'Apache-2.0 AND CC-BY-NC-4.0'
    assert set(about.get_all('License-File')) == licences and {f'{info}/licenses/{path}' for path in licences} <= names


@pytest.mark.install
def test_the_command_colors_a_photo_where_nothing_else_is(environment, tmp_path):
    ramp = np.tile(np.linspace(40, 210, 90, dtype='uint8'), (60, 1))
    Image.fromarray(ramp).save(tmp_path / 'photo.jpg')
    run(environment / 'lumachrome', 'colorize', 'photo.jpg', '-o', 'out.jpg', cwd=tmp_path)
    with Image.open(tmp_path / 'out.jpg') as image:
        assert image.mode == 'RGB' and image.size == (90, 60)
        assert np.ptp(np.asarray(image).astype(int), axis=2).max() > 3


@pytest.mark.install
def test_the_class_is_there_for_programs(environment, tmp_path):
    code = 'from lumachrome import Colorizer, UserError; import lumachrome; print(lumachrome.__file__)'
    assert Path(run(environment / 'python', '-c', code, cwd=tmp_path).strip()).is_relative_to(environment.parent)


@pytest.mark.parametrize('module, more', [('lumachrome', set()), ('lumachrome.contract', {'numpy'})])
def test_training_needs_no_onnxruntime(module, more):
    """`training` takes the contract alone, on machines that colour nothing."""
    code = f'import sys; before = set(sys.modules); import {module}; print(*sys.modules.keys() - before)'
    loaded = {name.split('.')[0] for name in run(sys.executable, '-c', code, cwd=ROOT).split()}
    assert 'lumachrome' in loaded and loaded - sys.stdlib_module_names <= {'lumachrome', *more}
