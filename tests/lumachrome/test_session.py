"""Sessions of onnxruntime: where they run, and one photo's run, on sessions that keep what they are given."""

import importlib.metadata
import types
from pathlib import Path

import numpy as np
import pytest

from lumachrome import contract, session
from lumachrome.errors import ModelError, ProviderError, UserError
from lumachrome.session import CPU, CUDA


class Recorder:
    """A session that keeps what it was given."""

    def __init__(self, provider, overridable=(), error=None):
        self.provider, self.overridable, self.error, self.feeds = provider, overridable, error, []

    def get_providers(self):
        return [self.provider, CPU]

    def get_overridable_initializers(self):
        return [types.SimpleNamespace(name=name) for name in self.overridable]

    def run(self, outputs, feed):
        self.feeds.append(feed)
        if self.error:
            raise self.error
        return [np.arange(6).reshape(1, 2, 3) + i for i, _ in enumerate(outputs)]


PHOTO = {contract.PHOTO: np.zeros((1, 30, 40, 3), np.uint8)}


@pytest.mark.parametrize(
    ('provider', 'overridable', 'rows'),
    [
        (CUDA, ['eps', contract.STRIP_ROWS], [100_000]),  # of 40 pixels are 4 megapixels
        (CPU, ['eps', contract.STRIP_ROWS], None),
        (CUDA, ['eps'], None),
        (CUDA, [], None),
    ],
)
def test_a_gpu_gets_strips_of_megapixels_and_a_cpu_those_of_the_file(provider, overridable, rows):
    network, feed = Recorder(provider, overridable), dict(PHOTO)
    session.compute(network, [contract.AB], feed)
    assert feed.keys() == PHOTO.keys()  # the caller's own stays as it is
    [given] = network.feeds
    if rows is None:
        assert given.keys() == PHOTO.keys()
    else:
        assert given[contract.STRIP_ROWS].tolist() == rows and given[contract.STRIP_ROWS].dtype == np.int64


@pytest.mark.parametrize(
    'words', ['Failed to ALLOCATE memory for requested buffer', 'CUDA error: out of memory', 'std::bad_alloc']
)
def test_a_photo_too_large_for_memory_is_said_with_its_size(words):
    with pytest.raises(MemoryError, match=r'^A photo of 40 x 30 pixels does not fit into memory'):
        session.compute(Recorder(CPU, error=session.errors.RuntimeException(words)), [contract.AB], PHOTO)


def test_another_error_of_onnxruntime_stays_what_it_is():
    with pytest.raises(session.errors.RuntimeException, match='Non-zero status'):
        session.compute(
            Recorder(CPU, error=session.errors.RuntimeException('Non-zero status code')), [contract.AB], PHOTO
        )


@pytest.mark.parametrize(
    ('had', 'driver', 'asked', 'chosen'),
    [
        ([CUDA, CPU], True, None, [CUDA, CPU]),
        ([CUDA, CPU], False, None, [CPU]),
        ([CPU], True, None, [CPU]),
        ([CUDA, CPU], True, [], [CUDA, CPU]),
        ([CUDA, CPU], True, (CPU,), [CPU]),
        ([CUDA, CPU], True, (CUDA,), [CUDA]),
        ([CUDA, CPU], False, (CPU, CUDA), [CPU, CUDA]),
    ],
)
def test_a_gpu_is_used_where_it_works_unless_another_is_asked_for(had, driver, asked, chosen, monkeypatch):
    monkeypatch.setattr(session.onnxruntime, 'get_available_providers', lambda: had)
    monkeypatch.setattr(session, '_has_gpu', lambda: driver)
    assert session.choose_providers(asked) == chosen


def test_providers_have_the_names_that_onnxruntime_gives_them():
    assert {CPU, CUDA} <= set(session.onnxruntime.get_all_providers())


def test_a_gpu_that_is_asked_for_and_not_there_is_an_error(monkeypatch):
    monkeypatch.setattr(session.onnxruntime, 'get_available_providers', lambda: [CUDA, CPU])
    monkeypatch.setattr(session, '_has_gpu', lambda: False)
    with pytest.raises(ProviderError, match='and this machine shows none'):
        session.choose_providers([CUDA])


def test_a_provider_is_not_taken_letter_by_letter():
    with pytest.raises(ProviderError, match=r"are a list, such as \['CPUExecutionProvider'\], not a text"):
        session.choose_providers(CPU)


@pytest.mark.parametrize(('system', 'library'), [('nt', 'nvcuda.dll'), ('posix', 'libcuda.so.1')])
def test_a_gpu_is_there_where_its_driver_is(system, library, monkeypatch):
    monkeypatch.setattr(session, 'os', types.SimpleNamespace(name=system))
    for there in (True, False):

        def load(name, there=there):
            if name != library or not there:
                raise OSError(name)

        monkeypatch.setattr(session, 'ctypes', types.SimpleNamespace(CDLL=load))
        session._has_gpu.cache_clear()
        assert session._has_gpu() is there
    session._has_gpu.cache_clear()


