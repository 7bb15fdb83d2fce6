"""The walkthrough: notebooks that are made of their sources, say the same in both languages, and run."""

import ast
import itertools
import os
import re
import tarfile
from pathlib import Path

import jupytext
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

import training.walkthrough
from lumachrome.errors import UserError
from training import networks
from training.walkthrough import __main__ as maker
from training.walkthrough import figures, samples

SOURCES = maker.sources()
NAMES = sorted({source.name for source in SOURCES})
IDS = [f'{source.parent.name}-{source.stem[0]}' for source in SOURCES]
by_source = pytest.mark.parametrize('source', SOURCES, ids=IDS)


def test_there_are_five_in_each_language():
    assert len(NAMES) == 5 and len(SOURCES) == 10


@by_source
def test_notebooks_are_those_of_their_sources(source):
    made = source.with_suffix('.ipynb').read_text('utf-8')
    assert made == maker.notebook(source), 'Make them anew: python -m training.walkthrough'
    assert '"outputs": []' in made and '"image/png"' not in made
    assert f'colab.research.google.com/github/{maker.REPOSITORY}/blob/main/training/walkthrough/' in made


@pytest.mark.parametrize('name', NAMES)
def test_both_languages_run_the_same_code(name):
    english, chinese = (jupytext.read(maker.HERE / language / name).cells for language in maker.LANGUAGES)
    assert [cell.cell_type for cell in english] == [cell.cell_type for cell in chinese]
    for ours, theirs in zip(english, chinese, strict=True):
        if ours.cell_type == 'code':  # comments alone are translated
            assert ast.dump(ast.parse(ours.source)) == ast.dump(ast.parse(theirs.source))
        else:
            assert re.search('[\u4e00-\u9fff]', theirs.source) and not re.search('[\u4e00-\u9fff]', ours.source)
            assert re.findall(r'^#+ ', ours.source, re.M) == re.findall(r'^#+ ', theirs.source, re.M)


@by_source
def test_text_stands_before_what_it_explains(source):
    kinds = [cell.cell_type for cell in jupytext.read(source).cells]
    assert kinds[0] == kinds[-1] == 'markdown' and ('code', 'code') not in itertools.pairwise(kinds)


@by_source
def test_what_they_link_to_is_there(source):
    for link in re.findall(r'\]\(([^)#]+)\)', source.read_text('utf-8')):
        assert link.startswith('https://') or (source.parent / link).exists(), link


def terms(language):
    """The glossary's words in a language."""
    rows = (maker.HERE / 'GLOSSARY.md').read_text('utf-8').splitlines()
    column = list(maker.LANGUAGES).index(language)
    return [row.split('|')[1 + column].strip() for row in rows if row.startswith('| ') and '---' not in row][1:]


@pytest.mark.parametrize('language', maker.LANGUAGES)
def test_every_term_of_the_glossary_is_used(language):
    text = ' '.join(source.read_text('utf-8') for source in SOURCES if source.parent.name == language)
    text = re.sub(r'[\s#*]+', ' ' if language == 'en' else '', text).lower()
    known = terms(language)
    assert len(known) > 25
    assert [term for term in known if term.lower().replace(' ' * (language == 'zh'), '') not in text] == []


@by_source
def test_every_term_in_italics_is_in_the_glossary(source):
    language = source.parent.name
    aside = {'en': {'italics', 'sources.'}, 'zh': {'斜体', '来源。'}}[language]
    known = {term.lower().rstrip('s') for term in terms(language)} | {word.rstrip('s') for word in aside}
    for cell in jupytext.read(source).cells:
        if cell.cell_type == 'markdown':
            plain = re.sub(r'```.*?```|`[^`]*`|\*\*.*?\*\*', '', cell.source, flags=re.S)
            italics = [' '.join(words.lower().split()) for words in re.findall(r'\*([^*]+)\*', plain)]
            assert [words for words in italics if words.rstrip('s') not in known] == []


@by_source
def test_no_line_of_a_paragraph_becomes_a_list(source):
    """Markdown takes a line that begins with 1. or + for a list item, also in the midst of a paragraph."""
    for cell in jupytext.read(source).cells:
        lines = cell.source.splitlines() if cell.cell_type == 'markdown' else []
        assert [line for line in lines if re.match(r'(\d+[.)]|[+*]) ', line)] == []


def test_the_first_cell_installs_what_is_pinned():
    pins = maker.pins()
    assert pins['skimage'].startswith('scikit-image==') and pins['pyvips'].startswith('pyvips[binary]==')
    assert not any(';' in pin for pin in pins.values())
    needs = '{\n' + ''.join(f'    {module!r}: {pin!r},\n' for module, pin in pins.items()) + '}'
    ast.parse(maker.FIRST.format(needs=needs, repository=maker.REPOSITORY))


def photo_files(folder, count, gray=False):
    for i in range(count):
        picture = samples.crops([samples.photo('coffee')], 1, 80, 120, seed=i)[0]
        Image.fromarray(np.repeat(picture[..., :1], 3, -1) if gray else picture).save(folder / f'{i}.png')
    return folder


