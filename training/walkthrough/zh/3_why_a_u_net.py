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
# # 3. 为什么是 U-Net？
#
# 把图变成图的网络大多长成 U 形：先往下，图越来越小；再往上回来，中间还架着桥。
# 这里我们造一个有桥的和一个没有桥的，用同样的图片训练，再看看桥上过的是什么。大约八分钟。

# %%
import keras
import numpy as np
from keras import layers
from skimage import color

from training import networks
from training.walkthrough import SMALL, begin, figures, samples

FOLDER = ''  # 可以写上你自己的彩色照片文件夹
EPOCHS = 2 if SMALL else 100

begin()
keras.utils.set_random_seed(0)
pictures = samples.read(FOLDER)
print(samples.machine())

# %% [markdown]
# ## 两个互相拉扯的愿望
#
# 要知道那**是什么**，网络得看到图的一大片，也就是得往下走，走到一步等于照片上八个或十六个像素的地方（见第 1 本）。
# 要知道它**在哪里结束**，就得看清单个像素，也就是得留在上面。先下后上会丢掉“在哪里”，因为放大并不能找回扔掉的东西。
#
# U-Net（Ronneberger、Fischer、Brox，2015，原本用于显微镜下的细胞）两样都要：每次往下走之前留一份副本，
# 回来时把副本和下面来的并排放在一起。这些桥叫*跳跃连接*（skip）。“并排放”就是字面意思：
# 两者的通道放进同一个数组（*拼接*），下一个卷积需要哪边就取哪边。
#
# 下面是缩小版的 U-Net。第 1 本里各层排成一串；这里路会分开再会合，所以每一层像函数一样来调用：`x = layer(x)`，
# `keras.Model` 则收下从 `L` 到答案之间的一切。*批归一化*是新东西：每次卷积之后，把每个通道平移并缩放，让数值落在 0
# 附近。它只是让学习更快。（它会把偏置抵消掉，所以写 `use_bias=False`。）最后一个卷积的卷积核是 1 x 1：它不看周围，
# 只把各通道混合成 a 和 b。
#
# `skips=False` 去掉桥，其他都不变。


# %%
def build(skips):
    """L to ab at full size, over three steps down and three up."""

    def conv(x, filters, strides=1, name=None):
        x = layers.Conv2D(filters, 3, strides, padding='same', use_bias=False)(x)
        return layers.ReLU(name=name)(layers.BatchNormalization(momentum=0.9)(x))

    L = layers.Input((None, None, 1))
    x = layers.Rescaling(1 / 50, offset=-1)(L)  # L / 50 - 1：见第 2 本的错误三
    kept = []
    for filters in (8, 16, 32):
        x = conv(x, filters, name=f'skip_{len(kept)}')
        kept.append(x)  # 变小之前的副本
        x = conv(x, 2 * filters, strides=2)
    for filters in (32, 16, 8):
        x = layers.UpSampling2D()(x)
        copy = kept.pop()
        if skips:
            x = layers.Concatenate()([x, copy])
        x = conv(x, filters)
    ab = layers.Conv2D(2, 1, kernel_initializer='zeros')(x)  # 一开始回答灰色
    return keras.Model(L, layers.Rescaling(110.0)(ab))


with_skips, without = build(skips=True), build(skips=False)
print('weights with skips:', with_skips.count_params(), ' without:', without.count_params())

# %% [markdown]
# 有跳跃连接的网络，权重多五分之一：桥后面的卷积核，对副本的通道也各要有一张表。
#
# ## 论文里的图，和我们的图
#
# 一个方块是网络的一级。越低的越小（1/4 表示高和宽是照片的四分之一），越宽的通道越多（上方的数字）。
# 红色箭头是跳跃连接。左图用的是论文里的数字；中图直接从 `training/networks/unet.py` 读出；
# 右图从我们刚造的网络读出。

# %%
figures.unets(
    {
        'the paper (2015)': figures.PAPER,
        'training/networks/unet.py': figures.stages(networks.build('unet')),
        'the one above': figures.stages(with_skips),
    }
)

