"""Documents: what they link to is there."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ELSEWHERE = ('http://', 'https://', 'mailto:')
LINK = re.compile(r'\]\(<?([^)\s>]+)')  # of links and of pictures


def documents():
    listed = ['git', 'ls-files', '--cached', '--others', '--exclude-standard', '--', '*.md']
    return subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def anchors(text):
    """What GitHub calls a document's headings."""
    headings = re.findall(r'^#+ (.*)$', re.sub(r'^```.*?^```', '', text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', heading).strip().lower().replace(' ', '-') for heading in headings}


@pytest.mark.parametrize('document', documents())
def test_what_a_document_links_to_is_there(document):
    # What is in there lies at the root of a Space
    here = ROOT / document.removeprefix('demo/space/').removeprefix('demo/web/space/')
    text = re.sub(r'^```.*?^```', '', (ROOT / document).read_text('utf-8'), flags=re.MULTILINE | re.DOTALL)
    for link in LINK.findall(text):
        if link.startswith(ELSEWHERE):
            continue
        path, _, anchor = link.partition('#')
        path = path.replace('model/', 'lumachrome/models/') if document.startswith('demo/web/space/') else path
        target = here.parent / path if path else here
        assert target.exists(), f'{document} links to {link}, which is not there.'
        if anchor:
            assert anchor in anchors(target.read_text('utf-8')), (
                f'{document} links to {link}, which has no such heading.'
            )


def test_links_are_found():
    assert 'README.md' in documents()
    assert LINK.findall('[a](b.md) ![c](<d.jpg>) [e](f.md#g "h")') == ['b.md', 'd.jpg', 'f.md#g']
    assert anchors('# Train your own\n```\n# not this\n```\n') == {'train-your-own'}
