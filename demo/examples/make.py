"""Make the example photos again: black-and-white, from pictures that come with Python packages and may be passed on.

    python demo/examples/make.py

Two of them are aged as well, to look like prints from an old album. Needs scikit-image, scikit-learn and matplotlib,
which requirements.txt brings. README.md names the sources.
"""

from pathlib import Path
from typing import IO, cast

import matplotlib.cbook
import numpy as np
import skimage.data
import sklearn.datasets
from PIL import Image, ImageDraw, ImageFilter

LONG_SIDE = 1200
AGED = ('china', 'grace-hopper')
TONE = (255, 238, 205)  # of the paper

HERE = Path(__file__).parent


def sources():
    """The colour pictures, by the name of the example."""
    images = sklearn.datasets.load_sample_images()
    pictures = {Path(name).stem: picture for name, picture in zip(images.filenames, images.images, strict=True)}
    pictures['grace-hopper'] = Image.open(cast(IO[bytes], matplotlib.cbook.get_sample_data('grace_hopper.jpg')))
    pictures['astronaut'] = skimage.data.astronaut()
    pictures['cat'] = skimage.data.chelsea()
    pictures['coffee'] = skimage.data.coffee()
    pictures['rocket'] = skimage.data.rocket()
    return {
        name: picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        for name, picture in pictures.items()
    }


def aged(gray, seed=0):
    """A black-and-white picture as a print of a hundred years: soft, grainy, faded, scratched, on yellowed paper."""
    random = np.random.default_rng(seed)
    width, height = gray.size
    print_ = gray.filter(ImageFilter.GaussianBlur(max(width, height) / 900))
    draw = ImageDraw.Draw(print_)
    for _ in range(9):
        x, y = random.uniform(0, width), random.uniform(0, height)
        draw.line([x, y, x + random.normal(0, 4), y + random.normal(0, height / 6)], fill=235)
    for _ in range(40):
        x, y, radius = random.uniform(0, width), random.uniform(0, height), random.uniform(0.4, 1.6)
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=int(random.choice([30, 240])))

    levels = np.asarray(print_, float)
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing='ij')
    grain = Image.fromarray(random.normal(128, 20, (height, width)).clip(0, 255).astype(np.uint8))
    grain = np.asarray(grain.filter(ImageFilter.GaussianBlur(0.8)), float) - 128
    # Light has bleached the edges and nothing is quite black any more.
    levels = 52 + 0.68 * levels + 22 * (x**2 + y**2) + grain
    margin = max(width, height) // 28
    sheet = 232 + random.normal(0, 2, (height + 2 * margin, width + 2 * margin))
    sheet[margin:-margin, margin:-margin] = levels
    # The darks have turned brown, the lights have the tone of the paper.
    toned = sheet[..., None] * np.array(TONE) / 255 + 12 * (1 - sheet[..., None] / 255) * np.array([1, 0.2, -0.6])
    return Image.fromarray(toned.clip(0, 255).astype(np.uint8))


def main():
    for name, picture in sources().items():
        gray = picture.convert('L')
        gray.thumbnail((LONG_SIDE, LONG_SIDE))
        gray.save(HERE / f'{name}.jpg', quality=90)
        if name in AGED:
            aged(gray).save(HERE / f'old-{name}.jpg', quality=85)


if __name__ == '__main__':
    main()
