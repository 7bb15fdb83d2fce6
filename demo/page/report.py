"""How far an album or a clip is: a bar, a line, and what else is to be said about it."""

from typing import Any

from gradio.data_classes import GradioModel

from demo.page.component import Component


class Reported(GradioModel):
    """How far the work is: a line of text, the share of it that is done (None where it has ended), and sentences."""

    line: str
    share: float | None = None
    problems: tuple[str, ...] = ()


class Report(Component):
    """Shows a `Reported` from Python."""

    data_model = Reported

    def __init__(self, **settings: Any):
        super().__init__('report', **settings)

    def preprocess(self, payload: Reported | None) -> Reported | None:
        return payload

    def postprocess(self, value: Reported | None) -> Reported | None:
        return value
