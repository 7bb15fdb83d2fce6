"""Contact sheets: pictures in rows, to look at what a run makes of them."""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from skimage import color

GAP = 4  # pixels between pictures


def pictures(rows: list[npt.NDArray[np.uint8]]) -> Image.Image:
    """Pictures in rows, at half their size.

    Parameters
    ----------
    rows : list of uint8 array [n, S, S, 3]
    """
    side = rows[0].shape[1] // 2
    sheet = Image.new('RGB', (len(rows[0]) * (side + GAP) - GAP, len(rows) * (side + GAP) - GAP), 'white')
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            small = Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR)
            sheet.paste(small, (x * (side + GAP), y * (side + GAP)))
    return sheet


def lightness(rows: dict[str, npt.NDArray[np.float32]]) -> Image.Image:
    """Gray pictures in rows, pixel by pixel, so that grain is seen, each row below its name.

    Parameters
    ----------
    rows : dict of str to float array [n, S, S, 1]
        L, 0 to 100.
    """
    line = 14  # of text
    heights = [line + len(row[0]) + GAP for row in rows.values()]
    width = max(len(row) * (row.shape[2] + GAP) for row in rows.values()) - GAP
    sheet = Image.new('L', (width, sum(heights) - GAP), 255)
    for top, (name, row) in zip(np.cumsum([0, *heights[:-1]]), rows.items(), strict=True):
        ImageDraw.Draw(sheet).text((2, int(top) + 1), name, fill=0)
        for i, L in enumerate(row):
            gray = color.lab2rgb(np.concatenate([L, np.zeros((*L.shape[:2], 2), L.dtype)], -1))[..., 1]
            sheet.paste(Image.fromarray(np.round(255 * gray).astype('uint8')), (i * (len(L) + GAP), int(top) + line))
    return sheet
