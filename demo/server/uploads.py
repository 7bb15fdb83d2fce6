"""Files that visitors sent, and files for them: how large they may be, where they lie, and what may be opened."""

import base64
import binascii
import re
import secrets
from pathlib import Path
from urllib.parse import unquote

from gradio.route_utils import FileUploadProgress, GradioMultiPartParser
from gradio.utils import get_upload_folder
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect

from lumachrome import limits
from lumachrome.errors import PhotoError

JSON_BYTES = 20_000_000  # of a request that is no upload: a photo may come in it, as a data: URL
WATCHED = 1000  # uploads of which it is known how far they are, for whoever asks
LONGEST_PATH = 4096  # or address: longer than that of any file here

# The beginning of a photo as a data: URL. Bounded, else a long kind of image would be tried at each of its letters.
DATA_URL = re.compile(r'data:image/([a-z0-9]{1,40}+)[a-z0-9.+-]{0,40}+;base64,', re.IGNORECASE)
_OWN_URL = re.compile(r'https?://[^/]++(?:/.*)?/gradio_api/file=', re.IGNORECASE)


class FilesOnlyParser(GradioMultiPartParser):
    """Gradio's reader of uploads, without what it would keep: form fields in memory, and files that broke off."""

    async def parse(self) -> FormData:
        try:
            return await super().parse()
        except ClientDisconnect:
            for file in self._files_to_close_on_error:
                file.close()
                Path(file.name).unlink(missing_ok=True)
            raise

    def on_headers_finished(self) -> None:
        super().on_headers_finished()
        if self._current_part.file is None:
            raise MultiPartException('Send files alone: the form field "files", each with a file name.')


class UploadProgress(FileUploadProgress):
    """Gradio's record of how far uploads are, without those that nobody asks about and those that never came."""

    def track(self, upload_id: str) -> None:
        super().track(upload_id)
        while len(self._statuses) > WATCHED:
            self.stop_tracking(next(iter(self._statuses)))

    async def is_tracked(self, upload_id: str) -> bool:
        try:
            return await super().is_tracked(upload_id)
        finally:
            if upload_id not in self._statuses:  # the wait was ended
                self._signals.pop(upload_id, None)

    def stop_tracking(self, upload_id: str) -> None:
        super().stop_tracking(upload_id)
        self._signals.pop(upload_id, None)


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
        It is no such URL, or the disk has no room for it.
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
    if not limits.has_room(path.parent, len(content)):
        raise PhotoError('The disk of the server is full: try again later.')
    path.write_bytes(content)
    return str(path)
