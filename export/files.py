"""Writing the finished file: built, verified, described, and only then named."""

import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx

from export import pipeline, quantize, verify
from export.convert import Converted, ExportError, convert, in_half_the_bytes
from lumachrome import contract
from lumachrome.errors import atomic
from training import bins, checkpoints, learnt, photos


def export(
    source: str | Path,
    target: str | Path,
    licence: str = 'not stated',
    float16: bool = False,
    int8: Sequence[str | Path] = (),
) -> dict[str, Any]:
    """Write a network as an ONNX file.

    Parameters
    ----------
    source : path
        A run folder, or a .keras or .npz file: see `training.checkpoints.load`.
    target : path
        The file to write. It gets its name only when it is verified.
    licence : str
        Of the weights.
    float16 : bool
        Store the kernels in half the bytes.
    int8 : list of path
        Photos, where the decoder is to compute in integers: see `export.quantize.in_int8`.

    Returns
    -------
    dict
        What was verified: see `export.verify.verify`.

    Raises
    ------
    ExportError
        If the target's folder is missing, the file is not what the network is, or `int8` is not for this network.
    training.photos.PhotosError
        If `int8` holds no photos.
    training.networks.NetworkError
        If the source cannot be read.
    """
    check_folder(target)
    photos.find(int8)  # nothing that could be said at once waits for minutes of work
    converted = convert(checkpoints.load(source))
    rounded = quantize.in_int8(converted, int8) if int8 else converted
    whole = pipeline.build(converted)
    verified = verify.verify(whole, converted)
    model = pipeline.build(rounded) if int8 else whole
    if float16:
        model = in_half_the_bytes(model)
    if model is not whole:
        verified['rounded'] = verify.verify_rounded(model, whole, converted)
    write(model, target, describe(converted, Path(source), licence, verified))
    return verified


def export_parts(folder: str | Path) -> dict[Path, dict[str, Any]]:
    """Write the files without a network, a head alone and the tail for both depths: {path: what was verified}."""
    check_folder(Path(folder) / contract.RENDER)
    models = {contract.RENDER: (model := pipeline.build_render(), verify.verify_render(model))}
    for depth, name in contract.JOINS.items():
        models[name] = (model := pipeline.build_join(depth), verify.verify_join(model, depth))
    for name, (model, verified) in models.items():
        write(model, Path(folder) / name, {'format': contract.FORMAT, 'verified': verified})
    return {Path(folder) / name: verified for name, (_, verified) in models.items()}


def describe(converted: Converted, source: Path, licence: str, verified: dict[str, Any]) -> dict[str, Any]:
    """The metadata, by `contract.METADATA_KEYS`."""
    run = checkpoints.record(source)
    vivid = None
    if converted.distribution is not None:
        inverse_temperature, _, colors = converted.distribution.vivid_point
        gain = (colors * bins.BINS).sum() / (bins.BINS**2).sum()  # on the chroma, on the average
        vivid = {'inverse_temperature': float(inverse_temperature), 'gain': float(gain)}
    return {
        'format': contract.FORMAT,
        'network': converted.name,
        'multiple': converted.multiple,
        'render_size': converted.render_size,
        'takes_hints': converted.takes_hints,
        'vivid': vivid,
        'training': {key: run.get(key) for key in ('data', 'photos_before', 'photos_seen', 'config')}
        if run
        else 'not recorded',
        'learnt': learnt.packed(checkpoints.learnt_by(source)),
        'metrics': _metrics(source),
        'verified': verified,
        'licence': licence,
        'created': datetime.datetime.now(datetime.UTC).strftime('%Y-%m-%dT%H:%M:%SZ'),
    }


def _metrics(source: Path) -> dict[str, Any]:
    """What an evaluation found of a run's best network; {} for others."""
    folder = checkpoints.run_of(source)
    found = folder and folder / 'metrics.json'
    return json.loads(found.read_text()) if found and found.exists() and source.name != 'last.keras' else {}


def check_folder(target: str | Path) -> None:
    """ExportError if there is no folder for the file: better said before minutes of work than after."""
    if not Path(target).parent.is_dir():
        raise ExportError(f'{target} cannot be written: there is no folder {Path(target).parent}.')


def write(model: onnx.ModelProto, target: str | Path, metadata: dict[str, Any]) -> None:
    """Write the model with its metadata (values that are not text as JSON), whole or not at all."""
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in metadata.items()}
    onnx.helper.set_model_props(model, {contract.METADATA_PREFIX + key: text for key, text in texts.items()})
    verify.opened(model)
    with atomic(target) as unfinished:
        unfinished.write_bytes(model.SerializeToString())
