"""The training loop: Keras' own `fit`, with callbacks that pace it, keep what it learnt, and show how it goes.

    runs/NAME/run.json      the recipe, how far the run got, and a row of figures for each epoch
              state.npz     everything that an interrupted run needs to go on exactly; with it an epoch is over
              last.keras    the network as it is (float32, averaged weights)
              best.keras    and as it was when its validation PSNR was highest
              sheets/       gray, ours, truth on the same validation photos after each epoch
              log/          for TensorBoard

An epoch is a number of photos, not the whole set, so that a checkpoint is never far away. Which photos it sees, and how
they are cropped, is a function of the seed and the epoch.
"""

import dataclasses
import itertools
import json
import math
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
from keras import ops
from tensorboardX import SummaryWriter

from training import augment, colorization, evaluate, networks, photos, recipe
from training.networks import efficientnet_lite

JUDGED = 400  # validation photos behind the figures of an epoch; of fewer, chance would choose the best one
SHOWN = 8  # and on its contact sheet
UNFINISHED = 'state.part.npz'
REACHED = ('epoch', 'photos_seen', 'minutes')  # how far a run is


class FitError(RuntimeError):
    """Why a run cannot begin or go on, in one sentence."""


class Batches:
    """Random crops, batch after batch without end, prepared in threads while the accelerator works.

    Parameters
    ----------
    train : training.photos.Photos
    settings : training.recipe.Recipe
    step : int
        The first batch's number: a run that goes on does not begin anew.

    Attributes
    ----------
    ready : dict of int to float
        When each of the last batches was ready.
    """

    AHEAD = 8  # batches that wait

    def __init__(self, train, settings, step):
        self.train, self.settings, self.step = train, settings, step
        self.orders, self.ready = {}, {}

    def __iter__(self):
        pool = ThreadPoolExecutor(2)
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
        """The crops of a step: uint8 [batch, size, size, 3], a function of the seed and the step alone."""
        settings, n = self.settings, len(self.train)
        rng = np.random.default_rng([settings.seed, step])
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
            order = np.random.default_rng([self.settings.seed, turn, 1]).permutation(len(self.train))
            self.orders = {t: o for t, o in self.orders.items() if t > turn - 2} | {turn: order}
        return order


class AdamW(keras.optimizers.AdamW):
    """AdamW that goes gently on what is already learnt: the encoder's weights move at a share of the learning rate."""

    def __init__(self, encoder_rate, **options):
        super().__init__(**options)
        self.encoder_rate = encoder_rate
        self.exclude_from_weight_decay(var_names=['gamma', 'beta', 'bias'])

    def build(self, variables):
        super().build(variables)
        self.in_encoder = [efficientnet_lite.block_of(v.path) is not None for v in variables]

    def update_step(self, gradient, variable, learning_rate):
        if self.in_encoder[self._get_variable_index(variable)]:
            learning_rate = learning_rate * self.encoder_rate
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
        by_time = self.minutes / self.settings.minutes if self.settings.minutes else 0.0
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
        rest = (progress - self.settings.warmup) / (1 - self.settings.warmup)
        return 0.01 + 0.99 * (1 + math.cos(math.pi * rest)) / 2

    def on_train_batch_end(self, batch, logs=None):
        self.waited += max(0.0, self.batches.ready.get(self.step, 0.0) - self.asked)
        self.step += 1
        self.facts['photos_seen'] += self.settings.batch
        if self.step % 8 == 0 and not math.isfinite(logs['loss']):
            raise FitError(
                f'The loss is no number any more after {self.facts["photos_seen"]} photos: lower learning_rate. '
                f'The networks and the state in {self.folder} are those of the last epoch before.'
            )
        if self.progress >= 1:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        if not math.isfinite(logs['loss']):
            raise FitError(f'The loss is no number any more: lower learning_rate. {self.folder} is as it was before.')
        took = time.monotonic() - self.epoch_began
        speed = (self.facts['photos_seen'] - self.seen_before) / took
        left = self.minutes * (1 / max(self.progress, 1e-6) - 1)
        logs |= {'photos_per_s': round(speed, 1), 'waiting': round(self.waited / took, 3)}
        print(
            f' {self.facts["photos_seen"]} photos seen, {speed:.0f} photos/s, {self.waited / took:.0%} of the time '
            f'waiting for photos, {left:.0f} minutes to go'
        )
        self.facts |= {'epoch': epoch + 1, 'minutes': self.minutes}
        # Here, while the weights are still those that are trained; it gets its name when all else of the epoch is kept.
        write_state(self.model, self.facts, self.folder / UNFINISHED)


