"""What the page and the API do with an album: many photos in, a ZIP out, and in between how far it is.

The photos go through `album.colorize` one by one into a ZIP on the disk, so that memory stays the same however many
they are. What goes wrong with one of them is a sentence in the report; the others follow.
"""

import secrets
import shutil
import threading
import time
import zipfile
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import gradio as gr

from demo.colorizers import OpenColorizer
from demo.page import controls, words
from demo.page.report import Reported
from demo.page.studio import Came
from demo.page.words import Words, in_words
from demo.server.limits import MAX_PIXELS
from demo.server.uploads import new_file
from lumachrome import album, hints, photofile, zipfiles
from lumachrome.adjustments import Adjustments, Array
from lumachrome.errors import atomic

MAX_PHOTOS = 1000
HINTS_SUFFIX = '.json'  # of files of hints among the photos; from a folder only what the page called -hints.json
MAX_ZIPS = 20  # in an album: the list of one may take seconds to read
MAX_UNPACKED = 2_000_000_000  # bytes of one ZIP's photos
MAX_RESULT = 4_000_000_000  # bytes of the ZIP that is given back
MINUTES = 20  # for one album: others wait for it, and uploaded photos are kept for retention.KEPT_MINUTES
SHOWN = 24  # small pictures on the page at a time
SHOWN_SIDE = 320  # long side of each, in pixels
PAUSE = 0.3  # seconds between two looks at an album; small photos would flood the page

Files = list[tuple[str, str]]  # path and name of each photo or ZIP
Update = dict[str, Any]  # of a component
# What the page shows of an album, in the order of its outputs: see `app`.
PARTS = ('picker', 'settings', 'report', 'gallery', 'leave', 'stop', 'download', 'again', 'finished')


@dataclass(frozen=True)
class Finished:
    """An album that is done, whose photos can be opened, steered and put back.

    Attributes
    ----------
    archive : Path
    shown : tuple of str
        The places in the ZIP of the photos that the gallery shows, in its order.
    pictures : tuple of (str, str)
        What it shows of them: files and captions.
    tasks : dict
        As of `Progress`.
    settings : dict
        What was set for all of them, by name.
    model : str
    key : str
        Tells this album from the visitor's others, which may have photos in the same places.
    """

    archive: Path
    shown: tuple[str, ...]
    pictures: tuple[tuple[str, str], ...]
    tasks: dict[str, album.Task]
    settings: dict[str, Any]
    model: str
    key: str = field(default_factory=secrets.token_hex)


@dataclass
class Progress:
    """How far an album is.

    Attributes
    ----------
    photos, done : int
        How many there are, and how many had their turn.
    failed : list of (name, reason)
    notes : list of str
        What is to be known about photos that were coloured, and what was passed over.
    news : deque of (place, name, uint8 array [h, w, 3])
        The last ones that were coloured, as small pictures, for who looks to take out.
    archive : Path or None
        The ZIP, in the end, unless nothing could be coloured.
    ended : str
        Why it ended before the last photo, 'stopped' or 'late'; or ''.
    tasks : dict
        By its place in the ZIP, where each photo came from: of two from different folders the name may be the same.
    """

    photos: int
    done: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    news: deque[tuple[str, str, Array]] = field(default_factory=lambda: deque(maxlen=SHOWN))
    archive: Path | None = None
    ended: str = ''
    tasks: dict[str, album.Task] = field(default_factory=dict)

    @property
    def colored(self) -> int:
        return self.done - len(self.failed)


