"""python -m training.walkthrough: make the .ipynb files of the notebooks' sources, without outputs.

Each begins with a link that opens it in Colab and a cell that installs what is missing there, both made here: the one
from where the repository lies, the other from the pins in requirements.txt.
"""

import hashlib
from pathlib import Path

import jupytext
import nbformat
from packaging.requirements import Requirement

from lumachrome.errors import atomic

REPOSITORY = 'lumachrome/lumachrome'  # on GitHub: whoever publishes it elsewhere changes this, and makes them anew

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
LANGUAGES = {'en': 'Open in Colab', 'zh': '在 Colab 中打开'}
NEEDS = {  # packages that the notebooks import, by module: those that are missing are installed
    'keras': 'keras',
    'tensorflow': 'tensorflow',
    'skimage': 'scikit-image',
    'sklearn': 'scikit-learn',
    'matplotlib': 'matplotlib',
    'psutil': 'psutil',
    'filelock': 'filelock',
    'tensorboardX': 'tensorboardX',
    'tqdm': 'tqdm',
    'onnx': 'onnx',
    'tf2onnx': 'tf2onnx',
    'onnxruntime': 'onnxruntime',
    'pyvips': 'pyvips',
    'pi_heif': 'pi-heif',
    'lxml': 'lxml',
}
FIRST = """\
# Fetches Lumachrome and installs what is missing, where this runs without them (on Colab, for one)
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

needs = {needs}
here = Path.cwd()
root = next((folder for folder in (here, *here.parents) if (folder / 'training/walkthrough').is_dir()), None)
if root is None:
    root = here / 'lumachrome'
    subprocess.run(['git', 'clone', '--depth', '1', 'https://github.com/{repository}', str(root)], check=True)
missing = [pin for module, pin in needs.items() if importlib.util.find_spec(module) is None]
if missing:
    subprocess.run([sys.executable, '-m', 'pip', 'install', '--quiet', *missing], check=True)
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.chdir(root)
sys.path.insert(0, str(root))
"""


def sources() -> list[Path]:
    """The notebooks' sources in both languages, in order."""
    return [path for language in LANGUAGES for path in sorted((HERE / language).glob('*.py'))]


def pins() -> dict[str, str]:
    """What pip is to install for each module of `NEEDS`."""
    lines = [
        line.split('#')[0].strip()
        for name in ('requirements.txt', 'demo/requirements.txt')
        for line in (ROOT / name).read_text('utf-8').splitlines()
    ]
    found = {pin.name: pin for pin in (Requirement(line) for line in lines if line and not line.startswith('-r '))}
    for pin in found.values():
        pin.marker = None  # whether it is needed is seen where it is to be installed
    return {module: str(found[name]) for module, name in NEEDS.items()}


def notebook(source: Path) -> str:
    """The text of the .ipynb file of a source: the same every time."""
    made = jupytext.read(source)
    language = source.parent.name
    at = f'{REPOSITORY}/blob/main/{source.relative_to(ROOT).with_suffix(".ipynb").as_posix()}'
    badge = f'[![{LANGUAGES[language]}](https://colab.research.google.com/assets/colab-badge.svg)]'
    link = nbformat.v4.new_markdown_cell(f'{badge}(https://colab.research.google.com/github/{at})')
    needs = '{\n' + ''.join(f'    {module!r}: {pin!r},\n' for module, pin in pins().items()) + '}'
    install = nbformat.v4.new_code_cell(FIRST.format(needs=needs, repository=REPOSITORY).rstrip())
    made.cells = [link, install, *made.cells]
    for place, cell in enumerate(made.cells):
        cell['id'] = hashlib.sha256(f'{place} {cell.source}'.encode()).hexdigest()[:8]
        cell['metadata'] = {}
    kernel = {'display_name': 'Python 3', 'language': 'python', 'name': 'python3'}
    made.metadata = nbformat.from_dict({'kernelspec': kernel, 'language_info': {'name': 'python'}})
    made.nbformat, made.nbformat_minor = 4, 5
    nbformat.validate(made)
    return nbformat.writes(made) + '\n'


def main() -> None:
    for source in sources():
        with atomic(source.with_suffix('.ipynb')) as unfinished:
            unfinished.write_text(notebook(source), 'utf-8')
        print(source.with_suffix('.ipynb').relative_to(ROOT))


if __name__ == '__main__':
    main()
