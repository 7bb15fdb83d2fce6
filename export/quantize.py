"""A decoder's convolutions in 8-bit integers: twice as fast on a processor, four times in a browser.

What is left in float32 is what colours would show: the encoder, where depthwise kernels want more than 8 bits, the
attention to hints, and the logits.
"""

import contextlib
import logging
import tempfile
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from export.convert import Converted, ExportError
from export.verify import Feed, opened, run
from training import bins, colorization, hints, photos

LOOKED_AT = 64  # photos, each without hints and with many
LARGE = 10_000  # weights of a kernel below which there is no time to win


def in_int8(converted: Converted, sources: Sequence[str | Path]) -> Converted:
    """The same network, whose decoder computes its large convolutions in integers.

    Parameters
    ----------
    converted : export.convert.Converted
        In two parts.
    sources : list of path
        Folders or .tar files of photos, from some of which it is seen what ranges numbers are in.

    Raises
    ------
    ExportError
        If the network is in one piece, or no convolution of its decoder is large.
    training.photos.PhotosError
        If there are no photos.
    """
    if converted.encoder is None:
        raise ExportError(f'{converted.name} has no decoder that stands alone: leave out --int8.')
    convolutions = large(converted.model)
    if not convolutions:  # onnxruntime takes no names for all names
        raise ExportError(f"No convolution of {converted.name}'s decoder is large enough to gain: leave out --int8.")
    names = [member.name for member in photos.find(sources)]
    read = photos.read(sources, converted.render_size, only=names[:: max(1, len(names) // LOOKED_AT)][:LOOKED_AT])
    seen = _Seen(feeds(converted.encoder, converted.model, read.pictures[: len(read)]))
    with tempfile.TemporaryDirectory() as folder, _without_advice():
        whole, rounded = Path(folder) / 'whole.onnx', Path(folder) / 'rounded.onnx'
        onnx.save(converted.model, whole)
        quantize_static(
            whole,
            rounded,
            seen,
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=['Conv'],
            nodes_to_quantize=convolutions,
            per_channel=True,
            # 7 bits: on processors without VNNI, sums of two products of 8 bits would not fit
            reduce_range=True,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8,
            extra_options={'CalibMovingAverage': True},  # the mean of the photos' ranges: few stretch it for all
        )
        return replace(converted, model=onnx.load(rounded))


@contextlib.contextmanager
def _without_advice() -> Generator[None]:
    """onnxruntime's quantizer advises to prepare a model first, which fails on ours, by the root logger."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(before)


def large(model: onnx.ModelProto) -> list[str]:
    """The names of the convolutions that are worth it."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    convolutions = {node.name: shapes.get(node.input[1], ()) for node in model.graph.node if node.op_type == 'Conv'}
    return [name for name, shape in convolutions.items() if np.prod(shape) >= LARGE and shape[0] != len(bins.BINS)]


def feeds(encoder: onnx.ModelProto, decoder: onnx.ModelProto, pictures: npt.NDArray[np.uint8]) -> Iterator[Feed]:
    """What the decoder is given for pictures [N, S, S, 3], one after the other: without hints, and with true ones."""
    session, random = opened(encoder), keras.random.SeedGenerator(0)
    for picture in pictures:
        L, ab = colorization.prepare(picture[None])
        none = np.zeros((1, 1, hints.COLUMNS), 'float32')
        for given in (none, np.asarray(hints.simulate(ab, 0.0, random))):
            inputs = [np.asarray(L).transpose(0, 3, 1, 2), given]
            features = run(session, dict(zip((tensor.name for tensor in encoder.graph.input), inputs, strict=True)))
            values = [*features.values(), *inputs]
            yield dict(zip((tensor.name for tensor in decoder.graph.input), values, strict=True))


class _Seen(CalibrationDataReader):
    """Feeds, as onnxruntime asks for them."""

    def __init__(self, feeds: Iterator[Feed]) -> None:
        self.feeds = feeds

    def get_next(self) -> Feed | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        return next(self.feeds, None)
