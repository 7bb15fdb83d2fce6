"""Archives on Ray, of which a stand-in tells how the work of an actor ended."""

import sys
import types

import pytest

from lumachrome.archive import Job, crews
from lumachrome.archive.crews import Died, Failed
from lumachrome.archive.worker import Done, Unit
from lumachrome.errors import ArchiveError


class Ray:
    """What `RayActors` asks of Ray; the work of its actors ends as `ends` say, one after the other."""

    exceptions = types.SimpleNamespace(
        **{
            name: type(name, (Exception,), {})
            for name in ('RayError', 'RayActorError', 'OutOfMemoryError', 'NodeDiedError', 'WorkerCrashedError')
        }
    )

    def __init__(self, *ends):
        self.ends, self.started = list(ends), 0
        self.cluster_resources = lambda: {'CPU': 2.0}
        self.init = self.shutdown = lambda *given, **more: None

    def remote(self, **resources):
        return lambda kind: types.SimpleNamespace(remote=lambda *given: self._made(kind, *given))

    def _made(self, kind, *given):
        self.started += kind is crews._Actor
        own = kind(*given) if kind is crews._Journal else None

        def call(name):
            return types.SimpleNamespace(remote=lambda *given: getattr(own, name)(*given) if own else self.ends.pop(0))

        return types.SimpleNamespace(**{name: call(name) for name in ('work', 'read', 'write')})

    def get(self, future):
        if isinstance(future, Exception):
            raise future
        return future

    def wait(self, futures, timeout):
        return futures, []


@pytest.mark.parametrize(
    ('end', 'event'),
    [
        (Done(1, 0), Done(1, 0)),
        (Ray.exceptions.RayActorError(), Died('its process ended')),
        (Ray.exceptions.OutOfMemoryError(), Died('killed, as memory ran out')),
        (Ray.exceptions.NodeDiedError(), Died('its process ended')),
        (ArchiveError('x cannot be reached.'), Failed('x cannot be reached.')),
    ],
)
def test_what_becomes_of_an_actor_is_told_as_of_a_process(end, event, monkeypatch, tmp_path):
    ray = Ray(end)
    monkeypatch.setitem(sys.modules, 'ray', ray)
    monkeypatch.setattr(crews.os, 'environ', dict(crews.os.environ))
    crew = crews.RayActors(Job(str(tmp_path), str(tmp_path / 'out')), 1)
    crew.give(0, Unit(('a.jpg',)))
    assert crew.wait() == [(0, event)]
    assert ray.started == 1 + isinstance(event, Died)