# %% [markdown]
# 我们的网络（中图）往上只走到四分之一：第 1 本里看到，颜色不需要更多细节，而最精细的几级最费时间。
# 论文里的网络要标出细胞的每个像素，所以一直走到顶。
#
# ## 用同样的图片训练
#
# 两个网络用同样的 16 块图，同样的顺序，同样的轮数。图块又少又小，这样两个网络几分钟就能学得不错。

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
# 两个都在学，有跳跃连接的学得更快，也学得更好。下面是两个网络都学过的图，因为这里要问的不是它们懂不懂颜色，
# 而是**颜色的边界放得多准**。每种情况下面单独画出 a 和 b，明度都一样。请看一种颜色在哪里结束、下一种从哪里开始，
# 比如宝塔的屋檐、杯子的边：没有跳跃连接时只是一团，有了就更像物体自己的轮廓。


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
# 用数字说：在 a、b 从一个像素到下一个变化最大的那十分之一的位置，它们平均差多少（0 表示全对）；其他地方又差多少。

# %%
down, across = np.gradient(ab, axis=(1, 2))  # a、b 在相邻像素间变化多少，不是训练用的梯度
steep = np.linalg.norm(np.concatenate([down, across], axis=-1), axis=-1)
edge = steep > np.quantile(steep, 0.9)  # 变化最大的十分之一为 True
for name, network in (('with skips', with_skips), ('without', without)):
    off = np.linalg.norm(np.array(network(L)) - ab, axis=-1)
    print(f'{name:12} where colours meet: {off[edge].mean():.1f}   elsewhere: {off[~edge].mean():.1f}')

# %% [markdown]
# 两处都因跳跃连接而好了大约四分之一。颜色相接之处，剩下的差距最大。
#
# ## 桥上过的是什么
#
# 对一张图，每座桥送过去的特征图：一座桥一行，各画八幅，画得一样大。最上面一行还认得出她，满是边缘和纹理：**在哪里**。
# 最下面一行很粗，几乎什么也认不出来：它更接近**是什么**，用的是网络自己编的说法。网络两样都需要，
# 跳跃连接让它两样都有。

# %%
bridges = [with_skips.get_layer(f'skip_{i}').output for i in range(3)]
carried = keras.Model(with_skips.input, bridges)(L[:1])
figures.row({'the photo': crops[0]})
figures.maps({f'1/{2**i}': np.array(features)[0] for i, features in enumerate(carried)})

# %% [markdown]
# 如果在训练之后切断一座桥，会怎样？桥后面的卷积对每个输入通道各有一张 3 x 3 的表，
# 我们把来自桥的那些表全部设为 0。出错的地方，就是那座桥的用处。


# %%
def cut(bridge):
    """The network with skips, but the convolution behind one of them multiplies what it carries by 0."""
    broken = build(skips=True)
    broken.set_weights(with_skips.get_weights())
    joins = [i for i, layer in enumerate(broken.layers) if isinstance(layer, layers.Concatenate)]  # 最低的在前
    convolution = broken.layers[joins[2 - bridge] + 1]
    (kernel,) = convolution.get_weights()
    kernel[:, :, -(8 * 2**bridge) :] = 0  # 最后 8、16 或 32 个通道来自跳跃连接
    convolution.set_weights([kernel])
    return broken


shown = {'photo': crops[0], 'all bridges': color_alone(made['with skips'][0])}
for bridge in range(3):
    shown[f'1/{2**bridge} cut'] = color_alone(np.array(cut(bridge)(L[:1]))[0])
figures.row(shown)

# %% [markdown]
# 切断最精细的桥（1/1），脸和头发就与墙混成一片：轮廓是由它送过去的。切断另外两座中的一座，轮廓还在，颜色变浓或变淡。
#
# **记住这些。** 往下走是为了“是什么”，往上走是为了“在哪里”，有了跳跃连接，往下走就不会丢东西。下一本：
# [为什么总是偏棕](4_why_brown.ipynb)。
#
# *来源。* O. Ronneberger、P. Fischer、T. Brox，
# “U-Net: Convolutional Networks for Biomedical Image Segmentation”，2015，arXiv:1505.04597。
# S. Ioffe、C. Szegedy，“Batch Normalization”，2015，arXiv:1502.03167。图按论文中的数字重新绘制。
