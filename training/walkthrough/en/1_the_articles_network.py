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
# # 1. The article's network
#
# A program that colours a black-and-white photo: how can that work? In 2020 a beginner, ThankRain, wrote down how he
# had built one, a *network* of 32,202 numbers, and put it on GitHub (`ThankRain/image_render`). Three questions
# stayed open in his article. What is a convolution, and who chooses its kernel? Why does such a network look like
# this? How does one train it on many pictures of many sizes? These notebooks answer them with pictures.
#
# A network, here, is nothing but a function from a picture to a picture, made of additions and multiplications with
# many numbers in it, the *weights*. Nobody writes these numbers down: they are found by trying. How, is what this
# notebook is about.
#
# You need to know Python, and that a numpy array is a table of numbers with a `shape`. All else is explained here.
# Words in *italics* are terms of the field; the [glossary](../GLOSSARY.md) holds them all. This notebook takes about
# five minutes.
#
# Run the cells one after another with Shift+Enter, beginning with the one above this text, which installs what is
# missing. The next one loads what the others use: *Keras*, the library that our networks are built with (TensorFlow
# computes underneath), `color` for the notations of colours, and two helpers of ours, `samples`, which reads photos,
# and `figures`, which draws. If it prints warnings about oneDNN, CUDA or a GPU, let them be: TensorFlow has looked for
# a graphics card and found none.

# %%
import keras
import numpy as np
from skimage import color

from training import networks
from training.walkthrough import SMALL, begin, figures, samples

FOLDER = ''  # name a folder of your own colour photos here, if you like
EPOCHS = 2 if SMALL else 30  # how often the network is shown all pictures; SMALL is for a quick trial

begin()  # what goes wrong is told in a sentence
keras.utils.set_random_seed(0)  # chance falls the same way every time
pictures = samples.read(FOLDER)  # without a folder: eight photos that come with the libraries
print(samples.machine())

# %% [markdown]
# ## A photo is a table of numbers
#
# A colour photo is an array of shape (height, width, 3). Each place (a *pixel*) has three numbers from 0 to 255: how
# much red, green and blue light the screen makes there. Where the three are nearly equal, as in the pixel below, it is
# gray. The order matters, and will trip up the article's loader in notebook 2: height first, then width.

# %%
photo = pictures[0]
print('shape (height, width, 3):', photo.shape)
print('the pixel in the top left corner:', photo[0, 0])

# %% [markdown]
# Red, green and blue are bad numbers for our purpose: all three change when it merely gets darker. So colorizers use
# another notation for the same colours, *CIELAB*, or Lab: **L** is lightness, from 0 (black) to 100 (white). **a**
# goes from green (below 0) to red (above 0), **b** from blue to yellow. Where a and b are both 0 there is no colour,
# only gray.
#
# A black-and-white photo is L alone. To colour it means: **look at L, guess a and b.** Nothing else is to be guessed,
# and L stays as it is, so no face can ever change.
#
# The figure shows a photo, its L, and then a alone and b alone, each in the colours that it stands for, gray where it
# is 0. The orange of the suit is red in a and yellow in b at once.

# %%
figures.channels(photo)

# %% [markdown]
# Nothing is lost on the way to Lab (`rgb2lab`) and back (`lab2rgb`, whose numbers go from 0 to 1). Let us see how far
# the photo is from itself after the round trip, in levels from 0 to 255. 0 means that every pixel came back as it was:

# %%
Lab = color.rgb2lab(photo)
back = np.round(255 * color.lab2rgb(Lab)).astype(int)
print('largest difference:', np.abs(back - photo).max(), 'levels of 255')

# %% [markdown]
# One more thing about a and b, because every colorizer lives by it: your eye hardly sees their detail. Below, each
# block of 8 x 8 pixels gets a single a and a single b, which throws away 63 of 64 colour values, while L stays whole
# (the right picture shows the blocks without it). Can you see it without looking for it?

# %%
coarse = Lab.copy()
for top in range(0, Lab.shape[0], 8):
    for left in range(0, Lab.shape[1], 8):
        block = coarse[top : top + 8, left : left + 8, 1:]
        block[:] = block.mean((0, 1))  # written into coarse, of which block is a part
without_L = coarse.copy()
without_L[..., 0] = 65
figures.row(
    {
        'a and b whole': photo,
        'a and b in blocks of 8': color.lab2rgb(coarse),
        'those blocks alone': color.lab2rgb(without_L),
    }
)