class AlbumPage:
    """What the events of the page and the call /colorize_album run.

    Parameters
    ----------
    open_colorizer : OpenColorizer
    """

    def __init__(self, open_colorizer: OpenColorizer):
        self._open = open_colorizer
        self._cancels: dict[str | None, threading.Event] = {}  # a session to what ends its album; only while it runs

    @controls.with_parameters(controls.ON_ALBUM)
    def colorize_album(
        self,
        files: Files,
        model: str | None,
        settings: dict[str, Any],
        all_pages: bool = False,
        request: gr.Request | None = None,
    ) -> Iterator[tuple[str | None, dict[str, Any]]]:
        """Colour many black-and-white photos. Their names, folders, sizes, formats and metadata stay.

        While it runs, the report so far comes without a ZIP.

        Args:
            files: A list of photos, of ZIPs with photos in folders, and of files of hints, which name their photo.
            model: The network that chooses the colours.
            {settings}
            all_pages: Whether all pages of a TIFF file are coloured, not the first alone.

        Returns:
            A ZIP of the photos in colour, or null if there are none, and a report: "photos" and how many of them are
            "colored", "failed" with the name and the reason of each that is not, "notes", and "ended", which says why
            photos are left: "" (none are) or "late" (the time for one album was up).
        """
        say = words.of(request)
        with in_words(say):
            for progress in self._colored(files, model, controls.adjustments(settings), say, all_pages=bool(all_pages)):
                yield (
                    progress.archive and str(progress.archive),
                    {
                        'photos': progress.photos,
                        'colored': progress.colored,
                        'failed': [{'name': name, 'reason': reason} for name, reason in progress.failed],
                        'notes': progress.notes,
                        'ended': progress.ended,
                    },
                )

    def choose(self) -> list[Update]:
        """Back to where an album is chosen."""
        return _show(picker={}, settings={})

    def begin(self, request: gr.Request, files: Files) -> list[Update]:
        """The album waits for its turn."""
        say = words.of(request)
        if not files:
            raise gr.Error(say['album_choose_first'], print_exception=False)
        stop = {'value': say['cancel'], 'interactive': True, 'visible': False}
        return _show(report={'value': Reported(line=say['album_waits'], share=0)}, leave={}, stop=stop)

    def run(self, request: gr.Request, files: Files, model: str, *values: Any) -> Iterator[list[Update]]:
        """Colour an album and show how far it is; `values` are those of the controls `controls.ON_ALBUM`."""
        say = words.of(request)
        cancelled = self._cancels[request.session_hash] = threading.Event()
        folder, pictures = new_file('pictures'), deque[tuple[str, str]](maxlen=SHOWN)
        progress, gallery, places = Progress(0), {}, deque[str](maxlen=SHOWN)
        settings = dict(zip(controls.ON_ALBUM, values, strict=True))
        folder.mkdir()
        try:
            with in_words(say):
                adjustments = controls.adjustments(settings)
                adjustments = adjustments.without(self._open(model).lacks(adjustments))  # of hidden controls
                for progress in self._colored(files, model, adjustments, say, cancelled, SHOWN_SIDE):
                    for place, name, picture in _pictures(progress, folder):
                        places.appendleft(place)
                        pictures.appendleft((picture, PurePosixPath(name).name))
                    gallery = {'value': list(pictures), 'visible': bool(pictures)}
                    yield _show(report=_report(progress, say), gallery=gallery, stop={})
            yield _show(
                report=_final_report(progress, say),
                gallery=gallery,
                download={'value': progress.archive and str(progress.archive), 'visible': progress.archive is not None},
                again={},
                finished=progress.archive
                and Finished(
                    progress.archive, tuple(places), tuple(pictures), progress.tasks, settings, str(model or '')
                ),
            )
        finally:
            self._cancels.pop(request.session_hash, None)

    def cancel(self, request: gr.Request) -> Update:
        """End the visitor's album after the photo that is being coloured; the ZIP is what is done by then."""
        if request.session_hash in self._cancels:
            self._cancels[request.session_hash].set()
        return gr.update(value=words.of(request)['cancelling'], interactive=False)

    def open(self, request: gr.Request, event: gr.SelectData, finished: Finished | None) -> dict[str, Any]:
        """A photo of the album, for the page of one photo, with what was set for the album."""
        say = words.of(request)
        if finished is None or event.index >= len(finished.shown):
            raise gr.Error(say['gone'], print_exception=False)
        place = finished.shown[event.index]
        task = finished.tasks[place]
        try:
            with in_words(say), task.opened() as source:
                path = new_file(PurePosixPath(task.name).name)
                shutil.copyfile(source, path)
        except OSError as error:
            raise gr.Error(say['gone'], print_exception=False) from error
        settings = {key: value for key, value in finished.settings.items() if isinstance(value, int | float)}
        came = {'album': finished.key, 'place': place}
        return {'brought': {'photo': str(path), 'settings': settings, 'model': finished.model, 'came': came}}

    def put_back(self, finished: Finished | None, came: Came | None, photo: str, say: Words) -> Finished:
        """The album with another version of a photo that was opened; the others' bytes stay as they are.

        Parameters
        ----------
        finished : Finished, optional
            What the visitor has now.
        came : Came, optional
            Where the photo was opened.
        photo : str
            The path of its other version.
        say : Words

        Raises
        ------
        gr.Error
            The album is not there any more.
        """
        if finished is None or came is None or came.album != finished.key:
            raise gr.Error(say['gone'], print_exception=False)
        if came.place not in finished.shown or not finished.archive.exists():
            raise gr.Error(say['gone'], print_exception=False)
        path = new_file(finished.archive.name)
        with (
            zipfile.ZipFile(finished.archive) as old,
            atomic(path) as temporary,
            zipfile.ZipFile(temporary, 'w') as new,
        ):
            for info in old.infolist():
                source = open(photo, 'rb') if info.filename == came.place else old.open(info)  # noqa: SIM115
                kept = zipfile.ZipInfo(info.filename, info.date_time)
                kept.compress_type, kept.external_attr = info.compress_type, info.external_attr
                with source, new.open(kept, 'w', force_zip64=True) as target:
                    shutil.copyfileobj(source, target, 2**20)
        finished.archive.unlink(missing_ok=True)
        picture = new_file('picture.jpg')
        colored = photofile.read(photo, max_pixels=MAX_PIXELS).pixels
        photofile.write_preview(picture, photofile.shrink(colored, SHOWN_SIDE))
        pictures = list(finished.pictures)
        at = finished.shown.index(came.place)
        pictures[at] = str(picture), pictures[at][1]
        return replace(finished, archive=path, pictures=tuple(pictures))

    def _colored(
        self,
        files: Files,
        model: str | None,
        adjustments: Adjustments,
        say: Words,
        cancelled: threading.Event | None = None,
        preview: int = 0,
        all_pages: bool = False,
    ) -> Iterator[Progress]:
        """Colour an album. Yields the same `Progress` again and again; closed early, it leaves no file behind."""
        given = [path for path, name in files if Path(name).suffix.lower() == HINTS_SUFFIX]
        files = [file for file in files if file[0] not in given]
        if not files:
            raise gr.Error(say['album_choose_first'], print_exception=False)
        notes: list[str] = []
        colorizer, found = self._open(model), _tasks(files, notes.append)
        if len(found) > MAX_PHOTOS:
            raise gr.Error(say['album_too_many'].format(limit=MAX_PHOTOS), print_exception=False)
        known = album.hints_by_name([hints.read(path) for path in given], found)
        progress, path = Progress(len(found), notes=notes), new_file(f'{_title(files)[:50]}-colour{zipfiles.SUFFIX}')
        yield progress
        end, seen = time.monotonic() + 60 * MINUTES, time.monotonic()
        with zipfiles.new_zip(path, MAX_RESULT) as target:
            outcomes = album.colorize(found, colorizer, target, adjustments, known, preview, MAX_PIXELS, all_pages)
            for task, outcome in zip(found, outcomes, strict=True):
                _note(progress, outcome, task)
                stopped = cancelled is not None and cancelled.is_set()
                if progress.done < progress.photos and (stopped or time.monotonic() > end):
                    progress.ended = 'stopped' if stopped else 'late'
                    break
                if time.monotonic() - seen > PAUSE:
                    yield progress
                    seen = time.monotonic()
        progress.archive = path if path.exists() else None
        yield progress


