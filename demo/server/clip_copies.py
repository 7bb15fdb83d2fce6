"""Small copies of clips that every browser plays: H.264 in MP4, with short ways from key frame to key frame."""

import contextlib
import itertools
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
from av.error import FFmpegError

from lumachrome.videofile import Encoder, Reader, photo, upright_shape

SIDE = 720  # most pixels of the short side
OPTIONS = (('preset', 'veryfast'), ('crf', '23'), ('g', '15'), ('bf', '0'))  # fit to be stepped through
SOUND_RATE = 48_000


def small_copy(
    source: Path, target: Path, with_sound: bool, progress: Callable[[int], object]
) -> tuple[tuple[int, int], bool]:
    """Write a small copy, which begins at second 0, upright and in square pixels; width and height, and its sound.

    Parameters
    ----------
    source, target : Path
    with_sound : bool
        Whether sound is kept, where there is any.
    progress : callable
        Is told how many frames are done.
    """
    with Reader(source) as reader, av.open(str(target), 'w', format='mp4') as out:
        frames = iter(reader)
        first = next(frames)
        width, height = _size(first, reader.stream.sample_aspect_ratio)
        rate = reader.stream.average_rate or reader.stream.base_rate or Fraction(25)
        encoder = Encoder(
            'libx264', OPTIONS, 'yuv420p', height, width, reader.stream.time_base, rate, Fraction(1), True
        )
        pictures = encoder.add_to(out)
        heard = with_sound and bool(reader.container.streams.audio)
        sound: Any = out.add_stream('aac', rate=SOUND_RATE) if heard else None
        time = 0
        for done, frame in enumerate(itertools.chain([first], frames), 1):
            pixels = cv2.resize(photo(frame, False), (width, height), interpolation=cv2.INTER_AREA)
            pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB) if pixels.ndim == 2 else pixels
            time = frame.pts - first.pts
            out.mux(pictures.encode(encoder.frame(pixels, time)))
            progress(done)
        out.mux(pictures.encode(None))
        if sound is not None:
            with contextlib.suppress(FFmpegError):  # of damaged sound, what can be heard
                _add_sound(source, out, sound, first.pts * first.time_base, time * first.time_base)
    return (width, height), heard


def _size(frame: Any, aspect: Fraction | None) -> tuple[int, int]:
    """Width and height of the copy; even, as H.264 takes them."""
    height, width = upright_shape(frame)
    if aspect:
        width = width * (1 / aspect if frame.rotation % 180 else aspect)
    scale = min(1, SIDE / min(height, width))
    width, height = (max(2, 2 * round(side * scale / 2)) for side in (width, height))
    return width, height


def _add_sound(source: Path, out: Any, sound: Any, begin: Fraction, seconds: Fraction) -> None:
    """Code the sound anew, from the first picture to the last."""
    resampler = av.AudioResampler(format='fltp', layout='stereo', rate=SOUND_RATE)
    with av.open(str(source), metadata_errors='replace') as file:
        for frame in file.decode(file.streams.audio[0]):
            if frame.pts is None or frame.time_base is None:
                continue
            frame.pts -= round(begin / frame.time_base)
            if frame.pts < 0:
                continue
            if frame.pts * frame.time_base > seconds:
                break
            for piece in resampler.resample(frame):
                out.mux(sound.encode(piece))
    out.mux(sound.encode(None))
