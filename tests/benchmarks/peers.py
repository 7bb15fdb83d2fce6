"""The network beside its peers' at 256 x 256, as ratios of milliseconds in one run: python -m tests.benchmarks.peers

How long a network takes does not depend on its weights, so that peers are built here with random ones: ECCV16 [1]_,
SIGGRAPH17 [2]_ and DDColor-tiny [3]_, each as its authors published it, in plain ONNX. Batch norms are left out, as
every runtime folds them into the convolutions before them. They give ab alone; of our file ab is asked for, but
onnxruntime computes the whole photo all the same.

References
----------
.. [1] R. Zhang, P. Isola, A. A. Efros, "Colorful Image Colorization", 2016, arXiv:1603.08511
.. [2] R. Zhang et al., "Real-Time User-Guided Image Colorization with Learned Deep Priors", 2017, arXiv:1705.02999
.. [3] X. Kang et al., "DDColor: Towards Photo-Realistic Image Colorization via Dual Decoders", 2023, arXiv:2212.11613
"""

import argparse
import time

import numpy as np
import onnxruntime

from export.graph import Graph
from lumachrome import contract
from lumachrome.colorizer import models
from tests.benchmarks.cuda import feed_of

SIDE = 256
OURS = models()['lumachrome']


class Net(Graph):
    """A graph of layers with random weights, which it counts."""

    def __init__(self):
        super().__init__()
        self.weights = 0
        self.random = np.random.default_rng(0)

    def weight(self, *shape):
        self.weights += int(np.prod(shape))
        scale = np.sqrt(2 / max(1, np.prod(shape[1:])))
        return (self.random.standard_normal(shape) * scale).astype('float32')

    def conv(self, x, inputs, outputs, kernel=3, stride=1, dilation=1, group=1, relu=True):
        weight, bias = self.weight(outputs, inputs // group, kernel, kernel), self.weight(outputs)
        pad = 0 if kernel == stride else dilation * (kernel // 2)
        how = {'kernel_shape': [kernel] * 2, 'strides': [stride] * 2, 'dilations': [dilation] * 2, 'pads': [pad] * 4}
        x = self.Conv(x, weight, bias, group=group, **how)
        return self.Relu(x) if relu else x

    def convs(self, x, inputs, outputs, count, dilation=1):
        for i in range(count):
            x = self.conv(x, inputs if i == 0 else outputs, outputs, dilation=dilation)
        return x

    def up(self, x, inputs, outputs):
        how = {'kernel_shape': [4, 4], 'strides': [2, 2], 'pads': [1] * 4}
        return self.ConvTranspose(x, self.weight(inputs, outputs, 4, 4), self.weight(outputs), **how)

    def dense(self, x, inputs, outputs):
        return self.Add(self.MatMul(x, self.weight(inputs, outputs)), self.weight(outputs))

    def norm(self, x, channels):
        return self.LayerNormalization(x, self.weight(channels), self.weight(channels), axis=-1)

    def gelu(self, x):
        return self.Mul(self.Mul(x, 0.5), self.Add(self.Erf(self.Mul(x, 0.5**0.5)), 1.0))


def eccv16(g):
    x = g.Sub('L', 50.0)
    for inputs, outputs, count in ((1, 64, 1), (64, 128, 1), (128, 256, 2)):
        x = g.conv(g.convs(x, inputs, outputs, count), outputs, outputs, stride=2)
    x = g.convs(x, 256, 512, 3)
    for dilation in (2, 2, 1):
        x = g.convs(x, 512, 512, 3, dilation)
    x = g.convs(g.Relu(g.up(x, 512, 256)), 256, 256, 2)
    x = g.conv(g.Softmax(g.conv(x, 256, 313, 1, relu=False), axis=1), 313, 2, 1, relu=False)
    return g.Resize(x, '', [1.0, 1.0, 4.0, 4.0], mode='linear')


def siggraph17(g):
    x = g.Concat('L', g.Mul('L', np.zeros((1, 3, 1, 1), 'float32')), axis=1)  # and no hints
    skips = []
    for inputs, outputs, count in ((4, 64, 2), (64, 128, 2), (128, 256, 3)):
        skips.append(g.convs(x, inputs, outputs, count))
        x = g.Slice(skips[-1], [0, 0], [SIDE, SIDE], [2, 3], [2, 2])
    x = g.convs(x, 256, 512, 3)
    for dilation in (2, 2, 1):
        x = g.convs(x, 512, 512, 3, dilation)
    for skip, inputs, channels, outputs, count in (
        (skips[2], 512, 256, 256, 2),
        (skips[1], 256, 128, 128, 1),
        (skips[0], 128, 64, 128, 1),
    ):
        x = g.Relu(g.Add(g.up(x, inputs, outputs), g.conv(skip, channels, outputs, relu=False)))
        x = g.convs(x, outputs, outputs, count)
    return g.Tanh(g.conv(x, 128, 2, 1, relu=False))


def ddcolor_tiny(g):
    """ConvNeXt-T, a decoder of pixel shuffles, and 100 queries of colour that look at three of its scales."""
    widths, depths = (96, 192, 384, 768), (3, 3, 9, 3)
    x, scales = g.Concat('L', 'L', 'L', axis=1), []
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        x = g.conv(x, 3 if stage == 0 else widths[stage - 1], width, *((4, 4) if stage == 0 else (2, 2)), relu=False)
        for _ in range(depth):
            y = g.Transpose(g.conv(x, width, width, 7, group=width, relu=False), perm=[0, 2, 3, 1])
            y = g.dense(g.gelu(g.dense(g.norm(y, width), width, 4 * width)), 4 * width, width)
            x = g.Add(x, g.Transpose(g.Mul(y, g.weight(width)), perm=[0, 3, 1, 2]))
        scales.append(x)

    channels, seen = 768, []
    for skip, width, outputs in ((scales[2], 384, 512), (scales[1], 192, 512), (scales[0], 96, 256)):
        x = g.DepthToSpace(g.conv(x, channels, 4 * outputs, 1), blocksize=2, mode='CRD')
        x = g.conv(g.Relu(g.Concat(x, skip, axis=1)), outputs + width, outputs)
        channels = outputs
        seen.append((x, outputs))
    picture = g.DepthToSpace(g.conv(x, 256, 16 * 256, 1), blocksize=4, mode='CRD')

    memories = []
    for feature, channels in seen:
        feature = g.conv(feature, channels, 256, 1, relu=False)
        memories.append(g.Transpose(g.Reshape(feature, [1, 256, -1]), perm=[0, 2, 1]))
    queries = g.Identity(g.weight(1, 100, 256))
    for turn in range(9):
        for memory in (memories[turn % 3], queries):
            queries = g.norm(g.Add(queries, attention(g, queries, memory)), 256)
        hidden = g.Relu(g.dense(queries, 256, 2048))
        queries = g.norm(g.Add(queries, g.dense(hidden, 2048, 256)), 256)
    colors = g.MatMul(queries, g.Reshape(picture, [1, 256, -1]))
    return g.conv(g.Concat(g.Reshape(colors, [1, 100, SIDE, SIDE]), 'L', axis=1), 101, 2, 1, relu=False)


def attention(g, queries, memory, heads=8, width=256):
    def by_head(x, perm):
        return g.Transpose(g.Reshape(g.dense(x, width, width), [1, -1, heads, width // heads]), perm=perm)

    near = g.MatMul(by_head(queries, [0, 2, 1, 3]), by_head(memory, [0, 2, 3, 1]))
    near = g.Softmax(g.Mul(near, (heads / width) ** 0.5), axis=-1)
    heard = g.Transpose(g.MatMul(near, by_head(memory, [0, 2, 1, 3])), perm=[0, 2, 1, 3])
    return g.dense(g.Reshape(heard, [1, -1, width]), width, width)


def session(model, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 4
    return onnxruntime.InferenceSession(model, options, providers=['CPUExecutionProvider'])


def networks(threads):
    """What is to be timed: name, millions of weights (None for ours), a call."""
    for name, build in (('ECCV16', eccv16), ('SIGGRAPH17', siggraph17), ('DDColor-tiny', ddcolor_tiny)):
        g = Net()
        g.Identity(build(g), name='ab')
        model = g.model(name, [('L', np.float32, [1, 1, SIDE, SIDE])], [('ab', np.float32, [1, 2, None, None])])
        made = session(model.SerializeToString(), threads)
        feed = {'L': np.linspace(0, 100, SIDE * SIDE, dtype='float32').reshape(1, 1, SIDE, SIDE)}
        yield f'{name}, {g.weights / 1e6:.1f} million weights', lambda made=made, feed=feed: made.run(None, feed)
    ours = session(OURS.read_bytes(), threads)
    photo = np.random.default_rng(0).integers(0, 256, (1, SIDE, SIDE, 3), 'uint8')
    for name, vividness in (('ours, faithful', 0), ('ours, the default', 1)):
        feed = feed_of(ours, photo, vividness=vividness)
        yield name, lambda feed=feed: ours.run([contract.AB], feed)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--threads', type=int, nargs='+', default=[1, 2])
    parser.add_argument('--runs', type=int, default=10)
    options = parser.parse_args()
    for threads in options.threads:
        found = list(networks(threads))
        best = dict.fromkeys(range(len(found)), float('inf'))
        for _ in range(options.runs):  # in turns, so that what else the machine does meets all of them
            for i, (_, run) in enumerate(found):
                start = time.perf_counter()
                run()
                best[i] = min(best[i], time.perf_counter() - start)
        unit = best[len(found) - 1]
        for i, (name, _) in enumerate(found):
            print(f'{threads} threads  {name:40}{best[i] * 1000:7.0f} ms{best[i] / unit:7.2f}')


if __name__ == '__main__':
    main()
