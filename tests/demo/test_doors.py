"""The doors for programs: the page's HTTP API, by gradio_client and plain, and the MCP tool."""

import asyncio
import base64
import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import quote

import httpx
import numpy as np
import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from PIL import Image

from demo.server import mcp
from lumachrome import photofile
from lumachrome.adjustments import SETTINGS


def test_two_calls_are_public(client):
    assert set(client.view_api(return_format='dict')['named_endpoints']) == {'/colorize', '/colorize_album'}


def test_the_apis_pages_say_what_each_parameter_does_and_promise_no_web_addresses(url):
    info = httpx.get(f'{url}/gradio_api/info').json()
    for endpoint in info['named_endpoints'].values():
        for taken in endpoint['parameters']:
            assert isinstance(taken['label'], str) and taken['label']  # else the page says [object Object]
            if setting := SETTINGS.get(taken['parameter_name']):
                assert setting.name == 'hints' or setting.help in taken['python_type']['description']
    said = json.dumps(info).lower()
    assert 'publicly' not in said and 'https://' not in said
    photo = info['named_endpoints']['/colorize']['parameters'][0]
    assert photo['example_input']['path'] == 'photo.jpg' and 'not fetched' in photo['python_type']['description']


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
    body = {'photo': photo, 'model': 'plain'}
    event = httpx.post(f'{url}/gradio_api/call/v2/colorize', json=body).json()['event_id']
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


# ---- MCP


@pytest.fixture
def ask(url):
    """Calls the tool through a real MCP client: arguments to whether it failed, and what it answered."""

    def ask(tool='colorize', **arguments):
        async def call():
            async with (
                streamable_http_client(f'{url}/gradio_api/mcp/') as (read, write, *_),
                ClientSession(read, write) as session,
            ):
                await session.initialize()
                answer = await session.call_tool(tool, arguments)
                return answer.isError, answer.content

        return asyncio.run(call())

    return ask


def test_one_tool_is_offered_and_says_what_it_takes(url):
    async def offered():
        async with (
            streamable_http_client(f'{url}/gradio_api/mcp/') as (read, write, *_),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            return (await session.list_tools()).tools

    [found] = asyncio.run(offered())
    assert found.name == 'colorize' and found.description.startswith('Colour a black-and-white photo.')
    properties = found.inputSchema['properties']
    assert set(properties) == {'photo', 'model', *SETTINGS}
    assert all(value['description'] for value in properties.values())
    assert all('data: URL' in properties[name]['description'] for name in ('photo', 'palette'))
    assert 'from 0 to 4' in properties['saturation']['description']
    assert properties['model']['enum'] == ['plain', 'steered']
    assert found.inputSchema['required'] == ['photo']
    assert [tool['name'] for tool in httpx.get(f'{url}/gradio_api/mcp/schema').json()] == ['colorize']


@pytest.mark.parametrize('way', ['data', 'path', 'address'])
def test_an_assistant_gets_a_small_picture_and_an_address(url, ask, way, tmp_path):
    Image.new('L', (3000, 2000), 128).save(tmp_path / 'big one.png')
    content = (tmp_path / 'big one.png').read_bytes()
    if way == 'data':
        photo = 'data:image/png;base64,' + base64.b64encode(content).decode()
    else:
        photo = httpx.post(f'{url}/gradio_api/upload', files={'files': ('big one.png', content)}).json()[0]
        if way == 'address':
            photo = f'{url}/gradio_api/file={quote(photo)}'
    failed, (picture, address, status) = ask(photo=photo, saturation=1)
    assert not failed and status.text.startswith('3000 × 2000 pixels · plain on CPU')
    with Image.open(io.BytesIO(base64.b64decode(picture.data))) as small:
        assert picture.mimeType == 'image/jpeg' and max(small.size) == 1024
    with Image.open(io.BytesIO(httpx.get(address.text.removeprefix('Image URL: ')).content)) as whole:
        assert whole.format == 'PNG' and whole.size == (3000, 2000)
        top = whole.getpixel((1500, 500))
    assert top[0] - top[1] == 40


def test_an_assistant_may_give_hints(ask, photo):
    address = 'data:image/jpeg;base64,' + base64.b64encode(photo.read_bytes()).decode()
    hints = [{'x': 0.9, 'y': 0.9, 'color': '#ff0000'}]
    failed, content = ask(photo=address, model='steered', vividness=0, hints=hints)
    assert not failed
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(content[0].data)))).astype(int)
    assert (pixels[300:, 200:, 0] - pixels[300:, 200:, 1]).mean() > 60
    failed, content = ask(photo=address, model='plain', hints=hints)
    assert failed and 'takes no colour hints' in content[0].text


@pytest.mark.parametrize('photo', ['http://example.com/a.jpg', 'file:///etc/passwd', '/etc/passwd', 'x' * 5000, ''])
def test_an_assistant_cannot_name_other_places(ask, photo):
    failed, content = ask(photo=photo)
    assert failed and content[0].text == mcp.REFUSAL


def test_what_an_assistant_sends_wrong_is_said_in_a_sentence(ask):
    letter = base64.b64encode(b'hello').decode()
    for photo, sentence in (
        (f'data:image/png;base64,{letter}', 'photo.png is not a photo that can be read.'),
        ('data:image/png;base64,@@@', 'Upload the photo, or send it as a data: URL'),
        (f'data:text/html;base64,{letter}', 'Upload the photo, or send it as a data: URL'),
    ):
        failed, content = ask(photo=photo)
        assert failed and sentence in content[0].text
    assert ask('colorize_album', files=[])[0]


# ---- the README


def _blocks(language):
    """The README's examples for other programs."""
    readme = (Path(__file__).parents[2] / 'README.md').read_text('utf-8')
    section = readme.split('## From other programs')[1].split('\n## ')[0]
    return re.findall(rf'```{language}\n(.*?)```', section, re.DOTALL)


@pytest.fixture
def desk(photo, tmp_path):
    """A folder with the files that the README's examples speak of."""
    for name in ('photo.jpg', 'one.jpg'):
        shutil.copy(photo, tmp_path / name)
    with zipfile.ZipFile(tmp_path / 'album.zip', 'w') as archive:
        archive.write(photo, 'summer/two.jpg')
    return tmp_path


def _run(command, desk):
    done = subprocess.run(command, cwd=desk, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.startup
def test_the_python_examples_of_the_readme_run(url, desk):
    for_gradio, for_mcp = (code.replace('http://127.0.0.1:7860', url) for code in _blocks('py'))
    steered = for_gradio.replace("api_name='/colorize'", "model='steered', api_name='/colorize'", 1)
    said = _run([sys.executable, '-c', steered + 'print(photo, archive, report)'], desk)
    assert 'photo-colour.jpg' in said and "'colored': 2" in said
    address = _run([sys.executable, '-c', for_mcp], desk).strip().removeprefix('Image URL: ')
    with Image.open(io.BytesIO(httpx.get(address).content)) as image:
        assert image.size == (300, 400)


@pytest.mark.skipif(not shutil.which('curl') or not shutil.which('sh'), reason='It is a call from a POSIX shell.')
def test_the_shell_example_of_the_readme_runs(url, desk):
    [example] = _blocks('sh')
    assert 'event: complete' in _run(['sh', '-e', '-c', example.replace('http://127.0.0.1:7860', url)], desk)
    with Image.open(desk / 'photo-colour.jpg') as image:
        assert image.mode == 'RGB' and image.size == (300, 400)
