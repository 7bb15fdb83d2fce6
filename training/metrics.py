"""How near a coloured picture is to the true one, how colourful, even and steady it is: pure functions of pictures.

Pictures are uint8 [H, W, 3], sRGB, unless stated otherwise.

References
----------
.. [1] Z. Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004,
   doi:10.1109/TIP.2003.819861
.. [2] G. Sharma, W. Wu, E. N. Dalal, "The CIEDE2000 Color-Difference Formula", 2005, doi:10.1002/col.20070
.. [3] D. Hasler, S. Suesstrunk, "Measuring Colorfulness in Natural Images", 2003, doi:10.1117/12.477378
.. [4] R. Zhang, P. Isola, A. A. Efros, "Colorful Image Colorization", 2016, arXiv:1603.08511
.. [5] P. F. Felzenszwalb, D. P. Huttenlocher, "Efficient Graph-Based Image Segmentation", 2004,
   doi:10.1023/B:VISI.0000022288.19776.77
.. [6] W.-S. Lai et al., "Learning Blind Video Temporal Consistency", 2018, arXiv:1808.00449
"""

from typing import cast

import numpy as np
from scipy import ndimage
from skimage import color, metrics, segmentation

HIGHEST_PSNR = 50.0  # a gray photo whose truth is gray would have an infinite one
LARGE = 400  # pixels of a region above which its evenness counts: what is smaller is mostly edge


def psnr(picture: np.ndarray, truth: np.ndarray) -> float:
    """Peak signal-to-noise ratio on 8-bit RGB, in dB, at most 50."""
    error = np.mean((picture.astype(float) - truth) ** 2)
    return min(HIGHEST_PSNR, 10 * np.log10(255**2 / max(error, 1e-9)))


def ssim(picture: np.ndarray, truth: np.ndarray) -> float:
    """Structural similarity [1]_ of RGB, up to 1."""
    side = min(7, *picture.shape[:2])  # the window, odd and no larger than the picture
    found = metrics.structural_similarity(picture, truth, channel_axis=-1, win_size=side - (side % 2 == 0))
    return cast(float, found)  # more comes back only where more is asked for


def ciede2000(picture: np.ndarray, truth: np.ndarray) -> float:
    """Mean colour difference by CIEDE2000 [2]_; about 2 is just seen."""
    return color.deltaE_ciede2000(color.rgb2lab(picture), color.rgb2lab(truth)).mean()


def colorfulness(picture: np.ndarray, absolute: bool = False) -> float:
    """How colourful a picture is: 0 for gray, some 40 for an ordinary photo, above 80 for a very vivid one.

    Parameters
    ----------
    picture : uint8 array [H, W, 3]
    absolute : bool
        False for Hasler and Suesstrunk's opponents, which are signed [3]_; True for the form in which the colorization
        papers report it, which takes their absolute values first.
    """
    r, g, b = np.moveaxis(picture.astype(float), -1, 0)
    rg, yb = r - g, (r + g) / 2 - b
    if absolute:
        rg, yb = np.abs(rg), np.abs(yb)
    return np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())


def ab_error(picture: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Distance in the ab plane at each pixel: float [H, W], CIELAB units."""
    return np.linalg.norm(color.rgb2lab(picture)[..., 1:] - color.rgb2lab(truth)[..., 1:], axis=-1)


def auc(errors: np.ndarray, highest: float = 150) -> float:
    """Area under the curve of the share of pixels within a threshold of 0 to `highest` [4]_, 0 to 1."""
    # The mean of clip(1 - e / highest) is that area, integrated exactly
    return np.clip(1 - errors / highest, 0, 1).mean()


def regions(truth: np.ndarray) -> np.ndarray:
    """The things in a photo, about: int [H, W], a number at each pixel, from 0 without gaps.

    They are Felzenszwalb and Huttenlocher's segments [5]_ of the true photo, of 200 pixels and more, for pictures of
    256 x 256.
    """
    return segmentation.felzenszwalb(truth, scale=300, sigma=0.8, min_size=200)


def unevenness(picture: np.ndarray, regions: np.ndarray) -> float:
    """How far colours stray within things: the RMS distance of a and b from their region's mean, CIELAB units.

    Life is not even either, so that what counts is the ratio to the truth's: stains raise it, and so does more colour.

    Parameters
    ----------
    picture : uint8 array [H, W, 3]
    regions : int array [H, W]
        As `regions` finds them in the true photo. Those of more than `LARGE` pixels count; all of them, where none is.
    """
    ab, region = color.rgb2lab(picture)[..., 1:].reshape(-1, 2), regions.ravel()
    size = np.bincount(region)
    mean = np.stack([np.bincount(region, channel) / np.maximum(size, 1) for channel in ab.T], axis=-1)
    counts = size[region] > LARGE
    strayed = ((ab - mean[region]) ** 2).sum(-1)
    return float(np.sqrt(strayed[counts if counts.any() else slice(None)].mean()))


def flicker(ab: np.ndarray, before: np.ndarray, places: np.ndarray, counts: np.ndarray | bool = True) -> float:
    """How far colours jump from one frame of a film to the next: the warping error [6]_ of a and b.

    The mean of |difference| over both channels between a frame and the one before, where each place is compared with
    where it was. It knows nothing of truth: gray does not flicker at all.

    Parameters
    ----------
    ab, before : float array [H, W, 2]
        CIELAB a and b of a frame and of the one before.
    places : float array [H, W, 2]
        Where each pixel was in the frame before, x and y in pixels; NaN where it was not in the frame.
    counts : bool array [H, W]
        Which pixels count, where not all that were in the frame do.

    Returns
    -------
    float
        CIELAB units; NaN where no pixel counts.
    """
    there = np.isfinite(places).all(-1) & counts
    if not there.any():
        return float('nan')
    x, y = places[there].T
    was = [ndimage.map_coordinates(channel, [y, x], order=1, mode='nearest') for channel in np.moveaxis(before, -1, 0)]
    return float(np.abs(ab[there] - np.stack(was, axis=-1)).mean())
