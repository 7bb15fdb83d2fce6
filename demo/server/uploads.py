"""Files that visitors sent, and files for them: how large they may be, where they lie, and what may be opened."""

import base64
import binascii
import re
import secrets
from pathlib import Path
from urllib.parse import unquote

from gradio.route_utils import GradioMultiPartParser
from gradio.utils import get_upload_folder
from starlette.formparsers import MultiPartException

from lumachrome.errors import PhotoError

JSON_BYTES = 20_000_000  # of a request that is no upload: a photo may come in it, as a data: URL
MAX_PIXELS = 100_000_000  # of a photo: a 16-bit one of that size takes some 3 GB while it is coloured
FILE_MB = 200  # of an uploaded file, in Gradio's megabytes of 1024 x 1024 bytes
UPLOAD_BYTES = FILE_MB * 2**20 + 2**16  # of one upload: a file of that size and what it is wrapped in
LONGEST_PATH = 4096  # or address: longer than that of any file here

# The beginning of a photo as a data: URL. Bounded, else a long kind of image would be tried at each of its letters.
DATA_URL = re.compile(r'data:image/([a-z0-9]{1,40}+)[a-z0-9.+-]{0,40}+;base64,', re.IGNORECASE)
_OWN_URL = re.compile(r'https?://[^/]++(?:/.*)?/gradio_api/file=', re.IGNORECASE)


class FilesOnlyParser(GradioMultiPartParser):
    """Gradio's reader of uploads, without form fields: it would keep those in memory, however large they are."""

    def on_headers_finished(self) -> None:
        super().on_headers_finished()
        if self._current_part.file is None:
            raise MultiPartException('Send files alone: the form field "files", each with a file name.')


def folder() -> Path:
    """Where uploads and results lie: Gradio serves what is in it, and `demo.server.retention` empties it."""
    return Path(get_upload_folder())


def uploaded(address: str) -> Path | None:
    """The path of a file that lies among the uploads, or None.

    Parameters
    ----------
    address : str
        Its path, as the upload was answered, or its web address on this server, which is not fetched.
    """
    if len(address) > LONGEST_PATH:
        return None
    own = _OWN_URL.match(address)
    path = Path(unquote(address[own.end() :]) if own else address)
    if '..' in path.parts:  # no answer to an upload has them, and to follow many takes long
        return None
    try:
        found = path.resolve() if path.is_file() else None
        return found if found and found.is_relative_to(folder().resolve()) else None
    except (OSError, ValueError):  # a name that no file can have
        return None


def new_file(name: str) -> Path:
    """A path that nobody can guess, for a file that a visitor will get."""
    place = folder() / secrets.token_hex(16)
    place.mkdir(parents=True)
    return place / name


def store(address: str) -> str:
    """Write the photo of a data: URL to a file, byte for byte, and give its path.

    Raises
    ------
    PhotoError
        It is no such URL.
    """
    start = DATA_URL.match(address)
    try:
        content = base64.b64decode(address[start.end() :], validate=True) if start else b''
    except binascii.Error:
        content = b''
    if start is None or not content:
        raise PhotoError(
            'Upload the photo, or send it as a data: URL: data:image/jpeg;base64, and then all of the file.'
        )
    path = new_file(f'photo.{start[1].lower()}')
    path.write_bytes(content)
    return str(path)
