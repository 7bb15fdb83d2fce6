"""The plain API over a Ray cluster: doors read and write photos, networks color together those that wait together.

    pip install "ray[serve]"
    serve run demo.serve_ray:app doors=8 networks=4 gpus=0.25

Everything is as `demo.api` has it, which each door is. Ray's own proxy, before the doors, takes bodies of any length:
on a public address put a server before it that bounds them.
"""

import asyncio
import functools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt
from pydantic import BaseModel
from ray import serve  # pyright: ignore[reportMissingImports]  # of an extra

from demo import api
from demo.colorizers import Colorizers, OpenColorizer
from lumachrome.adjustments import Colors
from lumachrome.colorizer import Colorizer, find_model
from lumachrome.hints import Hint
from lumachrome.session import CPU

AT_A_TIME = 4  # photos that a door has in hand: one is decoded while another waits for its colors
WAIT = 0.01  # seconds that a network waits for further photos
LARGEST_BATCH = 8


class Options(BaseModel):
    """What `serve run` takes behind the application's name."""

    model: str | None = None
    doors: int = 1
    networks: int = 1
    gpus: float = 0.0  # of one network; without, it takes a core


@dataclass(frozen=True)
class Asked:
    """A photo's small copy, and what its colors depend on."""

    model: str
    shown: npt.NDArray[Any]
    hints: tuple[Hint, ...]
    variant: int
    vivid: bool
    reach: float


def app(options: Options) -> serve.Application:
    """The application, for `serve run` and `serve.run`."""
    model = str(find_model(options.model).resolve())
    networks: Any = serve.deployment(
        Network,
        num_replicas=options.networks,
        max_ongoing_requests=2 * LARGEST_BATCH,
        ray_actor_options={'num_cpus': 0 if options.gpus else 1, 'num_gpus': options.gpus},
    )

    def door() -> Any:
        networks = serve.get_deployment_handle('Network', serve.get_replica_context().app_name)
        return api.build(model, Colorizers([CPU], functools.partial(_Distant, networks=networks)), AT_A_TIME)

    doors: Any = serve.deployment(
        serve.ingress(door)(),
        name='Door',
        num_replicas=options.doors,
        max_ongoing_requests=2 * api.WAITING,  # who is too many is told so by the door
        ray_actor_options={'num_cpus': 0},
    )
    return doors.bind(networks.bind())


class Network:
    """Networks in onnxruntime, and photos that wait for them."""

    def __init__(self) -> None:
        self._opened = Colorizers(kind=functools.partial(Colorizer, threads=1))

    @serve.batch(max_batch_size=LARGEST_BATCH, batch_wait_timeout_s=WAIT)
    async def __call__(self, asked: list[Asked]) -> list[Colors]:
        return await asyncio.to_thread(colors_of, asked, self._opened)


def colors_of(asked: Sequence[Asked], opened: OpenColorizer) -> list[Colors]:
    """The colors of photos, in one run of a network for all that are of one size and ask for the same."""
    alike: defaultdict[Any, list[int]] = defaultdict(list)
    for index, each in enumerate(asked):
        alike[each.model, each.shown.shape, each.variant, each.vivid, each.reach].append(index)
    found: dict[int, Colors] = {}
    for (model, _, *settings), indices in alike.items():
        shown, hints = [asked[i].shown for i in indices], [asked[i].hints for i in indices]
        found |= zip(indices, opened(model).colors_together(shown, hints, *settings), strict=True)
    return [found[index] for index in range(len(asked))]


class _Distant(Colorizer):
    """A `Colorizer` whose network runs in another process, perhaps on another machine."""

    def __init__(self, model: Path, providers: Sequence[str] | None, networks: Any) -> None:
        super().__init__(model, providers, threads=1)
        self._networks = networks

    def colors_together(
        self,
        shown: Sequence[npt.NDArray[Any]],
        hints: Sequence[tuple[Hint, ...]],
        variant: int = 0,
        vivid: bool = True,
        reach: float = 1.0,
    ) -> list[Colors]:
        asked = [Asked(str(self.path), *each, variant, vivid, reach) for each in zip(shown, hints, strict=True)]
        answers = [self._networks.remote(each) for each in asked]
        return [answer.result() for answer in answers]
