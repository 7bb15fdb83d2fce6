"""The notebooks' figures: what is drawn is made in the notebook, how it is drawn is here.

Every function draws one figure with matplotlib. Pictures are uint8 [H, W, 3] or [H, W], or floats from 0 to 1.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyArrowPatch, Rectangle
from skimage import color

from training import bins

INCH = 2.2  # height of a picture in a row


def row(pictures: Mapping[str, np.ndarray], cmap: str = 'gray', limits: tuple[float, float] | None = None) -> None:
    """Pictures side by side, each under its title; those of one channel are drawn by `cmap`, between `limits`."""
    grid([list(pictures.values())], titles=list(pictures), cmap=cmap, limits=limits)


def grid(
    rows: Sequence[Any],
    titles: Sequence[str] = (),
    names: Sequence[str] = (),
    cmap: str = 'gray',
    limits: tuple[float, float] | None = None,
) -> None:
    """Rows of pictures, with titles above the columns and names beside the rows."""
    low, high = limits or (None, None)
    widths = [picture.shape[1] / picture.shape[0] for picture in rows[0]]
    size = (max(INCH * sum(widths) + 0.4, 3), INCH * len(rows) + 0.4)
    _figure, axes = plt.subplots(
        len(rows), len(rows[0]), figsize=size, squeeze=False, width_ratios=widths, layout='constrained'
    )
    for y, pictures in enumerate(rows):
        for x, picture in enumerate(pictures):
            axes[y, x].imshow(picture, cmap=cmap, vmin=low, vmax=high, interpolation='nearest')
            axes[y, x].set(xticks=[], yticks=[])
            if y == 0 and titles:
                axes[y, x].set_title(titles[x], fontsize=9)
            if x == 0 and names:
                axes[y, x].set_ylabel(names[y], fontsize=9)
    plt.show()


def channels(picture: np.ndarray) -> None:
    """A photo, its L, and its a and b, each of these in the colours that it stands for, at one lightness."""
    Lab = color.rgb2lab(picture)
    shown = {'the photo': picture, 'L: lightness': Lab[..., 0] / 100}
    for channel, name in ((1, 'a: green to red'), (2, 'b: blue to yellow')):
        alone = np.zeros_like(Lab)
        alone[..., 0], alone[..., channel] = 65, Lab[..., channel]
        shown[name] = color.lab2rgb(alone)
    row(shown, limits=(0, 1))


def kernels(before: np.ndarray, after: np.ndarray) -> None:
    """The 3x3 kernels of a layer with one input channel [3, 3, 1, N], before and after training."""
    rows = [[kernel[:, :, 0, i] for i in range(kernel.shape[-1])] for kernel in (before, after)]
    largest = float(max(np.abs(before).max(), np.abs(after).max()))
    grid(rows, names=['before', 'after'], cmap='RdBu', limits=(-largest, largest))


def maps(named: Mapping[str, np.ndarray], most: int = 8) -> None:
    """Feature maps [H, W, C] of several layers or networks, a row each, each map between its own extremes.

    One place in a hundred may lie beyond them: the few at a rim, where zeros are next, would leave the rest dark.
    """

    def between(features):
        return np.clip(features, *np.quantile(features, (0.01, 0.99)))

    rows = [[between(features[..., i]) for i in range(min(most, features.shape[-1]))] for features in named.values()]
    grid(rows, names=list(named), cmap='viridis')


def curves(named: Mapping[str, Sequence[float]], ylabel: str, xlabel: str = 'epoch') -> None:
    """Lines over epochs."""
    figure, axes = plt.subplots(figsize=(6, 3), layout='constrained')
    for name, values in named.items():
        axes.plot(range(1, len(values) + 1), values, label=name)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    figure.legend(loc='outside upper center', ncols=len(named), fontsize=9)
    plt.show()


def boxed(picture: np.ndarray, boxes: Mapping[str, tuple[int, int, int, int]]) -> None:
    """A picture with boxes (top, left, height, width) on it."""
    _figure, axes = plt.subplots(figsize=(6, 4), layout='constrained')
    axes.imshow(picture, cmap='gray')
    for (name, (top, left, height, width)), edge in zip(boxes.items(), ('red', 'orange', 'cyan'), strict=False):
        axes.add_patch(Rectangle((left, top), width, height, fill=False, edgecolor=edge, linewidth=2))
        axes.text(left, top - 4, name, color=edge, va='bottom', backgroundcolor='white')
    axes.set(xticks=[], yticks=[])
    plt.show()


# A U-Net as its paper draws it: (stride, channels) on the way down and on the way up, and whether a skip ends there
PAPER = (
    [(1, 64), (2, 128), (4, 256), (8, 512), (16, 1024)],
    [(8, 512, True), (4, 256, True), (2, 128, True), (1, 64, True)],
)


def stages(network: keras.Model) -> tuple[list, list]:
    """The stages of a U-Net of ours, read off its layers, as `PAPER` has them."""
    down, up, stride = [], [], 1
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D) and layer.kernel_size != (1, 1):  # 1x1: what widens, and the answer
            stride *= layer.strides[0]
            if up:
                up[-1] = (stride, layer.filters, up[-1][2])
            else:
                down = [stage for stage in down if stage[0] != stride] + [(stride, layer.filters)]
        elif type(layer).__name__ in ('PixelShuffle', 'UpSampling2D'):
            stride //= 2
            up.append((stride, 0, False))
        elif isinstance(layer, keras.layers.Concatenate) and up:
            up[-1] = (*up[-1][:2], True)
    return down, up


def unets(named: Mapping[str, tuple[list, list]]) -> None:
    """U-Nets drawn as in their paper: what is lower is smaller, what is wider has more channels."""
    _figure, all_axes = plt.subplots(1, len(named), figsize=(5.5 * len(named), 4), squeeze=False, layout='constrained')
    for axes, (name, (down, up)) in zip(all_axes[0], named.items(), strict=True):
        at, ends = 0.0, {}
        for place, (stride, channels, *skip) in enumerate([*down, *up]):
            level, width = -np.log2(stride), 0.12 + channels / 1024
            axes.add_patch(Rectangle((at, level - 0.3), width, 0.6, facecolor='#7aa6d6', edgecolor='black'))
            axes.text(at + width / 2, level + 0.34, channels, ha='center', fontsize=8)
            axes.text(at + width / 2, level - 0.36, f'1/{stride}', ha='center', va='top', fontsize=7, color='gray')
            if place < len(down):
                ends[stride] = at + width
            elif skip == [True]:
                _arrow(axes, (ends[stride], level), (at, level), 'tab:red')
            at += width + 0.45
        axes.set(xlim=(-0.2, at), ylim=(-np.log2(down[-1][0]) - 0.8, 0.8), title=name)
        axes.axis('off')
    plt.show()


def _arrow(axes, start, end, edge):
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle='->', mutation_scale=12, color=edge))


def distribution(probabilities: np.ndarray, picture: np.ndarray, place: tuple[float, float], L: float) -> None:
    """What a network thinks of one place: its probabilities [Q] over the bins, each bin in its own colour.

    Parameters
    ----------
    probabilities : float array [Q]
    picture : uint8 array [H, W, 3]
        Drawn beside it, with the place marked.
    place : (float, float)
        x and y as fractions of width and height.
    L : float
        The place's lightness, at which the bins are drawn, if they can be told apart there.
    """
    _figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout='constrained')
    left.imshow(picture)
    height, width = picture.shape[:2]
    left.plot(place[0] * width, place[1] * height, 'o', markersize=12, markerfacecolor='none', markeredgecolor='red')
    left.set(xticks=[], yticks=[])
    shown = color.lab2rgb(np.concatenate([np.full((len(bins.BINS), 1), np.clip(L, 50, 80)), bins.BINS], -1))
    a, b = bins.BINS.T
    right.scatter(a, b, s=4000 * probabilities, c=shown, edgecolors='gray', linewidths=0.4)
    right.plot(*(probabilities @ bins.BINS), 'kx', markersize=10, label='the mean')
    right.set(xlabel='a: green to red', ylabel='b: blue to yellow', aspect='equal')
    right.legend(loc='lower right')
    plt.show()
