"""The start of a Space: the page of `demo`. On ZeroGPU, albums are coloured on the GPU that it lends."""

import functools
import os

ON_ZERO = bool(os.environ.get('SPACES_ZERO_GPU'))  # set by Hugging Face
if ON_ZERO:
    import spaces  # before anything that might touch CUDA

from demo import app  # noqa: E402
from demo.page import photo as studio  # noqa: E402
from lumachrome import album  # noqa: E402
from lumachrome.colorizer import CPU, Colorizer  # noqa: E402


def lend_gpu():
    """Let albums borrow the GPU for each of their photos, and keep all else on the CPU.

    ZeroGPU runs what borrows it in another process, so the session is made there; it is kept as long as that lives.
    """
    session = functools.cache(Colorizer)

    @spaces.GPU(duration=15)
    def coloured(model, photo, settings):
        return session(model).colorize(photo, **settings)

    class Borrower:
        def __init__(self, colorizer):
            self.path = colorizer.path

        def colorize(self, photo, **settings):
            return coloured(self.path, photo, settings)

    def colorize(found, colorizer, *more, **settings):
        return on_cpu(found, Borrower(colorizer), *more, **settings)

    on_cpu, album.colorize = album.colorize, colorize
    studio.loaded = functools.cache(lambda model=None: Colorizer(model, [CPU]))


if __name__ == '__main__':
    if ON_ZERO:
        lend_gpu()
    app.serve(mcp=True)
