"""The page's controls and its API's parameters, made from the fields of `Adjustments`: a new one is there by itself."""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import gradio as gr

from demo.colorizers import OpenColorizer
from demo.page import words
from demo.page.inputs import HintList, NumberInput, PhotoInput
from demo.server.limits import MAX_PIXELS
from lumachrome import hints, photofile
from lumachrome.adjustments import SETTINGS, Adjustments, Palette, Setting

ON_ALBUM = tuple(name for name in SETTINGS if name != 'hints')  # those lie in files of their own among the photos
BESIDE = ('reach', 'strength')  # where hints or a palette are, which they are about
SLIDERS = tuple(
    name for name, setting in SETTINGS.items() if setting.is_number and not setting.presets and name not in BESIDE
)
EXPLAINED = 'article'  # the network that `model_help` tells of
# What the looks to choose from set: what else is in `SLIDERS` goes to its default.
PRESETS: dict[str, dict[str, float]] = {
    preset: {name: SETTINGS[name].default for name in SLIDERS} | given
    for preset, given in {
        'natural': {},
        'rich': {'saturation': 1.35},
        'warm': {'warmth': 0.4},
        'faded': {'saturation': 0.65, 'warmth': 0.15},
        'archive': {'saturation': 0.4, 'warmth': 0.45},
    }.items()
}


def control(name: str, features: Iterable[str], prefix: str = '') -> Any:
    """The component that sets a field on the page.

    Parameters
    ----------
    name : str
        Of a field of `Adjustments`, but `hints`.
    features : iterable of str
        What the chosen network has: a control that it has no use for is hidden.
    prefix : str
        What its element id begins with.
    """
    setting, label = SETTINGS[name], words.label
    shared = {
        'label': label(name),
        'visible': setting.needs in ('', *features),
        'elem_id': prefix + name.replace('_', '-'),
    }
    if setting.presets:
        choices = [(words.label(f'{name}_{value:g}'), value) for value in named_presets(name)]
        helped = f'{name}_help'
        info = words.label(helped) if helped in words.WORDS['en'] else None
        return gr.Dropdown(choices, value=setting.default, info=info, min_width=200, **shared)
    if setting.is_number:
        low, high = setting.shown
        return gr.Slider(low, high, value=setting.default, step=setting.step, min_width=200, **shared)
    return photo_input(height=160, **shared)


def named_presets(name: str) -> list[float]:
    """The presets of a field that the page offers: those that have a name, such as `variant_0`."""
    return [value for value in SETTINGS[name].presets if f'{name}_{value:g}' in words.WORDS['en']]


def numbers() -> dict[str, dict[str, Any]]:
    """What the pages must know of the fields of `Adjustments` that are numbers, by name."""
    return {
        name: {
            'default': setting.default,
            'low': setting.shown[0],
            'high': setting.shown[1],
            'step': setting.step,
            'needs': setting.needs,
            'presets': named_presets(name),
        }
        for name, setting in SETTINGS.items()
        if setting.is_number
    }


def model_choice(choices: Sequence[str | tuple[str, str]], first: str, prefix: str = '') -> Any:
    """The component that chooses a network: names, or pairs of a name and a path; hidden where there is one alone."""
    return gr.Dropdown(
        list(choices),
        value=first,
        label=words.label('model'),
        info=words.label('model_help') if EXPLAINED in choices else None,
        visible=len(choices) > 1,
        min_width=200,
        elem_id=f'{prefix}model',
    )


def photo_input(**settings: Any) -> PhotoInput:
    """An input for one photo, by choosing, dropping or pasting it."""
    return PhotoInput(type='filepath', image_mode=None, sources=['upload', 'clipboard'], buttons=[], **settings)


def fitting(open_colorizer: OpenColorizer, needs: Sequence[str]) -> Callable[..., list[dict[str, Any]]]:
    """What shows, of components that need features of a network, those that the chosen one has."""

    def fit(request: gr.Request, model: str) -> list[dict[str, Any]]:
        with words.in_words(words.of(request)):
            features = ('', *open_colorizer(model).features)
        return [gr.update(visible=need in features) for need in needs]

    return fit


def parameter(setting: Setting) -> Any:
    """The input that gives the API and the MCP tool a parameter; its value is checked by `adjustments`."""
    if setting.name == 'hints':
        return HintList(label=setting.name)
    made: Any = NumberInput(setting.default, label=setting.name) if setting.is_number else photo_input(label='palette')
    made.help = f'{setting.help}{_range(setting)}'
    return made


def with_parameters(names: Sequence[str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a method that takes `settings`, a dict by name, so that Gradio sees a parameter for each name instead.

    Gradio names and describes what its API and the MCP tool take by a function's signature and docstring, in which
    `{settings}` stands where their lines go.
    """

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        own = inspect.signature(method)
        given = [
            inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=Any)
            for name in names
        ]
        before, after = [], list(own.parameters.values())
        while after[0].name != 'settings':
            before.append(after.pop(0))
        signature = own.replace(parameters=[*before, *given, *after[1:]])

        def call(*values: Any, **named: Any) -> Any:
            arguments = signature.bind(*values, **named).arguments
            settings = {name: arguments.pop(name, None) for name in names}
            return method(**arguments, settings=settings)

        if inspect.isgeneratorfunction(method):  # Gradio asks for that

            def wrapper(*values: Any, **named: Any) -> Any:
                yield from call(*values, **named)
        else:
            wrapper = call
        wrapper = functools.wraps(method)(wrapper)
        wrapper.__signature__ = signature  # type: ignore[attr-defined]
        wrapper.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
        lines = [f'{name}: {SETTINGS[name].help}{_range(SETTINGS[name])}' for name in names]
        wrapper.__doc__ = (method.__doc__ or '').replace('{settings}', '\n            '.join(lines))
        return wrapper

    return decorate


def _range(setting: Setting) -> str:
    if setting.is_number:
        return f' A number {setting.range}, by default {setting.default:g}.'
    if setting.name == 'hints':
        return ' Such as [{"x": 0.5, "y": 0.2, "color": "#4060c0"}]; x and y: fractions of width and height.'
    return ''


def adjustments(settings: Mapping[str, Any]) -> Adjustments:
    """What a request sets.

    Parameters
    ----------
    settings : mapping
        A value by name; None is the default. The palette is a photo's path, hints are as JSON holds them.

    Raises
    ------
    UserError
        A value is of another kind or out of its range, or the palette's photo cannot be read.
    """
    values = dict(settings)
    if 'palette' in values:
        values['palette'] = _palette(values['palette']) if values['palette'] else None
    if 'hints' in values:
        values['hints'] = hints.parse(values['hints'])
    return Adjustments(**values)


@functools.lru_cache(maxsize=64)  # while a slider moves, the palette stays
def _palette(path: str) -> Palette:
    return photofile.read_palette(path, max_pixels=MAX_PIXELS)
