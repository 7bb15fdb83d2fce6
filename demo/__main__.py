"""python -m demo [--model MODEL] [--mcp]: opens the page. `python -m demo api`: a plain HTTP API without the page.

`python -m lumachrome` colours photos in the shell.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from demo import API_PORT, HOST, PORT
from lumachrome.colorizer import models
from lumachrome.errors import UserError, printable


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog='python -m demo',
        description='Colour black-and-white photos on a page in the browser. In the shell: python -m lumachrome.',
    )
    names = ', '.join(models()) or 'none is there yet'
    parser.add_argument(
        'door', nargs='?', choices=('page', 'api'), default='page', help='api: POST a photo, get a photo'
    )
    parser.add_argument('--model', metavar='MODEL', help=f'a name ({names}) or an .onnx file')
    parser.add_argument('--mcp', action='store_true', help='the page is an MCP server too, for AI assistants')
    parser.add_argument('--host', help=f'{HOST} if not given; 0.0.0.0 lets other machines in')
    parser.add_argument(
        '--port', type=_port, help=f'if not given: the first free one from {PORT} on; {API_PORT} for the api'
    )
    options = parser.parse_args(arguments)
    try:
        _port(os.environ.get('GRADIO_SERVER_PORT') or str(PORT))  # Gradio would show a traceback
    except argparse.ArgumentTypeError as error:
        parser.error(f'GRADIO_SERVER_PORT: {error}')
    try:
        if options.door == 'api':
            from demo import api

            api.serve(options.model, options.host or HOST, options.port or API_PORT)
        else:
            from demo import app  # gradio takes seconds to load, which --help need not wait for

            app.serve(options.model, options.mcp, host=options.host, port=options.port)
    except UserError as error:
        print(printable(str(error)), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 2**16:
        raise argparse.ArgumentTypeError(f'{text} is no port: a number from 1 to 65535.')
    return int(text)


if __name__ == '__main__':
    sys.exit(main())
