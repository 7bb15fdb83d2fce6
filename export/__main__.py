"""python -m export SOURCE TARGET | inspect FILE | parts FOLDER | tails | triton FOLDER | documents: ONNX files."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lumachrome.errors import UserError, printable

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

NETWORK = 'network'  # the command that need not be said


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog='python -m export',
        description='A network becomes one ONNX file: python -m export SOURCE TARGET, or one of the commands below.',
    )
    commands = parser.add_subparsers(required=True, metavar='COMMAND')

    network = commands.add_parser(
        NETWORK,
        prog='python -m export',
        help='a network becomes one ONNX file; this word may be left out',
        description='A network becomes one ONNX file.',
    )
    network.add_argument('source', metavar='SOURCE', help='a run folder, or a .keras or .npz file')
    network.add_argument('target', metavar='TARGET', help='the file to write, such as lumachrome/models/NAME.onnx')
    network.add_argument('--licence', default='not stated', help='of the weights, for the metadata')
    network.add_argument('--float16', action='store_true', help='store the weights in half the bytes')
    network.add_argument(
        '--int8',
        nargs='+',
        default=(),
        metavar='PHOTOS',
        help='compute the decoder in integers of 8 bits: folders or .tar files of photos, which show its ranges',
    )
    network.set_defaults(run=run_network)

    inspect = commands.add_parser('inspect', help='what a file takes, gives and says about itself')
    inspect.add_argument('file', metavar='FILE')
    inspect.set_defaults(run=run_inspect)

    parts = commands.add_parser('parts', help='the head and the tail alone: render, join, join16')
    parts.add_argument('folder', metavar='FOLDER', help='where they go, such as lumachrome/models')
    parts.set_defaults(run=run_parts)

    tails = commands.add_parser('tails', help='the tail as code: lumachrome/tail.py, demo/web/src/tail.ts')
    tails.set_defaults(run=run_tails)

    triton = commands.add_parser('triton', help='a model repository for Triton Inference Server')
    triton.add_argument('folder', metavar='FOLDER', help='the repository; other models in it stay')
    triton.add_argument('--model', help='a name or a file, by default the one that ships first')
    triton.set_defaults(run=run_triton)

    documents = commands.add_parser('documents', help="fill the shipped networks' figures into the documents")
    documents.set_defaults(run=run_documents)

    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] not in (*commands.choices, '-h', '--help'):
        given.insert(0, NETWORK)
    options = parser.parse_args(given)
    try:
        options.run(options)
    except KeyboardInterrupt:
        sys.exit(130)  # what a shell reports of Ctrl-C
    except UserError as error:
        sys.exit(printable(str(error)))
    except OSError as error:
        if error.filename is None:
            raise
        sys.exit(printable(f'{error.filename}: {error.strerror}.'))


def run_network(options: argparse.Namespace) -> None:
    from export import files

    verified = files.export(options.source, options.target, options.licence, options.float16, options.int8)
    report(options.target, verified)


def run_inspect(options: argparse.Namespace) -> None:
    from export import inspection

    print(inspection.inspect(options.file))


def run_parts(options: argparse.Namespace) -> None:
    from export import files

    for path, verified in files.export_parts(options.folder).items():
        report(path, verified)


def run_tails(options: argparse.Namespace) -> None:
    from export import loops

    print('\n'.join(f'written: {path}' for path in loops.write()))


def run_triton(options: argparse.Namespace) -> None:
    from export import triton

    print(triton.write(options.model, options.folder))


def run_documents(options: argparse.Namespace) -> None:
    from export import documents

    changed = documents.update()
    print('\n'.join(f'filled anew: {path}' for path in changed) or 'The documents are as the files say.')


def report(path: str | Path, verified: dict[str, Any]) -> None:
    """Print what was written."""
    print(f'{path}: {os.path.getsize(path) / 1e6:.2f} MB, verified: {json.dumps(verified)}')


if __name__ == '__main__':
    main()
