"""The page: one photo in, compared before and after, steered by clicking, downloaded at full size; albums; clips.

Here is how it looks and what leads where; what happens then is in `demo.page.photo`, in `demo.page.album` for albums
and in `demo.page.video` for clips.
"""

import ctypes
import os
import signal
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

# Gradio reads these when it is imported; whoever sets them keeps their choice.
os.environ.setdefault('GRADIO_ANALYTICS_ENABLED', 'False')
os.environ.setdefault('HF_HUB_DISABLE_TELEMETRY', '1')

import gradio as gr
from gradio.themes import Base
from starlette.middleware import Middleware

from demo import HOST, PORT
from demo.colorizers import Colorizers, OpenColorizer
from demo.page import controls, words
from demo.page import photo as one_photo
from demo.page.album import MAX_PHOTOS, AlbumPage
from demo.page.album_picker import AlbumPicker
from demo.page.component import head, static
from demo.page.inputs import AlbumFiles
from demo.page.photo import PhotoPage
from demo.page.report import Report
from demo.page.studio import Answers, PhotoStudio
from demo.page.video import ON_VIDEO, SUFFIXES, VideoPage
from demo.page.video_parts import VideoPicker, VideoPlayer
from demo.server import clips, gradio_patches, queueing, retention
from demo.server.blocks import Blocks
from demo.server.limits import FILE_MB, WAITING
from demo.server.middleware import SecurityMiddleware
from lumachrome import decoding
from lumachrome.adjustments import SETTINGS
from lumachrome.colorizer import models
from lumachrome.errors import UserError

# The ones that were made to look old come last.
EXAMPLES = dict(sorted(one_photo.EXAMPLES.items(), key=lambda item: (item[0].startswith('old-'), item[0])))
# Albums and clips take turns among themselves, and one of their photos runs beside a visitor's single one: an album
# never makes that visitor wait, and two photos at most are in memory.
ALBUM: dict[str, Any] = {
    'concurrency_id': queueing.ALBUM,
    'concurrency_limit': 1,
    'api_visibility': 'private',
    'show_progress': 'hidden',
}
AT_ONCE: dict[str, Any] = {'queue': False, 'api_visibility': 'private', 'show_progress': 'hidden'}
THEME = Base(
    primary_hue='stone',
    neutral_hue='stone',
    font=['system-ui', 'sans-serif'],
    font_mono=['ui-monospace', 'monospace'],
).set(
    button_primary_background_fill='*neutral_800',
    button_primary_background_fill_hover='*neutral_700',
    button_primary_text_color='white',
    button_primary_background_fill_dark='*neutral_100',
    button_primary_background_fill_hover_dark='white',
    button_primary_text_color_dark='*neutral_900',
    block_info_text_color='*neutral_700',
    block_info_text_color_dark='*neutral_200',
)


