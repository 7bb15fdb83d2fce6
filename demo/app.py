"""The page: one photo in, compared before and after, downloaded at full size.

What is seen is a preview, so that it answers at once however large the photo is: `look` runs the network on it, and
`tint` joins the colours that it gave at another saturation. Only the download colours the photo itself, as all other
doors do it: with `Colorizer.colorize`.
"""

import functools
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

# Gradio reads these when it is imported; whoever sets them keeps their choice.
os.environ.setdefault('GRADIO_ANALYTICS_ENABLED', 'False')
os.environ.setdefault('HF_HUB_DISABLE_TELEMETRY', '1')

import gradio as gr
import numpy as np
from PIL import Image
from starlette.middleware import Middleware

from demo import contract, photofile
from demo.colorizer import CUDA, Colorizer, ModelError, ProviderError, models
from demo.compare import CompareSlider
from demo.guard import Guard

EXAMPLES = Path(__file__).parent / 'examples'
UPLOAD_LIMIT = '200mb'
KEPT_SECONDS = 3600  # how long a photo stays on the server
RENDER_SIZES = (256, 384, 512, 768)
QUEUE = 32  # visitors who wait; the next one is told to try again

STYLE = """
.gradio-container .fillable { max-width: 1000px !important }
.compare input { accent-color: var(--body-text-color) }
#title h1 { font-weight: 600; margin: 0 } #title p { margin: 2px 0 0; opacity: .75 }
#status { min-height: 1.6em; text-align: center } #status p { opacity: .75; font-size: 14px; margin: 0 }
#privacy p { opacity: .65; font-size: 13px }
"""
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


class PhotoInput(gr.Image):
    """Gradio's image input, which hands the file through untouched and says in words what it cannot read."""

    is_template = True  # the page knows it as the image component that it is

    def preprocess(self, payload):
        try:
            return super().preprocess(payload)
        except Image.DecompressionBombError as error:
            raise gr.Error('This photo has too many pixels: make it smaller first.', print_exception=False) from error
        except Exception as error:  # whatever Pillow and Gradio make of a file that is no photo
            raise gr.Error('This file is not a photo that can be read.', print_exception=False) from error


@dataclass(frozen=True)
class Look:
    """What `look` showed: enough to tint it without the network, and to colour the photo itself."""

    photo: str
    model: str
    settings: dict
    before: str
    ab: np.ndarray


