"""Whether a file does what its network does: Keras and scikit-image against onnxruntime, before the file gets its name.

In two stages, because a rendered picture may differ by one rounding, which a network may answer with another colour:

1. the picture that the network is shown is Pillow's, within one level;
2. from that same picture, Keras, scikit-image and numpy come to the same colours, and to the same photo, within one
   level inside the gamut.

Besides, on every photo: the luminance stays, and a photo comes out the same whatever else is in its batch.
"""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from keras import ops
from PIL import Image
from skimage import color, data, transform

from export import pipeline
from export.convert import Converted, ExportError
from lumachrome import contract
from lumachrome.session import CPU, SILENT
from training import anchors, bins, hints, lab, paper

Array = npt.NDArray[Any]
Feed = dict[str, Array]  # by the names of inputs or outputs

SIZES = ((1, 1), (2, 37), (53, 38), (5, 700), (300, 201), (480, 641), (1201, 900))  # height, width
MOST_LUMINANCE, MEAN_LUMINANCE = 1.0, 0.25  # 8-bit gray levels, as the design promises
MOST_AB = 0.1  # CIELAB units; far less than a level, and a hundred times what float32 leaves open
MOST_ANCHORS = 0.1  # of what anchors are: shares of a side, CIELAB units, shares of the picture
MOST_PROBABILITY = 1e-3
MEAN_ROUNDED = 1.0  # 8-bit levels: a JPEG of quality 95 moves a picture by more
GAMUT_MARGIN = 1e-3  # linear light; nearer to its border a colour may count as in or out
POINTS = np.array(
    [[0.3, 0.4, 200, 40, 40], [0.32, 0.41, 30, 60, 220], [1.0, 1.0, 90, 200, 90], [-1, 0, 255, 0, 0]], 'float32'
)


def verify(model: onnx.ModelProto, converted: Converted) -> dict[str, Any]:
    """Compare a file's model with the network that it was made of.

    Parameters
    ----------
    model : onnx.ModelProto
        From `pipeline.build`.
    converted : export.convert.Converted

    Returns
    -------
    dict
        For the metadata `verified`: the largest differences in 8-bit levels, the luminance error, the sizes tried.

    Raises
    ------
    ExportError
        If something differs; it says what, where and by how much.
    """
    session = opened(with_rendered(model))
    found = {'rendered': 0.0, 'colorized': 0.0, 'ab': 0.0, 'luminance': 0.0}
    total, pixels, compared = 0.0, 0, 0
    for height, width in SIZES:
        photos = pictures(height, width)
        where = f'on photos of {width} x {height}'
        for feed in settings(converted, photos):
            outputs = run(session, feed)
            rendered = outputs[pipeline.RENDERED].transpose(0, 2, 3, 1)
            for photo, shown in zip(photos, rendered, strict=True):
                found['rendered'] = max(found['rendered'], rendering_error(photo, shown, where))
            ab, probabilities = expected_colors(converted, rendered, feed, outputs, where)
            found['ab'] = max(found['ab'], output_error(contract.AB, outputs, ab, MOST_AB, where))
            if probabilities is not None:
                output_error(contract.PROBABILITIES, outputs, probabilities, MOST_PROBABILITY, where)
                output_error(contract.BINS, outputs, bins.BINS, MOST_AB, where)
            for photo, own, ours in zip(photos, ab, outputs[contract.COLORIZED], strict=True):
                own = own * float(feed[contract.SATURATION][0])
                difference, inside = joining_error(photo, own, ours, where)
                found['colorized'], compared = max(found['colorized'], difference), compared + inside
                error = luminance_error(photo, ours)
                found['luminance'] = max(found['luminance'], float(error.max()))
                total, pixels = total + float(error.sum()), pixels + error.size
            for i in range(len(photos)):
                one = {name: value[i : i + 1] if len(value) > 1 else value for name, value in feed.items()}
                most = 1 if contract.HINTS in feed else 0  # their products round by batch
                check_alone(run(session, one)[contract.COLORIZED][0], outputs[contract.COLORIZED][i], most, where)
    check_compared(compared)
    check_luminance(found['luminance'], total / pixels)
    return {
        'largest_difference': {name: round(found[name], 4) for name in ('rendered', 'colorized', 'ab')},
        'luminance_error': {'max': round(found['luminance'], 4), 'mean': round(total / pixels, 4)},
        'sizes': [list(size) for size in SIZES],
        'batches': [1, len(pictures(1, 1))],
    }


