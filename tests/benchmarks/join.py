"""How long the tail takes: a gray and a coloured photo, both depths, several strip heights, as ratios to the first row.

    python tests/benchmarks/join.py [--megapixels 12]

Processor time of one thread, best of three, all in one run: compare rows, not runs.
"""

import argparse
import time

import numpy as np
import onnxruntime

from export import pipeline, verify


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--megapixels', type=float, default=12)
    height = int((parser.parse_args().megapixels * 1e6 * 3 / 4) ** 0.5)
    colored, gray = verify.pictures(height, height * 4 // 3)
    ab = np.random.default_rng(0).normal(0, 20, (1, 64, 85, 2)).astype('float32')
    first = None
    print(f'{"depth":8}{"photo":10}{"rows":>6}{"seconds":>10}{"ratio":>8}')
    for depth, rows in ((np.uint8, 64), (np.uint8, 16), (np.uint8, 256), (np.uint8, height), (np.uint16, 64)):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        model = pipeline.build_join(depth).SerializeToString()
        session = onnxruntime.InferenceSession(model, options, providers=['CPUExecutionProvider'])
        for name, photo in (('gray', gray), ('colored', colored)):
            photo = photo[None].astype(depth) * (np.iinfo(depth).max // 255)
            feed = {'photo': photo.astype(depth), 'ab': ab, 'strip_rows': np.array([rows])}
            seconds = min(timed(session, feed) for _ in range(3))
            first = first or seconds
            print(f'{np.dtype(depth).name:8}{name:10}{rows:6}{seconds:10.2f}{seconds / first:8.2f}')


def timed(session, feed):
    start = time.process_time()
    session.run(None, feed)
    return time.process_time() - start


if __name__ == '__main__':
    main()