def build(
    model: str | Path | None = None,
    open_colorizer: OpenColorizer | None = None,
    open_for_album: OpenColorizer | None = None,
) -> gr.Blocks:
    """The page, for `launch`. The parameters are those of `serve`.

    Raises
    ------
    ModelError
        There is no such model, or none at all.
    """
    gradio_patches.apply()
    open_colorizer = open_colorizer or Colorizers()
    open_for_album = open_for_album or open_colorizer
    known = list(models())
    first = str(model or next(iter(known), ''))
    # Who names no network, as programs may, gets the page's own.
    photo_page = PhotoPage(lambda name: open_colorizer(name or first or None))
    album_page = AlbumPage(lambda name: open_for_album(name or first or None))
    colorizer = open_colorizer(first or None)
    features = colorizer.features
    choices = known if first in known else [(Path(first).stem, first), *known]

    label = words.label
    named = [pair if isinstance(pair, tuple) else (pair, pair) for pair in choices]
    with Blocks(title='Lumachrome') as page:
        gr.Markdown('# Lumachrome', elem_id='title')
        gr.Markdown(label('lead'), elem_id='lead')
        with gr.Tab(label('one_photo')):
            studio = PhotoStudio(
                named, list(EXAMPLES.values()), SUFFIXES if clips.are_possible() else (), elem_id='studio'
            )
            answers = Answers(visible='hidden')
        with gr.Tab(label('album')):
            results, album_download, finished = _album(album_page, open_for_album, choices, first, features)
        if clips.are_possible():
            with gr.Tab(label('one_video')):
                video_page = VideoPage(lambda name: open_for_album(name or first or None))
                _video(video_page, open_for_album, choices, first, features)
        gr.Markdown(label('limits'), elem_id='privacy')

        seen = gr.State()
        private: dict[str, Any] = {'api_visibility': 'private', 'show_progress': 'hidden'}
        network: dict[str, Any] = {'concurrency_id': 'network', 'concurrency_limit': 1, **private}
        live = {**network, 'trigger_mode': 'always_last'}  # while a slider moves, the last place counts
        lost: dict[str, Any] = {'fn': None, 'outputs': answers, **private}
        lost['js'] = '() => ({ failed: true, number: Date.now() })'
        missed: dict[str, Any] = lost | {'js': '() => ({ missed: true, number: Date.now() })'}
        page.load(photo_page.hero, None, answers, **network)
        # The browser asks for one at a time, and for the next one before Gradio is quite done with the last
        studio.begin(photo_page.begin, studio, [seen, answers], **live).failure(**lost)
        studio.look(photo_page.look, [seen, studio], [seen, answers], **live)
        studio.tint(photo_page.tint, [seen, studio], answers, **live)
        studio.point(photo_page.suggest, [seen, studio], answers, **live)
        studio.borrow(photo_page.borrow, studio, answers, **live)
        studio.variants(photo_page.variants, [seen, studio], answers, **live)
        studio.part(photo_page.part, [seen, studio], answers, **live)
        for event, made in ((studio.save, photo_page.save), (studio.compared, photo_page.compared)):
            event(made, [seen, studio], answers, **network).failure(**missed)
        results.select(album_page.open, finished, answers, **private)

        def put_back(request: gr.Request, seen: Any, given: Any, album: Any) -> tuple[Any, ...]:
            shown = photo_page.save(request, seen, given)
            with words.in_words(words.of(request)):
                album = album_page.put_back(album, given.detail.came, shown.pop('ready'), words.of(request))
            return album, str(album.archive), list(album.pictures), shown | {'put_back': True}

        changed = [finished, album_download, results, answers]
        studio.put_back(put_back, [seen, studio, finished], changed, **network).failure(**missed)

        with gr.Row(visible=False):  # what programs may ask for
            photo = controls.photo_input(label='photo')
            model_choice = gr.Dropdown(list(choices), value=first, label='model')
            pages = gr.Checkbox(False, label='all_pages')
            taken = {name: controls.parameter(setting) for name, setting in SETTINGS.items()}
            gr.Button().click(
                photo_page.colorize,
                [photo, model_choice, *taken.values()],
                [gr.File(label='Colour photo'), gr.Textbox(label='Status')],
                api_name='colorize',
                **{**network, 'api_visibility': 'public'},
            )
            gr.Button().click(
                album_page.colorize_album,
                [AlbumFiles(label='Photos or ZIPs'), model_choice, *(taken[name] for name in controls.ON_ALBUM), pages],
                [gr.File(label='ZIP of the photos in colour'), gr.JSON(label='Report')],
                api_name='colorize_album',
                **{**ALBUM, 'api_visibility': 'public'},
            )
    page.queue(max_size=WAITING, api_open=False)  # else calls to /run pass the queue by
    return page


class _Settings(NamedTuple):
    """What is asked before an album or a clip starts: all of it, its controls by name, the network's, the start."""

    column: gr.Column
    adjust: dict[str, Any]
    model: Any
    start: gr.Button


def _settings(
    kind: str,
    beside: Sequence[str],
    below: Sequence[str],
    choices: Sequence[str | tuple[str, str]],
    first: str,
    features: Iterable[str],
) -> _Settings:
    """The settings of an 'album' or a 'video'; in a fold the controls `beside` the network's and those `below` it."""
    label, prefix = words.label, f'{kind}-'
    with gr.Column() as column:
        with gr.Row():
            adjust = {name: controls.control(name, features, prefix) for name in controls.SLIDERS}
        with gr.Accordion(label(f'{kind}_settings'), open=False, elem_id=f'{kind}-settings'):
            with gr.Row():
                model_choice = controls.model_choice(choices, first, prefix)
                for name in beside:
                    adjust[name] = controls.control(name, features, prefix)
            with gr.Row():
                for name in below:
                    adjust[name] = controls.control(name, features, prefix)
        start = gr.Button(label(f'{kind}_start'), variant='primary', interactive=False, elem_id=f'{kind}-start')
    return _Settings(column, adjust, model_choice, start)


