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
# # 4. Why brown?
#
# Colorizers have a favourite colour, and it is a brownish gray. This notebook shows where it comes from, how the
# network that ships gets around it, and how you tell it what it cannot know. Nothing is trained here: about two
# minutes.

# %%
import keras
import numpy as np
from keras import ops
from PIL import Image, ImageDraw
from skimage import color

from training import anchors, bins, checkpoints, colorization, colorizers, photos
from training.walkthrough import SMALL, begin, figures, samples

FOLDER = ''  # a folder of your own colour photos, if you like
LOOKS_AT = 128 if SMALL else 256  # the network looks at photos of so many pixels a side

begin()
keras.utils.set_random_seed(0)
print(samples.machine())

# %% [markdown]
# ## Ten cars
#
# Here is a car ten times, in ten colours that cars really have, and all with the same L. In black and white they are
# one and the same picture. What colour should a network say?
#
# It is punished by its *loss*, the mean squared error between its a and b and the true ones. One of the ten is right
# each time, and it cannot know which. The answer with the least punishment on average is the **mean** of the ten. (How
# the car is drawn is of no importance. What counts is `paints`, ten pairs of a and b.)


# %%
def car(paint):
    """A car with a given a and b of its paint, all else the same."""
    image = Image.new('L', (120, 64), 190)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 48, 120, 64), fill=110)
    draw.polygon([(8, 34), (30, 32), (42, 18), (78, 18), (94, 32), (112, 36), (112, 48), (8, 48)], fill=128)
    mask = np.asarray(image) == 128
    draw.polygon([(44, 21), (58, 21), (58, 31), (36, 31)], fill=215)
    draw.polygon([(62, 21), (76, 21), (88, 31), (62, 31)], fill=215)
    for x in (20, 84):
        draw.ellipse((x, 40, x + 16, 56), fill=40)
    gray = np.asarray(image)
    mask &= gray == 128
    Lab = color.rgb2lab(np.repeat(gray[..., None], 3, axis=-1))
    Lab[mask, 1:] = paint
    return Lab


paints = [(55, 40), (60, 25), (10, -40), (-5, -30), (0, 0), (0, 0), (-35, 30), (5, 55), (25, 45), (-25, -5)]
cars = [car(paint) for paint in paints]
mean = np.mean(cars, axis=0)
figures.grid([[color.lab2rgb(one) for one in cars[:5]], [color.lab2rgb(one) for one in cars[5:]]])
figures.row(
    {
        'what the network sees': color.lab2rgb(cars[0] * (1, 0, 0)),  # L, without a and b
        'the answer that is punished least': color.lab2rgb(mean),
    }
)
print('a and b of the mean paint:', np.mean(paints, axis=0))
for name, answer in (('red', paints[0]), ('blue', paints[2]), ('gray', (0, 0)), ('the mean', np.mean(paints, axis=0))):
    print(f'mean squared error of always saying {name}: {np.mean(np.subtract(paints, answer) ** 2):.0f}')

# %% [markdown]
# Of these answers the mean has the smallest error; red and blue have more than twice as much: whoever is unsure and
# decides is punished. The mean is a brown that **no** car has. The network is not stupid, it does what its loss asks
# for. (Warm colours are the more colourful ones in nature and in shops, so the mean of everything leans to brown.)
#
# ## Say how likely each colour is
#
# The way out, from Zhang, Isola and Efros (2016): do not ask for one colour but for a *distribution*. Lay a grid over
# the plane of a and b; its fields are the *bins*. For each pixel the network says how likely each bin is, so that "red
# or blue or gray" can be said without mixing them to mud.
#
# We load the network that ships, and show it six photos. For 64 x 64 places of each it gives 260 numbers, one a bin,
# the larger the likelier; such raw numbers are called *logits*. *Softmax* makes probabilities of them, which together
# are 1. (`share` is needed for the anchors below.)
#
# Then we point at one place of a photo, as a click on the page does: at the astronaut's suit, at the sky, at the cup.
# The ring on the left is the place. On the right each dot is a bin in its colour, the larger the likelier; the cross is
# the mean of them all. No colour is where a and b are 0.

# %%
network = checkpoints.load('training/networks/lumachrome.npz')
model = colorizers.NetworkColorizer(network)
pictures = samples.read(FOLDER)
shown = np.stack([photos.square(Image.fromarray(picture), 256) for picture in pictures[:6]])

logits, share = model.answers(shown, LOOKS_AT)
print('for each place of each photo, one number a bin:', logits.shape)


def click(photo, x, y):
    """Draw what the network thinks of one place, x and y from 0 to 1."""
    height, width = logits.shape[1:3]
    at = logits[photo, int(y * height), int(x * width)]
    L = color.rgb2lab(shown[photo])[int(y * 256), int(x * 256), 0]
    gray = colorizers.to_gray(shown[photo : photo + 1])[0]
    figures.distribution(ops.convert_to_numpy(ops.softmax(at)), gray, (x, y), L)


click(0, 0.25, 0.75)
click(2, 0.5, 0.1)
click(3, 0.5, 0.6)

