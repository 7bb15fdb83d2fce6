"""A picture to share: a photo before and after, side by side, with a line that says who made the colours."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lumachrome.adjustments import Array

LINE = 'Left: the photo as it came. Right: colours made by software (Lumachrome); they are likely ones, not known ones.'
MARGIN, GAP = 24, 8  # pixels


def beside(before: Array, after: Array) -> Array:
    """Two pictures of the same size, uint8 [h, w, 3], as one with a line under them.

    Wide ones stand one above the other.
    """
    height, width = before.shape[:2]
    wide = width > 1.3 * height
    gap = np.full((GAP, width, 3) if wide else (height, GAP, 3), 255, np.uint8)
    both = Image.fromarray(np.concatenate([before, gap, after], axis=0 if wide else 1))
    line = LINE.replace('Left', 'Above').replace('Right', 'Below') if wide else LINE
    size = max(10, both.width // 52)
    font = ImageFont.load_default(size)
    foot = Image.new('RGB', (both.width, 2 * size + MARGIN // 2), 'white')
    space = both.width - 2 * MARGIN
    while (length := font.getlength(line)) > space and size > 6:
        size = max(6, min(size - 1, int(size * space / length)))
        font = ImageFont.load_default(size)
    ImageDraw.Draw(foot).text((both.width / 2, foot.height / 2), line, '#333', font, anchor='mm')
    return np.concatenate([np.asarray(both), np.asarray(foot)], axis=0)
