"""python -m training fit | evaluate | vivid | keep | age: photos in, a network out, and how good it is."""

import argparse
import json
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from lumachrome.errors import UserError, printable

os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '1')  # a fifth to two fifths faster where TensorFlow leaves it off
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')


def main(arguments: Sequence[str] | None = None) -> None:
    from training import recipe

    parser = argparse.ArgumentParser(prog='python -m training', description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)

    fit = commands.add_parser('fit', help='fit a network on photos', description='Fit a network on photos.')
    fit.add_argument('--photos', nargs='+', required=True, metavar='SOURCE', help='folders and .tar files of photos')
    fit.add_argument('--validation', nargs='+', metavar='SOURCE', help='photos to judge by; else a tenth is split off')
    fit.add_argument(
        '--out',
        required=True,
        type=_folder,
        help="the run's folder, such as runs/mine; the same command goes on with it",
    )
    fit.add_argument('--config', help='a recipe, such as training/configs/unet.toml; the flags below override it')
    fit.add_argument(
        '--init-from',
        metavar='NETWORK',
        help="start from a run folder, a .keras or .npz file, or a .h5 file of the article's weights",
    )
    fit.add_argument('--cache', metavar='DIR', help='keep the decoded photos there, and map them back the next time')
    for field in recipe.fields():
        flag, kind = '--' + field.name.replace('_', '-'), cast(type, field.type)
        how: dict[str, Any] = {'type': kind, 'metavar': kind.__name__.upper()}
        if kind is bool:
            how = {'action': argparse.BooleanOptionalAction, 'default': None}
        fit.add_argument(flag, help=f'{field.metadata["help"]}; default {field.default!r}', **how)

    judge = commands.add_parser(
        'evaluate',
        help='how good a model is',
        description='Print a table of figures over photos, gray first, and write it with a contact sheet.',
    )
    judge.add_argument('--model', required=True, help='a run folder, a .keras, .npz, .h5 or .onnx file')
    judge.add_argument('--photos', nargs='+', required=True, metavar='SOURCE', help='folders and .tar files of photos')
    judge.add_argument('--render-size', type=int, help='short side at which the network looks; by default its own')
    judge.add_argument(
        '--held-out',
        type=float,
        metavar='SHARE',
        help="of the photos only those that fit's held_out = SHARE splits off",
    )
    judge.add_argument('--most', type=int, metavar='N', help='of the photos at most N, the same ones every time')
    judge.add_argument('--hints', action='store_true', help='also try 0 to 100 hints a photo')
    judge.add_argument('--spill', action='store_true', help='also try how far a hint colours what it is not meant for')
    judge.add_argument('--against', metavar='MODEL', help='another model, compared pair by pair on the same photos')
    judge.add_argument(
        '--out',
        type=_folder,
        help='where metrics.json and sheet.jpg go: by default the run folder, or runs/evaluated-MODEL',
    )
    judge.add_argument('--json', action='store_true', help='print JSON instead of a table')
    judge.add_argument('--cache', metavar='DIR', help='keep the decoded photos there, and map them back the next time')

    point = commands.add_parser(
        'vivid',
        help='learn how vivid a network that predicts a distribution can be',
        description='Learn the vivid point on photos that a run has not learnt from; its best.keras keeps it.',
    )
    point.add_argument('run', help="the run's folder")
    point.add_argument(
        '--photos', nargs='+', required=True, metavar='SOURCE', help='as for fit; those learnt from are passed over'
    )
    point.add_argument('--cache', metavar='DIR', help='as for fit')

    keep = commands.add_parser(
        'keep',
        help='write the weights in half the bytes, for others to start from',
        description='Write the weights of a network to a .npz file in float16, which --init-from takes.',
    )
    keep.add_argument('network', help='a run folder or a .keras file')
    keep.add_argument('target', help='the .npz file')

    age = commands.add_parser(
        'age',
        help='learn what age looks like, for fit --aged-by',
        description='Learn from old prints and from clean photos, which need not show the same, to age photos.',
    )
    age.add_argument('--old', nargs='+', required=True, metavar='SOURCE', help='folders and .tar files of old prints')
    age.add_argument('--clean', nargs='+', required=True, metavar='SOURCE', help='the same of photos without age')
    age.add_argument('--out', required=True, type=_folder, help="the run's folder, such as runs/age")
    age.add_argument('--budget', type=int, default=20_000, metavar='N', help='crops of each to see; default 20000')
    age.add_argument('--minutes', type=float, default=0.0, help='end by then, also where the budget is not reached')

    options = parser.parse_args(arguments)
    run = {'fit': run_fit, 'evaluate': run_evaluate, 'vivid': run_vivid, 'keep': run_keep, 'age': run_age}
    try:
        run[options.command](options)
    except KeyboardInterrupt:
        print(
            f'\nStopped. The same command goes on from the last epoch in {options.out}.'
            if options.command == 'fit'
            else '\nStopped.',
            file=sys.stderr,
        )
        sys.exit(130)  # what a shell reports of Ctrl-C
    except OSError as error:
        if error.filename is None:
            raise
        sys.exit(printable(f'{error.filename}: {error.strerror}.'))
    except UserError as error:
        sys.exit(printable(str(error)))


