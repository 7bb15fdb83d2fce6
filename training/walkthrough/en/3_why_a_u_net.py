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
# # 3. Why a U-Net?
#
# Most networks that turn a picture into a picture have the shape of a U: down, where the picture gets smaller, and up
# again, with bridges across. Here we build one with bridges and one without, train both on the same pictures, and
# look at what goes over the bridges. About eight minutes.

# %%
import keras
import numpy as np
from keras import layers
from skimage import color

from training import networks
from training.walkthrough import SMALL, begin, figures, samples

FOLDER = ''  # a folder of your own colour photos, if you like
EPOCHS = 2 if SMALL else 100

begin()
keras.utils.set_random_seed(0)
pictures = samples.read(FOLDER)
print(samples.machine())

# %% [markdown]
# ## Two wishes that pull apart
#
# To know **what** something is, a network must see much of the picture: it must go down, to where one step is eight or
# sixteen pixels of the photo (notebook 1). To know **where** it ends, it must see single pixels: it must stay up. Going
# down and then up again loses the where, as enlarging does not bring back what was thrown away.
#
# The U-Net (Ronneberger, Fischer, Brox 2015, for cells under the microscope) has both: before each step down it keeps
# a copy, and on the way up it lays the copy beside what comes from below. Those bridges are the *skips*. "Lays
# beside" is meant as it says: the channels of both are put into one array (*concatenated*), and the next convolution
# takes from either what it needs.
#
# This is our U-Net in small. In notebook 1 the layers stood in a row; here paths part and meet, so every layer is
# called like a function, `x = layer(x)`, and `keras.Model` takes all that lies between `L` and the answer. *Batch
# normalization* is new: after each convolution it shifts and scales every channel so that its values lie around 0. It
# only makes learning quicker. (It would undo a bias, hence `use_bias=False`.) The last convolution has a kernel of 1 x
# 1: it looks at no surroundings and mixes the channels to a and b.
#
# `skips=False` leaves the bridges out, and nothing else changes.


# %%
def build(skips):
    """L to ab at full size, over three steps down and three up."""

    def conv(x, filters, strides=1, name=None):
        x = layers.Conv2D(filters, 3, strides, padding='same', use_bias=False)(x)
        return layers.ReLU(name=name)(layers.BatchNormalization(momentum=0.9)(x))

    L = layers.Input((None, None, 1))
    x = layers.Rescaling(1 / 50, offset=-1)(L)  # L / 50 - 1: the third mistake of notebook 2
    kept = []
    for filters in (8, 16, 32):
        x = conv(x, filters, name=f'skip_{len(kept)}')
        kept.append(x)  # the copy, before it gets smaller
        x = conv(x, 2 * filters, strides=2)
    for filters in (32, 16, 8):
        x = layers.UpSampling2D()(x)
        copy = kept.pop()
        if skips:
            x = layers.Concatenate()([x, copy])
        x = conv(x, filters)
    ab = layers.Conv2D(2, 1, kernel_initializer='zeros')(x)  # it begins by saying gray
    return keras.Model(L, layers.Rescaling(110.0)(ab))


with_skips, without = build(skips=True), build(skips=False)
print('weights with skips:', with_skips.count_params(), ' without:', without.count_params())

# %% [markdown]
# The one with skips has a fifth more weights: behind a bridge, kernels need tables for the channels of the copy too.
#
# ## The figure of the paper, and ours
#
# A block is a stage of the network. What is lower is smaller (1/4 means a quarter of the photo's height and width),
# what is wider has more channels (the number above). A red arrow is a skip. The left one has the numbers of the
# paper, the middle one is read off `training/networks/unet.py` as it is, the right one off what we have just built.

# %%
figures.unets(
    {
        'the paper (2015)': figures.PAPER,
        'training/networks/unet.py': figures.stages(networks.build('unet')),
        'the one above': figures.stages(with_skips),
    }
)

# %% [markdown]
# Ours (in the middle) stops at a quarter on the way up: colour needs no more detail, as you saw in notebook 1, and the
# finest stages would cost most of the time. The paper's network must mark every pixel of a cell, so it climbs all the
# way.
#
# ## Trained on the same pictures
#
# The same 16 cut-outs for both, shown in the same order, for the same number of epochs. They are few and small, so that
# both networks get far in minutes.

# %%
crops = samples.crops(pictures, 8 if SMALL else 16, 64, 96)
Lab = color.rgb2lab(crops).astype('float32')
L, ab = Lab[..., :1], Lab[..., 1:]

