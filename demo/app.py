"""The page: one photo in, compared before and after, steered by clicking, downloaded at full size; and albums.

Here is how it looks and what leads where; what happens then is in `demo.page.photo`, and in
`demo.page.album` for albums.
"""

import ctypes
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

# Gradio reads these when it is imported; whoever sets them keeps their choice.
os.environ.setdefault('GRADIO_ANALYTICS_ENABLED', 'False')
os.environ.setdefault('HF_HUB_DISABLE_TELEMETRY', '1')

import gradio as gr
from starlette.middleware import Middleware

from demo.colorizers import Colorizers, OpenColorizer
from demo.page import words
from demo.page.album import MAX_PHOTOS, AlbumPage
from demo.page.album_picker import AlbumPicker
from demo.page.album_report import AlbumReport
from demo.page.component import static
from demo.page.inputs import AlbumFiles, HintList, PhotoInput
from demo.page.painter import HintPainter
from demo.page.photo import PhotoPage
from demo.server import gradio_patches, retention
from demo.server.middleware import SecurityMiddleware
from demo.server.uploads import FILE_MB
from lumachrome import contract
from lumachrome.colorizer import models

EXAMPLES = Path(__file__).parent / 'examples'
RENDER_SIZES = (256, 384, 512, 768)
QUEUE = 32  # visitors who wait; the next one is told to try again
# Albums take turns among themselves, and one of their photos runs beside a visitor's single one: an album never makes
# that visitor wait, and two photos at most are in memory.
ALBUM = {'concurrency_id': 'album', 'concurrency_limit': 1, 'api_visibility': 'private', 'show_progress': 'hidden'}
LIVE = {'trigger_mode': 'always_last', 'show_progress': 'hidden'}  # while a slider moves, the last place counts

THEME = gr.themes.Base(
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
)


