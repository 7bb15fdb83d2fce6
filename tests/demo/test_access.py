"""What axe finds on the page, in all its states."""

import os
from pathlib import Path

import pytest
from browsers import choose, click, news, red, steered

AXE = Path(__file__).parents[2] / 'demo' / 'web' / 'node_modules' / 'axe-core' / 'axe.min.js'
_RULES = """() => axe.run(document, { resultTypes: ['violations'] }).then(found => found.violations.map(
    ({ id, impact, nodes }) => `${id} (${impact}): ${nodes.map(node => node.target.flat().join(' ')).join(', ')}`))"""


@pytest.fixture
def found(page):
    if not AXE.exists():
        if os.environ.get('CI') == 'true':
            pytest.fail('No axe-core: npm ci in demo/web brings it.')
        pytest.skip('No axe-core in demo/web/node_modules: the page was not checked for access.')

    def found():
        page.wait_for_timeout(300)
        if not page.evaluate("typeof axe === 'object'"):
            page.add_script_tag(path=AXE)
        return page.evaluate(_RULES)

    return found


@pytest.mark.parametrize('theme', ['light', 'dark'])
def test_axe_finds_nothing(page, url, photo, found, theme):
    page.goto(f'{url}?__theme={theme}')
    page.wait_for_selector('.layer.after img')
    empty = found()
    steered(page, photo)
    click(page, 0.3, 0.2)
    with news(page):
        red(page)
    page.click('.tools summary')
    for part in ('.variants', '.palettes', '.keep'):
        page.click(f'.studio {part} summary')
    hinted = found()
    page.click('role=tab >> nth=1')
    assert {'empty': empty, 'hinted': hinted, 'album': found()} == {'empty': [], 'hinted': [], 'album': []}


def test_what_a_finger_touches_is_large_enough(browser, url, photo):
    context = browser.new_context(viewport={'width': 390, 'height': 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(url)
    choose(page, photo)
    small = page.evaluate("""() => {
        const roots = [document, ...['lumachrome-painter', 'lumachrome-history'].map(
            name => document.querySelector(name).shadowRoot)];
        roots.push(document.querySelector('lumachrome-painter').slider.shadowRoot);
        return roots.flatMap(root => [...root.querySelectorAll('button, select, summary, input, .knob')])
            .filter(node => node.closest('.studio, :host, .knob, .tools, .under, .bar') && node.checkVisibility())
            .map(node => [node.className || node.textContent, node.getBoundingClientRect().height])
            .filter(([, height]) => height && height < 44);
    }""")
    assert small == []
    context.close()
