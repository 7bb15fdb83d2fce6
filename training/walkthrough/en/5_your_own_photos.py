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
# # 5. Your own photos
#
# The network that ships was taught with some 60,000 photos of everything. Yours may be of one thing: a town, a railway,
# a family. Here it learns from your folder for some minutes, is judged, becomes one file, colours a photo, and goes to
# the page. The cells call exactly what the shell commands above them call, so that you can do the same without a
# notebook. About eight minutes.
#
# Name a folder with at least 40 colour photos if you have one; better are some hundreds. Without one, the photos of
# the libraries serve to show the way, though from so few nothing good is learnt.

# %%
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from export.__main__ import main as export
from lumachrome import Adjustments, Colorizer
from training.__main__ import main as train
from training.walkthrough import SMALL, begin, figures, samples

FOLDER = ''  # your own colour photos
MINUTES = 0.05 if SMALL else 4  # for learning
RUN = Path(tempfile.mkdtemp()) / 'mine'  # choose a folder that stays, such as runs/mine

begin()
pictures = samples.read(FOLDER)
print(samples.machine())

# %% [markdown]
# ## Learn from the folder
#
# ```
# python -m training fit --photos FOLDER --held-out 0.2 --config training/configs/lumachrome.toml \
#     --init-from training/networks/lumachrome.npz --distillation-weight 0 --learning-rate 2e-4 \
#     --batch 4 --size 128 --epoch 64 --minutes 4 --out runs/mine
# ```
#
# `--init-from` starts from what the network knows already: this is called *fine-tuning*. The *learning rate*, the size
# of each small change, is low, so that it does not forget. Some photos judge and are not learnt from: of your folder a
# fifth (`--held-out`), by their content (notebook 2); of the libraries' photos the last two. `--config` names a recipe,
# which says what the loss is and all else that is not said here; `--distillation-weight 0` leaves out one part of that
# loss, which asks a second network. `--batch` is the photos a step, `--size` the side of the crops in pixels, and
# `--epoch` how many photos are shown between two reports.
#
# It prints a lot, of which two numbers matter. `loss` is the error on what it learns from, and should fall; this recipe
# subtracts something from the error, so it may get below 0. `val_gain` is how good it is on the photos that judge: how
# many decibels nearer to the truth than no colour (below it says what a decibel is), and should rise. Where the loss
# falls and `val_gain` falls too, the network is overfitting (notebook 2), as with six photos it soon is. That is why
# the network of the best epoch is kept, not the last. `Epoch 1/1000000` is no threat: the minutes end it. A warning
# about `shuffle` means nothing.

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
# The run's folder holds a contact sheet after each epoch, of the photos that judge: gray above, the network's colours,
# the truth below. Looking at it tells more than any number. This is the last one:

# %%
sheets = sorted((RUN / 'sheets').iterdir())
figures.row({sheets[-1].name: np.asarray(Image.open(sheets[-1]))})

# %% [markdown]
# ## Is it better than before?
#
# ```
# python -m training evaluate --model runs/mine --photos FOLDER --held-out 0.2 \
#     --against training/networks/lumachrome.npz
# ```
#
# *PSNR* says how near a picture is to the true one, in decibels (dB): 10 dB more are a tenth of the squared error. The
# first table is about your network: `gray` is no colour at all, `faithful` is vividness 0 and `vivid` vividness 1
# (notebook 4). Look at **over gray**: so many decibels are gained on no colour, and below 0 gray would be nearer to the
# truth. `colorfulness` says how colourful; the line above the table has the truth's. What the other columns are,
# [metrics.py](../../metrics.py) says.
#
# The last table is yours minus the network that ships: above 0 in the column PSNR yours is nearer to the truth. Behind
# the ± is the *standard error*: a difference smaller than two of those may be chance. With two photos all is chance.

# %%
against = [] if SMALL else ['--against', 'training/networks/lumachrome.npz']
train(['evaluate', '--model', str(RUN), *judges, *against, '--out', str(RUN / 'judged')])

# %% [markdown]
# ## One file
#
# ```
# python -m export runs/mine mine.onnx
# ```
#
# *ONNX* is a format for networks that many programs read. The file takes a photo's bytes and gives a coloured photo's
# bytes: the way to Lab and back is inside, so that nobody who has the file needs any of this Python. `export` also runs
# the file on pictures of several sizes and compares it with the network; `verified` means that both say the same.

# %%
file = RUN.parent / 'mine.onnx'
export([str(RUN), str(file)])

photo = pictures[-1]
colorizer = Colorizer(file)
wanted = Adjustments() if SMALL else Adjustments(vividness=0.5)  # half bold, as in notebook 4
figures.row({'photo': photo, 'your network': np.asarray(colorizer.colorize(photo, wanted))})

# %% [markdown]
# ## On the page
#
# In a shell, in Lumachrome's folder (not on Colab, which shows no pages of its machines):
#
# ```
# make demo
# .venv-demo/bin/python -m demo --model mine.onnx
# ```
#
# The first line makes the page's environment and opens it with the network that ships; stop it with Ctrl-C. The
# second opens it with yours: drop a photo on it, click where it guesses wrong. The cell prints the second with the
# file's whole name.

# %%
print(f'.venv-demo/bin/python -m demo --model {file}')

# %% [markdown]
# **What to take along.** Start from a network that knows something, go gently, judge by photos that it has not seen,
# and look at the sheets. More is in [training/README.md](../../README.md), and what was tried and failed in
# [EXPERIMENTS.md](../../EXPERIMENTS.md).