losses = {}
for name, network in (('with skips', with_skips), ('without', without)):
    keras.utils.set_random_seed(1)
    network.compile(optimizer=keras.optimizers.Adam(3e-3), loss='mse')
    losses[name] = network.fit(L, ab, batch_size=8, epochs=EPOCHS, verbose=0).history['loss']
figures.curves(losses, ylabel='mean squared error')

# %% [markdown]
# Both learn; the one with skips faster, and it gets farther. These are pictures that both have learnt from, because the
# question here is not whether they know colours but **how sharply they can put them**. Below, the a and b of each
# alone, at one lightness. Look at where one colour ends and the next begins, at the roofs of the pagoda or the rim of
# the cup: without skips it is a blotch, with them it has more of the thing's own outline.


# %%
def color_alone(ab):
    """a and b as a picture, at one lightness."""
    return color.lab2rgb(np.concatenate([np.full((*ab.shape[:2], 1), 65.0), ab], axis=-1))


some = range(5)
made = {name: np.array(network(L[:5])) for name, network in (('with skips', with_skips), ('without', without))}
rows = [[crops[i] for i in some], [color_alone(ab[i]) for i in some]]
rows += [[color_alone(made[name][i]) for i in some] for name in made]
figures.grid(rows, names=['photo', 'its a and b', 'with skips', 'without'])

# %% [markdown]
# In numbers: how far a and b are off (0 is right) at the tenth of all places where they change most from one pixel to
# the next, and elsewhere.

# %%
down, across = np.gradient(ab, axis=(1, 2))  # how much a and b change from pixel to pixel; no gradient of training
steep = np.linalg.norm(np.concatenate([down, across], axis=-1), axis=-1)
edge = steep > np.quantile(steep, 0.9)  # True at the tenth where it is most
for name, network in (('with skips', with_skips), ('without', without)):
    off = np.linalg.norm(np.array(network(L)) - ab, axis=-1)
    print(f'{name:12} where colours meet: {off[edge].mean():.1f}   elsewhere: {off[~edge].mean():.1f}')

# %% [markdown]
# Skips help in both, by about a quarter. Most is left to do where colours meet.
#
# ## What goes over the bridges
#
# The feature maps that each skip carries across, for one picture: a row a bridge, eight maps of each, drawn equally
# large. In the upper row you know her again, by edges and textures: **where**. The lowest is coarse, and hardly
# anything is left to recognise: it is nearer to **what**, in terms that the network made up for itself. It needs both,
# and the skips let it have both.

# %%
bridges = [with_skips.get_layer(f'skip_{i}').output for i in range(3)]
carried = keras.Model(with_skips.input, bridges)(L[:1])
figures.row({'the photo': crops[0]})
figures.maps({f'1/{2**i}': np.array(features)[0] for i, features in enumerate(carried)})

# %% [markdown]
# And if we cut one bridge after training? The convolution behind it has a 3 x 3 table for every channel that it
# takes; we set those for the channels of the skip to 0. What then goes wrong is what that bridge was for.


# %%
def cut(bridge):
    """The network with skips, but the convolution behind one of them multiplies what it carries by 0."""
    broken = build(skips=True)
    broken.set_weights(with_skips.get_weights())
    joins = [i for i, layer in enumerate(broken.layers) if isinstance(layer, layers.Concatenate)]  # lowest first
    convolution = broken.layers[joins[2 - bridge] + 1]
    (kernel,) = convolution.get_weights()
    kernel[:, :, -(8 * 2**bridge) :] = 0  # the last 8, 16 or 32 channels are those of the skip
    convolution.set_weights([kernel])
    return broken


shown = {'photo': crops[0], 'all bridges': color_alone(made['with skips'][0])}
for bridge in range(3):
    shown[f'1/{2**bridge} cut'] = color_alone(np.array(cut(bridge)(L[:1]))[0])
figures.row(shown)

# %% [markdown]
# Without the finest bridge (1/1) face and hair run into the wall: it carried the outlines. Without one of the others
# the outlines stay, and colours get stronger or paler.
#
# **What to take along.** Down for what, up for where, skips so that nothing is lost on the way down. Next: [why so much
# comes out brown](4_why_brown.ipynb).
#
# *Sources.* O. Ronneberger, P. Fischer, T. Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation",
# 2015, arXiv:1505.04597. S. Ioffe, C. Szegedy, "Batch Normalization", 2015, arXiv:1502.03167. The figure is drawn
# anew from the paper's numbers.
