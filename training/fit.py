"""The training loop: Keras' own `fit`, with callbacks that pace it, keep what it learnt, and show how it goes.

An epoch is a number of photos, not the whole set, so that a checkpoint is never far away. Which photos it sees, and how
they are cropped, is a function of the seed, of the epoch, and of how many photos the network had seen before the run:
run after run with --init-from would otherwise begin with the same photos, and learn those by heart.
"""

import itertools
import math
import os
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tensorboardX import SummaryWriter

from training import (
    adversarial,
    augment,
    checkpoints,
    colorization,
    colorizers,
    devices,
    evaluate,
    losses,
    networks,
    photos,
    recipe,
    runs,
    sheets,
)

JUDGED = 400  # validation photos behind the figures of an epoch; of fewer, chance would choose the best one
SHOWN = 8  # and on its contact sheet


class Batches:
    """Random crops, batch after batch without end, prepared in threads while the accelerator works.

    Parameters
    ----------
    train : training.photos.Photos
    settings : training.recipe.Recipe
    step : int
        The first batch's number: a run that goes on does not begin anew.
    before : int
        Photos that the network had seen before the run.

    Attributes
    ----------
    ready : dict of int to float
        When each of the last batches was ready.
    """

    AHEAD = 16  # batches that wait

    def __init__(self, train, settings, step, before=0):
        self.train, self.settings, self.step = train, settings, step
        self.seed = [settings.seed, before]
        self.orders, self.ready = {}, {}

    def __iter__(self):
        pool = ThreadPoolExecutor(os.cpu_count())
        waiting = deque()
        try:
            for step in itertools.count(self.step):
                waiting.append(pool.submit(self.batch, step))
                if len(waiting) > self.AHEAD:
                    crops = waiting.popleft().result()
                    yield crops, np.zeros(len(crops), 'float32')  # Keras wants a target; ours is in the pictures
        finally:
            pool.shutdown(cancel_futures=True)

    def batch(self, step):
        """The crops of a step: uint8 [batch, size, size, 3], a function of the seeds and the step alone."""
        settings, n = self.settings, len(self.train)
        rng = np.random.default_rng([*self.seed, step])
        crops = []
        for place in range(step * settings.batch, (step + 1) * settings.batch):
            picture = self.train[self._order(place // n)[place % n]]
            crops.append(augment.crop(picture, settings.size, settings.smallest_crop, rng))
        self.ready[step] = time.monotonic()
        self.ready.pop(step - 10 * self.AHEAD, None)
        return np.stack(crops)

    def _order(self, turn):
        """The order of the photos in their n-th turn; a few are remembered, as a batch may span two."""
        order = self.orders.get(turn)  # another thread may replace them meanwhile
        if order is None:
            order = np.random.default_rng([*self.seed, turn, 1]).permutation(len(self.train))
            self.orders = {t: o for t, o in self.orders.items() if t > turn - 2} | {turn: order}
        return order


class AdamW(keras.optimizers.AdamW):
    """AdamW that goes gently on what is already learnt. Weights decay at the whole rate everywhere.

    Parameters
    ----------
    learnt : set of str
        Paths of the variables that are.
    share : float
        Of the learning rate, for those.
    """

    def __init__(self, learnt, share, **options):
        super().__init__(**options)
        self.learnt, self.share = learnt, share
        self.exclude_from_weight_decay(var_names=['gamma', 'beta', 'bias'])

    def build(self, variables):
        super().build(variables)
        self.gently = [v.path in self.learnt for v in variables]

    def update_step(self, gradient, variable, learning_rate):
        if self.gently[self._get_variable_index(variable)]:
            learning_rate = learning_rate * self.share
        super().update_step(gradient, variable, learning_rate)


class Run(keras.callbacks.Callback):
    """The state of a run: how far it is, how fast it goes, and what it has learnt; kept after every epoch.

    Parameters
    ----------
    folder : Path
    settings : training.recipe.Recipe
    batches : Batches
    facts : dict
        What run.json starts from.
    """

    def __init__(self, folder, settings, batches, facts):
        super().__init__()
        self.folder, self.settings, self.batches, self.facts = folder, settings, batches, facts

    @property
    def progress(self):
        """How much of the run is done, 0 to 1: by photos or by minutes, whichever is further."""
        by_photos = self.facts['photos_seen'] / self.settings.budget
        limit = self.settings.minutes - self.facts['judging']  # what comes after the last step must fit in too
        by_time = self.minutes / max(limit, 1e-3) if self.settings.minutes else 0.0
        return min(1.0, max(by_photos, by_time))

    @property
    def minutes(self):
        return self.minutes_before + (time.monotonic() - self.began) / 60

    def on_train_begin(self, logs=None):
        self.began = time.monotonic()
        self.minutes_before = self.facts['minutes']
        self.step = self.facts['epoch'] * (self.settings.epoch // self.settings.batch)

    def on_epoch_begin(self, epoch, logs=None):
        self.waited, self.epoch_began, self.seen_before = 0.0, time.monotonic(), self.facts['photos_seen']

    def on_train_batch_begin(self, batch, logs=None):
        self.asked = time.monotonic()
        if self.step % 8 == 0:  # often enough for the curve; under JAX it costs a copy of the state's references
            if keras.backend.backend() == 'jax':
                self.model.jax_state_sync()
            self.model.optimizer.learning_rate = self.settings.learning_rate * self._curve(self.progress)

    def _curve(self, progress):
        """Linear warm-up, then a cosine down to a hundredth."""
        if progress < self.settings.warmup:
            return (progress + 1e-3) / (self.settings.warmup + 1e-3)
        return runs.cooled((progress - self.settings.warmup) / (1 - self.settings.warmup))

    def on_train_batch_end(self, batch, logs: Any = None):
        self.waited += max(0.0, self.batches.ready.get(self.step, 0.0) - self.asked)
        self.step += 1
        self.facts['photos_seen'] += self.settings.batch
        if self.step % 8 == 0 and not math.isfinite(logs['loss']):
            raise runs.FitError(
                f'The loss is no number any more after {self.facts["photos_seen"]} photos: lower learning_rate. '
                f'The networks and the state in {self.folder} are those of the last epoch before.'
            )
        if self.progress >= 1:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs: Any = None):
        if not math.isfinite(logs['loss']):
            raise runs.FitError(
                f'The loss is no number any more: lower learning_rate. {self.folder} is as it was before.'
            )
        took = time.monotonic() - self.epoch_began
        speed = (self.facts['photos_seen'] - self.seen_before) / took
        left = self.minutes * (1 / max(self.progress, 1e-6) - 1)
        logs |= {'photos_per_s': round(speed, 1), 'waiting': round(self.waited / took, 3)}
        print(
            f' {self.facts["photos_seen"]} photos seen, {speed:.0f} photos/s, {self.waited / took:.0%} of the time '
            f'waiting for photos, {left:.0f} minutes to go'
        )
        self.facts |= {'epoch': epoch + 1, 'minutes': self.minutes}
        # It gets its name when all else of the epoch is kept.
        runs.write_state(self.model, self.facts, self.folder / runs.UNFINISHED)


class Validation(keras.callbacks.Callback):
    """After each epoch: figures and a contact sheet of the averaged network, which is then kept.

    With a `training.adversarial.Watch`, best is what that says, and the run ends when it says so.
    """

    def __init__(self, run, shadow, truth, watch=None):
        super().__init__()
        self.run, self.shadow, self.truth, self.watch = run, shadow, truth, watch
        self.log = SummaryWriter(str(run.folder / 'log'))

    def on_epoch_end(self, epoch, logs: Any = None):
        folder, facts = self.run.folder, self.run.facts
        began = time.monotonic()
        self.model.optimizer.finalize_variable_values(self.model.trainable_variables)  # they become the average
        self.shadow.set_weights(self.model.network.get_weights())
        # Keras' SwapEMAWeights would bring back what is trained by adding and subtracting, and so not to the bit
        runs.load_state(self.model, folder / runs.UNFINISHED)
        ours = colorizers.NetworkColorizer(self.shadow).colorize(self.truth)
        row = evaluate.quick_row(ours, self.truth)
        over, best_by = '', 'val_psnr'
        if self.watch is not None:
            row |= self.watch.figures(ours)
            row['worth'] = self.watch.worth(row)
            worths = [*(past['val_worth'] for past in facts['history']), row['worth']]
            over, best_by = self.watch.ends(row, worths), 'val_worth'
        logs |= {f'val_{name}': value for name, value in row.items()}
        seen = facts['photos_seen']
        figures = {name: round(float(value), 4) for name, value in logs.items()}
        facts['history'].append({'photos_seen': seen, 'minutes': round(self.run.minutes, 2), **figures})
        for name, value in figures.items():
            self.log.add_scalar(name, value, seen)
        self.log.flush()

        sheet = sheets.pictures([colorizers.to_gray(self.truth[:SHOWN]), ours[:SHOWN], self.truth[:SHOWN]])
        (folder / 'sheets').mkdir(exist_ok=True)
        sheet.save(folder / 'sheets' / f'epoch-{epoch + 1:04}.jpg', quality=90)
        checkpoints.save(self.shadow, folder / 'last.keras')
        best = logs[best_by] >= max(past[best_by] for past in facts['history']) - 1e-4
        if (best and not over) or not (folder / 'best.keras').exists():
            runs.replace_best(self.shadow, folder)
            facts['best_photos_seen'] = seen
        facts['judging'] = (time.monotonic() - began) / 60
        runs.write_json(facts, folder / 'run.json')
        (folder / runs.UNFINISHED).rename(folder / 'state.npz')
        if over:
            print(f' The run ends: {over}.')
            self.model.stop_training = True


def fit(
    settings: recipe.Recipe,
    train: photos.Photos,
    validation: photos.Photos,
    out: str | Path,
    data: str,
    init_from: str | Path | None = None,
) -> None:
    """Fit a network, or go on with a run that was interrupted.

    Parameters
    ----------
    settings : training.recipe.Recipe
    train, validation : training.photos.Photos
    out : path
        The run's folder.
    data : str
        In words, what it is fitted on; kept with the network.
    init_from : path, optional
        A network to start from (`training.checkpoints.load`); without it, a fresh one.

    Raises
    ------
    training.runs.FitError
        If there are too few photos, `out` holds another run or is in use, `init_from` does not fit or has learnt from
        the validation photos, a batch cannot be shared by the accelerators, or the loss becomes NaN.
    """
    out = Path(out)
    if len(train) < settings.batch:
        raise runs.FitError(
            f'{len(train)} photos are fewer than one batch of {settings.batch}: add photos or lower --batch.'
        )
    if len(validation) == 0:
        raise runs.FitError(
            'No photos are left for validation: add photos, raise --held-out, or name some with --validation.'
        )
    with runs.alone(out), devices.together(settings.batch):
        facts = runs.begin_or_go_on(settings, out, data)
        if facts is not None:
            runs.keep_learnt(train, validation, out, init_from)
            go_on(settings, train, validation, out, facts, init_from)


def go_on(settings, train, validation, out, facts, init_from):
    """Fit from where `facts` are to the end."""
    keras.utils.set_random_seed(settings.seed)
    network, shadow = _networks(settings, settings.encoder_weights if init_from is None else 'none')
    start = _start(network, settings, facts, init_from)
    truth, watch = validation.sample(JUDGED).stacked(), None
    if settings.finish == 'adversarial':
        model = adversarial.Adversarial(network, settings)
        watch = adversarial.Watch(truth, colorizers.NetworkColorizer(start).colorize(truth))
    else:
        model = colorization.Colorization(network, settings)
    optimizer = _optimizer(network, settings)
    model.compile(optimizer=optimizer, loss=None)
    steps = settings.epoch // settings.batch
    batches = Batches(train, settings, facts['epoch'] * steps, facts['photos_before'])
    optimizer.build(model.trainable_variables)
    if facts['epoch']:
        runs.load_state(model, out / 'state.npz')

    run = Run(out, settings, batches, facts)
    model.fit(
        iter(batches),
        steps_per_epoch=steps,
        initial_epoch=facts['epoch'],
        epochs=10**6,  # the run ends by its budget or its minutes
        callbacks=[run, Validation(run, shadow, truth, watch)],
    )


def _networks(settings, encoder_weights):
    """The network that is fitted, and one in float32 for the average of its weights."""
    keras.config.set_dtype_policy('float32')
    shadow = networks.build(settings.network, encoder_weights='none')
    keras.config.set_dtype_policy('mixed_bfloat16' if settings.mixed_precision else 'float32')
    network = networks.build(settings.network, encoder_weights)
    if losses.LOSSES[settings.loss].needs_distribution and networks.distribution(network) is None:
        others = ' or '.join(repr(name) for name, loss in losses.LOSSES.items() if not loss.needs_distribution)
        raise runs.FitError(
            f'loss = {settings.loss!r}: {network.name} predicts one colour, not a distribution; take {others}.'
        )
    networks.freeze(network, settings.freeze)
    return network, shadow


def _start(network, settings, facts, init_from):
    """The network to start from, where one is named and still counts; a run that begins takes its weights."""
    if init_from is None and settings.finish == 'adversarial':
        raise runs.FitError(
            'A critic is for a network that has learnt to colour already: name it with --init-from, and with it again '
            'to go on.'
        )
    if init_from is None or (facts['epoch'] and settings.finish != 'adversarial'):
        return None
    start = checkpoints.load(init_from)
    if start.name != network.name:
        raise runs.FitError(f'{init_from} is a network called {start.name}, not {network.name}.')
    if facts['epoch'] == 0:
        network.set_weights(start.get_weights())
        facts['photos_before'] = checkpoints.photos_seen(init_from)
    return start


def _optimizer(network, settings):
    if settings.optimizer == 'rmsprop':
        return keras.optimizers.RMSprop(settings.learning_rate, use_ema=True, ema_momentum=settings.ema)
    return AdamW(
        networks.in_encoder(network),
        settings.encoder_rate,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        global_clipnorm=1.0,
        use_ema=True,
        ema_momentum=settings.ema,
    )


def read_photos(
    sources: Sequence[str], validation_sources: Sequence[str] | None, settings: recipe.Recipe, cache: str | None
) -> tuple[photos.Photos, photos.Photos]:
    """The train and validation photos of a run; without validation sources, the latter are split off.

    Those that judge are of `evaluate.SIDE` pixels wherever they come from, so that figures of all runs can be compared.
    """
    train = photos.read(sources, settings.canvas, cache)
    print(f'training: {photos.report(train)}')
    if not validation_sources:
        train, held_out = photos.split(train, settings.held_out)
        judged = held_out.sample(JUDGED)
        return train, photos.read(sources, evaluate.SIDE, cache, judged.names) if len(judged) else judged
    validation = photos.read(validation_sources, evaluate.SIDE, cache)
    print(f'validation: {photos.report(validation)}')
    judged = set(validation.digests)
    return train.subset([i for i, digest in enumerate(train.digests) if digest not in judged]), validation


def recipe_from(config: str | None, flags: dict[str, Any]) -> recipe.Recipe:
    """The recipe of a config file and the flags that were given."""
    names = {field.name for field in recipe.fields()}
    return recipe.load(config, **{name: value for name, value in flags.items() if name in names})