def _running(kind: str) -> tuple[Report, gr.Button, gr.Button]:
    """What shows while an 'album' or a 'video' is coloured: how far it is, and what ends it, waiting or running."""
    report = Report(visible='hidden', elem_id=f'{kind}-report')
    leave = gr.Button(words.label('cancel'), visible=False, elem_id=f'{kind}-leave')
    stop = gr.Button(words.label('cancel'), visible=False, elem_id=f'{kind}-stop')
    return report, leave, stop


def _ended(kind: str) -> tuple[gr.DownloadButton, gr.Button]:
    """What shows in the end: the download of an 'album' or a 'video', and the way to another one."""
    with gr.Row():
        download = gr.DownloadButton(
            words.label(f'download_{kind}'), variant='primary', visible=False, elem_id=f'{kind}-download'
        )
        again = gr.Button(words.label(f'another_{kind}'), visible=False, elem_id=f'{kind}-again')
    return download, again


def _wire(
    kind: str,
    page: AlbumPage | VideoPage,
    open_colorizer: OpenColorizer,
    names: Sequence[str],
    picker: Any,
    settings: _Settings,
    leave: gr.Button,
    again: gr.Button,
    shown: list[Any],
) -> None:
    """What leads where, from choosing an 'album' or a 'video' to choosing another; `names` are what is set for it."""
    _, adjust, model_choice, start = settings
    picker.picked(
        lambda chosen: gr.update(interactive=bool(chosen)), picker, start, trigger_mode='always_last', **AT_ONCE
    )
    needy = {adjust[name]: SETTINGS[name].needs for name in names if SETTINGS[name].needs}
    model_choice.input(controls.fitting(open_colorizer, list(needy.values())), model_choice, list(needy), **AT_ONCE)
    running = start.click(page.begin, picker, shown, **AT_ONCE).success(
        page.run, [picker, model_choice, *(adjust[name] for name in names)], shown, **ALBUM
    )
    running.failure(page.choose, None, shown, **AT_ONCE)
    leave.click(page.choose, None, shown, cancels=running, **AT_ONCE)
    forget = f"() => document.querySelector('#{kind} .forget').click()"
    # The button that was pressed is gone then: the focus goes to where another one is chosen.
    focus = f"() => requestAnimationFrame(() => document.querySelector('#{kind} .ways button').focus())"
    again.click(page.choose, None, shown, js=forget, **AT_ONCE).then(None, js=focus, **AT_ONCE)


def _album(
    album_page: AlbumPage,
    open_colorizer: OpenColorizer,
    choices: Sequence[str | tuple[str, str]],
    first: str,
    features: Iterable[str],
) -> tuple[gr.Gallery, gr.DownloadButton, gr.State]:
    """The part of the page where many photos are coloured: its gallery, its ZIP, and what is in it."""
    picker = AlbumPicker(MAX_PHOTOS, elem_id='album')
    settings = _settings(
        'album', ('render_size', 'variant'), ('palette', 'strength', 'reach'), choices, first, features
    )
    report, leave, stop = _running('album')
    download, again = _ended('album')
    gallery = gr.Gallery(
        label=words.label('album_results'),
        columns=6,
        height='auto',
        visible=False,
        allow_preview=False,
        interactive=False,
        buttons=[],
        elem_id='album-gallery',
    )
    finished = gr.State()
    shown = [picker, settings.column, report, gallery, leave, stop, download, again, finished]  # as album.PARTS
    _wire('album', album_page, open_colorizer, controls.ON_ALBUM, picker, settings, leave, again, shown)
    stop.click(album_page.cancel, None, stop, **AT_ONCE)
    return gallery, download, finished


