"""The parts of Gradio that the page replaces, because no setting of Gradio's reaches them."""

import gradio
import gradio.mcp
import gradio.route_utils

from demo.server import mcp, uploads

PATCHES = (
    # It would fetch every address that an assistant names, and offer the album, whose list of files it cannot take.
    (gradio.mcp, 'GradioMCPServer', mcp.Server),
    # It would keep form fields in memory, however large they are.
    (gradio.route_utils, 'GradioMultiPartParser', uploads.FilesOnlyParser),
)


def apply() -> None:
    """Put ours in the place of Gradio's; to be called before a page is launched, as often as one likes.

    Raises
    ------
    RuntimeError
        This Gradio has no such part: the page would start without what keeps it safe.
    """
    for module, name, ours in PATCHES:
        if not hasattr(module, name):
            raise RuntimeError(
                f'Gradio {gradio.__version__} has no {module.__name__}.{name} that {ours.__module__}.{ours.__name__} '
                'could replace: install the version in demo/requirements.txt.'
            )
        setattr(module, name, ours)