def test_a_folder_of_the_readers_is_read(tmp_path):
    found = samples.read(photo_files(tmp_path, 8))
    assert len(found) == 8 and all(picture.shape == (80, 120, 3) for picture in found)


def test_a_folder_with_a_tar_file_of_photos_is_read(tmp_path):
    loose, packed = tmp_path / 'loose', tmp_path / 'packed'
    for folder in (loose, packed):
        folder.mkdir()
    photo_files(loose, 8)
    with tarfile.open(packed / 'photos.tar', 'w') as shard:
        for path in sorted(loose.iterdir()):
            shard.add(path, path.name)
    for ours, theirs in zip(samples.read(packed), samples.read(loose), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize(
    ('count', 'gray', 'words'), [(3, False, r'holds 3 colour photos, and 8 are'), (9, True, '9 without colour')]
)
def test_photos_that_will_not_do_are_told_in_a_sentence(count, gray, words, tmp_path):
    with pytest.raises(UserError, match=words) as error:
        samples.read(photo_files(tmp_path, count, gray))
    assert '\n' not in str(error.value)


def test_crops_keep_proportions_and_follow_their_seed():
    y, x = np.indices((200, 250))
    crop = samples.crops([np.stack([x, y, 0 * x], -1).astype('uint8')], 1, 60, 90, seed=3)[0].astype(float)
    across, down = np.ptp(crop[30, :, 0]) / 89, np.ptp(crop[:, 45, 1]) / 59  # pixels of the photo to one of the crop
    assert abs(across - down) < 0.05 and 1.2 < down < 2.8
    pictures = [samples.photo('cat'), samples.photo('rocket')]
    first, again, other = (samples.crops(pictures, 4, 32, 48, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_the_drawn_stages_of_a_u_net_are_its_own():
    down, up = figures.stages(networks.build('unet'))
    assert down == [(1, 24), (2, 48), (4, 64), (8, 128), (16, 256)]
    assert up == [(8, 128, True), (4, 64, True)]


@pytest.mark.training
def test_the_first_notebook_runs(monkeypatch, capsys):
    """As a script, without Jupyter: with few steps, in seconds."""
    drawn = []
    monkeypatch.setattr(training.walkthrough, 'SMALL', True)
    monkeypatch.setattr(plt, 'show', lambda: drawn.append(plt.gcf()) or plt.close())
    plt.switch_backend('agg')
    source = maker.HERE / 'en' / '1_the_articles_network.py'
    exec(compile(source.read_text('utf-8'), source, 'exec'), {})
    assert len(drawn) == 10 and all(figure.axes for figure in drawn)
    assert 'all together: 32202 by hand, 32202 by Keras' in capsys.readouterr().out


def executed(source, cells=None, allow_errors=False):
    """A notebook of few steps as Jupyter runs it: its cells with their outputs."""
    nbclient = pytest.importorskip('nbclient', reason='make test-slow installs it')
    made = jupytext.read(source.with_suffix('.ipynb'))
    made.cells = [cell for i, cell in enumerate(made.cells) if cells is None or i in cells]
    where = {'metadata': {'path': str(source.parent)}}
    nbclient.NotebookClient(made, timeout=900, resources=where, allow_errors=allow_errors).execute()
    return made.cells


@pytest.fixture
def few_steps(monkeypatch):
    monkeypatch.setenv('WALKTHROUGH', 'small')
    monkeypatch.setenv('MPLBACKEND', 'module://matplotlib_inline.backend_inline')
    assert 'ARTICLE_WEIGHTS' not in os.environ


@pytest.mark.slow
@by_source
def test_notebooks_run(source, few_steps):
    cells = executed(source)
    drawn = sum('image/png' in output.get('data', {}) for cell in cells for output in cell.get('outputs', ()))
    shown = sum(
        cell.source.count('figures.') + cell.source.count('\nclick(') for cell in cells if cell.cell_type == 'code'
    )
    assert drawn >= max(1, shown // 2)


@pytest.mark.slow
def test_a_notebook_run_out_of_order_says_what_to_do(few_steps):
    source = maker.HERE / 'en' / '1_the_articles_network.py'
    codes = [i for i, cell in enumerate(jupytext.read(source.with_suffix('.ipynb')).cells) if cell.cell_type == 'code']
    *_, last = executed(source, {*codes[:2], codes[-1]}, allow_errors=True)
    said = ''.join(output.get('text', '') for output in last.outputs)
    assert 'an earlier cell makes it' in said and 'Traceback' not in said
    assert not any(output.output_type == 'error' for output in last.outputs)


def test_the_walkthrough_page_names_every_notebook():
    page = (maker.HERE / 'README.md').read_text('utf-8')
    for source in SOURCES:
        assert f'({source.relative_to(maker.HERE).with_suffix(".ipynb").as_posix()})' in page
    assert '(GLOSSARY.md)' in page and Path(maker.HERE / 'GLOSSARY.md').exists()
