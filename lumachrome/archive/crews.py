"""Who does an archive's work: processes of this machine, or actors of a Ray cluster.

A crew starts workers, hands them units and tells what comes of them; a worker that dies is replaced, and what it was at
is told. So the run itself is the same for both.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any, Protocol

from lumachrome.archive.worker import Done, Job, Unit, Worker
from lumachrome.errors import ArchiveError, UserError

POLL = 1.0  # seconds


@dataclass(frozen=True)
class Step:
    """A photo begins; `bytes` is its size in the source."""

    name: str
    bytes: int


@dataclass(frozen=True)
class Died:
    """The worker is gone, and another in its place: `how` it went, and the photo that it was `at`, if that is known."""

    how: str
    at: str = ''


@dataclass(frozen=True)
class Failed:
    """The run cannot go on: a sentence, or the traceback of a bug."""

    reason: str
    bug: bool = False


Event = Done | Step | Died | Failed


class Crew(Protocol):
    """Workers, numbered from 0."""

    @property
    def size(self) -> int: ...

    def give(self, worker: int, unit: Unit) -> None: ...

    def wait(self) -> list[tuple[int, Event]]:
        """What has happened; nothing if that takes more than a second."""
        ...

    def stop(self) -> None: ...


# Processes of this machine


class Processes:
    """A crew of processes on this machine; each has a session of its own, and on the CPU one thread.

    Not `concurrent.futures`: with one process gone, that pool is gone.

    Parameters
    ----------
    job : Job
    size : int
        How many.
    """

    def __init__(self, job: Job, size: int) -> None:
        self._job = job
        os.environ['VIPS_CONCURRENCY'] = '1'  # read by libvips when a worker loads it
        self._workers = [self._started() for _ in range(size)]
        self._at = [''] * size

    @property
    def size(self) -> int:
        return len(self._workers)

    def _started(self) -> tuple[Any, connection.Connection]:
        context = multiprocessing.get_context('spawn')  # what is forked from threads may lock up
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self._job), name='lumachrome-archive')
        process.start()
        theirs.close()
        return process, ours

    def give(self, worker: int, unit: Unit) -> None:
        self._at[worker] = ''
        with contextlib.suppress(OSError):  # it has died, which `wait` will tell
            self._workers[worker][1].send(unit)

    def wait(self) -> list[tuple[int, Event]]:
        numbers = {ours: number for number, (_, ours) in enumerate(self._workers)}
        events: list[tuple[int, Event]] = []
        for ready in connection.wait(list(numbers), POLL):
            pipe: Any = ready
            number = numbers[pipe]
            try:
                event: Event = pipe.recv()
            except (EOFError, OSError):
                event = self._replaced(number)
            if isinstance(event, Step):
                self._at[number] = event.name
            events.append((number, event))
        return events

    def _replaced(self, number: int) -> Died:
        process, ours = self._workers[number]
        process.join(5)
        ours.close()
        code = process.exitcode
        how = signal.strsignal(-code) if code and code < 0 else f'exit code {code}'
        if code == -9:
            how = 'killed, as systems do when memory runs out'
        self._workers[number] = self._started()
        return Died(how or '', self._at[number])

    def stop(self) -> None:
        for process, ours in self._workers:
            process.terminate()
            ours.close()
        for process, _ in self._workers:
            process.join(5)


def _serve(pipe: connection.Connection, job: Job) -> None:
    """What a process of `Processes` runs, until its parent goes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        worker = Worker(job)
        while True:
            pipe.send(worker.work(pipe.recv(), lambda name, size: pipe.send(Step(name, size))))
    except EOFError:
        return
    except UserError as error:
        pipe.send(Failed(str(error)))
    except Exception:
        pipe.send(Failed(traceback.format_exc(), bug=True))
    pipe.recv()  # so that what was said is read before the end of the pipe


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


# Actors of a Ray cluster