def _photo_input(**settings: Any) -> PhotoInput:
    return PhotoInput(type='filepath', image_mode=None, sources=['upload', 'clipboard'], buttons=[], **settings)


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
    open_colorizer = open_colorizer or Colorizers()
    photo_page = PhotoPage(open_colorizer)
    album_page = AlbumPage(open_for_album or open_colorizer)
    choices = list(models())
    first = str(model) if model else next(iter(choices), None)
    colorizer = open_colorizer(first)
    if first not in choices:
        choices.insert(0, (Path(first).stem, first))

    label = words.LABELS
    with gr.Blocks(title='Lumachrome') as page:
        gr.Markdown(label('title'), elem_id='title')
        with gr.Tab(label('one_photo')):
            photo = _photo_input(
                label=label('photo'),
                alt_text=label('chosen'),
                placeholder=label('drop'),
                height=360,
                elem_id='photo',
            )
            painter = HintPainter(elem_id='compare', visible='hidden')
            warning = gr.Markdown(elem_id='warning')
            status = gr.Markdown(elem_id='status')
            with gr.Column(visible=False) as controls:
                with gr.Row():
                    download = gr.Button(label('download'), variant='primary', elem_id='download')
                    another = gr.Button(label('another'), elem_id='another')
                with gr.Row():
                    saturation = gr.Slider(
                        0, 2, value=1, step=0.05, label=label('saturation'), min_width=200, elem_id='saturation'
                    )
                    warmth = gr.Slider(
                        -1, 1, value=0, step=0.05, label=label('warmth'), min_width=200, elem_id='warmth'
                    )
                    vividness = gr.Slider(
                        *contract.limits(contract.VIVIDNESS),
                        value=1,
                        step=0.05,
                        label=label('vividness'),
                        visible=colorizer.takes_vividness,
                        min_width=200,
                        elem_id='vividness',
                    )
                with gr.Accordion(
                    label('others'), open=False, visible=colorizer.predicts_distribution, elem_id='others'
                ) as leans:
                    gallery = gr.Gallery(
                        show_label=False,
                        columns=5,
                        height='auto',
                        allow_preview=False,
                        interactive=False,
                        buttons=[],
                        elem_id='gallery',
                    )
                with gr.Accordion(label('palette'), open=False, elem_id='palette'), gr.Row():
                    reference = _photo_input(label=label('reference'), height=160, elem_id='reference')
                    strength = gr.Slider(0, 1, value=0.5, step=0.05, label=label('strength'), elem_id='strength')
                with (
                    gr.Accordion(label('keep'), open=False, visible=colorizer.takes_hints, elem_id='keep') as keep,
                    gr.Row(),
                ):
                    save_hints = gr.Button(label('save_hints'), elem_id='save-hints')
                    load_hints = gr.UploadButton(label('load_hints'), file_types=['.json'], elem_id='load-hints')
                with gr.Accordion(label('settings'), open=False, elem_id='settings'), gr.Row():
                    model_choice = gr.Dropdown(
                        choices,
                        value=first,
                        label=label('model'),
                        visible=len(choices) > 1,
                        min_width=200,
                        elem_id='model',
                    )
                    render_size = gr.Dropdown(
                        [(label('own_size'), 0), *((str(size), size) for size in RENDER_SIZES)],
                        value=0,
                        label=label('render_size'),
                        min_width=200,
                        elem_id='render-size',
                    )
            gr.Examples(_examples(), inputs=photo, label=label('examples'), elem_id='examples')
        with gr.Tab(label('album')):
            _album(album_page, choices, first, colorizer.takes_vividness)
        gr.Markdown(label('limits'), elem_id='privacy')

        seen = gr.State()
        wishes = [saturation, vividness, warmth, reference, strength]
        shown = [seen, painter, status, warning, leans]
        private = {'api_visibility': 'private'}
        network = {'concurrency_id': 'network', 'concurrency_limit': 1, **private}
        busy = {'show_progress_on': [photo, painter], **network}
        # What cannot be read makes room for the next try.
        photo.change(
            photo_page.begin, [photo, model_choice, render_size, *wishes], [*shown, photo, controls], **busy
        ).failure(lambda: None, None, photo, **private)
        painter.hint(photo_page.paint, [seen, painter, model_choice, render_size, *wishes], shown, **network | LIVE)
        painter.point(photo_page.suggest, seen, painter, **network | LIVE)
        render_size.input(photo_page.look, [seen, model_choice, render_size, *wishes], shown, **busy)
        model_choice.input(photo_page.suits, model_choice, [vividness, leans, keep], **private).then(
            photo_page.look, [seen, model_choice, render_size, *wishes], shown, **busy
        )
        for wish in wishes:
            tinted = wish.change(photo_page.tint, [seen, *wishes], painter, **network | LIVE)
            if wish is reference:
                tinted.failure(lambda: None, None, reference, **private)
        leans.expand(photo_page.others, [seen, *wishes], gallery, show_progress_on=gallery, **network)
        gallery.select(photo_page.choose, [seen, *wishes], [seen, painter], **network | LIVE)
        ready = gr.DownloadButton(visible='hidden', elem_id='ready')
        fetch = {'js': "() => document.querySelector('#ready a, a#ready, #ready').click()", **private}
        save_hints.click(photo_page.save_hints, seen, ready, **private).success(None, **fetch)
        load_hints.upload(photo_page.load_hints, [seen, load_hints], [seen, painter], **private).success(
            photo_page.look, [seen, model_choice, render_size, *wishes], shown, **busy
        )
        another.click(lambda: None, None, photo, **private)
        download.click(photo_page.save, [seen, *wishes], [ready, status], show_progress_on=download, **network).success(
            None, **fetch
        )

        with gr.Row(visible=False):  # what /colorize takes beyond the page's own fields, and gives
            any_saturation = gr.Number(
                1, minimum=0, maximum=contract.limits(contract.SATURATION)[1], label='Saturation'
            )
            any_size = gr.Number(
                0, precision=0, minimum=0, maximum=contract.limits(contract.RENDER_SIZE)[1], label='Render size'
            )
            gr.Button().click(
                photo_page.colorize,
                [photo, model_choice, any_saturation, vividness, any_size, HintList(label='Hints')],
                [gr.File(label='Colour photo'), gr.Textbox(label='Status')],
                api_name='colorize',
                **network | {'api_visibility': 'public'},
            )
            gr.Button().click(
                album_page.colorize_album,
                [AlbumFiles(label='Photos or ZIPs'), model_choice, any_saturation, vividness, any_size],
                [gr.File(label='ZIP of the photos in colour'), gr.JSON(label='Report')],
                api_name='colorize_album',
                **ALBUM | {'api_visibility': 'public'},
            )
    page.queue(max_size=QUEUE, api_open=False)  # else calls to /run pass the queue by
    return page


