"""The networks, one a file. Each takes L and gives colours; every scaling happens inside the network.

    network(L)          L      float32 [N, H, W, 1], CIELAB lightness, 0 to 100; H and W multiples of MULTIPLE
    network([L, hints]) hints  float32 [N, H, W, 3], a, b in CIELAB units and a mask, 0 or 1; all zero where there is none
    ──▶ ab              float32 [N, H/s, W/s, 2], CIELAB units; s = 1, 2 or 4
     or logits          float32 [N, H/s, W/s, Q], over the ab bins of `training.bins`

A network's file has `build()`, which gives a fresh `keras.Model` that is named as the file is, and the constants
MULTIPLE (sizes it takes are multiples of this) and RENDER_SIZE (the short side, in pixels, at which it looks at a photo
unless told otherwise).
"""

import importlib

NAMES = ('article', 'unet', 'lumachrome')


def module(name):
    """The module of the network called `name`.

    Raises
    ------
    ValueError
        If there is no such network.
    """
    if name not in NAMES:
        raise ValueError(f'There is no network called {name!r}: choose one of {", ".join(NAMES)}.')
    return importlib.import_module(f'training.networks.{name}')
