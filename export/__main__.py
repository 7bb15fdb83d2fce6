"""python -m export SOURCE TARGET | inspect FILE | parts FOLDER | tails | triton FOLDER | documents: ONNX files."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lumachrome.errors import UserError

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

DESCRIPTION = """\
  python -m export runs/NAME lumachrome/models/NAME.onnx   a run folder, or a .keras or .npz file, becomes one ONNX file
  python -m export inspect FILE                            what a file takes, gives and says about itself
  python -m export parts lumachrome/models                 the head and the tail alone: render, join, join16
  python -m export tails                                   the tail as code: lumachrome/tail.py, demo/web/src/tail.ts
  python -m export triton FOLDER --model NAME              a model repository for Triton Inference Server
  python -m export documents                               fill the shipped networks' figures into the documents
"""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog='python -m export',
        description='A network becomes one ONNX file.\n\n' + DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('source', metavar='SOURCE', help='the network, or inspect, parts, tails, triton or documents')
    parser.add_argument(
        'target', metavar='TARGET', nargs='?', help='the file to write; with parts and triton, the folder'
    )
    parser.add_argument('--model', help='with triton: a name or a file, by default the one that ships first')
    parser.add_argument('--licence', default='not stated', help='of the weights, for the metadata')
    parser.add_argument('--float16', action='store_true', help='store the weights in half the bytes')
    parser.add_argument(
        '--int8',
        nargs='+',
        default=(),
        metavar='PHOTOS',
        help='compute the decoder in integers of 8 bits: folders or .tar files of photos, which show its ranges',
    )
    options = parser.parse_args(arguments)
    if (options.target is None) != (options.source in ('documents', 'tails')):
        parser.error(f'{options.source} takes no TARGET' if options.target else 'name a TARGET')
    for name in ('float16', 'int8'):
        if getattr(options, name) and options.source in ('inspect', 'parts', 'tails', 'triton', 'documents'):
            parser.error(f'--{name} is for networks: {options.source} takes none')
    try:
        run(options)
    except KeyboardInterrupt:
        sys.exit(130)  # what a shell reports of Ctrl-C
    except UserError as error:
        sys.exit(f'{error}')
    except OSError as error:
        if error.filename is None:
            raise
        sys.exit(f'{error.filename}: {error.strerror}.')


def run(options: argparse.Namespace) -> None:
    """Do what was asked for."""
    if options.source == 'documents':
        from export import documents

        changed = documents.update()
        print('\n'.join(f'filled anew: {path}' for path in changed) or 'The documents are as the files say.')
        return

    if options.source == 'tails':
        from export import loops

        print('\n'.join(f'written: {path}' for path in loops.write()))
        return

    if options.source == 'triton':
        from export import triton

        print(triton.write(options.model, options.target))
        return

    if options.source == 'inspect':
        from export import inspection

        print(inspection.inspect(options.target))
        return

    from export import files

    if options.source == 'parts':
        for path, verified in files.export_parts(options.target).items():
            report(path, verified)
    else:
        report(
            options.target, files.export(options.source, options.target, options.licence, options.float16, options.int8)
        )


def report(path: str | Path, verified: dict[str, Any]) -> None:
    """Print what was written."""
    print(f'{path}: {os.path.getsize(path) / 1e6:.2f} MB, verified: {json.dumps(verified)}')


if __name__ == '__main__':
    main()
