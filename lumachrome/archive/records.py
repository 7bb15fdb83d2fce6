"""What an archive's run says of itself: a record a batch as it goes, a report and a page to look at when it ends.

A record is a Parquet file that appears whole, when the results of its batch are there. So what is left to do is what no
record names, whoever wrote them: this machine or a cluster, this run or one that was killed.
"""

import base64
import hashlib
import html
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lumachrome.errors import ArchiveError, printable

HIDDEN = '.lumachrome'  # the folder in the target for what is needed to go on
RECORDS = f'{HIDDEN}/records'
SUFFIX = '.parquet'
ROWS = 50_000  # of the report that are written at a time
SHOWN_ERRORS = 200  # on the page; the report has them all

# https://parquet.apache.org/docs/file-format: columns of a record; the report has all but the last.
SCHEMA: Any = pa.schema(
    [
        ('source', pa.string()),  # below the source; of a shard's photo, the shard and its name in there
        ('target', pa.string()),  # below the target, or '' where there is none
        ('pixels', pa.int64()),
        ('milliseconds', pa.int32()),
        ('provider', pa.string()),
        ('error', pa.string()),  # why there is no result, or ''
        ('note', pa.string()),
        ('sample', pa.binary()),  # a JPEG of before and after, of some
    ]
)
_NO_SAMPLE: Any = SCHEMA.remove(len(SCHEMA) - 1)


@dataclass
class Row:
    """What became of a photo: see `SCHEMA`."""

    source: str
    target: str = ''
    pixels: int = 0
    milliseconds: int = 0
    provider: str = ''
    error: str = ''
    note: str = ''
    sample: bytes | None = None


@dataclass
class Totals:
    """The report in short."""

    colored: int = 0
    failed: int = 0
    pixels: int = 0
    milliseconds: int = 0
    providers: set[str] = field(default_factory=set[str])
    errors: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    samples: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])


def digest(name: str) -> bytes:
    """A name in 16 bytes: millions of them are kept in memory."""
    return hashlib.blake2b(printable(name).encode(), digest_size=16).digest()


def record_name(names: Iterable[str]) -> str:
    """The name of a batch's record; the same whenever the same photos are done again."""
    return digest('\n'.join(names)).hex() + SUFFIX


def write_record(path: Path, rows: Iterable[Row]) -> None:
    """Write a batch's record; whoever calls puts it in its place."""
    rows = list(rows)
    columns = {name: [getattr(row, name) for row in rows] for name in SCHEMA.names}
    for name in ('source', 'target', 'error', 'note'):
        columns[name] = [printable(text) for text in columns[name]]
    pq.write_table(pa.table(columns, schema=SCHEMA), path)


class Records:
    """The records in a target.

    Parameters
    ----------
    fs : fsspec.AbstractFileSystem
    target : str
        The target's path there.
    """

    def __init__(self, fs: Any, target: str) -> None:
        self._fs, self._folder = fs, f'{target}/{RECORDS}'

    def files(self) -> list[str]:
        """The records' paths, in order."""
        if not self._fs.exists(self._folder):
            return []
        return sorted(path for path in self._fs.ls(self._folder, detail=False) if path.endswith(SUFFIX))

    def tables(self, *columns: str) -> Iterator[Any]:
        """The records one by one, as tables with these columns."""
        return (self._table(path, *columns) for path in self.files())

    def _table(self, path: str, *columns: str) -> Any:
        try:
            with self._fs.open(path, 'rb') as file:
                return pq.read_table(file, columns=list(columns))
        except (pa.ArrowInvalid, KeyError) as error:
            raise ArchiveError(
                f'{path} is damaged: delete it, and the photos that it tells of are coloured again.'
            ) from error

    def done(self, retry: bool = False) -> tuple[set[bytes], set[str]]:
        """What is done: the digests of all photos that records name, and the records' names.

        With `retry` photos that could not be coloured are not among them, nor records of which any could not.
        """
        photos, names = set[bytes](), set[str]()
        for path in self.files():
            table = self._table(path, 'source', 'error')
            errors: list[str] = table['error'].to_pylist()
            sources = zip(table['source'].to_pylist(), errors, strict=True)
            photos |= {digest(source) for source, error in sources if not (retry and error)}
            if not (retry and any(errors)):
                names.add(PurePosixPath(path).name)
        return photos, names

    def forget_errors(self, sound: set[str], scratch: Path, store: Callable[[Path, str], None]) -> None:
        """Leave no record of what could not be coloured: so it is left to do, whatever comes between.

        Parameters
        ----------
        sound : set of str
            The records without errors, by their names.
        scratch : Path
            A file to write what is left of a record; of a shard nothing is, as it is done again as a whole.
        store : callable
            Puts that file in a record's place.
        """
        for path in self.files():
            name = PurePosixPath(path).name
            if name in sound:
                continue
            table = self._table(path, *SCHEMA.names)
            kept = [not error for error in table['error'].to_pylist()]
            if all(kept):  # by a worker that had outlived its run
                continue
            rest = table.filter(pa.array(kept, pa.bool_()))
            first = PurePosixPath(table['source'][0].as_py())
            is_of_shard = any(record_name([str(each)]) == name for each in (first, *first.parents))
            if len(rest) and not is_of_shard:
                pq.write_table(rest, scratch)
                store(scratch, path)
                continue
            try:
                self._fs.rm(path)
            except Exception as error:  # the file systems raise what they like
                raise ArchiveError(f'{path} cannot be deleted ({error}): delete it, and try again.') from error


