"""Versions: pyproject.toml states ranges, the requirements state pins, and each number stands once."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / 'pyproject.toml').read_text('utf-8'))['project']
REQUIREMENTS = [
    'requirements.txt',
    'demo/requirements.txt',
    'demo/requirements-cuda.txt',
    'tests/requirements-slow.txt',
]


def pins(path):
    """What a requirements file names itself, without the files that it includes."""
    lines = [line.split('#')[0].strip() for line in (ROOT / path).read_text('utf-8').splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith('-r ')]


def version(pin):
    """The one version that a pin allows."""
    (specifier,) = pin.specifier
    assert specifier.operator == '==' and '*' not in specifier.version, pin
    return Version(specifier.version)


def ranges():
    extras = PROJECT['optional-dependencies'].values()
    found = [Requirement(text) for text in sum(extras, PROJECT['dependencies'])]
    return [range_ for range_ in found if range_.name != PROJECT['name']]  # an extra may stand on another


@pytest.mark.parametrize('path', REQUIREMENTS)
def test_what_is_required_is_pinned(path):
    assert pins(path)
    for pin in pins(path):
        version(pin)


@pytest.mark.parametrize('range_', ranges(), ids=lambda range_: range_.name)
def test_every_range_holds_its_pin(range_):
    found = [pin for path in REQUIREMENTS for pin in pins(path) if pin.name == range_.name]
    assert found, f'{range_.name} is pinned nowhere.'
    for pin in found:
        assert version(pin) in range_.specifier
        assert range_.marker is None or pin.marker == range_.marker


def test_the_extras_are_those_of_the_pins():
    """An extra that a range lacks would be missing from what people install, though all tests have it."""
    for range_ in ranges():
        pinned = {
            extra for path in REQUIREMENTS for pin in pins(path) if pin.name == range_.name for extra in pin.extras
        }
        assert range_.extras == pinned - {'serve'}  # of Ray, for the demo alone


def test_a_pin_stands_once():
    names = [(pin.name, str(pin.marker)) for path in REQUIREMENTS[:2] for pin in pins(path)]
    assert len(set(names)) == len(names)


def installed_with(requirements):
    """What pip installs for them: names of distributions, as far as they are here."""
    names, left = set(), [(pin, extra) for pin in requirements for extra in ('', *pin.extras)]
    while left:
        wanted, extra = left.pop()
        if (wanted.marker is None or wanted.marker.evaluate({'extra': ''})) and (wanted.name, extra) not in names:
            names.add((wanted.name, extra))
            try:
                needed = [Requirement(text) for text in metadata.requires(wanted.name) or ()]
            except metadata.PackageNotFoundError:
                continue
            for need in needed:
                if need.marker is None or need.marker.evaluate({'extra': extra}):
                    need.marker = None  # it holds here
                    left += [(need, more) for more in ('', *need.extras)]
    return {canonicalize_name(name) for name, _ in names}


# Modules that are found nowhere, whatever is installed
IMPORT_WITHOUT = """
import sys
from importlib.machinery import PathFinder
find, hidden = PathFinder.find_spec, set(sys.argv[1].split())
PathFinder.find_spec = lambda name, *rest: None if name.split('.')[0] in hidden else find(name, *rest)
import demo.app, demo.publish, lumachrome.__main__
"""


@pytest.mark.startup
def test_the_page_needs_nothing_beyond_its_requirements():
    had = installed_with(pins('demo/requirements.txt'))
    homes = metadata.packages_distributions()
    hidden = {name for name, homes in homes.items() if not {canonicalize_name(home) for home in homes} & had}
    assert {'tensorflow', 'keras', 'skimage'} <= hidden and 'gradio' not in hidden
    command = [sys.executable, '-c', IMPORT_WITHOUT, ' '.join(hidden)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_change_log_and_citation_name_the_version():
    changes = (ROOT / 'CHANGELOG.md').read_text('utf-8')
    newest = re.search(r'^## \[([\d.]+)\] - (\S+)$', changes, re.MULTILINE)
    citation = dict(re.findall(r'^([\w-]+): (.*)$', (ROOT / 'CITATION.cff').read_text('utf-8'), re.MULTILINE))
    assert newest[1] == citation['version'] == PROJECT['version']
    assert newest[2] == citation['date-released'].strip("'")