def _album(album_page: AlbumPage, choices: list[str | tuple[str, str]], first: str, takes_vividness: bool) -> None:
    """The part of the page where album_page photos are coloured."""
    label = words.LABELS
    picker = AlbumPicker(MAX_PHOTOS, elem_id='album')
    with gr.Column() as settings:
        with gr.Row():
            saturation = gr.Slider(
                0, 2, value=1, step=0.05, label=label('saturation'), min_width=200, elem_id='album-saturation'
            )
            vividness = gr.Slider(
                *contract.limits(contract.VIVIDNESS),
                value=1,
                step=0.05,
                label=label('vividness'),
                visible=takes_vividness,
                min_width=200,
                elem_id='album-vividness',
            )
            model_choice = gr.Dropdown(
                choices,
                value=first,
                label=label('model'),
                visible=len(choices) > 1,
                min_width=200,
                elem_id='album-model',
            )
        start = gr.Button(label('album_start'), variant='primary', interactive=False, elem_id='album-start')
    report = AlbumReport(visible='hidden', elem_id='album-report')
    leave = gr.Button(label('cancel'), visible=False, elem_id='album-leave')
    stop = gr.Button(label('cancel'), visible=False, elem_id='album-stop')
    with gr.Row():
        download = gr.DownloadButton(
            label('download_album'), variant='primary', visible=False, elem_id='album-download'
        )
        again = gr.Button(label('another_album'), visible=False, elem_id='album-again')
    gallery = gr.Gallery(
        label=label('album_results'),
        show_label=False,
        columns=6,
        height='auto',
        visible=False,
        allow_preview=False,
        interactive=False,
        buttons=[],
        elem_id='album-gallery',
    )

    shown = [picker, settings, report, gallery, leave, stop, download, again]  # as album.PARTS
    at_once = {'queue': False, 'api_visibility': 'private', 'show_progress': 'hidden'}
    picker.picked(
        lambda files: gr.update(interactive=bool(files)), picker, start, trigger_mode='always_last', **at_once
    )
    model_choice.input(album_page.suits, model_choice, vividness, **at_once)
    running = start.click(album_page.begin, picker, shown, **at_once).success(
        album_page.run, [picker, model_choice, saturation, vividness], shown, **ALBUM
    )
    running.failure(album_page.choose, None, shown, **at_once)
    leave.click(album_page.choose, None, shown, cancels=running, **at_once)
    stop.click(album_page.cancel, None, stop, **at_once)
    again.click(album_page.start_again, None, [start, *shown], **at_once)


def serve(
    model: str | Path | None = None,
    mcp: bool = False,
    open_colorizer: OpenColorizer | None = None,
    open_for_album: OpenColorizer | None = None,
) -> None:
    """Show the page until it is stopped: on 127.0.0.1, unless Gradio's environment variables say otherwise.

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

    Raises
    ------
    ModelError
        There is no such model, or none at all.
    """
    _share_memory()
    above = os.environ.get('GRADIO_TEMP_DIR') or tempfile.gettempdir()
    os.makedirs(above, exist_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end as with Ctrl-C, so that the folder goes
    with tempfile.TemporaryDirectory(prefix='lumachrome-', dir=above, ignore_cleanup_errors=True) as folder:
        os.environ['GRADIO_TEMP_DIR'] = folder
        page = build(model, open_colorizer, open_for_album)
        with retention.swept(folder, 60 * retention.KEPT_MINUTES):
            launch(page, mcp, inbrowser=True)


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
    gradio_patches.apply()
    middleware = [Middleware(SecurityMiddleware)]
    return page.launch(
        theme=THEME,
        css=static('app.css'),
        i18n=words.LABELS,
        max_file_size=f'{FILE_MB}mb',
        enable_monitoring=False,
        run_history=False,
        show_error=False,
        mcp_server=mcp,
        footer_links=['api', 'settings'],
        app_kwargs={'openapi_url': None, 'docs_url': None, 'redoc_url': None, 'middleware': middleware},
        **settings,
    )


def _share_memory() -> None:
    """Let all threads take memory from the same places: glibc gives each its own, and those keep what photos needed."""
    if sys.platform == 'linux':
        mallopt, most_arenas = getattr(ctypes.CDLL(None), 'mallopt', None), -8
        if mallopt:  # other C libraries have none
            mallopt(most_arenas, 2)


def _examples() -> list[list[str]]:
    return [
        [str(path)] for path in sorted(EXAMPLES.glob('*.jpg'), key=lambda path: (path.stem.startswith('old-'), path))
    ]
