"""The page's words: all of them in each language, and what `lumachrome` says too."""

import ast
import re
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from PIL import ImageFont

from demo.page import compare, words
from lumachrome.errors import AdjustmentError, PhotoError

ROOT = Path(__file__).parents[2]
# What says them reaches no page: the shell's own files, and Python's own callers.
ELSEWHERE = {'folders', 'streams', 'scenes', 'ahead', 'pages', 'photofile', 'archive'}
NOT_ASKED = re.compile(
    r'is a Palette|list of Hint|Hints are a list, such|name a folder|use --force|by its colour version|name a file for'
    r'|suffix of no video|is where parts of the video are kept'
)
ERRORS = ('PhotoError', 'AdjustmentError', 'VideoError')


def _sentences():
    """All that is said of a photo or a clip on its way through the page, as errors and notes, with all gaps filled."""
    for path in sorted((ROOT / 'lumachrome').glob('*.py')):
        for node in ast.walk(ast.parse(path.read_text('utf-8'))) if path.stem not in ELSEWHERE else ():
            if isinstance(node, ast.Call) and (getattr(node.func, 'id', '') in ERRORS or _is_note(node.func)):
                said = node.args[0]
                if isinstance(said, ast.JoinedStr):
                    parts = [part.value if isinstance(part, ast.Constant) else 'something' for part in said.values]
                    yield ''.join(parts)
                elif isinstance(said, ast.Constant):
                    yield said.value


def _is_note(called):
    """Whether this is `notes.append` or `found.notes.append`."""
    name = getattr(called, 'value', None)
    return getattr(called, 'attr', '') == 'append' and 'notes' in (getattr(name, 'id', ''), getattr(name, 'attr', ''))


def test_all_languages_have_the_same_words():
    first, *others = words.WORDS.values()
    for other in others:
        assert other.keys() == first.keys()
        for name, text in first.items():
            assert sorted(re.findall(r'{\w+}', text)) == sorted(re.findall(r'{\w+}', other[name])), name


def test_what_can_go_wrong_with_a_photo_is_said_in_each_language():
    sentences = [sentence for sentence in _sentences() if not NOT_ASKED.search(sentence)]
    assert len(sentences) > 20
    for language in words.REASONS:
        say = words.WORDS[language]
        assert [sentence for sentence in sentences if words.reason(sentence, say) == sentence] == []


def test_a_sentence_is_not_taken_for_another_that_ends_alike():
    say = words.WORDS['zh']
    assert words.reason('a.jpg is damaged or cut short and cannot be read.', say) == 'a.jpg 已损坏或不完整，无法读取。'
    assert words.reason('a {0}.json cannot be read.', say) == '无法读取 a {0}.json。'
    assert words.reason('Something new.', say) == 'Something new.'
    for error, said in (
        (PhotoError('b.jpg is not a photo that can be read.'), 'b.jpg 不是可以读取的照片。'),
        (AdjustmentError('warmth is a number, from -1 to 1, not 7.'), 'warmth 的值 7 超出范围（from -1 to 1）。'),
        (PhotoError('Something new.'), '这张照片无法读取或写入。Something new.'),
    ):
        with pytest.raises(gr.Error) as caught, words.in_words(say):
            raise error
        assert caught.value.message == said


def test_spaces_stand_between_english_sentences_alone():
    assert words.joined(['One.', '', 'Two.', '三。', '四。', 'Five.']) == 'One. Two. 三。四。Five.'


@pytest.mark.parametrize('language', words.WORDS)
def test_a_comparison_is_labelled_in_letters_that_its_font_has(language):
    say, path = words.WORDS[language], compare.FONTS / f'{language}.otf'
    font = ImageFont.truetype(str(path), 20) if path.exists() else ImageFont.load_default(20)
    missing = bytes(font.getmask('\uffff'))
    for name in ('compare_beside', 'compare_above'):
        assert [letter for letter in say[name] if letter != ' ' and bytes(font.getmask(letter)) == missing] == []
    for shape in ((900, 600), (600, 900)):
        before = np.zeros((*shape, 3), np.uint8)
        foot = compare.beside(before, before + 200, say)[-24:]
        assert (foot < 128).any()  # a line is there
        assert (foot[:, :4] > 250).all() and (foot[:, -4:] > 250).all()  # and fits