# %% [markdown]
# So a colorizer may guess colours coarsely and lay them over the sharp L. Our own guess one colour for 4 x 4 pixels.
#
# ## What is a convolution?
#
# One pixel of L says nothing about colour: a gray of 70 may be sky, skin or a wall. What helps is the surroundings:
# is there an edge, a grain, a smooth patch? A *convolution* is the simplest way to look at surroundings.
#
# Take a table of 3 x 3 numbers, the *kernel*. Lay it on 3 x 3 pixels of the picture, multiply each pixel by the number
# that lies on it, add up the nine products: that is one number of the result. Then move the kernel one pixel on and do
# it again, over the whole picture.
#
# Below is one place of it: nine pixels where the astronaut's dark hair ends and the light wall begins, and a kernel
# that answers where it gets lighter to the right. Do the sum yourself: `-1 * 9 + 0 * 24 + 1 * 59` for the first row,
# then the other two. 207 is a strong answer; on an even wall it would be about 0.

# %%
L = Lab[..., 0]
left_edge = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])

patch = L[100:103, 276:279].round().astype(int)
print('nine pixels of L:', patch, sep='\n')
print('the kernel:', left_edge, sep='\n')
print('their products, added up:', (patch * left_edge).sum())

# %% [markdown]
# And the same for every place at once. This function is all there is to a convolution. (At the rim a kernel would hang
# over, so the result here is two pixels smaller. Networks put a frame of zeros around the picture first, so that the
# size stays; Keras calls that `padding='same'`.) We try it with four kernels: one takes the mean of nine pixels, two
# answer at edges, and the last one where a pixel differs from its neighbours.


# %%
def convolve(picture, kernel):
    """Lay a 3x3 kernel on every place of a picture, multiply and add up."""
    height, width = picture.shape
    result = np.zeros((height - 2, width - 2))
    for y in range(3):
        for x in range(3):
            # One number of the kernel, times the pixel that it lies on, for all places together
            result += kernel[y, x] * picture[y : y + height - 2, x : x + width - 2]
    return result


blur = np.full((3, 3), 1 / 9)
top_edge = left_edge.T  # rows and columns exchanged: where it gets lighter downwards
points = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])
figures.row({'L': L, 'blur: the mean of nine': convolve(L, blur)})
figures.row(
    {
        'edges to the side': convolve(L, left_edge),
        'edges up and down': convolve(L, top_edge),
        'what differs from around': convolve(L, points),
    },
    limits=(-150, 150),
)

# %% [markdown]
# Each kernel makes another picture of the same photo, in which something else stands out. The mean blurs, though only a
# little: look at the hair. In the lower row gray is 0, white is much of the thing that the kernel looks for, black is
# much of its opposite. In its first picture, then, white is where it gets lighter to the right, and black where it gets
# darker.
#
# **Who chooses the kernel?** The four above I chose. In a network **nobody** does: its kernels begin as random numbers,
# and training changes them, a little at a time, in whatever direction makes the guessed colours better. We shall watch
# that below.
#
# ## Smaller, and larger again
#
# A 3 x 3 kernel sees only three pixels far. To see a whole face one makes the picture smaller: with a *stride* of 2 the
# kernel moves two pixels at a time, so that the result is half as high and half as wide. Three times that, and a step
# of one pixel is a step of eight in the photo. *Upsampling* goes the other way: it repeats each value. What was lost
# does not come back: below, all pictures are drawn equally large, and the last two look the same.

# %%
shown = {'L': L}
small = L
for halving in range(3):
    small = convolve(small, blur)[::2, ::2]  # a stride of 2: every second place
    shown[f'stride 2, {halving + 1} times: {small.shape[0]} x {small.shape[1]}'] = small
shown['8 times larger again'] = small.repeat(8, axis=0).repeat(8, axis=1)
figures.row(shown)

# %% [markdown]
# ## The network, layer by layer
#
# Now the article's network. It is a row of *layers*; each takes what the one before made. A convolution layer does not
# have one kernel but many, and makes as many result pictures, the *channels* or *feature maps*. If its input has
# several channels, each kernel has a 3 x 3 table for every one of them, and adds all products up. After adding a number
# of its own, the *bias*, each result goes through an *activation*, here *relu*: what is below 0 becomes 0. Without this
# bend, ten layers could do no more than one. How many layers there are, and how many kernels each has (8, 16 and 32
# here), the builder of a network chooses, by trying.
#
# So a layer from `before` channels to `after` channels holds `3 * 3 * before` numbers for each kernel, `after` kernels,
# and `after` biases. Let us count by hand, and compare with what Keras says. The `L` that goes in has one channel, and
# the shape of its array ends with that 1. The sizes are those of a photo 184 high and 272 wide, as the article takes
# them; the number of weights is the same for every size.
#
# In the code, `Sequential` is a row of layers, `Conv2D` a convolution layer of so many kernels (`filters`), and
# `UpSampling2D` doubles height and width. Read the table from top to bottom: the pictures get smaller and more, then
# larger and fewer, down to two. The real file is `training/networks/article.py`, and is hardly longer.


