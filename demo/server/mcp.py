"""The MCP tool `colorize`: what Gradio makes of the endpoint of that name, fit for assistants and for the public.

Gradio's own server would fetch every web address that an assistant names, offer the album too, whose list of files it
cannot take, and put photos of any size into its answers.
"""

from pathlib import Path
from typing import Any

import gradio.mcp
from gradio_client import handle_file
from PIL import Image

from demo.server.uploads import JSON_BYTES, store, uploaded

ENDPOINT = '/colorize'
SHOWN_SIDE = 1024  # long side in pixels of the picture inside the answer; the photo itself is at the address beside it
SHOWN_PIXELS = 50_000_000  # of a larger photo the answer holds the address alone
PHOTOS = ('photo', 'palette')  # what the tool takes as photos
PHOTO = (
    f'A data: URL such as data:image/jpeg;base64,... (up to {JSON_BYTES * 3 // 4 // 1_000_000} MB), or the '
    'address of a file that was uploaded to this server (POST it to /gradio_api/upload as form field "files"). '
    'Other web addresses are not fetched.'
)
REFUSAL = (
    'Send the photo as a data: URL (data:image/jpeg;base64,...), or upload it to /gradio_api/upload of this server and '
    'give the path that it answers: other addresses are not fetched.'
)


class Server(gradio.mcp.GradioMCPServer):
    """Gradio's MCP server with one tool, which takes photos that are here and fetches none."""

    @property
    def _file_data_tool_description(self) -> str:
        return ' Say that the colours are likely ones, not those that were there.'

    def get_tool_to_endpoint(self) -> dict[str, str]:
        return {name: place for name, place in super().get_tool_to_endpoint().items() if place == ENDPOINT}

    def get_input_schema(
        self, tool_name: str, parameters: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], list[list[str | int]]]:
        schema, places = super().get_input_schema(tool_name, parameters)
        for name in PHOTOS:
            described = schema['properties'][name].get('description', '')
            schema['properties'][name] = {'type': 'string', 'description': f'{described} {PHOTO}'.strip()}
        return schema, places

    def convert_strings_to_filedata(self, value: Any, filedata_positions: list[list[str | int]]) -> Any:
        return {**value, **{name: handle_file(_on_disk(value[name])) for name in PHOTOS if value.get(name) is not None}}

    def postprocess_output_data(self, data: Any, root_url: str) -> Any:
        # Gradio hands over both results as one, unless the assistant wants to know of progress.
        return super().postprocess_output_data(data[0] if len(data) == 1 else data, root_url)

    @staticmethod
    def get_image(file_path: str) -> Image.Image | None:
        """A small JPEG of a coloured photo; None where the file is no picture, or a huge one."""
        picture = super(Server, Server).get_image(file_path)
        if picture is None or picture.width * picture.height > SHOWN_PIXELS:
            return None
        with picture:
            picture.draft('RGB', (SHOWN_SIDE, SHOWN_SIDE))
            picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE), Image.Resampling.BILINEAR)
            small = picture.convert('RGB')
        small.format = 'JPEG'
        return small


def _on_disk(photo: str) -> str | Path:
    """The path of a photo that came as a data: URL or lies among the uploads; nothing is fetched.

    Raises
    ------
    ValueError
        It is neither; the message is for the assistant.
    """
    if photo.startswith('data:'):
        return store(photo)
    path = uploaded(photo)
    if path is None:
        raise ValueError(REFUSAL)
    return path
