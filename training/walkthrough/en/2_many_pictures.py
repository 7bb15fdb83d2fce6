# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 2. Many pictures
#
# Notebook 1 showed what the article's network is. This one is about the other half of every success: the pictures. We
# look at how the article loads them, see four mistakes with our own eyes, and mend them. About six minutes.

# %%
import os
import tempfile

import keras
import numpy as np
from PIL import Image
from skimage import color

from training import augment, checkpoints, colorizers, networks, photos
from training.walkthrough import SMALL, begin, figures, samples

FOLDER = ''  # a folder of your own colour photos, if you like
ARTICLE_WEIGHTS = os.environ.get('ARTICLE_WEIGHTS', '')  # the article's simple_model.h5, if you have it
EPOCHS = 3 if SMALL else 300

begin()
keras.utils.set_random_seed(0)
pictures = samples.read(FOLDER)
print(samples.machine())

# %% [markdown]
# ## First mistake: height and width
#
# A network learns in batches, and a batch is one array, so all its pictures need one size. The article wants 184 high
# and 272 wide. A numpy array's shape names the height first; Pillow and OpenCV, the libraries that one reads and
# resizes photos with, name the **width** first when they resize. (`Image` below is Pillow's.) Whoever hands the one to
# the other gets the picture in the middle:

# %%
photo = pictures[-1]
height, width = 184, 272
exchanged = np.asarray(Image.fromarray(photo).resize((height, width)))
meant = np.asarray(Image.fromarray(photo).resize((width, height)))
print('wanted:', (height, width), ' exchanged gives:', exchanged.shape[:2], ' meant was:', meant.shape[:2])
figures.row({'the photo': photo, 'exchanged': exchanged, 'as meant': meant})

# %% [markdown]
# No error message appears, because a network of convolutions takes any size. Only the picture is wrong. **Look at
# what you train on**: that is the cheapest test there is.
#
# ## Second mistake: everything squeezed into one shape
#
# Also where height and width are right, an upright photo squeezed into a wide frame shows people as wide as cupboards.
# The network then learns what squeezed faces look like, and meets upright ones later. The cure is to cut out instead of
# squeezing. `augment.crop` of our training takes a random part of the square photo, another one each time (0.35 is the
# least share of its area, 128 the side of the result in pixels), and scales it with its proportions kept; one crop in
# three is the whole square photo, as things are easiest to recognise whole. Below, the first two are.

# %%
tall = next((picture for picture in pictures if picture.shape[0] > picture.shape[1]), pictures[0])
squeezed = np.asarray(Image.fromarray(tall).resize((width, height)))
figures.row({'the photo': tall, 'squeezed to 272 x 184': squeezed})

rng = np.random.default_rng(1)
square = photos.square(Image.fromarray(tall), 176)
figures.row({f'crop {i + 1}': augment.crop(square, 128, 0.35, rng) for i in range(5)})

# %% [markdown]
# Each time the network meets a photo it sees another crop, so one photo serves as many. That is called
# *augmentation*.
#
# ## Third mistake: numbers that are too large
#
# The article feeds L as it is, 0 to 100. Layers begin with small random weights, made for inputs of about -1 to 1. A
# hundredfold input makes a hundredfold answer: before it has learnt anything the network says loud colours, near the
# ends of *tanh*, which is flat there, and where it is flat the gradient is small. All of that has to be unlearnt first.
# We train the same network twice, from the same weights: with L as it is, and with L / 50 - 1, which goes from -1 to 1.
# The optimizer is RMSprop, the article's. The largest answers before training are printed.


# %%
def as_Lab(some):
    """L [N, H, W, 1] and ab [N, H, W, 2] of pictures [N, H, W, 3]."""
    Lab = color.rgb2lab(some).astype('float32')
    return Lab[..., :1], Lab[..., 1:]