def build(model=None):
    """The page as `gr.Blocks`.

    Parameters
    ----------
    model : str or Path, optional
        The model chosen at first, by name or by path.

    Raises
    ------
    ModelError
        There is no such model, or none at all.
    """
    choices = list(models())
    first = str(model) if model else next(iter(choices), None)
    colorizer = _loaded(first)
    if first not in choices:
        choices.insert(0, (Path(first).stem, first))

    with gr.Blocks(title='Lumachrome', delete_cache=(600, KEPT_SECONDS)) as page:
        gr.Markdown('# Lumachrome\nBlack-and-white photos in colour, at their full size.', elem_id='title')
        photo = PhotoInput(
            type='filepath',
            image_mode=None,
            format='png',  # what comes as a data: address is stored without loss
            sources=['upload', 'clipboard'],
            label='Black-and-white photo',
            alt_text='The photo you chose',
            placeholder='# Drop a black-and-white photo here\nor click to choose one, or paste it',
            buttons=[],
            height=360,
            elem_id='photo',
        )
        compare = CompareSlider(elem_id='compare', visible='hidden')
        status = gr.Markdown(elem_id='status')
        with gr.Row(visible=False) as actions:
            download = gr.Button('Download in colour', variant='primary', elem_id='download')
            another = gr.Button('Another photo', elem_id='another')
        with gr.Row():
            model_choice = gr.Dropdown(
                choices, value=first, label='Model', visible=len(choices) > 1, min_width=200, elem_id='model'
            )
            saturation = gr.Slider(0, 2, value=1, step=0.05, label='Saturation', min_width=200, elem_id='saturation')
            vividness = gr.Slider(
                *contract.VIVIDNESS_RANGE,
                value=1,
                step=0.05,
                label='Vividness',
                visible=colorizer.takes_vividness,
                min_width=200,
                elem_id='vividness',
            )
            render_size = gr.Dropdown(
                [("The model's own", 0), *((f'{size} pixels', size) for size in RENDER_SIZES)],
                value=0,
                label='Size at which the model looks',
                min_width=200,
                elem_id='render-size',
            )
        gr.Examples(_examples(), inputs=photo, label='Or try one of these', elem_id='examples')
        gr.Markdown(
            'The colours are likely ones, not the ones that were there. '
            f'Photos are deleted from this server after about {KEPT_SECONDS // 60} minutes.',
            elem_id='privacy',
        )

        seen = gr.State()
        shown = [seen, compare, status, photo, actions]
        settings = [photo, model_choice, saturation, vividness, render_size]
        network = {'concurrency_id': 'network', 'concurrency_limit': 1, 'api_visibility': 'private'}
        looked = {'show_progress_on': [photo, compare], **network}
        # What cannot be read makes room for the next try.
        photo.change(look, settings, shown, **looked).failure(lambda: None, None, photo, api_visibility='private')
        vividness.release(look, settings, shown, **looked)
        render_size.input(look, settings, shown, **looked)
        model_choice.input(_suits, model_choice, vividness, api_visibility='private').then(
            look, settings, shown, **looked
        )
        saturation.change(
            tint, [seen, saturation], compare, trigger_mode='always_last', show_progress='hidden', **network
        )
        another.click(lambda: None, None, photo, api_visibility='private')
        ready = gr.DownloadButton(visible='hidden', elem_id='ready')
        download.click(save, [seen, saturation], [ready, status], show_progress_on=download, **network).success(
            None, js="() => document.querySelector('#ready a, a#ready, #ready').click()", api_visibility='private'
        )

        with gr.Row(visible=False):  # what /colorize takes beyond the page's own fields, and gives
            any_saturation = gr.Number(1, minimum=0, maximum=contract.SATURATION_RANGE[1], label='Saturation')
            any_size = gr.Number(0, precision=0, minimum=0, maximum=contract.RENDER_SIZE_RANGE[1], label='Render size')
            gr.Button().click(
                colorize,
                [photo, model_choice, any_saturation, vividness, any_size],
                [gr.File(label='Colour photo'), gr.Textbox(label='Status')],
                api_name='colorize',
                **network | {'api_visibility': 'public'},
            )
    page.queue(max_size=QUEUE)
    return page


def serve(model=None):
    """Show the page until it is stopped: on 127.0.0.1, unless Gradio's environment variables say otherwise."""
    build(model).launch(inbrowser=True, **LAUNCH)


def look(photo, model, saturation, vividness, render_size):
    """Show a photo beside its colours, both at the size of a preview."""
    if photo is None:
        return None, gr.update(value=None, visible='hidden'), '', gr.update(visible=True), gr.update(visible=False)
    picture = _read(photo)
    colorizer = _colorizer(model)
    settings = _settings(colorizer, vividness, render_size)
    small = photofile.shrink(picture)
    start = time.perf_counter()
    ab = _in_words(colorizer.colors, small, **settings)
    coloured = colorizer.join(small, ab, saturation)
    seconds = time.perf_counter() - start
    before, after = _new_file('before.jpg'), _new_file('after.jpg')
    photofile.write_preview(before, small)
    photofile.write_preview(after, coloured)
    return (
        Look(photo, model, settings, str(before), ab),
        gr.update(value=(before, after), visible=True),
        _status(picture, colorizer, f'previewed in {1000 * seconds:.0f} ms'),
        gr.update(visible='hidden'),
        gr.update(visible=True),
    )


