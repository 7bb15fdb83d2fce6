"""How long everything but the network takes: colours joined to a photo of 12 megapixels, as ratios in one run.

    python -m tests.benchmarks.tail [--megapixels 12] [--threads 1 2]

Wall time, best of five. `times` says how many times as fast as scikit-image in float64 a row is, `floors` how many
times as long it takes as the photo's bytes take to be copied: what no program can be below.
"""

import argparse
import ctypes
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
from skimage import color, transform

from export import pipeline, verify
from lumachrome import compiled, contract
from training import lab

# The statements of lumachrome/tail.py in C, in one thread: what the processor can do.
C = r"""
#include <stdint.h>
#include <math.h>
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
static inline float level(float v, const float *k, float knee, float toe) {
  float q = sqrtf(sqrtf(MAX(v, knee)));
  return k[0] + q * (k[1] + q * (k[2] + q * (k[3] + q * k[4]))) + MIN(v, knee) * toe;
}
void join(const uint8_t *photo, long rows, long W, const float *wide, const int32_t *red, const int32_t *green,
          const int32_t *blue, const float *fys, const float *m, const float *k, uint8_t *out) {
  enum { B = 512 };
  float Y[B], F[B];
  uint8_t R[B], G[B], L[B];
  for (long y = 0; y < rows; y++)
    for (long x0 = 0; x0 < W; x0 += B) {
      long n = MIN(B, W - x0);
      const uint8_t *p = photo + (y * W + x0) * 3;
      uint8_t *o = out + (y * W + x0) * 3;
      const float *a = wide + x0, *b = wide + W + x0;
      for (long x = 0; x < n; x++) {
        int32_t v = red[p[3 * x]] + green[p[3 * x + 1]] + blue[p[3 * x + 2]];
        Y[x] = v * (1.f / 65535);
        F[x] = fys[v];
      }
      for (long x = 0; x < n; x++) {
        float l = Y[x], tx = F[x] + a[x] + (b[x] - a[x]) * .5f, tz = F[x] + b[x] + (a[x] - b[x]) * .5f;
        float cx = MAX(tx, 6.f / 29), cz = MAX(tz, 6.f / 29);
        float X = cx * cx * cx + (tx - cx) / 7.787f - l, Z = cz * cz * cz + (tz - cz) / 7.787f - l;
        float r = m[0] * X + m[2] * Z, g = m[3] * X + m[5] * Z, c = m[6] * X + m[8] * Z;
        float above = (1 - l) / MAX(MAX(r, g), MAX(c, 1e-6f)), below = l / -MIN(MIN(r, g), MIN(c, -1e-6f));
        float fit = MIN(1.f, MIN(above, below));
        R[x] = (uint8_t)(int)level(l + r * fit, k, .0031308f, 3294.6f);
        G[x] = (uint8_t)(int)level(l + g * fit, k, .0031308f, 3294.6f);
        L[x] = (uint8_t)(int)level(l + c * fit, k, .0031308f, 3294.6f);
      }
      for (long x = 0; x < n; x++) o[3 * x] = R[x], o[3 * x + 1] = G[x], o[3 * x + 2] = L[x];
    }
}
"""


def by_skimage(photo, ab):
    """float64, as a reader of the article would write it."""
    L = color.rgb2lab(photo)[..., :1]
    enlarged = transform.resize(ab.astype('float64'), photo.shape[:2], order=1, mode='edge')
    rgb = color.lab2rgb(np.concatenate([L, enlarged], axis=-1))
    return (rgb * 255 + 0.5).astype('uint8')


def by_numpy(photo, ab):
    """The same formulas in float32, without what scikit-image checks."""
    v = photo.astype('float32') / 255
    light = np.where(v > 0.04045, ((v + 0.055) / 1.055) ** 2.4, v / 12.92)
    y = light @ lab.RGB_TO_XYZ[1].astype('float32')
    fy = np.where(y > 0.008856, np.cbrt(y), 7.787 * y + 16 / 116)
    enlarged = transform.resize(ab, photo.shape[:2], order=1, mode='edge')
    f = np.stack([fy + enlarged[..., 0] / 500, fy, fy - enlarged[..., 1] / 200], axis=-1)
    xyz = np.where(f > 6 / 29, f**3, (f - 16 / 116) / 7.787) * lab.WHITE.astype('float32')
    light = xyz @ np.linalg.inv(lab.RGB_TO_XYZ).T.astype('float32')
    rgb = np.where(light > 0.0031308, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055, light * 12.92)
    return (rgb.clip(0, 1) * 255 + 0.5).astype('uint8')


