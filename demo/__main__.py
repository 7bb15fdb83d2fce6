"""python -m demo [--model MODEL] [--mcp]: opens the page. `python -m lumachrome` colours photos in the shell."""

import argparse
import sys
from collections.abc import Sequence

from lumachrome.colorizer import models
from lumachrome.errors import UserError


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog='python -m demo',
        description='Colour black-and-white photos on a page in the browser. In the shell: python -m lumachrome.',
    )
    names = ', '.join(models()) or 'none is there yet'
    parser.add_argument('--model', metavar='MODEL', help=f'a name ({names}) or an .onnx file')
    parser.add_argument('--mcp', action='store_true', help='the page is an MCP server too, for AI assistants')
    options = parser.parse_args(arguments)
    from demo import app  # gradio takes seconds to load, which --help need not wait for

    try:
        app.serve(options.model, options.mcp)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == '__main__':
    sys.exit(main())