def _folder(text: str) -> str:
    """A folder for results, which is there or can be made; an empty name, as of a shell's unset variable, is none."""
    if not text:
        raise argparse.ArgumentTypeError('the name is empty; "." is the current folder.')
    try:
        for path in (Path(text), *Path(text).parents):
            if path.exists() and not path.is_dir():
                raise argparse.ArgumentTypeError(printable(f'{path} is a file: name a folder for the results.'))
    except OSError as error:  # the name is too long, or a folder above may not be looked into
        raise argparse.ArgumentTypeError(printable(f'{text}: {error.strerror}.')) from error
    return text


def run_fit(options: argparse.Namespace) -> None:
    from training import fit

    settings = fit.recipe_from(options.config, vars(options))
    train, validation = fit.read_photos(options.photos, options.validation, settings, options.cache)
    data = f'{len(train)} photos of {", ".join(os.path.basename(os.path.normpath(s)) for s in options.photos)}'
    fit.fit(settings, train, validation, options.out, data, options.init_from)
    print(
        f'{options.out}/best.keras is the network, {options.out}/sheets show what it can. '
        f'Next: python -m training evaluate --model {options.out}, python -m export {options.out}'
    )


def run_evaluate(options: argparse.Namespace) -> None:
    from training import colorizers, evaluate, photos, tables

    for flag, value, most in (
        ('--most', options.most, math.inf),
        ('--render-size', options.render_size, math.inf),
        ('--held-out', options.held_out, 1),
    ):
        if value is not None and not 0 < value <= most:
            raise UserError(f'{flag} = {value}: it must be above 0' + (f', and at most {most}.' if most == 1 else '.'))
    paths = [Path(path) for path in (options.model, options.against) if path]
    models = [colorizers.open_model(path) for path in paths]
    only = None if options.held_out is None else photos.names_held_out(options.photos, options.held_out)
    judged = photos.read(options.photos, evaluate.SIDE, options.cache, only)
    print(photos.report(judged), file=sys.stderr)
    if options.most is not None:
        judged = judged.sample(options.most)
    for path in paths:
        if not evaluate.check_unseen(path, judged):
            print(f'{path} does not say from what photos it has learnt: they may be among these.', file=sys.stderr)
    out = options.out or evaluation_folder(paths[0], options)
    result = evaluate.evaluate(models[0], judged, out, options.render_size, options.hints, options.spill, *models[1:])
    print(json.dumps(result, indent=1) if options.json else tables.evaluation(result))
    print(f'written: {out}/metrics.json, {out}/sheet.jpg', file=sys.stderr)


def evaluation_folder(model: Path, options: argparse.Namespace) -> Path:
    """Where an evaluation goes: a run's own figures, as `export` takes them, are those of its best network as it is."""
    from training import checkpoints

    choices = (options.render_size, options.held_out, options.most, options.against)
    if model.is_dir() and all(choice is None for choice in choices):
        return model
    run = checkpoints.run_of(model)
    return Path('runs') / f'evaluated-{model.stem if run in (None, model) else f"{run.name}-{model.stem}"}'


def run_vivid(options: argparse.Namespace) -> None:
    from training import vivid

    points, chosen = vivid.settle(options.run, options.photos, options.cache)
    print(vivid.table(points))
    print(f'chosen: gain {chosen["gain"]:.2f}')


def run_age(options: argparse.Namespace) -> None:
    from training import age, aging

    same = {Path(source).resolve() for source in options.old} & {Path(source).resolve() for source in options.clean}
    if same:
        raise UserError(
            f'{same.pop()} is given as --old and as --clean: name prints there, and photos without age here.'
        )
    age.learn(age.read(options.old), age.read(options.clean), options.out, options.budget, options.minutes)
    print(f'{options.out}/{aging.NAME} ages photos: fit --aging-prob 0.4 --aged-by {options.out}')


def run_keep(options: argparse.Namespace) -> None:
    from training import checkpoints

    checkpoints.keep(options.network, options.target)


if __name__ == '__main__':
    main()