def by_onnx(threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 4
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    model = pipeline.build_join('uint8').SerializeToString()
    session = onnxruntime.InferenceSession(model, options, providers=['CPUExecutionProvider'])
    return lambda photo, ab: session.run(None, {contract.PHOTO: photo[None], contract.AB: ab[None]})


def by_c(photo, compiler, folder):
    """The loop in C; None where it cannot be compiled."""
    (folder / 'join.c').write_text(C)
    command = [compiler, '-O3', '-march=native', '-ffast-math', '-shared', '-fPIC', '-o', folder / 'join.so']
    if subprocess.run([*command, folder / 'join.c', '-lm'], capture_output=True).returncode:
        return None
    library = ctypes.CDLL(str(folder / 'join.so'))
    tables = compiled.joins()['uint8'][1]
    matrix = np.linalg.inv(lab.RGB_TO_XYZ / lab.RGB_TO_XYZ.sum(1, keepdims=True)).astype('float32')
    curve = np.array([-26.410467, 50.988174, 283.58286, -82.47508, 19.505587], 'float32')
    wide = np.random.default_rng(0).normal(0, 0.04, (2, photo.shape[1])).astype('float32')
    out = np.empty_like(photo)
    arrays = (wide, *tables, matrix, curve, out)
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (photo, *arrays)]

    def run(photo, ab):
        library.join(pointers[0], ctypes.c_long(len(photo)), ctypes.c_long(photo.shape[1]), *pointers[1:])
        return arrays  # kept alive as long as they are pointed to

    return run


def seconds(run, *arguments, times=5):
    run(*arguments)
    best = float('inf')
    for _ in range(times):
        start = time.perf_counter()
        run(*arguments)
        best = min(best, time.perf_counter() - start)
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--megapixels', type=float, default=12)
    parser.add_argument('--threads', type=int, nargs='+', default=[1, 2])
    options = parser.parse_args()
    height = int((options.megapixels * 1e6 * 3 / 4) ** 0.5)
    colored, gray = verify.pictures(height, height * 4 // 3)
    ab = np.random.default_rng(0).normal(0, 20, (64, 85, 2)).astype('float32')

    out = np.empty_like(gray)
    floor = seconds(np.copyto, out, gray)
    start = time.perf_counter()
    by_skimage(gray, ab)
    slowest = time.perf_counter() - start
    rows = [('scikit-image, float64', slowest), ('NumPy, float32', seconds(by_numpy, gray, ab, times=1))]
    for threads in options.threads:
        join = by_onnx(threads)
        for name, photo in (('gray', gray), ('colored', colored)):
            rows.append((f'onnxruntime, {name}, {threads} threads', seconds(join, photo, ab)))
    if compiled.joins():
        for threads in options.threads:
            for name, photo in (('gray', gray), ('colored', colored)):
                rows.append(
                    (f'numba, {name}, {threads} threads', seconds(compiled.join, photo, ab, 0, height, threads))
                )
        compiler = shutil.which('cc')
        with tempfile.TemporaryDirectory() as folder:
            join = compiler and by_c(colored, compiler, Path(folder))
            if join:
                rows.append(('C at -O3, colored, 1 thread', seconds(join, colored, ab)))
    else:
        print('no numba: pip install numba')
    print(f'{"the tail of " + str(options.megapixels) + " megapixels":36}{"ms":>8}{"times":>8}{"floors":>8}')
    for name, took in [*rows, ('copied: the floor', floor)]:
        print(f'{name:36}{took * 1e3:8.0f}{slowest / took:8.1f}{took / floor:8.1f}')


if __name__ == '__main__':
    main()
