"""A picture to share: a photo before and after, side by side, with a line that says who made the colours."""

from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from demo.page.words import Words
from lumachrome.adjustments import Array

FONTS = Path(__file__).parent / 'fonts'  # of languages whose letters Pillow's own font has not: see its README
MARGIN, GAP = 24, 8  # pixels


def beside(before: Array, after: Array, say: Words) -> Array:
    """Two pictures of the same size, uint8 [h, w, 3], as one with a line under them in a visitor's language.

    Wide ones stand one above the other.
    """
    height, width = before.shape[:2]
    wide = width > 1.3 * height
    gap = np.full((GAP, width, 3) if wide else (height, GAP, 3), 255, np.uint8)
    both = Image.fromarray(np.concatenate([before, gap, after], axis=0 if wide else 1))
    line, own = say['compare_above' if wide else 'compare_beside'], FONTS / f'{say["language"]}.otf'
    drawn = partial(ImageFont.truetype, str(own)) if own.exists() else ImageFont.load_default
    size = max(10, both.width // 52)
    font = drawn(size)
    foot = Image.new('RGB', (both.width, 2 * size + MARGIN // 2), 'white')
    space = both.width - 2 * MARGIN
    while (length := font.getlength(line)) > space and size > 6:
        size = max(6, min(size - 1, int(size * space / length)))
        font = drawn(size)
    ImageDraw.Draw(foot).text((both.width / 2, foot.height / 2), line, '#333', font, anchor='mm')
    return np.concatenate([np.asarray(both), np.asarray(foot)], axis=0)