def _tasks(files: Files, note: Callable[[str], object]) -> list[album.Task]:
    """The photos of an album, as (path, name), where ZIPs are opened; if there is more, each ZIP keeps its own name.

    What a ZIP holds beside photos is noted. No more ZIPs are opened when there are too many photos already.
    """
    found: list[album.Task] = []
    zips = 0
    for path, called in files:
        if len(found) > MAX_PHOTOS:
            break
        path, name = Path(path), zipfiles.inside(called)
        place = PurePosixPath(name)
        if not path.exists():
            refusal = f'{name} is no longer on the server: choose it again.'
            found.append(album.Task(name, path, place.parent, place.stem, refusal=refusal))
        elif place.suffix.lower() == zipfiles.SUFFIX:
            zips += 1
            if zips > MAX_ZIPS:
                refusal = f'{name} is one ZIP too many: an album takes {MAX_ZIPS}, so send it as another.'
                found.append(album.Task(name, path, place.parent, place.stem, refusal=refusal))
                continue
            folder = place.with_suffix('') if len(files) > 1 else PurePosixPath()
            found += album.in_zip(path, name, folder, note, max_photos=MAX_PHOTOS, max_bytes=MAX_UNPACKED)
        else:
            found.append(album.Task(name, path, place.parent, place.stem))
    return found


