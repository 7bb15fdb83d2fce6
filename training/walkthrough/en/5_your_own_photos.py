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
# The network that ships was taught with 61,000 photos of everything. Yours may be of one thing: a town, a railway, a
# family. Here it learns from your folder for some minutes, is judged, becomes one file, colours a photo, and goes to
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
MINUTES = 0.05 if SMALL else 4
RUN = Path(tempfile.mkdtemp()) / 'mine'  # choose a folder that stays, such as runs/mine

begin()
pictures = samples.read(FOLDER)
print(samples.machine())

# %% [markdown]
# ## Learn from the folder
#
# ```
# python -m training fit --photos FOLDER --config training/configs/lumachrome.toml
#     --init-from training/networks/lumachrome.npz --distillation-weight 0
#     --learning-rate 2e-4 --minutes 4 --out runs/mine
# ```
#
# `--init-from` starts from what the network knows already: this is called *fine-tuning*. The *learning rate*, the
# size of each small change, is low, so that it does not forget. Some photos judge and are not learnt from: of your
# folder a fifth, by their content (notebook 2); of the libraries' photos the last two.

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
# The run's folder holds a contact sheet after each epoch: gray above, the network's colours, the truth below. Looking
# at it tells more than any number.

# %%
sheets = sorted((RUN / 'sheets').iterdir())
figures.row({sheets[-1].name: np.asarray(Image.open(sheets[-1]))})

# %% [markdown]
# ## Is it better than before?
#
# ```
# python -m training evaluate --model runs/mine --photos OTHER --against training/networks/lumachrome.npz
# ```
#
# The table compares both on the photos that judge. *PSNR over gray* says, in decibels, how much nearer to the truth
# than no colour at all; the last table says by how much yours is better, with its *standard error* behind the ±: a
# difference smaller than two of those may be chance. With two photos all is chance.

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
# bytes: the way to Lab and back is inside, so that nobody who has the file needs any of this Python.

# %%
file = RUN.parent / 'mine.onnx'
export([str(RUN), str(file)])

photo = pictures[-1]
colorizer = Colorizer(file)
wanted = Adjustments() if SMALL else Adjustments(vividness=0.5)
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