class Validation(keras.callbacks.Callback):
    """After each epoch: figures and a contact sheet of the averaged network, which is then kept."""

    def __init__(self, run, shadow, truth):
        super().__init__()
        self.run, self.shadow, self.truth = run, shadow, truth
        self.log = SummaryWriter(str(run.folder / 'log'))

    def on_epoch_end(self, epoch, logs=None):
        folder, facts = self.run.folder, self.run.facts
        self.shadow.set_weights(self.model.network.get_weights())
        ours = evaluate.NetworkColorizer(self.shadow).colorize(self.truth)
        row = evaluate.quick_row(ours, self.truth)
        logs |= {f'val_{name}': value for name, value in row.items()}
        seen = facts['photos_seen']
        figures = {name: round(float(value), 4) for name, value in logs.items()}
        facts['history'].append({'photos_seen': seen, 'minutes': round(self.run.minutes, 2), **figures})
        for name, value in figures.items():
            self.log.add_scalar(name, value, seen)
        self.log.flush()

        sheet = evaluate.contact_sheet([evaluate.to_gray(self.truth[:SHOWN]), ours[:SHOWN], self.truth[:SHOWN]])
        (folder / 'sheets').mkdir(exist_ok=True)
        sheet.save(folder / 'sheets' / f'epoch-{epoch + 1:04}.jpg', quality=90)
        save_network(self.shadow, folder / 'last.keras')
        if row['psnr'] >= max(past['val_psnr'] for past in facts['history']) - 1e-4:
            save_network(self.shadow, folder / 'best.keras')
        write_json(facts, folder / 'run.json')
        (folder / UNFINISHED).rename(folder / 'state.npz')


def write_state(model, facts, path):
    """Write every variable of the model and its optimizer, and how far the run is."""
    values = [ops.convert_to_numpy(ops.cast(v, v.dtype)) for v in model.variables + model.optimizer.variables]
    if not all(np.isfinite(value).all() for value in values):
        raise FitError(f'The weights are no numbers any more: lower learning_rate. {path.parent} is as it was before.')
    np.savez(path, *values, **{name: facts[name] for name in REACHED})


def load_state(model, path):
    """The inverse of `write_state`, for a model of the same recipe."""
    with np.load(path) as state:
        for i, variable in enumerate(model.variables + model.optimizer.variables):
            variable.assign(state[f'arr_{i}'])


def save_network(network, path):
    """Write a .keras file whole or not at all."""
    unfinished = path.with_suffix('.part.keras')
    network.save(unfinished)
    unfinished.rename(path)


def write_json(facts, path):
    unfinished = path.with_suffix('.part')
    unfinished.write_text(json.dumps(facts, indent=1))
    unfinished.rename(path)