def test_a_session_shares_the_cores_and_a_gpu_is_exact_and_does_not_try_every_algorithm_on_every_photo(
    standins, monkeypatch, capfd
):
    opened, loaded = [], []
    monkeypatch.setattr(session, 'InferenceSession', lambda *a, **more: opened.append((*a, more['providers'])))
    monkeypatch.setattr(session.onnxruntime, 'preload_dlls', lambda: (loaded.append(1), print('cuDNN is missing')))
    monkeypatch.setattr(session.onnxruntime, 'set_default_logger_severity', loaded.append)
    path = standins / 'plain.onnx'
    session.open_file(path, [CPU])
    assert loaded == []
    session.open_file(path, [CUDA, CPU])
    assert loaded == [session.SILENT, 1] and capfd.readouterr() == ('', '')
    (_, options, cpu), (_, _, gpu) = opened
    assert options.get_session_config_entry('session.intra_op.allow_spinning') == '0'
    assert options.log_severity_level == 4  # fatal: what goes wrong is raised as well
    assert cpu == [CPU] and gpu == [(CUDA, {'cudnn_conv_algo_search': 'HEURISTIC', 'use_tf32': '0'}), CPU]


def test_a_part_that_is_missing_is_named(tmp_path):
    with pytest.raises(ModelError, match=r'join\.onnx does not exist'):
        session.open_file(tmp_path / 'join.onnx', [CPU])


@pytest.mark.parametrize(
    ('there', 'fine'),
    [(['onnxruntime'], True), (['onnxruntime-gpu'], True), (['onnxruntime', 'onnxruntime-gpu'], False)],
)
def test_either_onnxruntime_will_do_but_not_both(there, fine, monkeypatch):
    def version(name):
        if name not in there:
            raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(session.importlib.metadata, 'version', version)
    check = session._check_one_runtime.__wrapped__
    if fine:
        check()
    else:
        with pytest.raises(UserError, match='both installed'):
            check()


# ---- the contract


def stated(features, **changed):
    """A session that says it has the tensors of a network with features; of some the type or shape is another."""
    taken, given = (
        [
            types.SimpleNamespace(
                name=tensor.name,
                type=f'tensor({tensor.dtype.replace("float32", "float")})',
                shape=list(tensor.shape),
            )
            for tensor in tensors
            if not tensor.optional
        ]
        for tensors in contract.network_tensors(features)
    )
    for tensor in taken + given:
        vars(tensor).update(changed.get(tensor.name, {}))
    return types.SimpleNamespace(get_inputs=lambda: taken, get_outputs=lambda: given)


FORMAT = {'format': '2', 'render_size': '256'}
FIRST = FORMAT | {'format': '1'}
BOTH = (contract.DISTRIBUTION, contract.TAKES_HINTS)
HINTED = (contract.TAKES_HINTS, contract.REACHES)  # of format 2
ALL = (*BOTH, contract.REACHES, contract.ANCHORED)


@pytest.mark.parametrize(
    ('metadata', 'features'),
    [(each, few) for each in (FIRST, FORMAT) for few in ((), BOTH[:1])]
    + [(FIRST, BOTH[1:]), (FORMAT, HINTED), (FIRST, BOTH), (FORMAT, ALL)],
)
def test_a_file_is_known_to_have_what_its_inputs_say(metadata, features):
    assert session.check_contract(Path('a.onnx'), metadata, stated(features)) == frozenset(features)


@pytest.mark.parametrize(
    ('metadata', 'features', 'wrong'),
    [
        (FORMAT, BOTH, 'reach, variant'),
        (FORMAT, (*BOTH, contract.REACHES), 'variant'),
        (FORMAT, (*BOTH, contract.ANCHORED), 'reach'),
        (FIRST, ALL, 'reach, variant'),
        (FORMAT, (*HINTED, contract.ANCHORED), 'variant'),
        (FORMAT, (contract.DISTRIBUTION, contract.ANCHORED), 'variant'),
        (FORMAT, (contract.REACHES,), 'reach'),
    ],
)
def test_what_format_2_brought_is_where_it_has_to_be_and_nowhere_else(metadata, features, wrong):
    with pytest.raises(ModelError, match=rf'breaks the contract of format {metadata["format"]} \({wrong}\)'):
        session.check_contract(Path('a.onnx'), metadata, stated(features))


@pytest.mark.parametrize(
    'changed',
    [
        {'ab': {'shape': ['N', 'h', 'w']}},
        {'ab': {'shape': ['N', 'h', 'w', 3]}},
        {'ab': {'type': 'tensor(float16)'}},
        {'photo': {'shape': ['N', 'H', 'W', 3, 1]}},
        {'photo': {'type': 'tensor(float)'}},
    ],
    ids=str,
)
def test_a_tensor_of_another_type_or_shape_is_named(changed):
    [name] = changed
    with pytest.raises(ModelError, match=rf'^a\.onnx breaks the contract of format 2 \({name}\): export'):
        session.check_contract(Path('a.onnx'), FORMAT, stated((), **changed))


def test_a_tensor_that_the_contract_does_not_know_is_named():
    network = stated(())
    network.get_outputs().append(types.SimpleNamespace(name='shades', type='tensor(float)', shape=['N']))
    with pytest.raises(ModelError, match=r'breaks the contract of format 2 \(shades\)'):
        session.check_contract(Path('a.onnx'), FORMAT, network)
