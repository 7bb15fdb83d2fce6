"""How steady colors are: videos frame by frame and along the flow, and bursts of photos with and without --consistent.

    python -m tests.benchmarks.flicker [--frames 32] [--sheet FOLDER]

Films are crops that move over example photos, with something else that crosses them: clean, and as old film with
flicker, grain, dust and weave. Flicker is `training.metrics.flicker` on the background, along the known motion; what is
lost for it shows in the distance to the true colors, there and on what crosses. Of a burst, five crops of one photo, it
is the RMS distance of a place's colors from their mean over the crops. Milliseconds are of one thread's time, as ratios
to the first row.
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from skimage import color

from lumachrome import Adjustments, Colorizer, contract, flow
from lumachrome.consistent import Consistent
from tests.clips import EXAMPLES, HEIGHT, WIDTH, clip
from training.metrics import flicker

SIZE = 256
FILMS = {'clean': {}, 'old': {'old': True}, 'old, weaving': {'old': True, 'weave': 0.7}}
BURSTS = ('astronaut', 'cat', 'china', 'coffee', 'flower')
AS_THEY_COME = Adjustments()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--frames', type=int, default=32)
    parser.add_argument('--films', nargs='*', choices=FILMS, default=list(FILMS))
    parser.add_argument('--bursts', nargs='*', choices=BURSTS, default=list(BURSTS))
    parser.add_argument('--sheet', type=Path, help='folder for pictures of the frames')
    options = parser.parse_args()
    cv2.setNumThreads(1)
    colorizer = Colorizer()
    if options.films:
        print(f'{"film":14}{"colors":26}{"flicker":>9}{"worst 5 %":>11}{"truth":>8}{"crossing":>10}{"time":>7}')
    for name in options.films:
        first = None
        for way, found, seconds, film in films(name, options.frames, colorizer):
            first = first or seconds
            jumps, far, crossing = measured(film, found)
            print(
                f'{name:14}{way:26}{np.mean(jumps):9.2f}{np.quantile(jumps, 0.95):11.2f}'
                f'{far:8.2f}{crossing:10.2f}{seconds / first:7.2f}',
                flush=True,
            )
            if options.sheet:
                rows = [
                    colorizer.join(film.gray[i], found[i]) for i in np.linspace(0, options.frames - 1, 6).astype(int)
                ]
                save(options.sheet / f'{name}-{way}.png'.replace(' ', '-'), rows)
    if options.bursts:
        print(f'{"burst":14}{"alone":>8}{"consistent":>12}{"ratio":>8}')
    for name in options.bursts:
        crops, corners, shape = burst(name)
        plain = [colorizer.colors(crop).ab for crop in crops]
        together = Consistent(colorizer)
        agreed = [together.colors(crop).ab for crop in crops]
        before, after = (strayed(found, crops, corners, shape) for found in (plain, agreed))
        print(f'{name:14}{before:8.2f}{after:12.2f}{after / before:8.2f}', flush=True)
        if options.sheet:
            for way, found in (('alone', plain), ('consistent', agreed)):
                rows = [colorizer.join(crop, ab) for crop, ab in zip(crops, found, strict=True)]
                save(options.sheet / f'{name}-{way}.png', rows)


def films(name, frames, colorizer):
    """Ways to color a film, its colors, and the seconds that it took."""
    film = clip(frames=frames, **FILMS[name])
    height, width = contract.rendered_shape(HEIGHT, WIDTH, SIZE)
    seen = [cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA) for frame in film.gray]

    def network(shown, hints=(), looks=colorizer):
        return AS_THEY_COME.applied(looks.colors(shown, AS_THEY_COME, vivid=True))

    ways = {
        'frame by frame': lambda: [network(frame) for frame in seen],
        'along the flow': lambda: list(flow.MovingColors(network).colors(seen)),
        'the same, --fast': lambda: list(flow.MovingColors(network, every=4).colors(seen)),
    }
    for way, run in ways.items():
        start = time.process_time()
        yield way, run(), time.process_time() - start, film


def measured(film, found):
    """Flicker from each frame to the next, and the mean distance to the true colors: of all, and of what crosses."""
    height, width = found[0].shape[:2]
    count = len(found)
    jumps = [
        flicker(found[i], found[i - 1], film.places(i, height, width), film.background(i, height, width))
        for i in range(1, count)
    ]
    far, crossing = [], []
    for ab, truth, things in zip(found, film.truth, film.things, strict=True):
        true = cv2.resize(color.rgb2lab(truth)[..., 1:], (width, height), interpolation=cv2.INTER_AREA)
        distance = np.linalg.norm(ab - true, axis=-1)
        there = cv2.resize(things.astype(np.uint8), (width, height), interpolation=cv2.INTER_AREA) > 0
        far.append(distance.mean())
        crossing += [distance[there].mean()] if there.any() else []
    return jumps, np.mean(far), np.mean(crossing)


def burst(name, count=5, share=0.7):
    """Crops of a photo, their upper left corners, and the photo's shape."""
    photo = np.asarray(Image.open(EXAMPLES / f'{name}.jpg').convert('L'))
    sides, rng = [int(share * side) for side in photo.shape], np.random.default_rng(0)
    corners = [
        [int(rng.integers(0, side - part + 1)) for side, part in zip(photo.shape, sides, strict=True)]
        for _ in range(count)
    ]
    return [photo[y : y + sides[0], x : x + sides[1]] for y, x in corners], corners, photo.shape


def strayed(found, crops, corners, shape):
    """RMS distance of a place's a and b from their mean over the crops that show it."""
    layers = np.full((len(found), *shape, 2), np.nan, np.float32)
    for layer, ab, crop, (y, x) in zip(layers, found, crops, corners, strict=True):
        height, width = crop.shape
        layer[y : y + height, x : x + width] = cv2.resize(ab, (width, height))
    shared = np.isfinite(layers[..., 0]).sum(0) >= 2
    return float(np.sqrt(np.nanvar(layers[:, shared], axis=0).sum(-1)).mean())


def save(path, pictures):
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet = Image.fromarray(np.concatenate(pictures, axis=1))
    sheet.thumbnail((1920, 1080))
    sheet.save(path)


if __name__ == '__main__':
    main()
