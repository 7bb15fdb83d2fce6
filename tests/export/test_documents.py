"""Documents tell of the networks that ship what their files say."""

import json
import re
import shutil

import onnx
import pytest

from export import __main__ as command
from export import documents
from export.convert import ExportError
from lumachrome import contract


@pytest.fixture
def project(tmp_path):
    """A copy of what documents are filled from and of the documents themselves."""
    (tmp_path / documents.MODELS).mkdir(parents=True)
    for path in (documents.ROOT / documents.MODELS).glob('*.onnx'):
        shutil.copy(path, tmp_path / documents.MODELS)
    for name in documents.DOCUMENTS:
        shutil.copy(documents.ROOT / name, tmp_path / name)
    return tmp_path


def change(path, key, value):
    model = onnx.load(path)
    said = {entry.key: entry.value for entry in model.metadata_props}
    onnx.helper.set_model_props(model, said | {contract.METADATA_PREFIX + key: value})
    onnx.save(model, path)


def test_committed_documents_are_as_the_files_say(project):
    assert documents.update(project) == [], 'run: python -m export documents'


def test_figures_stand_in_documents_by_their_places_alone():
    """What a file says of itself is nowhere written by hand, so that no line is forgotten when it changes."""
    values = documents.places(documents.ROOT / documents.MODELS)
    figures = re.compile(
        '|'.join(re.escape(values[name]) for name in ('photos-seen', 'photos-learnt', 'size', 'article-weights'))
    )
    configs = documents.ROOT.glob('training/configs/*.toml')
    for path in [*(documents.ROOT / name for name in (*documents.DOCUMENTS, 'training/README.md')), *configs]:
        by_hand = re.sub(r'<!-- ([\w-]+) -->.*?<!-- /\1 -->', '', path.read_text(), flags=re.DOTALL)
        assert not figures.findall(by_hand), path


def test_what_changes_in_a_file_changes_in_all_documents(project):
    path = project / documents.MODELS / 'lumachrome.onnx'
    said = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    metrics = json.loads(said['lumachrome.metrics'])
    metrics['rows'][1]['psnr'] = {'mean': metrics['rows'][0]['psnr']['mean'] + 2.5, 'se': 0.123}
    change(path, 'metrics', json.dumps(metrics))
    change(path, 'training', json.dumps(json.loads(said['lumachrome.training']) | {'photos_before': 1_000_000}))
    assert documents.update(project) == [project / name for name in documents.DOCUMENTS]
    for name in documents.DOCUMENTS:
        text = (project / name).read_text()
        assert '1,819,200' in text and '24.25 ± 0.12' in text
    assert '+2.50 dB' in (project / 'README.md').read_text()
    assert documents.update(project) == []


def test_unevenness_is_told_where_a_file_knows_it(project):
    """Files of before have no such figure: then there is no column, and nothing to explain."""
    path = project / documents.MODELS / 'lumachrome.onnx'
    said = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    metrics = json.loads(said['lumachrome.metrics'])
    for row in metrics['rows']:
        row.pop('unevenness', None)
    change(path, 'metrics', json.dumps(metrics))
    documents.update(project)
    for name in documents.DOCUMENTS:
        assert 'nevenness' not in re.sub(r'<!-- /?unevenness -->', '', (project / name).read_text())
    metrics['rows'][2]['unevenness'] = {'mean': 6.4, 'se': 0.2, 'truth': 9.0, 'ratio': 0.714, 'ratio_se': 0.018}
    change(path, 'metrics', json.dumps(metrics))
    documents.update(project)
    for name in documents.DOCUMENTS:
        text = (project / name).read_text()
        table = [
            line for line in text.splitlines() if line.startswith('|') and re.search('article,|gray|PSNR|vivid', line)
        ]
        heads, gray, vivid = table[0], *(next(x for x in table if word in x) for word in ('gray (no', 'vivid (the'))
        assert re.search(r'unevenness[^|]*\|$', heads) and vivid.endswith('| 0.71 ± 0.02 |') and gray.endswith('| |')
        assert heads.count('|') == gray.count('|') == vivid.count('|')
    assert 'Unevenness is how far' in (project / 'README.md').read_text()
    assert documents.update(project) == []


@pytest.mark.parametrize('place', ['<!-- nobody -->1<!-- /nobody -->', '<!-- size -->17 MB', '<!-- /size -->'])
def test_places_that_cannot_be_filled_are_named(project, place):
    path = project / 'README.md'
    before = path.read_text() + place
    path.write_text(before)
    with pytest.raises(ExportError, match=r'README\.md has places that cannot be filled, (nobody|size)'):
        documents.update(project)
    assert path.read_text() == before


@pytest.mark.parametrize('key', ['metrics', 'training'])
def test_a_file_without_its_figures_is_named(project, key):
    change(project / documents.MODELS / 'article.onnx', key, '{}' if key == 'metrics' else 'not recorded')
    with pytest.raises(ExportError, match=r'article\.onnx does not say'):
        documents.update(project)


def test_the_command_says_what_it_did(monkeypatch, capsys):
    monkeypatch.setattr(documents, 'update', lambda: [])
    command.main(['documents'])
    assert capsys.readouterr().out == 'The documents are as the files say.\n'