class RayActors:
    """A crew of Ray actors, with one session each.

    Parameters
    ----------
    job : Job
        Its source and target must be seen from all machines of the cluster.
    size : int or None
        How many; at most, and by default, as many as the cluster has cores or shares of GPUs.
    address : str or None
        The cluster's; None starts one on this machine.
    gpus : float
        The share of a GPU that an actor takes, 0 to 1; 0 is none, and a core instead.

    Raises
    ------
    ArchiveError
        Ray is not installed or cannot be reached, or the cluster has nothing of what is asked for.
    """

    def __init__(self, job: Job, size: int | None = None, address: str | None = None, gpus: float = 0.0) -> None:
        try:
            import ray  # pyright: ignore[reportMissingImports]  # of an extra
        except ImportError as error:
            raise ArchiveError('Ray is not installed: pip install ray, or leave --ray out.') from error

        self._ray: Any = ray
        quiet: dict[str, Any] = {'log_to_driver': False, 'logging_level': 'ERROR', 'ignore_reinit_error': True}
        try:
            if address:
                ray.init(address, runtime_env={'env_vars': {'VIPS_CONCURRENCY': '1'}}, **quiet)
            else:  # its processes see the environment of this one, and else would not find what this one has found
                paths = os.pathsep.join(path for path in sys.path if path)
                os.environ |= {'VIPS_CONCURRENCY': '1', 'PYTHONPATH': paths}
                small = 100_000_000  # bytes: photos go from storage to storage, not through Ray's memory
                ray.init('local', num_cpus=size, object_store_memory=small, include_dashboard=False, **quiet)
        except Exception as error:  # Ray raises what it likes
            reason = str(error).strip().splitlines()[0].rstrip('.')
            where = f'reached at {address}' if address else 'started on this machine'
            token = ' A cluster that wants a token takes it with RAY_AUTH_MODE=token.' if address else ''
            raise ArchiveError(f'Ray cannot be {where} ({reason}).{token}') from error
        there = ray.cluster_resources()
        room = int(there.get('GPU', 0) / gpus) if gpus else int(there.get('CPU', 0))
        if not room:
            raise ArchiveError(f'The Ray cluster has no {"GPU" if gpus else "CPU"} to give: ask for less with --gpus.')
        # No restarts by Ray, which has no bound to them: who dies is replaced here, where it is counted.
        self._actor: Any = ray.remote(num_cpus=0 if gpus else 1, num_gpus=gpus, max_restarts=0)(_Actor)
        self._journal: Any = ray.remote(num_cpus=0)(_Journal).remote()
        self._job = job
        self._actors = [self._actor.remote(job) for _ in range(min(size or room, room))]
        self._waiting: dict[Any, int] = {}
        names = ('RayActorError', 'OutOfMemoryError', 'NodeDiedError', 'WorkerCrashedError')
        self._gone = tuple(getattr(self._ray.exceptions, name) for name in names)

    @property
    def size(self) -> int:
        return len(self._actors)

    def give(self, worker: int, unit: Unit) -> None:
        self._ray.get(self._journal.write.remote(worker, ''))
        future = self._actors[worker].work.remote(unit, worker, self._journal if unit.watched else None)
        self._waiting[future] = worker

    def wait(self) -> list[tuple[int, Event]]:
        ready, _ = self._ray.wait(list(self._waiting), timeout=POLL) if self._waiting else ([], [])
        return [(self._waiting[future], self._event(future, self._waiting.pop(future))) for future in ready]

    def _event(self, future: Any, worker: int) -> Event:
        try:
            return self._ray.get(future)
        except self._gone as error:
            at = self._ray.get(self._journal.read.remote(worker))
            self._actors[worker] = self._actor.remote(self._job)
            no_memory = isinstance(error, self._ray.exceptions.OutOfMemoryError)
            return Died('killed, as memory ran out' if no_memory else 'its process ended', at)
        except UserError as error:  # Ray's copy of it, whose text is a traceback
            return Failed(str(getattr(error, 'cause', error)))
        except self._ray.exceptions.RayError as error:
            return Failed(str(error), bug=True)

    def stop(self) -> None:
        self._ray.shutdown()


class _Actor:
    """What an actor of `RayActors` is; the network is read when there is something to do."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._worker: Worker | None = None

    def work(self, unit: Unit, number: int, journal: Any) -> Done:
        self._worker = self._worker or Worker(self._job)
        if journal is None:
            return self._worker.work(unit)

        import ray  # pyright: ignore[reportMissingImports]  # of an extra

        return self._worker.work(unit, lambda name, size: ray.get(journal.write.remote(number, name)))


class _Journal:
    """What each actor is at: an actor that has died cannot tell."""

    def __init__(self) -> None:
        self._at: dict[int, str] = {}

    def write(self, worker: int, name: str) -> None:
        self._at[worker] = name

    def read(self, worker: int) -> str:
        return self._at.get(worker, '')
