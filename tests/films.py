"""Small video files with sound and subtitles, whose frames and times are known."""

from fractions import Fraction

import av
import numpy as np
from skimage import data

SHOT = 10  # frames between cuts
UNIT = Fraction(1, 12800)


def pictures(count=2 * SHOT, height=64, width=96):
    """Gray frames: a photo that moves, another after each cut."""
    photos = [data.camera(), data.coins()[:256, :256].repeat(2, 0).repeat(2, 1)]
    frames = []
    for i in range(count):
        top, left = 40 + i, 60 + 2 * i
        frames.append(photos[i // SHOT % 2][top : top + 2 * height : 2, left : left + 2 * width : 2])
    return np.array(frames)


def times(count):
    """When frames are shown, at a rate that varies, in `UNIT`."""
    return [i * 512 + (i % 3) * 90 for i in range(count)]


def film(
    path, frames, codec='libx264', pixels='yuv420p', sound=True, subtitles=False, rotation=0, unit=UNIT, shown=None
):
    """Write a video; frames are uint8 or uint16 [T, H, W]."""
    with av.open(str(path), 'w') as out:
        video = out.add_stream(codec, rate=25, options={'crf': '10'} if '264' in codec else {})
        video.height, video.width, video.pix_fmt = *frames.shape[1:], pixels
        video.time_base = video.codec_context.time_base = unit
        if rotation:
            video.set_display_rotation(rotation)
        audio = out.add_stream('aac', rate=44100) if sound else None
        said = out.add_mux_stream('subrip') if subtitles else None
        out.metadata['title'] = 'Großmutter, 1931'
        for picture, time in zip(frames, shown or times(len(frames)), strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format='gray16le' if frames.dtype == np.uint16 else 'gray')
            frame.pts, frame.time_base = time, unit
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if audio:
            rng = np.random.default_rng(0)
            for i in range(30):
                wave = av.AudioFrame.from_ndarray(rng.normal(0, 0.1, (1, 1024)).astype('f4'), 'fltp', 'mono')
                wave.rate, wave.pts, wave.time_base = 44100, 1024 * i, Fraction(1, 44100)
                out.mux(audio.encode(wave))
            out.mux(audio.encode(None))
        if said:
            line = av.Packet('Großmutter lacht'.encode())
            line.pts = line.dts = 100
            line.duration, line.time_base, line.stream = 200, Fraction(1, 1000), said
            out.mux(line)
    return path


def packets(path, kind):
    """Content, time in seconds and length of all packets of the first track of a kind."""
    with av.open(str(path)) as file:
        [track, *_] = [stream for stream in file.streams if stream.type == kind]
        found = [(bytes(p), p.pts * p.time_base, p.duration * p.time_base) for p in file.demux(track) if p.size]
        return sorted(found, key=lambda packet: packet[1])


def shown(path, pixels='rgb24'):
    """All frames as arrays, and the video's codec and format of pixels."""
    with av.open(str(path)) as file:
        track = file.streams.video[0]
        frames = [frame.to_ndarray(format=pixels) for frame in file.decode(track)]
        return np.array(frames), track.codec_context.codec.canonical_name, track.codec_context.pix_fmt
