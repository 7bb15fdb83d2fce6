"""Make the README's picture again: examples above, the same coloured by the default model below.

python -m demo.examples.strip
"""

from pathlib import Path

from PIL import Image

from lumachrome.colorizer import MODELS, Colorizer

HERE = Path(__file__).parent
TARGET = MODELS / 'results.jpg'
SHOWN = ('china', 'cat', 'astronaut', 'rocket', 'flower')
HEIGHT, GAP = 260, 6


def main():
    colorizer = Colorizer()
    columns = []
    for name in SHOWN:
        photo = Image.open(HERE / f'{name}.jpg').convert('RGB')
        size = (round(photo.width * HEIGHT / photo.height), HEIGHT)
        columns.append(
            [picture.resize(size, Image.Resampling.LANCZOS) for picture in (photo, colorizer.colorize(photo))]
        )
    width = sum(above.width + GAP for above, _ in columns) - GAP
    strip = Image.new('RGB', (width, 2 * HEIGHT + GAP), 'white')
    x = 0
    for above, below in columns:
        strip.paste(above, (x, 0))
        strip.paste(below, (x, HEIGHT + GAP))
        x += above.width + GAP
    strip.save(TARGET, quality=90)


if __name__ == '__main__':
    main()