def fit(settings, train, validation, out, data, init_from=None):
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
        A network to start from (`training.networks.load`); without it, a fresh one.

    Raises
    ------
    FitError
        If there are too few photos, `out` holds another run, `init_from` does not fit, or the loss becomes NaN.
    """
    out = Path(out)
    if len(train) < settings.batch:
        raise FitError(
            f'{len(train)} photos are fewer than one batch of {settings.batch}: add photos or lower --batch.'
        )
    if len(validation) == 0:
        raise FitError('No photos are left for validation: add photos, or name some with --validation.')
    facts = begin_or_go_on(settings, out, data)
    if facts is None:
        return
    keras.utils.set_random_seed(settings.seed)

    keras.config.set_dtype_policy('float32')
    shadow = networks.build(settings.network, encoder_weights='none')
    keras.config.set_dtype_policy('mixed_bfloat16' if settings.mixed_precision else 'float32')
    network = networks.build(settings.network, settings.encoder_weights if init_from is None else 'none')
    if init_from is not None and facts['epoch'] == 0:
        start = networks.load(init_from)
        if start.name != network.name:
            raise FitError(f'{init_from} is a network called {start.name}, not {network.name}.')
        network.set_weights(start.get_weights())
        facts['photos_before'] = networks.photos_seen(init_from)
    if settings.loss == 'bins' and networks.distribution(network) is None:
        raise FitError(f"loss = 'bins': {network.name} predicts one colour, not a distribution; take 'huber' or 'mse'.")
    networks.freeze(network, settings.freeze)

    model = colorization.Colorization(network, settings)
    if settings.optimizer == 'rmsprop':
        optimizer = keras.optimizers.RMSprop(settings.learning_rate, use_ema=True, ema_momentum=settings.ema)
    else:
        optimizer = AdamW(
            settings.encoder_rate,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            global_clipnorm=1.0,
            use_ema=True,
            ema_momentum=settings.ema,
        )
    model.compile(optimizer=optimizer, loss=None)
    steps = settings.epoch // settings.batch
    batches = Batches(train, settings, facts['epoch'] * steps)
    optimizer.build(model.trainable_variables)
    if facts['epoch']:
        load_state(model, out / 'state.npz')

    run = Run(out, settings, batches, facts)
    model.fit(
        iter(batches),
        steps_per_epoch=steps,
        initial_epoch=facts['epoch'],
        epochs=10**6,  # the run ends by its budget or its minutes
        callbacks=[
            run,
            keras.callbacks.SwapEMAWeights(swap_on_epoch=True),  # from here on, an epoch's end sees the average
            Validation(run, shadow, evaluate.first(validation, JUDGED)),
        ],
    )


def begin_or_go_on(settings, out, data):
    """The facts that run.json starts from or went on to; None if the run is finished."""
    ours = dataclasses.asdict(settings)
    kept = out / 'run.json'
    if not (out / 'state.npz').exists():
        out.mkdir(parents=True, exist_ok=True)
        return {
            'network': settings.network,
            'backend': keras.backend.backend(),
            'data': data,
            'config': ours,
            'photos_before': 0,  # of the network that this run starts from
            'photos_seen': 0,
            'minutes': 0.0,
            'epoch': 0,
            'history': [],
        }
    facts = json.loads(kept.read_text())
    with np.load(
        out / 'state.npz'
    ) as state:  # run.json may be an epoch ahead, if the run was cut short between the two
        facts |= {name: state[name].item() for name in REACHED}
    facts['history'] = facts['history'][: facts['epoch']]
    for name, value in ours.items():
        if name not in ('budget', 'minutes') and facts['config'].get(name) != value:
            raise FitError(
                f'{out} was begun with {name} = {facts["config"].get(name)}, not {value}: '
                'take the same settings to go on with it, or another --out (and --init-from to start from its network).'
            )
    for name, reached in (('budget', facts['photos_seen']), ('minutes', facts['minutes'])):
        if 0 < getattr(settings, name) <= reached:
            print(f'{out} is finished ({name} = {getattr(settings, name)}): raise --{name} to go on with it.')
            return None
    return facts | {'config': ours}


def read_photos(sources, validation_sources, settings, cache):
    """The train and validation photos of a run; without validation sources, the latter are split off."""
    train = photos.read(sources, settings.canvas, cache)
    print(f'training: {photos.report(train)}')
    if not validation_sources:
        return photos.split(train, settings.held_out)
    validation = photos.read(validation_sources, evaluate.SIDE, cache)
    print(f'validation: {photos.report(validation)}')
    judged = set(validation.digests)
    return train.subset([i for i, digest in enumerate(train.digests) if digest not in judged]), validation


def recipe_from(config, flags):
    """The recipe of a config file and the flags that were given."""
    names = {field.name for field in recipe.fields()}
    return recipe.load(config, **{name: value for name, value in flags.items() if name in names})
