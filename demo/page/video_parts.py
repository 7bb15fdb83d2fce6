"""What the page shows of a clip: where it is chosen, and a player that compares before and after."""

from pathlib import Path
from typing import Any

from gradio.data_classes import FileData, GradioModel

from demo.page.component import Component
from demo.server.limits import CLIP_MB, CLIP_PIXELS, CLIP_SECONDS


class PickedClip(GradioModel):
    """The file on the server."""

    file: FileData | None = None


class VideoPicker(Component):
    """One clip, to Python its path or None. Event `picked`; `settings` as `gr.HTML` takes them."""

    data_model = PickedClip

    def __init__(self, **settings: Any):
        constants = {'SECONDS': CLIP_SECONDS, 'MEGABYTES': CLIP_MB, 'PIXELS': CLIP_PIXELS}
        super().__init__('video_picker', constants, ['picker', 'video_picker'], style='picker', **settings)

    def preprocess(self, payload: PickedClip | None) -> str | None:
        return payload.file.path if payload is not None and payload.file is not None else None

    def postprocess(self, value: None) -> None:
        """What is chosen is set on the page alone."""


class Played(GradioModel):
    """Two small copies of a clip, their width and height, and whether the one in colour has sound."""

    before: FileData
    after: FileData
    size: tuple[int, int]
    sound: bool


class VideoPlayer(Component):
    """Shows from Python a dict of the fields of `Played`, files as paths; or nothing."""

    data_model = Played

    def __init__(self, **settings: Any):
        super().__init__('video_player', **settings)

    def preprocess(self, payload: Played | None) -> None:
        """Nothing comes back."""

    def postprocess(self, value: dict[str, Any] | None) -> Played | None:
        if value is None:
            return None
        before, after = (
            FileData(path=str(value[side]), orig_name=Path(value[side]).name) for side in ('before', 'after')
        )
        return Played(before=before, after=after, size=value['size'], sound=value['sound'])
