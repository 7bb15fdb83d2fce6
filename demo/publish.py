"""Publish a page as a Space on Hugging Face: make space REPO=user/name, or make space-static REPO=user/name

What goes there is `demo` and `lumachrome`, and the three files of `demo/space` at the root; of the static page, what
`make web` builds, with the README of `demo/web/space`. Whoever is logged in (`hf auth login`, or HF_TOKEN) owns the
Space.
"""

import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import httpx2  # which huggingface_hub speaks through
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

ROOT = Path(__file__).parent.parent
WEB = ROOT / 'demo' / 'web'
# Of `demo`: what makes a Space, what Gradio and Python write, and what checks the scripts.
LEFT_OUT = ['space', 'publish.py', 'requirements*.txt', '.*', '*.pyi', '__pycache__']
LEFT_OUT += ['web', 'biome.json']
NAMED = re.compile(r'[\w-][\w.-]*/[\w-][\w.-]*')


def stage(folder: Path, repo: str) -> None:
    """Lay out the Space in an empty folder.

    Parameters
    ----------
    folder : Path
    repo : str
        'user/name', of which its README speaks.
    """
    shutil.copytree(
        ROOT / 'demo',
        folder / 'demo',
        ignore=shutil.ignore_patterns(*LEFT_OUT),
    )
    shutil.copytree(ROOT / 'lumachrome', folder / 'lumachrome', ignore=shutil.ignore_patterns('__pycache__', '.*'))
    for source in (ROOT / 'LICENSE', *(ROOT / 'demo' / 'space').glob('*.*')):
        shutil.copy(source, folder)
    readme = folder / 'README.md'
    readme.write_text(readme.read_text('utf-8').replace('OWNER/NAME', repo), 'utf-8')


def stage_static(folder: Path, repo: str) -> None:
    """Lay out the static Space, as `stage` does.

    Raises
    ------
    FileNotFoundError
        The page was not built.
    """
    shutil.copytree(WEB / 'dist', folder, dirs_exist_ok=True)
    shutil.copy(ROOT / 'LICENSE', folder)
    shutil.copy(ROOT / 'lumachrome' / 'models' / 'LICENSE', folder / 'model')  # of the weights
    readme = (WEB / 'space' / 'README.md').read_text('utf-8')
    (folder / 'README.md').write_text(readme.replace('OWNER/NAME', repo), 'utf-8')


def upload(folder: Path, repo: str, sdk: str = 'gradio') -> str:
    """Make the Space where there is none, and make its files those of a folder.

    Parameters
    ----------
    folder : Path
    repo : str
    sdk : str
        'gradio' or 'static'.

    Returns
    -------
    str
        Its address.
    """
    hub = HfApi()
    url = hub.create_repo(repo, repo_type='space', space_sdk=sdk, exist_ok=True)
    hub.upload_folder(
        repo_id=repo, repo_type='space', folder_path=folder, delete_patterns='*', commit_message='Lumachrome'
    )
    return str(url)


def main(arguments: Sequence[str]) -> int:
    static = '--static' in arguments
    arguments = [argument for argument in arguments if argument != '--static']
    if len(arguments) != 1 or not NAMED.fullmatch(arguments[0]):
        print(f'Say where to: make space{"-static" if static else ""} REPO=user/name', file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        (stage_static if static else stage)(Path(folder), arguments[0])
        try:
            print(upload(Path(folder), arguments[0], 'static' if static else 'gradio'))
        except HfHubHTTPError as error:
            reason = error.server_message or error.response.reason_phrase
            if error.response.status_code == 401:
                reason = 'log in first, with .venv-demo/bin/hf auth login.'
            print(f'Hugging Face refuses {arguments[0]}: {reason}', file=sys.stderr)
        except httpx2.HTTPError as error:
            print(f'Hugging Face cannot be reached: {error}', file=sys.stderr)
        else:
            return 0
    return 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
