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
# # 5. 你自己的照片
#
# 随项目附带的网络用约 60000 张各种各样的照片教成。你的照片也许只有一个主题：一座城、一条铁路、一家人。在这里，
# 它用你的文件夹再学几分钟，接受评判，变成一个文件，给一张照片上色，最后放到网页上。每格代码调用的正是上面写的 shell
# 命令所调用的，不用笔记本也能照做。大约八分钟。
#
# 如果有，请写上一个至少有 40 张彩色照片的文件夹，几百张更好。没有的话，就用各个库自带的照片走一遍流程，
# 不过这么少的照片教不出什么好东西。

# %%
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from export.__main__ import main as export
from lumachrome import Adjustments, Colorizer
from training.__main__ import main as train
from training.walkthrough import SMALL, begin, figures, samples

FOLDER = ''  # 你自己的彩色照片
MINUTES = 0.05 if SMALL else 4  # 学习几分钟
RUN = Path(tempfile.mkdtemp()) / 'mine'  # 想保留就换成固定的文件夹，如 runs/mine

begin()
pictures = samples.read(FOLDER)
print(samples.machine())

# %% [markdown]
# ## 从文件夹学习
#
# ```
# python -m training fit --photos FOLDER --held-out 0.2 --config training/configs/lumachrome.toml \
#     --init-from training/networks/lumachrome.npz --distillation-weight 0 --learning-rate 2e-4 \
#     --batch 4 --size 128 --epoch 64 --minutes 4 --out runs/mine
# ```
#
# `--init-from` 从网络已经会的开始，这叫*微调*。*学习率*（每次小改动的大小）很低，免得它忘掉以前学的。
# 一部分照片只用来评判，不参加学习：你的文件夹按内容留出五分之一（`--held-out`，见第 2 本）；
# 库自带的照片留出最后两张。`--config` 指定一份配方，里面写着用什么损失，以及这里没写的其他设置；
# `--distillation-weight 0` 去掉这个损失中的一部分，那部分要去问另一个网络。`--batch` 是每一步看几张照片，`--size`
# 是裁出的块的边长（像素），`--epoch` 是每看多少张照片报告一次。
#
# 它会打印许多东西，要紧的只有两个数。`loss` 是在学习用的照片上的误差，应该下降；这份配方会从误差里减去一项，
# 所以它可能小于 0。`val_gain` 说明在评判用的照片上有多好：与完全不上色相比，
# 离原图近了多少分贝（下面会说什么是分贝），它应该上升。如果损失在降，`val_gain` 也在降，就是过拟合（见第 2 本），
# 只有六张照片时很快就会这样。所以保留下来的是最好那一轮的网络，而不是最后一轮的。`Epoch 1/1000000` 不必担心：
# 时间一到就停。关于 `shuffle` 的警告没有什么意义。

# %%
if FOLDER:
    sources = ['--photos', FOLDER, '--held-out', '0.2']
    judges = ['--photos', FOLDER, '--held-out', '0.2']
else:
    shipped = {name: samples.photo(name) for name in samples.SHIPPED}
    last_two = {name: shipped.pop(name) for name in list(shipped)[-2:]}
    learn = samples.folder_of(shipped, RUN.parent / 'learn')
    judge = samples.folder_of(last_two, RUN.parent / 'judge')
    sources = ['--photos', str(learn), '--validation', str(judge)]
    judges = ['--photos', str(judge)]

how = ['--batch', '4', '--size', '128', '--epoch', '64', '--minutes', str(MINUTES), '--learning-rate', '2e-4']
if SMALL:
    start = ['--network', 'article', '--canvas', '64', '--size', '32', '--epoch', '8']
else:
    start = ['--config', 'training/configs/lumachrome.toml', '--init-from', 'training/networks/lumachrome.npz']
    start += ['--distillation-weight', '0']
train(['fit', *sources, *how, *start, '--out', str(RUN)])

# %% [markdown]
# 这次训练的文件夹（`RUN`）里，每轮之后有一张对照图，画的是评判用的照片：上面是灰的，中间是网络上的色，下面是原图。
# 看它一眼，比任何数字都强。这是最后一张：

# %%
sheets = sorted((RUN / 'sheets').iterdir())
figures.row({sheets[-1].name: np.asarray(Image.open(sheets[-1]))})

# %% [markdown]
# ## 比以前好吗？
#
# ```
# python -m training evaluate --model runs/mine --photos FOLDER --held-out 0.2 \
#     --against training/networks/lumachrome.npz
# ```
#
# *PSNR* 用分贝（dB）说明一张图离原图有多近：多 10 分贝，误差的平方就只有十分之一。第一张表是你的网络：`gray`
# 是完全不上色，`faithful`（忠实）是鲜艳度 0，`vivid`（鲜艳）是鲜艳度 1（见第 4 本）。请看 **over gray** 一列：
# 比不上色多得了多少分贝；如果小于 0，还不如不上色。`colorfulness` 说明颜色有多丰富，原图的数值在表上面那一行。
# 其他各列的含义见 [metrics.py](../../metrics.py)。
#
# 最后一张表是你的网络减去随项目附带的网络：PSNR 一列大于 0，就是你的更接近原图。± 后面是*标准误差*：
# 差别若小于它的两倍，可能只是运气。只有两张照片时，全是运气。

# %%
against = [] if SMALL else ['--against', 'training/networks/lumachrome.npz']
train(['evaluate', '--model', str(RUN), *judges, *against, '--out', str(RUN / 'judged')])

# %% [markdown]
# ## 一个文件
#
# ```
# python -m export runs/mine mine.onnx
# ```
#
# *ONNX* 是许多程序都能读的网络格式。这个文件拿到照片的字节，给出上了色的照片的字节：转成 Lab 再转回来都在里面，
# 所以有了文件的人不需要这里的任何 Python。`export` 还会用几种尺寸的图来试这个文件，与网络对照；`verified`
# 表示两者答得一样。

# %%
file = RUN.parent / 'mine.onnx'
export([str(RUN), str(file)])

photo = pictures[-1]
colorizer = Colorizer(file)
wanted = Adjustments() if SMALL else Adjustments(vividness=0.5)  # 一半大胆，见第 4 本
figures.row({'photo': photo, 'your network': np.asarray(colorizer.colorize(photo, wanted))})

# %% [markdown]
# ## 放到网页上
#
# 在 shell 里，进入 Lumachrome 的文件夹（在 Colab 上不行，它不显示机器上的网页）：
#
# ```
# make demo
# .venv-demo/bin/python -m demo --model mine.onnx
# ```
#
# 第一行准备好网页的环境，并用附带的网络打开网页；按 Ctrl-C 停止。第二行用你的网络打开：把照片拖上去，
# 猜错的地方点一下。下面这格打印带完整文件名的第二行。

# %%
print(f'.venv-demo/bin/python -m demo --model {file}')

# %% [markdown]
# **记住这些。** 从已经懂得一些的网络开始，慢慢改，用它没见过的照片评判，并且看一看对照图。
# 更多内容见 [training/README.md](../../README.md)，
# 试过什么、失败了什么见 [EXPERIMENTS.md](../../EXPERIMENTS.md)。
