"""The doors for programs: the page's HTTP API, by gradio_client and plain, and the MCP tool."""

import base64
import io
import json
from pathlib import Path

import httpx
import numpy as np
import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from demo import photofile


def test_two_calls_are_public(client):
    assert set(client.view_api(return_format='dict')['named_endpoints']) == {'/colorize', '/colorize_album'}


def test_the_api_gives_the_photo_at_full_size_in_its_format(client, photo):
    path, status = client.predict(handle_file(photo), api_name='/colorize')
    assert Path(path).name == 'grandmother-colour.jpg'
    with Image.open(path) as image:
        assert image.format == 'JPEG' and image.size == (300, 400) and image.mode == 'RGB'
        assert image.getexif()[0x0112] == 1
        top = np.asarray(image).astype(int)[20, 100]
    assert abs(top[0] - top[1] - 40) < 6
    assert status.startswith('300 × 400 pixels · plain on CPU · coloured in ') and status.endswith(' ms')


def test_the_api_takes_every_setting(client, photo):
    path, status = client.predict(
        handle_file(photo), model='steered', saturation=2, vividness=0, render_size=500, api_name='/colorize'
    )
    top = np.asarray(Image.open(path)).astype(int)[20, 100]
    assert abs(top[0] - top[1] - 2 * (40 + 0.5) / 2) < 6 and 'steered' in status
    gray, _ = client.predict(handle_file(photo), saturation=0, api_name='/colorize')
    pixels = np.asarray(Image.open(gray)).astype(int)
    assert np.abs(pixels[..., 0] - pixels[..., 2]).max() <= 2


def test_the_api_takes_hints(client, photo):
    hints = [{'x': 0.9, 'y': 0.9, 'color': '#ff0000'}]
    path, _ = client.predict(handle_file(photo), model='steered', hints=hints, vividness=0, api_name='/colorize')
    pixels = np.asarray(Image.open(path)).astype(int)
    assert (pixels[300:, 200:, 0] - pixels[300:, 200:, 1]).mean() > 60 > (pixels[..., 0] - pixels[..., 1]).mean()
    with pytest.raises(AppError, match='takes no colour hints'):
        client.predict(handle_file(photo), hints=hints, api_name='/colorize')
    with pytest.raises(AppError, match='A hint has x and y'):
        client.predict(handle_file(photo), model='steered', hints=[{'x': 2}], api_name='/colorize')


def test_sixteen_bits_go_through_the_page(client, tmp_path):
    deep = np.random.default_rng(0).integers(20_000, 40_000, (40, 50)).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / 'deep.png')
    path, _ = client.predict(handle_file(tmp_path / 'deep.png'), api_name='/colorize')
    pixels = photofile.read(path).pixels
    assert pixels.dtype == np.uint16
    np.testing.assert_array_equal(pixels[..., 1], deep)


def test_a_data_address_is_stored_without_loss(url):
    """The only way for a program that has no file to upload; Gradio would make a lossy WebP of it."""
    noise = np.random.default_rng(0).integers(60, 200, (64, 64)).astype(np.uint8)
    stored = io.BytesIO()
    Image.fromarray(noise).save(stored, 'PNG')
    data = {'url': 'data:image/png;base64,' + base64.b64encode(stored.getvalue()).decode()}
    photo = {'path': None, **data, 'meta': {'_type': 'gradio.FileData'}}
    event = httpx.post(f'{url}/gradio_api/call/colorize', json={'data': [photo, 'plain', 1, 1, 0, None]}).json()[
        'event_id'
    ]
    answer = httpx.get(f'{url}/gradio_api/call/colorize/{event}').text
    assert answer.startswith('event: complete'), answer
    written = httpx.get(json.loads(answer.split('data: ', 1)[1])[0]['url'])
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(written.content)))[..., 1], noise)
    assert written.headers['cache-control'] == 'private, no-store'


@pytest.mark.parametrize('content', [b'hello', b'', b'\xff\xd8\xff\xe0 cut short'])
def test_what_is_no_photo_is_said_in_words(client, content, tmp_path):
    path = tmp_path / 'photo.jpg'
    path.write_bytes(content)
    with pytest.raises(
        AppError, match=r'photo\.jpg is (not a photo that can|damaged or cut short and cannot) be read'
    ) as error:
        client.predict(handle_file(path), api_name='/colorize')
    assert str(tmp_path) not in str(error.value)


def test_a_cut_photo_is_said_in_words(client, photo, tmp_path):
    path = tmp_path / 'cut.jpg'
    path.write_bytes(photo.read_bytes()[:-2000])
    with pytest.raises(AppError, match=r'^cut\.jpg is damaged or cut short and cannot be read\.$'):
        client.predict(handle_file(path), api_name='/colorize')


def test_no_photo_and_unknown_models_are_refused(client, photo):
    with pytest.raises(AppError, match='Choose a photo first'):
        client.predict(None, api_name='/colorize')
    with pytest.raises(AppError, match='nobody'):
        client.predict(handle_file(photo), model='nobody', api_name='/colorize')
