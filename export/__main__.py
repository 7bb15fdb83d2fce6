"""python -m export SOURCE TARGET | inspect FILE | join FOLDER: a network becomes one ONNX file."""

import argparse
import json
import os
import sys

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

DESCRIPTION = """\
  python -m export runs/NAME lumachrome/models/NAME.onnx   a run folder, or a .keras or .npz file, becomes one ONNX file
  python -m export inspect FILE                      what a file takes, gives and says about itself
  python -m export join lumachrome/models                  the tail alone: join.onnx and join16.onnx
"""


def main(arguments=None):
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog='python -m export',
        description='A network becomes one ONNX file.\n\n' + DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('source', metavar='SOURCE', help='the network, or the word inspect or join')
    parser.add_argument('target', metavar='TARGET', help='the file to write; with join, the folder')
    parser.add_argument('--licence', default='not stated', help='of the weights, for the metadata')
    parser.add_argument('--float16', action='store_true', help='store the weights in half the bytes')
    options = parser.parse_args(arguments)

    from export import files
    from export.convert import ExportError

    try:
        if options.source == 'inspect':
            print(files.inspect(options.target))
        elif options.source == 'join':
            for path, verified in files.export_joins(options.target).items():
                report(path, verified)
        else:
            verified = files.export(options.source, options.target, options.licence, options.float16)
            report(options.target, verified)
    except (ExportError, OSError) as error:
        sys.exit(f'{error}')


def report(path, verified):
    print(f'{path}: {os.path.getsize(path) / 1e6:.2f} MB, verified: {json.dumps(verified)}')


if __name__ == '__main__':
    main()
