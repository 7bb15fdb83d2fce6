"""The start of a Space: the page of `demo`. On ZeroGPU, albums are coloured on the GPU that it lends."""

import os
from pathlib import Path
from typing import Any, cast

ON_ZERO = bool(os.environ.get('SPACES_ZERO_GPU'))  # set by Hugging Face
if ON_ZERO:
    # On Spaces alone; before anything that might touch CUDA
    import spaces  # pyright: ignore[reportMissingImports]

from demo import app  # noqa: E402
from demo.colorizers import Colorizers  # noqa: E402
from lumachrome.adjustments import Adjustments  # noqa: E402
from lumachrome.colorizer import Colorizer  # noqa: E402
from lumachrome.session import CPU  # noqa: E402


def serve_on_zero() -> None:
    """Show the page with all on the CPU but what runs a network on a photo of an album: that borrows the GPU.

    ZeroGPU runs what borrows it in another process, so the session is made there; it is kept as long as that lives.
    """
    on_cpu, on_gpu = Colorizers([CPU]), Colorizers()

    @spaces.GPU(duration=15)  # pyright: ignore[reportPossiblyUnboundVariable]  # this is called where it is there
    def lent(path: Path, small: Any, adjustments: Adjustments) -> Any:
        return on_gpu(path).colors(small, adjustments, adjustments.vividness > 0)

    class Borrower:
        """A colorizer on the CPU that borrows the GPU for the network: only small copies and small maps go over."""

        def __init__(self, colorizer: Colorizer):
            self._colorizer = colorizer

        def __getattr__(self, name: str) -> Any:
            return getattr(self._colorizer, name)

        def colorize_rows(self, rows: Any, adjustments: Adjustments) -> Any:
            small = self._colorizer.small(rows, adjustments)
            colors = lent(self._colorizer.path, small, adjustments)
            self._colorizer.join_rows(rows, adjustments.applied(colors))
            return small

    def borrower(model: str | Path | None) -> Colorizer:
        return cast(Colorizer, Borrower(on_cpu(model)))  # it has all that a Colorizer has

    app.serve(mcp=True, open_colorizer=on_cpu, open_for_album=borrower)


if __name__ == '__main__':
    if ON_ZERO:
        serve_on_zero()
    else:
        app.serve(mcp=True)