def verify_rounded(model: onnx.ModelProto, whole: onnx.ModelProto, converted: Converted) -> dict[str, float]:
    """Compare a file with rounded weights or numbers with the verified one of which it is a copy.

    Returns
    -------
    dict
        The largest and the mean difference of the photos, in 8-bit levels.

    Raises
    ------
    ExportError
        If the mean is above `MEAN_ROUNDED`, or the luminance moves.
    """
    rounded, exact = opened(model), opened(whole)
    apart, luminance = [], []
    for height, width in SIZES:
        photos = pictures(height, width)
        for feed in settings(converted, photos):
            if contract.VARIANT in feed:  # which of two colours is likelier, the last digits may decide
                feed[contract.VARIANT] = np.array([0])
            ours, theirs = (run(session, feed)[contract.COLORIZED] for session in (rounded, exact))
            apart.append(np.abs(ours.astype(int) - theirs).ravel())
            luminance.append(luminance_error(photos, ours).ravel())
    luminance = np.concatenate(luminance)
    check_luminance(luminance.max(), luminance.mean())
    apart = np.concatenate(apart)
    if apart.mean() > MEAN_ROUNDED:
        raise ExportError(
            f'Rounded, the network gives photos that are {apart.mean():.2f} of 255 levels off on average: '
            'leave out --float16 and --int8.'
        )
    return {'max': int(apart.max()), 'mean': round(float(apart.mean()), 4)}


def verify_render(model: onnx.ModelProto) -> dict[str, Any]:
    """The same for the head's first step alone; what it shows must be shown as it is."""
    session, worst = opened(model), 0.0
    for height, width in SIZES:
        photos = pictures(height, width)
        for size in (32, 90, 256):
            where = f'on photos of {width} x {height}'
            shown = run(session, {contract.PHOTO: photos, contract.RENDER_SIZE: np.array([size])})[contract.SHOWN]
            sides = shown.shape[1:3]
            if sides != contract.rendered_shape(height, width, size):
                raise ExportError(f'A network is shown {sides[1]} x {sides[0]} pixels, against the contract, {where}.')
            worst = max(worst, *(rendering_error(photo, one, where) for photo, one in zip(photos, shown, strict=True)))
            again = run(session, {contract.PHOTO: shown, contract.RENDER_SIZE: np.array([min(sides)])})[contract.SHOWN]
            if not np.array_equal(again, shown):
                raise ExportError(f'What a network is shown is changed once more, {where}.')
    return {'largest_difference': {'rendered': round(worst, 4)}, 'sizes': [list(size) for size in SIZES]}


def verify_join(model: onnx.ModelProto, depth: str) -> dict[str, Any]:
    """The same for the tail alone; `depth` is the type of its photos."""
    session = opened(model)
    full = np.iinfo(depth).max
    worst, luminance, total, pixels, compared = 0.0, 0.0, 0.0, 0, 0
    for height, width in SIZES:
        random = np.random.default_rng(height)
        photos = pictures(height, width) * (full / 255)
        if full > 255:  # levels between those of 8 bits, gray ones in the gray photo
            photos = (photos + random.integers(-128, 129, (2, height, width, 1))).clip(0, full)
        photos = photos.astype(depth)
        for spread in (0, 12, 60):
            ab = random.normal(0, spread, (len(photos), 9, 12, 2)).astype('float32')
            joined = run(session, {contract.PHOTO: photos, contract.AB: ab})[contract.COLORIZED]
            where = f'on photos of {width} x {height}'
            for i, (photo, colors, ours) in enumerate(zip(photos, ab, joined, strict=True)):
                difference, inside = joining_error(photo, colors, ours, where)
                worst, compared = max(worst, difference), compared + inside
                error = luminance_error(photo, ours)
                luminance, total, pixels = max(luminance, float(error.max())), total + error.sum(), pixels + error.size
                one = {contract.PHOTO: photos[i : i + 1], contract.AB: ab[i : i + 1]}
                check_alone(run(session, one)[contract.COLORIZED][0], ours, 0, where)
    check_compared(compared)
    check_luminance(luminance, total / pixels)
    return {
        'largest_difference': {'colorized': round(worst, 4)},
        'luminance_error': {'max': round(luminance, 4), 'mean': round(float(total / pixels), 4)},
        'sizes': [list(size) for size in SIZES],
    }


def pictures(height: int, width: int) -> npt.NDArray[np.uint8]:
    """A colour photo and a gray one of the wanted size: uint8 [2, H, W, 3]."""
    photo = np.asarray(Image.fromarray(data.astronaut()).resize((width, height), Image.Resampling.BICUBIC))
    gray = np.repeat(photo[..., 1:2], 3, axis=-1)
    return np.stack([photo, gray])


