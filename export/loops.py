"""The tail as loops over pixels, written from the statements of `export.tail`: for numba, and for the browser.

    python -m export tails        lumachrome/tail.py and demo/web/src/tail.ts, anew

What lies around the formulas stands in `export.templates`. Everything is within a level of what
onnxruntime makes of the same statements: the languages round elsewhere.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from onnx import TensorProto

from export import tail
from export.graph import Graph
from export.scalar import CALL, LOOSE, TIGHT, Language, Scalar, scalars, statements
from export.templates import PYTHON, PYTHON_JOIN, SCRIPT, SCRIPT_JOIN
from lumachrome.errors import atomic

ROOT = Path(__file__).parents[1]
TABLES = {
    'red': tail.luminance_tables()[0],
    'green': tail.luminance_tables()[1],
    'blue': tail.luminance_tables()[2],
    'fys': tail.fy_table(),
    'lights': tail.light_table(tail.FULL),
}
COLORS, XZ = ('r', 'g', 'b'), ('x', 'z')


def _camel(name: str) -> str:
    return re.sub(r'_(\w)', lambda found: found[1].upper(), name)


NUMBA = Language(
    formulas={
        'Max': ('max({0}, {1})', CALL),
        'Min': ('min({0}, {1})', CALL),
        'Sqrt': ('math.sqrt({0})', CALL),
        'Floor': ('np.floor({0})', CALL),
        'Gather': ('{0}[{1}]', CALL),
        'Neg': ('-{0}', TIGHT),
        'Pow': ('{0} ** {1}', TIGHT),
        TensorProto.FLOAT: ('F({0})', CALL),
        TensorProto.INT32: ('np.int32({0})', CALL),
        TensorProto.UINT8: ('np.uint8(np.int32({0}))', CALL),
        TensorProto.UINT16: ('np.uint16(np.int32({0}))', CALL),
    },
    constant=lambda value: f'F({value!r})',
    statement='{} = {}'.format,
)
IN_FLOAT64 = Language(  # for tables
    formulas=NUMBA.formulas | {'Round': ('round({0})', CALL)}, constant=repr, statement=NUMBA.statement
)
TYPESCRIPT = Language(
    formulas={
        # Faster than Math.max, which must know about NaN and two kinds of zero
        'Max': ('{0} > {1} ? {0} : {1}', LOOSE),
        'Min': ('{0} < {1} ? {0} : {1}', LOOSE),
        'Sqrt': ('Math.sqrt({0})', CALL),
        'Floor': ('Math.floor({0})', CALL),
        'Round': ('Math.round({0})', CALL),
        'Gather': ('{0}[{1}]', CALL),
        'Neg': ('-{0}', TIGHT),
        'Pow': ('{0} ** {1}', TIGHT),
        TensorProto.UINT8: ('{0} | 0', LOOSE),
        TensorProto.UINT16: ('{0} | 0', LOOSE),
    },
    constant=lambda value: repr(int(value) if value == int(value) else value),
    statement='const {} = {};'.format,
    spell=_camel,
    same=frozenset({TensorProto.FLOAT, TensorProto.INT32}),
)


class Block:
    """A piece of the tail in a language, to be filled into a template.

    Attributes
    ----------
    lines : list of str
        Statements.
    formulas : dict of str
        Of each result, by its name.
    """

    def __init__(
        self, language: Language, inputs: dict[str, list[str]], build: Callable[[Graph], dict[str, str]]
    ) -> None:
        g = Graph()
        named = build(g)
        found = scalars(g, {name: [Scalar('', own) for own in channels] for name, channels in inputs.items()})
        results = {
            name if len(found[tensor]) == 1 else f'{name}_{letter}': channel
            for name, tensor in named.items()
            for letter, channel in zip(COLORS if len(found[tensor]) == 3 else XZ, found[tensor], strict=False)
        }
        self.lines, self.formulas = statements(results, language, TABLES)


def blocks(language: Language, of_tables: Language) -> dict[str, Block]:
    """Every piece of the tail."""

    def placed(g: Graph) -> dict[str, str]:
        return dict(zip(('above', 'below', 'share'), tail.placed(g, 'index', 'small', 'large'), strict=True))

    found = {
        'place': Block(language, {name: [name] for name in ('index', 'small', 'large')}, placed),
        'enlarge': Block(
            language,
            {'left': ['left_a', 'left_b'], 'right': ['right_a', 'right_b'], 'share': ['share']},
            lambda g: {'wide': g.Mul(tail.between(g, 'left', 'right', 'share'), np.reshape(tail.SHIFTS, (2, 1, 1)))},
        ),
        'luminance_table': Block(
            of_tables, {'index': ['index']}, lambda g: {'level': tail.luminance_of_level(g, 'index')}
        ),
        'fy_table': Block(of_tables, {'index': ['index']}, lambda g: {'fy': tail.fy_of(g, 'index')}),
        'encoded_table': Block(
            of_tables,
            {'index': ['index']},
            lambda g: {'color': tail.encoded(g, g.Div('index', 65535.0), np.dtype(np.uint8))},
        ),
        'light_table': Block(of_tables, {'index': ['index']}, lambda g: {'light': tail.light_of(g, 'index', 65535.0)}),
    }
    for depth in (np.dtype(np.uint8), np.dtype(np.uint16)):

        def lit(g: Graph, depth: np.dtype[np.uint8 | np.uint16] = depth) -> dict[str, str]:
            return dict(zip(('luminance', 'fy'), tail.luminance_of(g, 'level', depth), strict=True))

        def joined(g: Graph, depth: np.dtype[np.uint8 | np.uint16] = depth) -> dict[str, str]:
            light = tail.colored(g, 'luminance', 'fy', tail.between(g, 'above', 'below', 'share'))
            # A table is what JavaScript reads faster than it takes two roots.
            looks_up = language is TYPESCRIPT and depth == np.uint8
            return {'color': light if looks_up else tail.encoded(g, light, depth)}

        found[f'light_{depth}'] = Block(language, {'level': [f'level_{c}' for c in COLORS]}, lit)
        found[f'join_{depth}'] = Block(
            language,
            {
                'above': ['above_x', 'above_z'],
                'below': ['below_x', 'below_z'],
                'share': ['share'],
                'luminance': ['luminance'],
                'fy': ['fy'],
            },
            joined,
        )
    return found


DEPTHS = (
    {
        'kind': 'byte',
        'Kind': 'Byte',
        'depth': 'uint8',
        'Array': 'Uint8Array',
        'tables': 'red, green, blue, fys',
        'script_tables': 'red, green, blue, fys, encoded',
        'result': 'encoded[{} * 65535 + 0.5 | 0]',
    },
    {
        'kind': 'word',
        'Kind': 'Word',
        'depth': 'uint16',
        'Array': 'Uint16Array',
        'tables': 'lights',
        'script_tables': 'lights',
        'result': '{}',
    },
)


def filled(template: str, pieces: dict[str, Block]) -> str:
    """A template with the statements and formulas of the pieces: «piece» on a line of its own, «piece.result»."""

    def lines(found: re.Match[str]) -> str:
        return ''.join(f'{found[1]}{line}\n' for line in pieces[found[2]].lines)

    text = re.sub(r'^( *)«(\w+)»\n', lines, template, flags=re.MULTILINE)
    return re.sub(r'«(\w+)\.(\w+)»', lambda found: pieces[found[1]].formulas[found[2]], text)


def _each_depth(template: str) -> str:
    """A template for both depths, one after the other."""
    texts: list[str] = []
    for words in DEPTHS:
        text = template
        for c in COLORS:
            text = text.replace(f'«encoded_«depth»_{c}»', words['result'].format(f'«join_«depth».color_{c}»'))
        for word, meant in words.items():
            text = text.replace(f'«{word}»', meant)
        texts.append(text)
    return ''.join(texts)


def python() -> str:
    """lumachrome/tail.py."""
    template = PYTHON + _each_depth(PYTHON_JOIN).replace('lights = tables', '(lights,) = tables')
    text = filled(template, blocks(NUMBA, IN_FLOAT64))
    command = [sys.executable, '-m', 'ruff', 'format', '--stdin-filename', str(PYTHON_FILE), '-']
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def script(typed: bool = True) -> str:
    """demo/web/src/tail.ts; not `typed`, the same as JavaScript."""
    text = filled(SCRIPT + _each_depth(SCRIPT_JOIN), blocks(TYPESCRIPT, TYPESCRIPT))
    return re.sub(r'⟨(.*?)⟩', r'\1' if typed else '', text, flags=re.DOTALL)


PYTHON_FILE = ROOT / 'lumachrome' / 'tail.py'
SCRIPT_FILE = ROOT / 'demo' / 'web' / 'src' / 'tail.ts'


def write() -> list[Path]:
    """Write both files anew."""
    for path, text in ((PYTHON_FILE, python()), (SCRIPT_FILE, script())):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic(path) as unfinished:
            unfinished.write_text(text, encoding='utf-8')
    return [PYTHON_FILE, SCRIPT_FILE]