# %%
def conv(filters, strides=1, activation='relu'):
    return keras.layers.Conv2D(filters, 3, strides, padding='same', activation=activation)


def build_model():
    return keras.Sequential(
        [
            keras.layers.Input((None, None, 1)),  # L, of any height and width
            conv(8, strides=2),
            conv(8),
            conv(16),
            conv(16, strides=2),
            conv(32),
            conv(32, strides=2),
            keras.layers.UpSampling2D(),
            conv(32),
            keras.layers.UpSampling2D(),
            conv(16),
            keras.layers.UpSampling2D(),
            conv(2, activation='tanh'),  # between -1 and 1
            keras.layers.Rescaling(128.0),  # a and b, -128 to 128
        ]
    )


model = build_model()
height, width, channels, total = 184, 272, 1, 0
print(f'{"layer":14} {"height x width x channels":28} {"weights, counted by hand":28} Keras counts')
for layer in model.layers:
    counted = ''
    if isinstance(layer, keras.layers.Conv2D):
        height, width = height // layer.strides[0], width // layer.strides[1]
        counted = f'3*3*{channels}*{layer.filters} + {layer.filters}'
        total += 3 * 3 * channels * layer.filters + layer.filters
        channels = layer.filters
    elif isinstance(layer, keras.layers.UpSampling2D):
        height, width = 2 * height, 2 * width
    print(f'{type(layer).__name__:14} {f"{height} x {width} x {channels}":28} {counted:28} {layer.count_params()}')
print(
    'all together:',
    total,
    'by hand,',
    model.count_params(),
    'by Keras,',
    networks.build('article').count_params(),
    'in training/networks/article.py',
)

# %% [markdown]
# The last layer makes two channels, a and b. *tanh* bends any number into -1 to 1, so that after the factor of 128 they
# lie between -128 and 128, as those of all colours of a screen do.
#
# ## How it learns
#
# *Training* is this, over and over: show the network some L (a *batch*, here eight), compare its a and b with the true
# ones, and change every one of the 32,202 numbers a tiny bit in the direction that makes the difference smaller. That
# direction is called the *gradient*, and Keras works it out. The difference, as one number, is the *loss*; here it is
# the *mean squared error* (`mse`). Once through all pictures is an *epoch*. How large the tiny bit is, is the *learning
# rate* (3e-3 below, which is 0.003). The rule for taking such steps is the *optimizer*; Adam is the usual one. In Keras
# `compile` says how a network is to learn, and `fit` lets it. A copy stays untrained, to compare with.
#
# We take 96 cut-outs of a handful of photos, which is far too few: the network will know these and no others. To see
# kernels change it is enough. (How many and which photos to take is what notebook 2 is about.)

# %%
crops = samples.crops(pictures, 8 if SMALL else 96, 96, 144)
Lab_crops = color.rgb2lab(crops).astype('float32')
L_crops, ab_crops = Lab_crops[..., :1], Lab_crops[..., 1:]
print('shown (how many, height, width, channels):', L_crops.shape, '  to be guessed:', ab_crops.shape)

untrained = keras.models.clone_model(model)
untrained.set_weights(model.get_weights())
model.compile(optimizer=keras.optimizers.Adam(3e-3), loss='mse')
history = model.fit(L_crops, ab_crops, batch_size=8, epochs=EPOCHS, verbose=0).history['loss']
figures.curves({'loss on these cut-outs': history}, ylabel='mean squared error')

# %% [markdown]
# The loss falls: it learns something. (Where the curve rises, a step went too far.) Had the network always said gray,
# its loss would be the first number below. The square root of a loss is easier to imagine: it says how far an a or b is
# typically off. Always gray is off by 22, the trained network by 12.

# %%
print('always gray:', np.mean(ab_crops**2).round(1), '  trained:', round(history[-1], 1))

# %% [markdown]
# Here are the eight kernels of the first layer, a column each, before and after. Blue is above 0, red below, white
# between. At first they are noise. Training has changed them, most of them so little that you have to look for it:
# small changes of very many numbers are enough. Do not expect tidy edge finders from a few minutes and a few photos.

