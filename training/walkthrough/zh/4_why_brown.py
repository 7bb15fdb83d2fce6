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
# # 4. 为什么是棕色？
#
# 上色程序都有一种偏爱的颜色：发灰的棕色。这本笔记说明它从哪里来，随项目附带的网络怎样绕开它，
# 以及网络不可能知道的事你怎样告诉它。这里不做训练，大约两分钟。

# %%
import keras
import numpy as np
from keras import ops
from PIL import Image, ImageDraw
from skimage import color

from training import anchors, bins, checkpoints, colorization, colorizers, photos
from training.walkthrough import SMALL, begin, figures, samples

FOLDER = ''  # 可以写上你自己的彩色照片文件夹
LOOKS_AT = 128 if SMALL else 256  # 网络看图时的边长

begin()
keras.utils.set_random_seed(0)
print(samples.machine())

# %% [markdown]
# ## 十辆车
#
# 下面是同一辆车的十种颜色，都是现实中常见的车色，而且 L 完全一样。在黑白照片里，它们是同一张图。
# 网络该回答什么颜色？
#
# 惩罚它的是*损失*：它说的 a、b 与真实的 a、b 之间的均方误差。每次十个里有一个是对的，而它不可能知道是哪一个。
# 平均受罚最少的回答，就是这十个的**平均值**。（车是怎样画的不重要，要紧的是 `paints`，即十对 a 和 b。）


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
        'what the network sees': color.lab2rgb(cars[0] * (1, 0, 0)),  # 只留 L，去掉 a 和 b
        'the answer that is punished least': color.lab2rgb(mean),
    }
)
print('a and b of the mean paint:', np.mean(paints, axis=0))
for name, answer in (('red', paints[0]), ('blue', paints[2]), ('gray', (0, 0)), ('the mean', np.mean(paints, axis=0))):
    print(f'mean squared error of always saying {name}: {np.mean(np.subtract(paints, answer) ** 2):.0f}')

# %% [markdown]
# 这几种回答里，平均值的误差最小，红和蓝的误差都是它的两倍多：没把握却拿定主意，就要受罚。
# 平均值是一种**没有哪辆车**会有的棕色。网络并不笨，它只是照损失的要求去做。（自然界里和商店里，暖色往往更鲜艳，
# 所以一切的平均偏向棕色。）
#
# ## 说出每种颜色有多大可能
#
# 出路来自 Zhang、Isola 和 Efros（2016）：不要求一种颜色，而要求一个*分布*。在 a、b 平面上画格子，
# 每一格叫一个*颜色格*（bin）。对每个像素，网络说出每个颜色格有多大可能，于是可以说“红或蓝或灰”，而不必把它们搅成泥。
#
# 我们载入随项目附带的网络，给它看六张照片。对每张照片上 64 x 64 个位置，它各给出 260 个数，一格一个，越大越可能；
# 这种未经处理的数叫 *logits*。*softmax* 把它们变成概率，加起来等于 1。（`share` 到后面讲锚点时才用到。）
#
# 然后在照片上指一个位置，就像在网页上点一下：宇航员的衣服、天空、杯子。左边的圆圈是这个位置。
# 右边每个圆点是一个颜色格，颜色就是它的颜色，越大表示越可能；叉号是全部的平均值。a 和 b 都是 0 的地方没有颜色。

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
# 对衣服，它想到的是蓝和灰，另有一小堆在橙和红那里，真实的颜色就在那儿；平均值落在中间，接近灰色。天空只有一堆。
# 对杯子，从灰到红似乎都有可能。
#
# 试试别的位置：改 `click(...)` 里的数字，依次是第几张照片、x、y。网络有把握的地方（天空、草地、皮肤），
# 大圆点聚成一堆，平均值就在里面。没把握的地方（衣服、上了漆的东西），圆点散开，平均值就滑向灰色。
#
# ## 不用平均值来读
#
# 分布已经有了，只要**读**得大胆一点。*鲜艳度*（`vividness`）为 0 时取平均值（忠实：误差最小），为 1
# 时偏向最可能的颜色格，并压低灰色（鲜艳：和生活一样有颜色，但错得更多）。中间则两者混合。

# %%
rows = {'gray': colorizers.to_gray(shown)}
for vividness in (0.0, 0.5, 1.0):
    rows[f'vividness {vividness}'] = model.colorize(shown, LOOKS_AT, vividness)
rows['truth'] = shown
figures.grid([list(row) for row in rows.values()], names=list(rows))

# %% [markdown]
# 一行比一行大胆。花更接近真实的颜色了；衣服越来越蓝，其实是橙色的：大胆不等于正确。最右边的墙其实是蓝的，
# 这里却成了那十辆车的棕色。
#
# ## 锚点：鲜艳而均匀
#
# 如果每个像素都自作主张地大胆选色，一件大衣可能半边变红、半边还是灰的。所以要问网络两次。
# 先把它的第一次回答分成几堆相像的位置，每堆给一种颜色、一个有代表性的位置，即*锚点*。
# 然后把这几个点当作人点的提示再给网络看，它就会把颜色均匀地铺到物体上。下面上一行是逐点自选，下一行是用锚点；
# 圆圈就是锚点。（这段代码把 `model.colorize` 内部做的事拆开来写，可以跳过不读，直接看宇航员的衣服和最右边的墙：
# 上一行斑斑驳驳，下一行均匀。）

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
# ## 提示：谁也不可能知道的，由你来说
#
# 大衣是不是红色的，照片里没有。再怎么学也学不出来，但你可能知道。*提示*就是一个位置加一种颜色。
# 网络用模拟的提示学会了它的意思，会把颜色铺到那一点所在的物体上。提示的写法是 `x, y`（0 到 1，从左边、从上边算起）和
# `a, b`。


# %%
def hinted(photo, *hints):
    points = np.array([hints], 'float32')
    return model.colorize(shown[photo : photo + 1], LOOKS_AT, 1.0, points)[0]


here = (0.25, 0.8)  # 宇航员的衣服
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
# 你说什么颜色，衣服就是什么颜色。第二幅里，旗子的几条也跟着变了；第四幅里，旗子的红色流到了旁边的墙上：
# 网络以为那东西到哪里，提示就铺到哪里，而它并不总是对的。在墙上再点一个提示，就说明了红色到哪里为止。
#
# **记住这些。** 各种可能颜色的平均，不是任何东西的颜色。分布把它们分开保存；怎样读，是在忠实与鲜艳之间选择；
# 照片里没有的，只能由你来说。最后一本：[你自己的照片](5_your_own_photos.ipynb)。
#
# *来源。* R. Zhang、P. Isola、A. A. Efros，“Colorful Image Colorization”，2016，arXiv:1603.08511。R. Zhang 等，
# “Real-Time User-Guided Image Colorization with Learned Deep Priors”，2017，arXiv:1705.02999。M. Xia 等，
# “Disentangled Image Colorization via Global Anchors”，2022，doi:10.1145/3550454.3555432。