def settings(converted: Converted, photos: npt.NDArray[np.uint8]) -> Iterator[Feed]:
    """Feeds to try for the same photos: everything at its middle, then all that the network can be asked for."""
    plain = {
        contract.PHOTO: photos,
        contract.RENDER_SIZE: np.array([0]),
        contract.SATURATION: np.array([1], 'float32'),
    }
    steered = plain | {contract.RENDER_SIZE: np.array([90]), contract.SATURATION: np.array([0.6], 'float32')}
    if converted.distribution is not None:
        plain[contract.VIVIDNESS] = np.array([0.4], 'float32')
        steered[contract.VIVIDNESS] = np.array([1], 'float32')
    if converted.takes_hints:
        plain[contract.HINTS] = np.zeros((len(photos), 0, 5), 'float32')
        plain[contract.REACH] = np.array([1], 'float32')
        steered[contract.HINTS] = np.stack([POINTS] * len(photos))
        steered[contract.REACH] = np.array([0.5], 'float32')
    if converted.anchors is not None:
        plain[contract.VARIANT] = np.array([0])
        steered[contract.VARIANT] = np.array([3])
    yield plain
    yield steered


def with_rendered(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of the model that also puts out what its network is shown."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    shape = ['N', 3, 'rendered_h', 'rendered_w']
    model.graph.output.append(onnx.helper.make_tensor_value_info(pipeline.RENDERED, onnx.TensorProto.UINT8, shape))
    return model


def opened(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """A session; ExportError if onnxruntime cannot run the model."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = SILENT
    try:
        onnx.checker.check_model(model, full_check=True)
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=[CPU])
    except Exception as error:  # onnx's and onnxruntime's exceptions share no class of their own
        raise ExportError(f'onnxruntime refuses the file: {str(error).splitlines()[0]}') from error


def run(session: onnxruntime.InferenceSession, feed: Feed) -> Feed:
    """All outputs, by name."""
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feed), strict=True))


# What scikit-image, Pillow and Keras make of the same


def rendering_error(photo: npt.NDArray[np.uint8], shown: npt.NDArray[np.uint8], where: str) -> float:
    """Largest difference, in levels, between what the network is shown and Pillow's BILINEAR."""
    height, width = shown.shape[:2]
    expected = np.asarray(Image.fromarray(photo).resize((width, height), Image.Resampling.BILINEAR))
    difference = float(np.abs(expected.astype(int) - shown).max())
    if difference > 1:
        raise ExportError(f"The picture shown to the network is {difference:.0f} levels off Pillow's, {where}.")
    return difference


def expected_colors(
    converted: Converted, rendered: npt.NDArray[np.uint8], feed: Feed, outputs: Feed, where: str
) -> tuple[Array, Array | None]:
    """By Keras, of pictures as they were shown to the network: ab [N, h, w, 2]; probabilities [N, h, w, Q] or None.

    Anchors are compared here, and the second look then follows the file's own: what of it the last digits of a place
    decide, a hint's edge, is no error.
    """
    height, width = rendered.shape[1:3]
    asked = int(feed[contract.RENDER_SIZE][0]) or converted.render_size
    if (height, width) != contract.rendered_shape(*feed[contract.PHOTO].shape[1:3], size=asked):
        raise ExportError(f'The network is shown {width} x {height} pixels, against the contract.')
    missing = [(-side) % converted.multiple for side in (height, width)]
    padding = [(0, 0), (0, missing[0]), (0, missing[1]), (0, 0)]
    L = ops.convert_to_tensor(np.pad(color.rgb2lab(rendered)[..., :1].astype('float32'), padding, mode='edge'))
    inside = np.s_[:, : height // converted.stride, : width // converted.stride]
    given = ops.convert_to_tensor(expected_hints(feed, height, width)) if converted.takes_hints else None
    encoder, decoder = converted.parts
    features = [] if encoder is None else keras.tree.flatten(encoder([L, given], training=False))

    def ask(*more: Any) -> tuple[Any, Any]:
        """The network's answer and the share of hints in it, given more of them."""
        if given is None:
            return decoder(L, training=False)[inside], None
        together = ops.concatenate([given, *more], axis=1)
        answer, share = decoder([*features, L, together], training=False)
        return answer[inside], share[inside]

    answer, share = ask()
    if converted.distribution is None:
        return to_numpy(answer), None
    point, vividness = converted.distribution.vivid_point, feed[contract.VIVIDNESS]
    probabilities = ops.softmax(answer, axis=-1)
    if converted.anchors is None:
        faithful = bins.mean(answer)
        ab = faithful + vividness[0] * (bins.vivid(answer, *point) - faithful)
        return to_numpy(ab), to_numpy(probabilities)
    small = ops.average_pool(L[:, :height, :width], converted.stride, converted.stride)
    border = paper.borders(small, share)
    probabilities += border * (paper.GRAY - probabilities)
    placed, belongs = anchors.place(small, answer, share, feed[contract.VARIANT].astype('float32'), point)
    output_error(contract.ANCHORS, outputs, to_numpy(placed), MOST_ANCHORS, where)
    own = ops.convert_to_tensor(outputs[contract.ANCHORS])
    spread = bins.mean(ask(anchors.as_hints(own, height, width))[0])
    faithful = ops.tensordot(probabilities, bins.BINS, 1)
    ab = anchors.read(faithful, spread, belongs, share, border, vividness)
    return to_numpy(ab), to_numpy(probabilities)


def to_numpy(tensor: Any) -> Array:
    """A tensor of whatever Keras runs on."""
    return np.asarray(ops.convert_to_numpy(tensor))


def expected_hints(feed: Feed, height: int, width: int) -> Array:
    """The hints of the contract as those of training; one that is not there comes last."""
    points = np.pad(feed[contract.HINTS], [(0, 0), (0, 1), (0, 0)], constant_values=-1)
    there = (points[..., 0] >= 0) & np.isfinite(points).all(-1)
    points = np.where(there[..., None], points, 0).astype('float32')
    sides = np.where(there, max(contract.HINT_SIDE * min(height, width), 1.0), 0).astype('float32')
    squares = to_numpy(hints.squares(points[..., :2], sides, height, width))
    ab = color.rgb2lab(points[..., 2:] / 255)[..., 1:].astype('float32')
    reach = there[..., None] * feed[contract.REACH]
    return np.concatenate([squares, ab, reach], axis=-1, dtype='float32')


def joining_error(photo: Array, ab: Array, ours: Array, where: str) -> tuple[float, int]:
    """Largest difference, in 8-bit levels, between the file's photo and scikit-image's, and at how many places inside
    the gamut they were compared."""
    full = np.iinfo(photo.dtype).max
    L = color.rgb2lab(photo / full)[..., :1]
    enlarged = transform.resize(ab.astype('float64'), photo.shape[:2], order=1, mode='edge', anti_aliasing=False)
    fy = (L + 16) / 116
    xyz = np.concatenate([fy + enlarged[..., :1] / 500, fy, fy - enlarged[..., 1:] / 200], axis=-1)
    xyz = np.where(xyz > 0.2068966, xyz**3, (xyz - 16 / 116) / 7.787) * lab.WHITE
    light = xyz @ np.linalg.inv(lab.RGB_TO_XYZ).T
    inside = ((light >= GAMUT_MARGIN) & (light <= 1 - GAMUT_MARGIN)).all(-1)
    if not inside.any():
        return 0.0, 0
    rgb = color.xyz2rgb(xyz)
    difference = float(np.abs(rgb - ours / full)[inside].max() * 255)
    if not difference <= 1:
        raise ExportError(f'The file is {difference:.2f} of 255 levels off Keras and scikit-image, {where}.')
    return difference, int(inside.sum())


def output_error(name: str, outputs: Feed, expected: Array, most: float, where: str) -> float:
    """Largest difference between an output and what it should be; ExportError if it is above `most`, or no number."""
    ours = outputs[name]
    if ours.shape != expected.shape:
        raise ExportError(f'{name} is of shape {ours.shape} instead of {expected.shape}, {where}.')
    difference = float(np.abs(ours - expected).max())
    if not difference <= most:
        raise ExportError(f'{name} is {difference:.4g} off what Keras gives, {where}.')
    return difference


def check_alone(alone: Array, together: Array, most: int, where: str) -> None:
    """ExportError if a photo depends, by more than so many levels, on what else is in its batch."""
    if np.abs(alone.astype(int) - together).max() > most:
        raise ExportError(f'A photo comes out differently alone and in a batch, {where}.')


def check_compared(places: int) -> None:
    """ExportError if a file was compared nowhere."""
    if not places:
        raise ExportError('All its colours lie outside the gamut, where none can be compared: is the network fitted?')


def luminance_error(photo: Array, ours: Array) -> Array:
    """Difference of the luminance Y as an 8-bit gray level, of pictures [..., 3]."""
    full = np.iinfo(photo.dtype).max

    def level(picture: Array) -> Array:
        rgb = picture / full
        light = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92) @ lab.RGB_TO_XYZ[1]
        return 255 * np.where(light > 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055, light * 12.92)

    return np.abs(level(photo) - level(ours))


def check_luminance(largest: float, mean: float) -> None:
    """ExportError if the promise is broken."""
    if not (largest <= MOST_LUMINANCE and mean <= MEAN_LUMINANCE):
        raise ExportError(
            f'The luminance moves by {largest:.2f} gray levels at most and {mean:.2f} on average; '
            f'promised are {MOST_LUMINANCE:g} and {MEAN_LUMINANCE:g}.'
        )
