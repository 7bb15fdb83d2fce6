"""The files that the page's components are made of: their words, and what is pinned to check them."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from demo.page import component, video, words
from lumachrome.adjustments import SETTINGS

DEMO = Path(component.__file__).parents[1]
WEB = DEMO / 'web'


def test_every_word_that_markup_and_scripts_ask_for_is_there():
    asked = set()
    for path in component.STATIC.iterdir():
        text = path.read_text('utf-8')
        asked |= set(re.findall(r'data-(?:word|label)="(\w+)"', text) + re.findall(r'\bwords\.(\w+)', text))
    for path in (WEB / 'components').glob('*.ts'):
        for call in re.findall(r'\bword\(([^)]*)\)', path.read_text('utf-8')):
            asked |= set(re.findall(r"'(\w+)'", call))
    assert {'compare', 'help', 'hint_named', 'album_drop', 'album_problems'} <= asked <= set(words.WORDS['en'])


def test_every_word_has_its_use():
    """In what Python says, in the markup, or in the scripts."""
    written = [*DEMO.glob('*.py'), *(DEMO / 'page').glob('*.py'), *(DEMO / 'server').glob('*.py')]
    written += [*component.STATIC.iterdir(), *WEB.glob('src/**/*.ts'), *WEB.glob('components/*.ts'), WEB / 'index.html']
    text = '\n'.join(path.read_text('utf-8') for path in written)
    presets = {f'{name}_{value:g}' for name, setting in SETTINGS.items() for value in setting.presets}
    made = {f'album_{ended}' for ended in ('stopped', 'late')} | {*SETTINGS} | presets
    made |= {'before_alt', 'after_alt'} | {f'video_{what}' for what in video.SHARES}
    made |= {f'{kind}_{part}' for kind in ('album', 'video') for part in ('settings', 'start')}
    made |= {f'{part}_{kind}' for kind in ('album', 'video') for part in ('download', 'another')}
    # Of these the rest of the name is what Python or TypeScript calls the thing.
    rest = {name: re.sub('^(thing|color|preset)_', '', name) for name in set(words.WORDS['en']) - made}
    assert [name for name, end in rest.items() if not re.search(rf'\b({name}|{end})\b', text)] == []


def test_every_language_has_all_words_and_one_for_each_variant():
    variants = {f'variant_{variant}' for variant in SETTINGS['variant'].presets}
    for say in words.WORDS.values():
        assert variants <= say.keys() == words.WORDS['en'].keys()
        assert len({say[variant] for variant in variants}) == 4


def test_what_npm_brings_is_pinned_and_its_lock_names_no_host():
    project = json.loads((WEB / 'package.json').read_text())
    pinned = project['dependencies'] | project['devDependencies']
    assert all(re.fullmatch(r'\d+\.\d+\.\d+', version) for version in pinned.values())
    packages = json.loads((WEB / 'package-lock.json').read_text())['packages']
    assert {name: packages[f'node_modules/{name}']['version'] for name in pinned} == pinned
    assert all('integrity' in found and 'resolved' not in found for name, found in packages.items() if name)


@pytest.mark.skipif(not (WEB / 'node_modules').exists() or not shutil.which('npm'), reason='make check was not run.')
def test_the_linter_knows_what_each_script_is_given(tmp_path):
    (tmp_path / 'web').mkdir()
    for name in ('web/package.json', 'biome.json'):
        shutil.copy(DEMO / name, tmp_path / name)
    shutil.copytree(component.STATIC, tmp_path / 'page' / 'static')
    (tmp_path / 'web' / 'node_modules').symlink_to(WEB / 'node_modules')

    def lint():
        return subprocess.run(['npm', 'run', 'lint'], cwd=tmp_path / 'web', capture_output=True, text=True, timeout=60)

    assert lint().returncode == 0
    with (tmp_path / 'page' / 'static' / 'report.js').open('a') as file:
        file.write('placeOf(bar);\n')  # the slider's, which is in another function
    assert 'noUndeclaredVariables' in lint().stderr


@pytest.mark.skipif(
    os.environ.get('CI') != 'true' and (not (WEB / 'node_modules').exists() or not shutil.which('npm')),
    reason='No Node here, or make check was not run: the components were not built anew.',
)
def test_the_components_are_what_their_source_gives(tmp_path):
    build = ['npm', 'run', 'build-components', '--', '--outDir', str(tmp_path), '--logLevel', 'error']
    subprocess.run(build, cwd=WEB, check=True, capture_output=True, timeout=120)
    built = (tmp_path / 'components.js').read_text('utf-8')
    assert built == component.static('components.js'), 'Run npm run build-components in demo/web, and commit the file.'
