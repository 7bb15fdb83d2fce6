"""Coded pictures, kept in parts until all are there, put together with all else that a video holds as one file."""

import struct
from collections.abc import Iterable, Iterator
from heapq import merge
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from lumachrome.errors import atomic
from lumachrome.videofile import Encoder, FFmpegError, Reader, av

STATEMENT = 'The colours were made by software (Lumachrome).'  # in the file's comment, after what stood there
_RECORD = struct.Struct('<q?Q')  # of a coded frame: its time, whether a player can begin there, how many bytes follow


class KeptPacket(NamedTuple):
    """A coded frame: its time, whether a player can begin there, its bytes."""

    time: int
    is_key: bool
    content: bytes


def assemble(reader: Reader, target: Path, encoder: Encoder, parts: Iterable[Path]) -> list[str]:
    """Write pictures that are coded already, and all else that a video holds, as one file.

    Parameters
    ----------
    reader : Reader
        Of the video that was colored.
    target : Path
    encoder : Encoder
        What coded the pictures.
    parts : iterable of Path
        Files of them, as `keep` writes them, in order.

    Returns
    -------
    list of str
        What could not be kept, in sentences.
    """
    parts, came, notes = list(parts), reader.container, list[str]()
    with atomic(target) as temporary, av.open(str(temporary), 'w') as out:
        pictures = encoder.add_to(out)
        pictures.metadata.update(reader.stream.metadata)
        others: dict[int, Any] = {}
        for stream in came.streams:
            if stream is reader.stream:
                continue
            if _takes(out, came, stream):
                others[stream.index] = out.add_stream_from_template(stream)
                others[stream.index].metadata.update(stream.metadata)
                others[stream.index].disposition = stream.disposition
            else:
                notes.append(
                    f'{reader.name} has a track ({stream.type}) that {target.name} cannot hold: it is left out.'
                )
        out.metadata.update(came.metadata)
        said = came.metadata.get('comment', '')
        out.metadata['comment'] = said if STATEMENT in said else f'{said} {STATEMENT}'.strip()
        if chapters := came.chapters():
            out.set_chapters(chapters)
        out.start_encoding()
        copied = _copied(came, others) if others else iter(())
        for _, packet in merge(_pictures(parts, pictures, encoder), copied, key=lambda timed: timed[0]):
            out.mux(packet)
    return notes


def _takes(out: Any, came: Any, stream: Any) -> bool:
    """Whether a file can hold a track of another."""
    same = bool(set(out.format.name.split(',')) & set(came.format.name.split(',')))
    if stream.type == 'attachment':
        return same
    return stream.type in ('audio', 'subtitle') and (same or stream.codec_context.name in out.supported_codecs)


def _copied(came: Any, others: dict[int, Any]) -> Iterator[tuple[float, Any]]:
    """The packets of all other tracks, and by when each is needed; as far as they can be read."""
    packets = came.demux([stream for stream in came.streams if stream.index in others])
    while True:
        try:
            packet = next(packets)
        except (StopIteration, FFmpegError, OSError):
            return
        if packet.dts is not None:  # the last one only says that there is no more
            packet.stream = others[packet.stream.index]
            yield float(packet.dts * packet.time_base), packet


def _pictures(parts: list[Path], stream: Any, encoder: Encoder) -> Iterator[tuple[float, Any]]:
    """The packets of all parts, and by when each is needed.

    They come in the order in which they are decoded. When that is to be, each part's encoder says for its part alone;
    for all of them together it is when the frames are shown, as much earlier as keeps all in time.
    """
    coded = np.array([packet.time for part in parts for packet in kept(part, heads_only=True)], np.int64)
    shown = np.sort(coded)
    ahead = int(np.max(np.arange(len(coded)) - np.searchsorted(shown, coded)))
    step = int(shown[1] - shown[0]) if len(shown) > 1 else round(1 / (encoder.rate * encoder.time_base))
    begins = shown[0] - step * np.arange(ahead, 0, -1)
    lengths = dict(zip(shown.tolist(), np.diff(shown, append=shown[-1] + step).tolist(), strict=True))
    decoded = np.concatenate([begins, shown]).tolist()
    for when, (time, is_key, content) in zip(
        decoded, (packet for part in parts for packet in kept(part)), strict=False
    ):
        packet = av.Packet(content)
        packet.pts, packet.dts, packet.duration, packet.is_keyframe = time, when, lengths[time], is_key
        packet.time_base, packet.stream = encoder.time_base, stream
        yield float(when * encoder.time_base), packet


# Parts: coded frames that wait for the others


def keep(file: BinaryIO, packet: Any) -> None:
    """Write a coded frame to a file of them."""
    content = bytes(packet)
    file.write(_RECORD.pack(packet.pts, packet.is_keyframe, len(content)) + content)


def kept(path: Path, heads_only: bool = False) -> Iterator[KeptPacket]:
    """The coded frames in a file that `keep` wrote; without their bytes, where nobody needs them."""
    with path.open('rb') as file:
        while head := file.read(_RECORD.size):
            time, is_key, size = _RECORD.unpack(head)
            begins = file.tell()
            yield KeptPacket(time, is_key, b'' if heads_only else file.read(size))
            file.seek(begins + size)
