"""Video files: their pictures and times read, and how pictures are coded so that a file keeps what it was."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lumachrome.errors import VIDEO_EXTRA, UserError, VideoError

try:
    import av
    from av.codec.context import Flags as CodecFlags
    from av.error import FFmpegError
    from av.format import Flags as FormatFlags
    from av.stream import Disposition
except ImportError as error:
    raise UserError(VIDEO_EXTRA.format(error=error)) from error

Array = npt.NDArray[Any]

# By the codec's name: what writes it, and how, so that the eye sees no loss
_ENCODERS: dict[str, tuple[str, dict[str, str]]] = {
    'h264': ('libx264', {'crf': '18'}),
    'hevc': ('libx265', {'crf': '20', 'x265-params': 'log-level=error'}),
    'vp9': ('libvpx-vp9', {'crf': '24', 'b': '0', 'deadline': 'good', 'cpu-used': '4', 'row-mt': '1'}),
    'vp8': ('libvpx', {'crf': '8', 'b': '20M', 'deadline': 'good', 'cpu-used': '4'}),
    'av1': ('libsvtav1', {'crf': '24', 'preset': '7'}),
    'mpeg4': ('mpeg4', {'flags': '+qscale', 'global_quality': '236'}),
    'mpeg2video': ('mpeg2video', {'flags': '+qscale', 'global_quality': '236'}),
    'prores': ('prores_ks', {}),
    'ffv1': ('ffv1', {}),
}
_OTHERWISE = ('h264', 'vp9', 'mpeg4', 'mpeg2video')  # the first of these that a kind of file holds


# Reading


class Reader:
    """The pictures of a video, one after the other.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    container : av.container.InputContainer
    stream : av.VideoStream
    damaged : int
        How many packets could not be read up to now.

    Raises
    ------
    VideoError
        It is no video, or has no pictures.
    """

    def __init__(self, path: Path) -> None:
        self.name, self.damaged = path.name, 0
        try:
            self.container = av.open(str(path), metadata_errors='replace')
        except (FFmpegError, OSError) as error:
            unread = isinstance(error, OSError) and (isinstance(error, PermissionError) or not path.is_file())
            reason = error.strerror if unread else 'it is none, or it is damaged'
            raise VideoError(f'{path} cannot be read as a video: {reason}.') from error
        tracks = [s for s in self.container.streams.video if not s.disposition & Disposition.attached_pic]
        if not tracks or not tracks[0].codec_context:
            self.container.close()
            raise VideoError(f'{path} has no pictures that can be read: choose a video with a picture track.')
        self.stream: Any = tracks[0]
        self.stream.thread_type = 'AUTO'

    def __enter__(self) -> 'Reader':
        return self

    def __exit__(self, *exception: object) -> None:
        self.container.close()

    def __iter__(self) -> Iterator[Any]:
        """Frames in the order in which they are shown; each has a time, later than that of the one before."""
        rate = self.stream.average_rate or self.stream.base_rate or Fraction(25)
        step = max(1, round(1 / (rate * self.stream.time_base)))
        last = None
        for frame in self._frames():
            if frame.pts is None:
                frame.pts = 0 if last is None else last + step
            elif last is not None and frame.pts <= last:
                frame.pts = last + 1
            last = frame.pts
            frame.time_base = self.stream.time_base
            yield frame

    def _frames(self) -> Iterator[Any]:
        packets = self.container.demux(self.stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (FFmpegError, OSError):
                self.damaged += 1
                packet = None  # the rest of the file; what the decoder still holds is asked for
            try:
                yield from self.stream.decode(packet)
            except FFmpegError:
                self.damaged += 1
            if packet is None:
                return

    @property
    def seconds(self) -> float:
        """How long the file says that it is; 0 where it does not."""
        if self.stream.duration:
            return float(self.stream.duration * self.stream.time_base)
        return (self.container.duration or 0) / 1_000_000

    @property
    def count(self) -> int:
        """How many frames there are, about."""
        return self.stream.frames or round(self.seconds * float(self.stream.average_rate or 25))


def upright_shape(frame: Any) -> tuple[int, int]:
    """Height and width of a frame as it is shown."""
    return (frame.width, frame.height) if frame.rotation % 180 else (frame.height, frame.width)


def luminance(frame: Any, height: int, width: int) -> Array:
    """A frame's luma at a size, upright: uint8 [height, width]."""
    sides = (height, width) if frame.rotation % 180 else (width, height)
    small = frame.reformat(*sides, 'gray', interpolation='AREA').to_ndarray()
    return np.ascontiguousarray(np.rot90(small, frame.rotation // 90))


def photo(frame: Any, deep: bool) -> Array:
    """A frame as `Colorizer.join` takes it, upright: uint8, or uint16 if `deep`, [H, W] or [H, W, 3]."""
    gray = frame.format.name.startswith('gray')
    kind = ('gray16le' if gray else 'rgb48le') if deep else ('gray' if gray else 'rgb24')
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format=kind), frame.rotation // 90))


# Writing


@dataclass(frozen=True)
class Encoder:
    """How pictures are coded.

    Attributes
    ----------
    name : str
        The encoder's, as FFmpeg has it.
    options : tuple of pair of str
    pixels : str
        The format of its pixels.
    height, width : int
    time_base, rate, aspect : Fraction
        Unit of times in seconds, frames a second, width of a pixel by its height.
    headers_apart : bool
        Whether the kind of file keeps the codec's headers outside the pictures.
    """

    name: str
    options: tuple[tuple[str, str], ...]
    pixels: str
    height: int
    width: int
    time_base: Fraction
    rate: Fraction
    aspect: Fraction
    headers_apart: bool

    @property
    def is_deep(self) -> bool:
        """Whether it has more than 8 bits a channel."""
        return _bits(av.VideoFormat(self.pixels)) > 8

    def start(self) -> Any:
        """A codec context of its own, for one part."""
        context: Any = av.CodecContext.create(self.name, 'w')
        self._set(context)
        context.time_base = self.time_base
        context.framerate = self.rate
        if self.headers_apart:
            context.flags |= CodecFlags.global_header
        context.open()
        return context

    def add_to(self, out: Any) -> Any:
        """A stream of a file for packets of such contexts."""
        stream = out.add_stream(self.name, rate=self.rate)
        self._set(stream.codec_context)
        stream.time_base = stream.codec_context.time_base = self.time_base
        return stream

    def _set(self, context: Any) -> None:
        context.width, context.height, context.pix_fmt = self.width, self.height, self.pixels
        context.options = dict(self.options)
        context.sample_aspect_ratio = self.aspect
        # BT.709, in the range that television has: as `frame` makes it
        context.colorspace = context.color_primaries = context.color_trc = context.color_range = 1

    def frame(self, pixels: Array, time: int) -> Any:
        """Pixels, uint8 or uint16 [H, W, 3], as a frame that is shown at a time."""
        frame = av.VideoFrame.from_ndarray(pixels, format='rgb48le' if pixels.dtype == np.uint16 else 'rgb24')
        frame = frame.reformat(
            self.width, self.height, self.pixels, None, 'ITU709', src_color_range='JPEG', dst_color_range='MPEG'
        )
        frame.pts, frame.time_base = time, self.time_base
        return frame


def choose(reader: Reader, target: Path) -> tuple[Encoder, list[str]]:
    """How a video's pictures are written to a file: with their own codec and depth where that can be.

    Returns
    -------
    encoder : Encoder
    notes : list of str
        What will be another than it was, in sentences.

    Raises
    ------
    VideoError
        The file's suffix is that of no video, or it holds no codec that can be written here; or there is not one frame.
    """
    with tempfile.TemporaryDirectory() as folder:  # a file that is never written says what its kind can hold
        try:
            probe = av.open(str(Path(folder) / f'probe{target.suffix}'), 'w')
            if probe.format.flags & FormatFlags.no_file.value:  # a picture a frame, or pieces for streaming
                raise ValueError(target.suffix)
        except (ValueError, FFmpegError) as error:
            raise VideoError(
                f'{target} has the suffix of no video: name the result {target.stem}.mp4 or {target.stem}.mkv.'
            ) from error
        with probe:
            held, apart = probe.supported_codecs, bool(probe.format.flags & FormatFlags.global_header.value)
            # AVI knows no times: frames are shown in the order in which they lie there, so none may wait for later ones
            in_order = [('bf', '0')] if probe.format.name == 'avi' else []
    frame = next(iter(reader), None)
    if frame is None:
        raise VideoError(f'{reader.name} has no pictures that can be read: it is damaged.')
    height, width = upright_shape(frame)
    aspect = reader.stream.sample_aspect_ratio or Fraction(1)
    aspect = 1 / aspect if frame.rotation % 180 else aspect
    rate = reader.stream.average_rate or reader.stream.base_rate or Fraction(25)
    came = reader.stream.codec_context.codec.canonical_name
    for codec in dict.fromkeys([came, *_OTHERWISE]):
        if codec not in _ENCODERS or codec not in held:
            continue
        name, options = _ENCODERS[codec]
        pixels = _pixels(name, frame.format, height, width)
        how = *options.items(), *in_order
        encoder = Encoder(name, how, pixels, height, width, reader.stream.time_base, rate, aspect, apart)
        try:
            encoder.start()
        except FFmpegError:  # it does not take this unit of time, or this size
            continue
        notes: list[str] = []
        if codec != came:
            notes.append(f'{target.name} is written as {codec}: {came} cannot be written there.')
        if _bits(frame.format) > 8 and not encoder.is_deep:
            notes.append(f'{target.name} has 8 bits a channel: {codec} takes no more here.')
        return encoder, notes
    raise VideoError(f'{target} cannot hold a video of {width} x {height} pixels: name the result {target.stem}.mkv.')


def _pixels(encoder: str, came: Any, height: int, width: int) -> str:
    """The format of pixels, of those that an encoder takes, that keeps most of what came."""
    taken = [kind.name for kind in av.Codec(encoder, 'w').video_formats or ()]
    color = '444' if '444' in came.name or height % 2 or width % 2 else '422' if '422' in came.name else '420'
    bits = _bits(came)
    depths = ['16le', '12le', '10le', ''] if bits > 10 else ['10le', '12le', ''] if bits > 8 else ['', '10le']
    wanted = [f'yuv{some}p{depth}' for depth in depths for some in (color, '422', '444')]
    return next((kind for kind in wanted if kind in taken), 'yuv420p')


def _bits(kind: Any) -> int:
    return max(component.bits for component in kind.components)