def _video(
    video_page: VideoPage,
    open_colorizer: OpenColorizer,
    choices: Sequence[str | tuple[str, str]],
    first: str,
    features: Iterable[str],
) -> None:
    """The part of the page where a clip is coloured and played."""
    picker = VideoPicker(elem_id='video')
    settings = _settings('video', ('variant',), ('palette', 'strength'), choices, first, features)
    report, leave, stop = _running('video')
    player = VideoPlayer(visible='hidden', elem_id='video-player')
    download, again = _ended('video')
    shown = [picker, settings.column, report, player, leave, stop, download, again]  # as video.PARTS
    _wire('video', video_page, open_colorizer, ON_VIDEO, picker, settings, leave, again, shown)
    stop.click(video_page.cancel, None, None, **AT_ONCE)


def serve(
    model: str | Path | None = None,
    mcp: bool = False,
    open_colorizer: OpenColorizer | None = None,
    open_for_album: OpenColorizer | None = None,
    host: str | None = None,
    port: int | None = None,
) -> None:
    """Show the page until it is stopped.

    Parameters
    ----------
    model : str or Path, optional
        The model chosen at first, by name or by path.
    mcp : bool
        Whether assistants find the tool `colorize`, at /gradio_api/mcp/.
    open_colorizer : OpenColorizer, optional
        Gives the networks; by default each runs where `Colorizer` finds best.
    open_for_album : OpenColorizer, optional
        Gives those that colour the photos of albums; by default the same ones.
    host, port : str and int, optional
        Where; by default what GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say, else 127.0.0.1 and the first free port
        from 7860 on.

    Raises
    ------
    ModelError
        There is no such model, or none at all.
    UserError
        The port is taken, or the host is none of this machine's.
    """
    _share_memory()
    above = os.environ.get('GRADIO_TEMP_DIR') or tempfile.gettempdir()
    os.makedirs(above, exist_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end as with Ctrl-C, so that the folder goes
    with tempfile.TemporaryDirectory(prefix='lumachrome-', dir=above, ignore_cleanup_errors=True) as folder:
        os.environ['GRADIO_TEMP_DIR'] = folder
        page = build(model, open_colorizer, open_for_album)
        with retention.swept(folder, 60 * retention.KEPT_MINUTES):
            try:
                # Quiet, for Gradio would tell people to write share=True into a program that they have not written
                quietly = {'quiet': True, 'prevent_thread_lock': True, 'inbrowser': True}
                _, address, _ = launch(page, mcp, server_name=host, server_port=port, **quietly)
            except OSError as error:
                if 'empty port' not in str(error):  # so Gradio says that a port is taken, or that a host is not here
                    raise
                where = f'{host or HOST}:{port}' if port else host or f'any port from {PORT} on'
                raise UserError(f'The page cannot be served at {where}: choose another --port or --host.') from error
            print(f'The page is at {address} until you press Ctrl+C.', flush=True)
            page.block_thread()


def launch(page: gr.Blocks, mcp: bool = False, **settings: Any) -> tuple[Any, str, str | None]:
    """Start the server of a page that `build` made, fit for strangers.

    Parameters
    ----------
    page : gr.Blocks
    mcp : bool
        As `serve` takes it.
    **settings
        What else `gr.Blocks.launch` takes; it returns what that returns.
    """
    decoding.start()  # the first visitor need not wait for it
    for name in ('no_proxy', 'NO_PROXY'):  # Gradio asks its own server whether it runs; a proxy knows nothing of it
        os.environ[name] = ','.join(filter(None, [os.environ.get(name), 'localhost,127.0.0.1']))
    middleware = [Middleware(SecurityMiddleware)]
    return page.launch(
        theme=THEME,
        css=static('app.css'),
        head=head(),
        i18n=words.LABELS,
        max_file_size=f'{FILE_MB}mb',
        enable_monitoring=False,
        run_history=False,
        show_error=False,
        mcp_server=mcp,
        _frontend=False,  # which only leaves out asking once more, for three seconds at most: not on a busy machine
        footer_links=['api'],
        app_kwargs={'openapi_url': None, 'docs_url': None, 'redoc_url': None, 'middleware': middleware},
        **settings,
    )


def _share_memory() -> None:
    """Let all threads take memory from the same places: glibc gives each its own, and those keep what photos needed."""
    if sys.platform == 'linux':
        mallopt, most_arenas = getattr(ctypes.CDLL(None), 'mallopt', None), -8
        if mallopt:  # other C libraries have none
            mallopt(most_arenas, 2)
