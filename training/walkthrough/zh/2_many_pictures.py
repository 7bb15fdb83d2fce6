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
# # 2. 许多图片
#
# 第 1 本笔记讲了文章里的网络是什么。这一本讲成败的另一半：图片。我们看看文章怎样读图，亲眼看到四个错误，
# 再把它们改正。大约六分钟。

# %%
import os
import tempfile

import keras
import numpy as np
from PIL import Image
from skimage import color

from training import augment, checkpoints, colorizers, networks, photos
from training.walkthrough import SMALL, begin, figures, samples

FOLDER = ''  # 可以写上你自己的彩色照片文件夹
ARTICLE_WEIGHTS = os.environ.get('ARTICLE_WEIGHTS', '')  # 文章的 simple_model.h5，如果你有
EPOCHS = 3 if SMALL else 300

begin()
keras.utils.set_random_seed(0)
pictures = samples.read(FOLDER)
print(samples.machine())

# %% [markdown]
# ## 错误一：高和宽
#
# 网络按批学习，一批就是一个数组，所以里面的图必须一样大。文章要的是高 184、宽 272。numpy 数组的形状先写高；而 Pillow
# 和 OpenCV（读照片、缩放照片用的库）缩放时先写**宽**。（下面的 `Image` 就来自 Pillow。）把前者直接交给后者，
# 就成了中间那幅：

# %%
photo = pictures[-1]
height, width = 184, 272
exchanged = np.asarray(Image.fromarray(photo).resize((height, width)))
meant = np.asarray(Image.fromarray(photo).resize((width, height)))
print('wanted:', (height, width), ' exchanged gives:', exchanged.shape[:2], ' meant was:', meant.shape[:2])
figures.row({'the photo': photo, 'exchanged': exchanged, 'as meant': meant})

# %% [markdown]
# 没有任何报错，因为由卷积组成的网络什么尺寸都接受，只是图错了。**看一看你拿去训练的图**：这是最便宜的检查。
#
# ## 错误二：全都挤成一个形状
#
# 就算高和宽没有弄反，把竖着的照片挤进横框里，人也会变得像柜子一样宽。网络学到的是压扁的脸，后来遇到的却是正常的脸。
# 办法是裁，而不是挤。我们训练用的 `augment.crop` 每次从方形照片里随机裁一块，按原比例缩放（0.35
# 是这一块至少占的面积，128 是结果的边长，单位是像素）；三次中有一次取整张方形照片，因为完整的东西最好认。
# 下面的前两块就是这样。

# %%
tall = next((picture for picture in pictures if picture.shape[0] > picture.shape[1]), pictures[0])
squeezed = np.asarray(Image.fromarray(tall).resize((width, height)))
figures.row({'the photo': tall, 'squeezed to 272 x 184': squeezed})

rng = np.random.default_rng(1)
square = photos.square(Image.fromarray(tall), 176)
figures.row({f'crop {i + 1}': augment.crop(square, 128, 0.35, rng) for i in range(5)})

# %% [markdown]
# 每次遇到一张照片，网络看到的都是不同的一块，于是一张顶许多张。这叫*数据增强*。
#
# ## 错误三：数字太大
#
# 文章把 L 原样（0 到 100）喂进去。而各层的初始权重很小，是为大约 -1 到 1 的输入准备的。输入大一百倍，答案也大一百倍：
# 还什么都没学，网络就说出很艳的颜色，靠近 *tanh* 的两端；那里曲线是平的，平的地方梯度很小。这些都得先改掉。
# 下面用同样的初始权重把同一个网络训练两次：一次用原样的 L，一次用 L / 50 - 1，它在 -1 到 1 之间。优化器用文章的
# RMSprop。训练之前最大的答案会打印出来。


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
# 大约从第三轮到第十五轮，缩放过的那条领先。后来另一条更低，但请看它是怎么下去的：忽上忽下，因为输入大，权重稍微一改，
# 答案就变很多。曲线这样跳，最后停在好的还是坏的地方，全凭运气。缩放过的那条稳稳下降，快慢只由学习率决定。
#
# 所以我们的网络 `unet` 和 `lumachrome` 把缩放放在网络内部，谁也忘不了。（`article` 有意保留了文章的做法。）
#
# ## 错误四，也是最糟的：用教过的题来考试
#
# 文章拿 24 张图训练了几千轮，再用同样的 24 张来看效果好不好。我们也这样做：从一半照片里裁 24 块来训练，
# 另一半照片一点也不给它看。一路上看三个数：这 24 块上的误差，**同样照片的其他部分**上的误差，**别的照片**上的误差。
# 用户遇到的只有最后一种。（*回调*是训练过程中由 Keras 调用的函数，我们用它每十轮记下这三个数，所以图中的 30 就是第
# 300 轮。）

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
# 最低的一条是文章看到的。最高的一条才是真相：在别的照片上，头几轮之后误差就已经到了最低，此后反而**上升**、来回摇摆，
# 而网络在那 24 块上却越来越准；到最后，并不比开头好。网络把这 24 块背了下来，这叫*过拟合*。中间那条也是个提醒：
# 同一张照片的不同部分分在两边，会让网络显得比实际更好。
#
# 看看样子：上面是原图，下面是回答；左边是它见过的图，右边是没见过的。


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
# ## 文章自己的权重
#
# 文章公布的 `simple_model.h5` 不允许转发，所以这里没有。如果你有这个文件，
# 请在第一格写上它的路径（`ARTICLE_WEIGHTS`），就会看到它怎样给五张从没见过的照片上色。文章展示的是它自己的 24 张，
# 颜色都对：32202 个数字足以记住 24 张图，而从来没有人要求它们做更多。

# %%
if ARTICLE_WEIGHTS:
    article = colorizers.NetworkColorizer(checkpoints.load(ARTICLE_WEIGHTS))
    some = np.stack([photos.square(Image.fromarray(picture), 184) for picture in pictures[:5]])
    figures.grid([list(some), list(article.colorize(some))], names=['truth', "the article's"])
else:
    print('No ARTICLE_WEIGHTS is named: the picture that would stand here needs the file simple_model.h5.')

# %% [markdown]
# ## 我们的训练是怎么做的
#
# - **多**：文件夹和 .tar 文件（把文件夹打包成的一个文件），多大都行。随项目附带的网络是用约 60000 张照片教出来的，第 4
#   本笔记会用到它。
# - **完整，不压扁**：`photos.read` 把每张照片居中裁成方形，只裁一次；`augment.crop` 每次再取其中不同的一块。
#   无法解码、太小或没有颜色的会被剔除，并列出名字。
# - **诚实地评判**：`photos.split` 留出一部分不参加训练。哪张照片归哪边，由文件的*哈希值*（从内容算出的一个数）决定：
#   同一张照片的所有副本总在同一边，每次运行都一样，以后再加照片也不变。
#
# 我们用八张照片来试，再混进一张灰的，它应该被剔除。`share=0.3` 留出大约十分之三；照片这么少，可能是两张，
# 也可能是四张。（带进度条的几行只是说读到哪里了。）

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
# **记住这些。** 看一看输入。要裁，不要挤。把数字缩放好。绝不用教过的来考：按照片分，而不是按图块分。
#
# 下一本：[网络为什么长成 U 形](3_why_a_u_net.ipynb)。
#
# *来源。* ThankRain，`image_render`，GitHub，2020。按内容划分是通行的做法，我们的实现是 `photos.split`。