def _title(files: Files) -> str:
    """A name for the ZIP: that of the one ZIP or folder that came, else 'album'."""
    names = [PurePosixPath(zipfiles.inside(name)) for _, name in files]
    tops = {name.parts[0] for name in names}
    if len(tops) == 1 and len(names[0].parts) > 1:
        return tops.pop()
    return names[0].stem if len(names) == 1 else 'album'


def _note(progress: Progress, outcome: album.Outcome, task: album.Task) -> None:
    progress.done += 1
    if outcome.error:
        progress.failed.append((outcome.name, outcome.error))
        return
    if outcome.note:
        progress.notes.append(outcome.note)
    place = str(outcome.target)
    progress.tasks[place] = task
    if outcome.small is not None:
        progress.news.append((place, outcome.name, outcome.small))


def _pictures(progress: Progress, folder: Path) -> Iterator[tuple[str, str, str]]:
    """What is new: places, names, and files. Gradio deletes in the end what it has shown, and only that."""
    while progress.news:
        place, name, small = progress.news.popleft()
        path = folder / f'{secrets.token_hex(4)}.jpg'
        photofile.write_preview(path, small)
        yield place, name, str(path)


def _report(progress: Progress, say: Words) -> Update:
    line = say['album_done'].format(done=progress.done, photos=progress.photos)
    problems = tuple(words.reason(reason, say) for _, reason in progress.failed)
    return {'value': Reported(line=line, share=progress.done / progress.photos, problems=problems)}


def _final_report(progress: Progress, say: Words) -> Update:
    line = say['album_finished'].format(colored=progress.colored, photos=progress.photos)
    if progress.ended:
        left = progress.photos - progress.done
        line = words.joined([line, say[f'album_{progress.ended}'].format(left=left, minutes=MINUTES)])
    sentences = (*(reason for _, reason in progress.failed), *progress.notes)
    problems = tuple(words.reason(sentence, say) for sentence in sentences)
    return {'value': Reported(line=line, problems=problems)}


def _show(**shown: Any) -> list[Any]:
    """Updates in the order of `PARTS`: those that are named are seen, the others are hidden."""
    hidden: Update = {'picker': 'hidden', 'report': 'hidden'}
    seen: Update = {'visible': True}
    *parts, finished = PARTS
    return [
        *(
            gr.update(**seen | shown[part]) if part in shown else gr.update(visible=hidden.get(part, False))
            for part in parts
        ),
        shown.get(finished),
    ]