crops = samples.crops(pictures, 8 if SMALL else 48, 64, 96)
L, ab = as_Lab(crops)
start = networks.build('article')
losses = {}
for name, shown in (('L, 0 to 100', L), ('L / 50 - 1', L / 50 - 1)):
    network = keras.models.clone_model(start)
    network.set_weights(start.get_weights())
    print(f'{name}: before training, answers go up to {np.abs(network(shown)).max():.0f} of 128')
    network.compile(optimizer=keras.optimizers.RMSprop(1e-3), loss='mse')
    losses[name] = network.fit(shown, ab, batch_size=8, epochs=EPOCHS // 8 + 1, verbose=0).history['loss']
figures.curves(losses, ylabel='mean squared error')

# %% [markdown]
# From the third epoch to about the fifteenth, the scaled one is ahead. Then the other gets lower, but look how: by
# leaps and relapses, since with large inputs every small change of a weight changes the answer a lot. Where the curve
# jumps like this it is chance how good the network is at the end. The scaled one falls steadily, and how fast, the
# learning rate alone decides.
#
# Our networks `unet` and `lumachrome` therefore scale L inside of the network, where nobody can forget it. (`article`
# keeps the article's way on purpose.)
#
# ## Fourth mistake, the worst: judged by what it was taught
#
# The article trains on 24 pictures for thousands of epochs, and looks at the same 24 to see how good it is. Let us do
# that, with 24 cut-outs of half of the photos, and keep the other half away from it. Three numbers are watched: the
# error on the 24, the error on **other parts of the same photos**, and the error on **other photos**. Only the last is
# what a user will meet. (A *callback* is a function that Keras calls while it trains; ours writes the three down after
# every tenth epoch, so 30 in the figure is epoch 300.)

# %%
taught, kept_away = pictures[0::2], pictures[1::2]
sets = {
    'the 24 it learns from': as_Lab(samples.crops(taught, 24, 64, 96, seed=1)),
    'other parts of the same photos': as_Lab(samples.crops(taught, 24, 64, 96, seed=2)),
    'other photos': as_Lab(samples.crops(kept_away, 24, 64, 96, seed=3)),
}

learner = networks.build('article')
errors = {name: [] for name in sets}


def watch(epoch, logs):
    """Write down the error on every set, after every tenth epoch."""
    if epoch % 10 == 0:
        for name, (L, ab) in sets.items():
            errors[name].append(np.mean((np.array(learner(L)) - ab) ** 2))


learner.compile(optimizer=keras.optimizers.Adam(3e-3), loss='mse')
watching = keras.callbacks.LambdaCallback(on_epoch_end=watch)
learner.fit(*sets['the 24 it learns from'], batch_size=4, epochs=EPOCHS, verbose=0, callbacks=[watching])
figures.curves(errors, ylabel='mean squared error', xlabel='epoch / 10')
for name in sets:
    print(f'{name}: {errors[name][-1]:.0f}, where always gray has {np.mean(sets[name][1] ** 2):.0f}')

# %% [markdown]
# The lowest line is what the article saw. The highest is the truth: with other photos the error is as low as it gets
# after the first epochs. Then it **rises** and wavers, while the network gets ever better at its 24, and at the end it
# is no better than at the beginning. The network learns these 24 by heart. That is called *overfitting*. The middle
# line is a warning too: parts of one photo on both sides of a split make a network look better than it is.
#
# What it looks like: above the truth, below the answer, for pictures it knows (left) and others (right).


# %%
def answers(L):
    """What the network makes of L, as pictures."""
    ab = np.array(learner(L))
    return list(color.lab2rgb(np.concatenate([L, ab], axis=-1)))


known, unknown = sets['the 24 it learns from'], sets['other photos']
truth = [*color.lab2rgb(np.concatenate(known, -1)[:3]), *color.lab2rgb(np.concatenate(unknown, -1)[:3])]
made = answers(known[0][:3]) + answers(unknown[0][:3])
figures.grid([truth, made], titles=['known'] * 3 + ['unknown'] * 3, names=['truth', 'answer'])

# %% [markdown]
# ## The article's own weights
#
# Its published file `simple_model.h5` may not be passed on, so it is not here. If you have it, name it in the first
# cell (`ARTICLE_WEIGHTS`), and you will see what it makes of five photos that it has never met. The article shows its
# own 24, and they come out right: 32,202 numbers are enough to remember 24 pictures, and nothing has ever asked them
# for more.

# %%
if ARTICLE_WEIGHTS:
    article = colorizers.NetworkColorizer(checkpoints.load(ARTICLE_WEIGHTS))
    some = np.stack([photos.square(Image.fromarray(picture), 184) for picture in pictures[:5]])
    figures.grid([list(some), list(article.colorize(some))], names=['truth', "the article's"])
else:
    print('No ARTICLE_WEIGHTS is named: the picture that would stand here needs the file simple_model.h5.')

# %% [markdown]
# ## How our training does it
#
# - **Many**: folders and .tar files (a folder packed into one file) of any size. Some 60,000 photos taught the network
#   that ships with Lumachrome, which you meet in notebook 4.
# - **Whole and unsqueezed**: `photos.read` cuts the centred square of each photo once; `augment.crop` takes another
#   part of it each time. What cannot be decoded, is tiny or has no colour is left out and named.
# - **Judged honestly**: `photos.split` keeps a share away. Which photo goes where follows from a *hash* of its file, a
#   number computed from its content: every copy of a photo lands on the same side, in every run, also when photos are
#   added.
#
# We try it with the eight photos and a gray one among them, which should be left out. `share=0.3` keeps about three in
# ten away; of so few it may be two or four. (Lines with a bar only tell how far the reading is.)

# %%
folder = FOLDER
if not folder:
    shipped = {name: samples.photo(name) for name in samples.SHIPPED}
    gray = {'a_gray_one': np.repeat(shipped['cat'][..., :1], 3, axis=-1)}
    folder = samples.folder_of(shipped | gray, tempfile.mkdtemp())
found = photos.read([folder], side=176)
learn_from, judge_by = photos.split(found, share=0.3)
print(photos.report(found))
print('to learn from:', [os.path.basename(name) for name in learn_from.names])
print('to judge by:', [os.path.basename(name) for name in judge_by.names])

# %% [markdown]
# **What to take along.** Look at your input. Cut, do not squeeze. Scale the numbers. And never judge by what you
# taught: split by photo, not by picture.
#
# Next: [why the network gets the shape of a U](3_why_a_u_net.ipynb).
#
# *Sources.* ThankRain, `image_render`, GitHub, 2020. The rule to part by content is common practice; ours is
# `photos.split`.
