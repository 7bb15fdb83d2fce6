"""What people are told when something cannot be done, and files that appear whole or not at all.

Whatever is the user's to mend is a `UserError`, whose message is one sentence that names the file or the setting and
says what to do. Everything else that is raised is a bug, and shows its traceback.
"""

import contextlib
import errno
import re
import secrets
from collections.abc import Generator
from pathlib import Path

# What is missing is named itself: as long as `lumachrome` is in no index, anyone could take the name there.
VIDEO_EXTRA = 'Videos need PyAV and OpenCV ({error}): pip install av opencv-python-headless.'

# Control characters, ends of lines, orders to write from right to left, and halves of characters
_UNPRINTABLE = re.compile('[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]')
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class UserError(Exception):
    """What cannot be done as it was asked for; the message is one sentence for people."""


class ModelError(UserError):
    """A model that cannot be used, or that lacks what was asked of it."""


class ProviderError(UserError):
    """An execution provider that was asked for by name and cannot be had on this machine."""


class AdjustmentError(UserError):
    """A setting that is out of its range or no number, or hints that cannot be read."""


class PhotoError(UserError):
    """A photo, or a ZIP of photos, that cannot be read or written."""


class ThereError(PhotoError):
    """The result of a photo is there already, and nobody said that it may be replaced."""


class ArchiveError(UserError):
    """An archive that cannot be read, or a target that cannot be written: its run ends, and may go on later."""


class VideoError(UserError):
    """A video that cannot be read or written."""


def counted(count: int, what: str) -> str:
    """A number of things, in words.

    >>> counted(1, 'photo'), counted(1200, 'photo')
    ('1 photo', '1,200 photos')
    """
    return f'1 {what}' if count == 1 else f'{count:,} {what}s'


def printable(text: str) -> str:
    r"""A text of one line that every output takes.

    A file's name may be no Unicode, or hold what steers a terminal: such bytes and characters of it come as escapes.

    >>> print(printable('Z\udcfcrich\n\x1b[2J.jpg'))
    Z\udcfcrich\n\x1b[2J.jpg
    """
    return _UNPRINTABLE.sub(lambda found: found[0].encode('unicode_escape').decode(), text)


@contextlib.contextmanager
def atomic(path: str | Path) -> Generator[Path]:
    """Write a file whole or not at all.

    Parameters
    ----------
    path : str or Path
        The file; missing folders are made, and one that is there is replaced in the end.

    Yields
    ------
    Path
        A temporary file beside it, of the same suffix, to be written. When the block ends, it takes the name `path`;
        when the block fails, or has not written it, `path` stays as it was.

    Raises
    ------
    OSError
        The folder takes no file; before the block, and about the folder. Or the block met a full disk; then it is
        about `path`.
    """
    path = Path(path)
    # A short name: that of `path` may be as long as names are
    temporary = path.with_name(f'.{secrets.token_hex(8)}.part{path.suffix}')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch()
        temporary.unlink()
    except OSError as error:  # libraries say less of it, and the temporary file's name is nobody's concern
        raise OSError(error.errno, error.strerror, str(path.parent)) from error
    try:
        yield temporary
        if temporary.exists():
            temporary.replace(path)
    except OSError as error:
        if error.errno in _FULL and not error.filename:  # what writes a piece of a file does not know its name
            error.filename = str(path)
        raise
    finally:
        with contextlib.suppress(OSError):  # it would hide why the block failed
            temporary.unlink(missing_ok=True)
