"""Archives: millions of photos, on one machine or many, that a kill at any moment does not harm.

    from lumachrome.archive import Archive, Job, Processes

    archive = Archive(Job('scans', 's3://bucket/coloured'))
    archive.run(Processes(archive.job, 8))

`run` finds what is left to do and hands it out, `crews` are those who do it, `worker` is what each of them does with a
batch of photos or a shard, `records` is what is written about it. Photos themselves are `lumachrome.album`'s business.
"""

import importlib.util

from lumachrome.errors import ArchiveError

for _name in ('fsspec', 'pyarrow'):
    if importlib.util.find_spec(_name) is None:
        raise ArchiveError(f'{_name} is not installed: pip install fsspec pyarrow.')

from lumachrome.archive.crews import Crew, Processes, RayActors  # noqa: E402
from lumachrome.archive.run import Archive, Estimate  # noqa: E402
from lumachrome.archive.worker import Job  # noqa: E402

__all__ = ['Archive', 'Crew', 'Estimate', 'Job', 'Processes', 'RayActors']