def tint(seen, saturation):
    """Show the same colours at another saturation; the network does not run."""
    if seen is None:
        return gr.skip()
    after = _new_file('after.jpg')
    with Image.open(_present(seen.before)) as before:
        photofile.write_preview(after, _colorizer(seen.model).join(np.asarray(before), seen.ab, saturation))
    return seen.before, after


def save(seen, saturation):
    """Colour the photo itself, at its full size."""
    return _coloured(seen.photo, _colorizer(seen.model), saturation, seen.settings)


def colorize(photo, model=None, saturation=1.0, vividness=1.0, render_size=0):
    """Colour a black-and-white photo. Its size, detail, format and metadata stay.

    Args:
        photo: The photo. Of a colour photo only the luminance is used.
        model: The network that chooses the colours.
        saturation: Factor on the colours, 0 (gray) to 4; 1 is the network's own colour.
        vividness: From 0, faithful, to 1, vivid. Networks that know no vividness pass it over.
        render_size: Short side in pixels, 32 to 1024, at which the network looks at the photo; 0 is its own.

    Returns:
        The photo in colour, and a line with its size, where it was coloured, and how long that took.
    """
    if photo is None:
        raise gr.Error('Choose a photo first.', print_exception=False)
    colorizer = _colorizer(model)
    return _coloured(photo, colorizer, saturation, _settings(colorizer, vividness, render_size))


_loaded = functools.cache(Colorizer)  # a network is read once and shared by all visitors


def _colorizer(model):
    return _in_words(_loaded, model)


def _settings(colorizer, vividness, render_size):
    return {'vividness': vividness if colorizer.takes_vividness else None, 'render_size': int(render_size)}


def _suits(model):
    """Show the vividness where the chosen network has one."""
    return gr.update(visible=_colorizer(model).takes_vividness)


def _coloured(photo, colorizer, saturation, settings):
    picture = _read(photo)
    start = time.perf_counter()
    pixels = _in_words(colorizer.colorize, picture.pixels, saturation=saturation, **settings)
    seconds = time.perf_counter() - start
    path = _new_file(f'{Path(picture.name).stem}-colour{picture.suffix}')
    _in_words(photofile.write, path, pixels, picture)
    return str(path), _status(picture, colorizer, f'coloured in {1000 * seconds:.0f} ms')


def _status(picture, colorizer, duration):
    height, width = picture.pixels.shape[:2]
    device = 'GPU' if colorizer.provider == CUDA else 'CPU'
    line = f'{width} × {height} pixels · {colorizer.name} on {device} · {duration}'
    return f'{line} · only the first page' if picture.note else line


def _read(path):
    return _in_words(photofile.read, _present(path))


def _present(path):
    if not Path(path).exists():
        raise gr.Error('The photo is no longer on the server: choose it again.', print_exception=False)
    return path


def _new_file(name):
    """A path that nobody can guess, in the folder whose files Gradio deletes when they are old."""
    folder = Path(gr.utils.get_upload_folder()) / secrets.token_hex(16)
    folder.mkdir(parents=True)
    return folder / name


def _in_words(function, *arguments, **settings):
    """Call a function; what can go wrong reaches the visitor as a sentence."""
    try:
        return function(*arguments, **settings)
    except MemoryError as error:
        raise gr.Error('This photo does not fit into the memory of the server.', print_exception=False) from error
    except (photofile.PhotoError, ModelError, ProviderError) as error:
        raise gr.Error(str(error), print_exception=False) from error


def _examples():
    return [[str(path)] for path in sorted(EXAMPLES.glob('*.jpg'))]


LAUNCH = {
    'theme': THEME,
    'css': STYLE,
    'max_file_size': UPLOAD_LIMIT,
    'enable_monitoring': False,
    'run_history': False,
    'show_error': False,
    'footer_links': ['api', 'settings'],
    'app_kwargs': {'openapi_url': None, 'docs_url': None, 'redoc_url': None, 'middleware': [Middleware(Guard)]},
}
