"""Choosing an album: photos, folders and ZIPs, uploaded as they are chosen.

Gradio's own file input forgets the folders that photos lie in, and keeps a row on the page for each one.
"""

from typing import Any

from gradio.data_classes import FileData, GradioModel

from demo.page.component import Component
from lumachrome import photofile, zipfiles


class PickedFile(GradioModel):
    """A file on the server, and its name with the folders that it lay in."""

    file: FileData
    name: str


class Picked(GradioModel):
    """What was chosen."""

    files: list[PickedFile]


class AlbumPicker(Component):
    """Photos, folders and ZIPs, to Python a list of (path, name). Event `picked`.

    Parameters
    ----------
    limit : int
        How many may be chosen.
    **settings
        As `gr.HTML` takes them.
    """

    data_model = Picked

    def __init__(self, limit: int, **settings: Any):
        constants = {'LIMIT': limit, 'SUFFIXES': sorted(photofile.PHOTO_SUFFIXES), 'ZIP': zipfiles.SUFFIX}
        super().__init__('album_picker', constants, ['picker', 'album_picker'], style='picker', **settings)

    def preprocess(self, payload: Picked | None) -> list[tuple[str, str]]:
        return [] if payload is None else [(picked.file.path, picked.name) for picked in payload.files]

    def postprocess(self, value: None) -> None:
        """What is chosen is set on the page alone."""