# %%
figures.kernels(untrained.layers[0].get_weights()[0], model.layers[0].get_weights()[0])

# %% [markdown]
# What kernels do is better seen in what they make of a photo, here of a cat's nose and eye. These are feature maps, the
# results of the first, fourth and sixth convolution (eight of each), a row before training and a row after. To get them
# we make a network that ends early, at that layer. Yellow is where a kernel found what it looks for, dark blue where it
# found nothing. A map that is all dark found nothing in this photo: relu made 0 of it. Deeper maps are smaller, so you
# see their pixels. What is bright along a rim alone comes from the frame of zeros. What the deeper ones look for has no
# name: nobody chose it.


# %%
def feature_maps(network, picture, place):
    part = keras.Model(network.inputs[0], network.layers[place].output)
    return np.array(part(picture[None]))[0]  # in a batch of one picture


rows = {}
for place, name in ((0, 'first'), (3, 'fourth'), (5, 'sixth')):
    rows[f'{name}, before'] = feature_maps(untrained, L_crops[1], place)
    rows[f'{name}, after'] = feature_maps(model, L_crops[1], place)
figures.maps(rows)

# %% [markdown]
# ## How far does it see?
#
# The colour of one pixel depends on a square of L around it, the *receptive field*. How large is it? We simply try:
# change one column of the picture, and look whether the answer in the middle moves. Then the next column. (As relu
# might hide a change, we take a copy of the network in which every kernel takes the mean of what it sees.) The columns
# that count lie side by side.

# %%
wide_awake = keras.models.clone_model(model)
# Tables of kernels get equal numbers, biases 0
wide_awake.set_weights(
    [
        np.full(weight.shape, 1 / weight[..., 0].size) if weight.ndim == 4 else 0 * weight
        for weight in model.get_weights()
    ]
)

side = 128
rng = np.random.default_rng(0)
plain = rng.uniform(0, 0.1, (1, side, side, 1)).astype('float32')
shaken = np.repeat(plain, side, axis=0)  # one picture a column
for column in range(side):
    shaken[column, :, column] = 1
middle = side // 2
answers = np.array(wide_awake(shaken))[:, middle, middle]
plain_answer = np.array(wide_awake(plain))[0, middle, middle]
matter = np.flatnonzero(np.abs(answers - plain_answer).max(-1) > 0)
reach = matter[-1] - matter[0] + 1
print(f'columns {matter[0]} to {matter[-1]} count for the pixel in the middle: it sees {reach} pixels')

gray = L_crops[0, ..., 0]
top, left = (gray.shape[0] - reach) // 2, (gray.shape[1] - reach) // 2
figures.boxed(gray, {f'what one pixel sees: {reach} x {reach}': (top, left, reach, reach)})

# %% [markdown]
# What lies outside of the box does not exist for this pixel. In a photo 1,000 pixels wide that is a small window: the
# network cannot know whether a gray patch belongs to a lake or to a lawn. That is one reason for the deeper networks of
# notebook 3.
#
# ## What it makes of photos
#
# The upper row are photos, the middle one is all that the network sees, the lower what it answers. It has seen parts
# of these very photos while it learnt!


# %%
def colorize(network, picture):
    """A photo as the network would colour it: only its L is shown to the network."""
    L = color.rgb2lab(picture)[..., :1]
    tall, wide = (8 * (length // 8) for length in L.shape[:2])  # three halvings need a multiple of 8
    L = L[:tall, :wide]
    ab = np.array(network(L[None]))[0]
    return color.lab2rgb(np.concatenate([L, ab], axis=-1))


few = samples.crops(pictures, 5, 160, 240, seed=7)
figures.grid(
    [few, [color.rgb2lab(picture)[..., 0] / 100 for picture in few], [colorize(model, picture) for picture in few]],
    names=['photo', 'L', 'answer'],
    limits=(0, 1),
)

# %% [markdown]
# Some things are right. Much is one orange brown, with stains of blue that end where nothing ends. Why brown, of all
# colours? Notebook 4 answers that. First, [notebook
# 2](2_many_pictures.ipynb): what the article's training did wrong, and how one uses many pictures.
#
# **What to take along.** A photo is L, a and b; only a and b are guessed. A convolution is nine products and a sum,
# its kernel is learnt. A stride makes smaller and so sees farther. Training is: guess, compare, change a little,
# again.
#
# *Sources.* The article and its code: ThankRain, `image_render`, GitHub, 2020. CIELAB: CIE 1976. Keras:
# <https://keras.io>. Text and figures here are our own.
