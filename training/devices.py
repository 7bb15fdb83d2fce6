"""All accelerators of a machine at once: each step's batch is shared among them, and each holds the whole network."""

import contextlib

import keras

from training.runs import FitError


def together(batch: int) -> contextlib.AbstractContextManager[None]:
    """A context in which a network is made and fitted on all accelerators, where Keras runs on JAX and has several.

    A step is what it is on one: its loss, its gradient and the statistics of its batch norms are those of the whole
    batch, and what is drawn by chance does not depend on how it is shared.

    Parameters
    ----------
    batch : int
        Photos a step, over all accelerators.

    Raises
    ------
    training.runs.FitError
        The batch cannot be shared equally.
    """
    if keras.backend.backend() != 'jax' or len(devices := keras.distribution.list_devices()) == 1:
        return contextlib.nullcontext()
    if batch % len(devices):
        raise FitError(
            f'A batch of {batch} cannot be shared by {len(devices)} accelerators: give --batch a multiple of '
            f'{len(devices)}.'
        )
    return keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False).scope()
