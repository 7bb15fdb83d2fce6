"""Make the example photos again: black-and-white, from pictures that come with Python packages and may be passed on.

    python demo/examples/make.py

Needs scikit-image, scikit-learn and matplotlib, which requirements.txt brings. README.md names the sources.
"""

from pathlib import Path

import matplotlib.cbook
import skimage.data
import sklearn.datasets
from PIL import Image

LONG_SIDE = 1200

HERE = Path(__file__).parent


def sources():
    """The colour pictures, by the name of the example."""
    images = sklearn.datasets.load_sample_images()
    pictures = {Path(name).stem: picture for name, picture in zip(images.filenames, images.images, strict=True)}
    pictures['grace-hopper'] = Image.open(matplotlib.cbook.get_sample_data('grace_hopper.jpg'))
    pictures['astronaut'] = skimage.data.astronaut()
    pictures['cat'] = skimage.data.chelsea()
    pictures['coffee'] = skimage.data.coffee()
    pictures['rocket'] = skimage.data.rocket()
    return {
        name: picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        for name, picture in pictures.items()
    }


def main():
    for name, picture in sources().items():
        gray = picture.convert('L')
        gray.thumbnail((LONG_SIDE, LONG_SIDE))
        gray.save(HERE / f'{name}.jpg', quality=90)


if __name__ == '__main__':
    main()
