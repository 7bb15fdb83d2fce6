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
# 随项目附带的网络用 61000 张各种各样的照片教成。你的照片也许只有一个主题：一座城、一条铁路、一家人。在这里，
# 它用你的文件夹再学几分钟，接受评判，变成一个文件，给一张照片上色，最后上到网页。
# 每格代码调用的正是上面写的 shell 命令所调用的，不用笔记本也能照做。大约八分钟。
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
MINUTES = 0.05 if SMALL else 4
RUN = Path(tempfile.mkdtemp()) / 'mine'  # 想保留就换成固定的文件夹，如 runs/mine

begin()
pictures = samples.read(FOLDER)
print(samples.machine())

# %% [markdown]
# ## 从文件夹学习
#
# ```
# python -m training fit --photos FOLDER --config training/configs/lumachrome.toml
#     --init-from training/networks/lumachrome.npz --distillation-weight 0
#     --learning-rate 2e-4 --minutes 4 --out runs/mine
# ```
#
# `--init-from` 从网络已经会的开始，这叫*微调*。*学习率*（每次小改动的大小）很低，免得它忘掉以前学的。
# 一部分照片只用来评判，不参加学习：你的文件夹按内容留出五分之一（见第 2 本）；库自带的照片留出最后两张。

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
# 运行的文件夹里，每轮之后有一张对照图：上面是灰的，中间是网络上的色，下面是真相。看它一眼，比任何数字都强。

# %%
sheets = sorted((RUN / 'sheets').iterdir())
figures.row({sheets[-1].name: np.asarray(Image.open(sheets[-1]))})

# %% [markdown]
# ## 比以前好吗？
#
# ```
# python -m training evaluate --model runs/mine --photos OTHER --against training/networks/lumachrome.npz
# ```
#
# 表格在评判用的照片上比较两者。*PSNR over gray* 用分贝表示，与完全不上色相比离真相近了多少；
# 最后一张表说明你的比原来好多少，± 后面是*标准误差*：差别若小于它的两倍，可能只是运气。只有两张照片时，全是运气。

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
# 所以有了文件的人不需要这里的任何 Python。

# %%
file = RUN.parent / 'mine.onnx'
export([str(RUN), str(file)])

photo = pictures[-1]
colorizer = Colorizer(file)
wanted = Adjustments() if SMALL else Adjustments(vividness=0.5)
figures.row({'photo': photo, 'your network': np.asarray(colorizer.colorize(photo, wanted))})

# %% [markdown]
# ## 上到网页
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