def write_report(records: Records, path: Path, samples: int) -> Totals:
    """Put the records together to one report, in which each photo stands once.

    Parameters
    ----------
    records : Records
        Some photo may stand in several of them, where workers had outlived the run that they belonged to: a result
        counts more than an error.
    path : Path
        The Parquet file to write.
    samples : int
        How many pictures of before and after to keep.

    Returns
    -------
    Totals
    """
    colored: set[bytes] = set()
    for table in records.tables('source', 'error'):
        colored |= {
            digest(n) for n, e in zip(table['source'].to_pylist(), table['error'].to_pylist(), strict=True) if not e
        }
    totals, seen, waiting = Totals(), set[bytes](), list[Any]()
    with pq.ParquetWriter(path, _NO_SAMPLE) as writer:
        for table in records.tables(*SCHEMA.names):
            kept: list[bool] = []
            for row in table.to_pylist():
                key = digest(row['source'])
                kept.append(key not in seen and not (row['error'] and key in colored))
                if kept[-1]:
                    seen.add(key)
                    _count(totals, row)
            waiting.append(table.filter(pa.array(kept, pa.bool_())).select(_NO_SAMPLE.names))
            if sum(len(each) for each in waiting) >= ROWS:
                writer.write_table(pa.concat_tables(waiting))
                waiting.clear()
        if waiting:
            writer.write_table(pa.concat_tables(waiting))
    every = max(1, len(totals.samples) // samples)
    totals.samples = totals.samples[::every][:samples]
    return totals


def _count(totals: Totals, row: dict[str, Any]) -> None:
    if row['error']:
        totals.failed += 1
        if len(totals.errors) < SHOWN_ERRORS:
            totals.errors.append((row['source'], row['error']))
        return
    totals.colored += 1
    totals.pixels += row['pixels']
    totals.milliseconds += row['milliseconds']
    totals.providers.add(row['provider'])
    if row['sample']:
        totals.samples.append((row['source'], row['sample']))


def page(totals: Totals, source: str, model: str) -> str:
    """The summary as one HTML file, which needs nothing beside it.

    Parameters
    ----------
    totals : Totals
    source : str
        The archive's address.
    model : str
        The network's name.

    Returns
    -------
    str
    """
    figures = {
        'photos coloured': f'{totals.colored:,}',
        'not coloured': f'{totals.failed:,}',
        'megapixels': f'{totals.pixels / 1e6:,.0f}',
        'ms a photo and worker': f'{totals.milliseconds / max(1, totals.colored):,.0f}',
        'network': model,
        'ran on': ', '.join(sorted(totals.providers)).replace('ExecutionProvider', '') or '–',
    }
    cells = ''.join(f'<div><dt>{name}</dt><dd>{html.escape(value)}</dd></div>' for name, value in figures.items())
    sheet = ''.join(
        f'<figure><img src="data:image/jpeg;base64,{base64.b64encode(picture).decode()}" alt="before and after">'
        f'<figcaption>{html.escape(name)}</figcaption></figure>'
        for name, picture in totals.samples
    )
    errors = ''.join(f'<li>{html.escape(error)}</li>' for _, error in totals.errors)
    if totals.failed > len(totals.errors):
        errors += f'<li>and {totals.failed - len(totals.errors):,} more: report.parquet has them all.</li>'
    return _PAGE.format(
        source=html.escape(printable(source)),
        figures=cells,
        sheet=f'<h2>A sample, before and after</h2><div class="sheet">{sheet}</div>' if sheet else '',
        errors=f'<h2>Not coloured</h2><ul>{errors}</ul>' if errors else '',
    )


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Coloured archive</title><style>
:root {{ color-scheme: light dark; --line: color-mix(in srgb, currentcolor 18%, transparent); }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; margin: 0; }} h2 {{ font-size: 1.1rem; margin: 2rem 0 .75rem; }}
p {{ margin: 0; opacity: .75; overflow-wrap: anywhere; }}
dl {{ display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.25rem 0 0; }}
dl div {{ border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .9rem; }}
dt {{ font-size: .8rem; opacity: .75; }} dd {{ margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; }}
.sheet {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr)); gap: 1rem; align-items: start; }}
figure {{ margin: 0; }} img {{ width: 100%; border-radius: .35rem; display: block; }}
figcaption {{ font-size: .8rem; opacity: .75; overflow-wrap: anywhere; }}
li {{ overflow-wrap: anywhere; }}
</style></head><body>
<h1>Coloured archive</h1><p>{source}</p><dl>{figures}</dl>{sheet}{errors}
</body></html>
"""