# %% [markdown]
# For the suit it thinks of blue and gray, and has a small heap at orange and red, where the truth lies; the mean falls
# between, near gray. The sky is one heap. For the cup all from gray to red seems possible.
#
# Try other places: change the numbers in `click(...)`, which are the photo, x and y. Where the network is sure (sky,
# grass, skin), the large dots lie in one heap and the mean lies within it. Where it is not (clothes, painted things),
# the heap is spread out and the mean falls toward gray.
#
# ## Read it otherwise than by its mean
#
# The distribution is there; it only has to be **read** more boldly. *Vividness* 0 takes the mean (faithful: the least
# error), 1 leans to the likeliest bins and weighs gray down (vivid: as colourful as life, more often wrong). In between
# it mixes both.

# %%
rows = {'gray': colorizers.to_gray(shown)}
for vividness in (0.0, 0.5, 1.0):
    rows[f'vividness {vividness}'] = model.colorize(shown, LOOKS_AT, vividness)
rows['truth'] = shown
figures.grid([list(row) for row in rows.values()], names=list(rows))

# %% [markdown]
# From row to row the colours get bolder. The flower comes nearer to the truth; the suit gets bluer, and was orange:
# bolder is not righter. The wall on the right, blue in truth, is the brown of the ten cars.
#
# ## Anchors: vivid, and even
#
# If each pixel chose boldly for itself, half of a coat could turn red and the other half stay gray. So the network is
# asked twice. First its answer is parted into a few heaps of places that are alike; each heap gets one colour, and one
# typical place, its *anchor*. Then the network is shown these few points as if a person had set them, and spreads their
# colours evenly over things. In the upper row each place is read for itself, in the lower one by anchors; the rings are
# the anchors. (The code takes apart what `model.colorize` does inside. You may pass over it and look at the suit
# and at the wall on the right: stained above, even below.)

# %%
point = network.get_layer('distribution').vivid_point
alone = ops.convert_to_numpy(bins.vivid(ops.convert_to_tensor(logits), *point))
L = color.rgb2lab(shown)[..., :1]


def painted(ab):
    """Pictures with their own L and a smaller ab."""
    large = ops.image.resize(ops.convert_to_tensor(ab), (256, 256), interpolation='bilinear')
    return colorizers.to_uint8(color.lab2rgb(np.concatenate([L, ops.convert_to_numpy(large)], axis=-1)))


small = ops.average_pool(colorization.prepare(shown)[0], 256 // logits.shape[1], 256 // logits.shape[1])
places, _ = anchors.place(small, ops.convert_to_tensor(logits), ops.convert_to_tensor(share), ops.zeros((1,)), point)
ringed = []
for picture, anchored in zip(rows['vividness 1.0'], ops.convert_to_numpy(places), strict=True):
    image = Image.fromarray(picture.copy())
    for x, y, *_ in anchored:
        ImageDraw.Draw(image).ellipse((256 * x - 6, 256 * y - 6, 256 * x + 6, 256 * y + 6), outline='white', width=2)
    ringed.append(np.asarray(image))
figures.grid([list(painted(alone)), ringed], names=['each place', 'anchors'])

# %% [markdown]
# ## Hints: what nobody can know, you say
#
# Whether the coat was red is not in the photo. Nothing that is learnt will ever find it out, but you may know. A *hint*
# is a place and its colour; the network learnt from simulated hints what they mean, and spreads one over the thing that
# it lies on. Hints are `x, y` (0 to 1, from the left and from the top), `a, b`.


# %%
def hinted(photo, *hints):
    points = np.array([hints], 'float32')
    return model.colorize(shown[photo : photo + 1], LOOKS_AT, 1.0, points)[0]


here = (0.25, 0.8)  # the astronaut's suit
figures.row(
    {
        'no hint': rows['vividness 1.0'][0],
        'orange': hinted(0, (*here, 40, 60)),
        'blue': hinted(0, (*here, 10, -50)),
        'green, and a red flag': hinted(0, (*here, -40, 30), (0.12, 0.25, 60, 40)),
        'and a gray wall': hinted(0, (*here, -40, 30), (0.12, 0.25, 60, 40), (0.6, 0.1, 0, 0)),
    }
)

# %% [markdown]
# The suit takes the colour that you say. In the second picture some stripes of the flag take it too, and in the fourth
# the red of the flag has run into the wall beside it: a hint goes as far as the network takes its thing to go, and it
# is not always right. One more hint, on the wall, says where the red ends.
#
# **What to take along.** The mean of plausible colours is a colour of nothing. Distributions keep them apart; how to
# read one is a choice between faithful and vivid; and what the photo does not hold must come from you. Last: [your
# own photos](5_your_own_photos.ipynb).
#
# *Sources.* R. Zhang, P. Isola, A. A. Efros, "Colorful Image Colorization", 2016, arXiv:1603.08511. R. Zhang et al.,
# "Real-Time User-Guided Image Colorization with Learned Deep Priors", 2017, arXiv:1705.02999. M. Xia et al.,
# "Disentangled Image Colorization via Global Anchors", 2022, doi:10.1145/3550454.3555432.
