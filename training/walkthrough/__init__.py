"""Five notebooks that show what a colorizer is, for those who know only Python; in English (`en/`) and Chinese (`zh/`).

The sources are the .py files (jupytext's percent format), one a language with the same code; `python -m
training.walkthrough` makes the .ipynb files of them. What the notebooks share, and what teaches nothing, is in
`samples` (the photos) and `figures` (the drawing). Figures are labelled in English or in symbols alone: matplotlib
brings no Chinese font.
"""

import logging
import os
import sys
import warnings

SMALL = os.environ.get('WALKTHROUGH') == 'small'  # fewer steps, to see in seconds that all of it runs


def begin() -> None:
    """Let a notebook say in a sentence what to do, where what went wrong is nothing to read a traceback for.

    An `UserError` shows as its sentence, and a name that no cell has made yet as what to run first. Warnings about
    colours that no screen shows and about functions that are compiled again are nothing to a reader: they are silent.
    """
    warnings.filterwarnings('ignore', message='Conversion from CIE-LAB')
    logging.getLogger('tensorflow').setLevel(logging.ERROR)
    try:
        from IPython.core.getipython import get_ipython  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError:  # the cells are run as a program, in order
        return

    from lumachrome.errors import UserError

    def sentence(shell, kind, error, traceback, tb_offset=None):
        if issubclass(kind, NameError):
            print(
                f'There is no {error.name!r} yet: an earlier cell makes it. Choose "Run All Above", then run this cell '
                f'again.\n还没有 {error.name!r}：它由前面的单元格生成。请先选择“运行上方所有单元格”，再运行本单元格。',
                file=sys.stderr,
            )
        else:
            print(error, file=sys.stderr)
        return []

    shell = get_ipython()
    if shell is not None:
        shell.set_custom_exc((NameError, UserError), sentence)
