"""The parts of Gradio that the page replaces, because no setting of Gradio's reaches them."""

import gradio
import gradio.mcp
import gradio.queueing
import gradio.route_utils
import gradio.routes

from demo.server import mcp, queueing, uploads

PATCHES = (
    # It would fetch every address that an assistant names, and offer the album, whose list of files it cannot take.
    (gradio.mcp, 'GradioMCPServer', mcp.Server),
    # It would keep form fields in memory, however large they are, and what broke off on the disk.
    (gradio.route_utils, 'GradioMultiPartParser', uploads.FilesOnlyParser),
    # It would keep an entry for each upload that nobody watches, and for each that is asked for and never came.
    (gradio.routes, 'file_upload_statuses', uploads.UploadProgress()),
    # It would let albums fill the queue, and visitors with one photo would find it full for hours.
    (gradio.queueing, 'Queue', queueing.Queue),
)


def apply() -> None:
    """Put ours in the place of Gradio's; to be called before a page is built, as often as one likes.

    Raises
    ------
    RuntimeError
        This Gradio has no such part: the page would start without what keeps it safe.
    """
    for module, name, ours in PATCHES:
        if not hasattr(module, name):
            raise RuntimeError(
                f'Gradio {gradio.__version__} has no {module.__name__}.{name} that {ours.__module__} could replace: '
                'install the version in demo/requirements.txt.'
            )
        setattr(module, name, ours)
