"""What an evaluation found, as Markdown tables."""

from typing import Any

import numpy as np

from training import figures


def evaluation(result: dict[str, Any]) -> str:
    """What `training.evaluate.evaluate` found, all of it."""
    truth = result['rows'][0]
    left_out = ', '.join(f'{count} {reason}' for reason, count in result['left_out'].items())
    lines = [
        f'{result["photos"]} photos, {result["side"]} x {result["side"]}; left out: {left_out or "none"}; '
        f'the truth has colorfulness {truth["colorfulness"]["truth"]:.1f}, in absolute form '
        f'{truth["colorfulness_absolute"]["truth"]:.1f}, and unevenness {truth["unevenness"]["truth"]:.2f}',
        '',
        *_rows(result['rows']),
    ]
    if len(result['by_source']) > 1:
        lines += ['', *_sources(result['by_source'])]
    if 'hints' in result:
        gains = [_with_error(h['gain'], h['gain_se'], '+.2f') for h in result['hints']]
        lines += ['', *_by_count('PSNR dB over gray', result['hints'], gains)]
    if 'against' in result:
        lines += ['', *_differences(result['against'])]
    return '\n'.join(lines)


def _with_error(value, error, form):
    return f'{value:{form}} ± {error:{form.lstrip("+")}}'


def _markdown(heads, rows):
    return [f'| {" | ".join(cells)} |' for cells in (heads, ['---'] * len(heads), *rows)]


def _by_count(name, tried, cells):
    return _markdown(['hints', *(str(h['count']) for h in tried)], [[name, *cells]])


def _rows(rows):
    columns = {
        'PSNR dB': ('psnr', 'mean', '.2f'),
        'over gray': ('gain', 'mean', '+.2f'),
        'SSIM': ('ssim', 'mean', '.4f'),
        'CIEDE2000': ('ciede2000', 'mean', '.2f'),
        'AuC': ('auc', 'mean', '.4f'),
        'colorfulness': ('colorfulness', 'mean', '.1f'),
        'difference': ('colorfulness', 'difference', '+.1f'),
        'distance': ('colorfulness', 'distance', '.1f'),
        'absolute form': ('colorfulness_absolute', 'mean', '.1f'),
        'its difference': ('colorfulness_absolute', 'difference', '+.1f'),
        'its distance': ('colorfulness_absolute', 'distance', '.1f'),
        'unevenness': ('unevenness', 'mean', '.2f'),
        "over the truth's": ('unevenness', 'ratio', '.3f'),
        'spill': ('spill', 'mean', '.3f'),
        'reach': ('reach', 'mean', '.3f'),
    }
    columns = {head: column for head, column in columns.items() if any(column[0] in row for row in rows)}

    def cell(row, key, what, form):
        error = 'se' if what == 'mean' else f'{what}_se'
        return _with_error(row[key][what], row[key][error], form) if key in row else ''

    return _markdown(['', *columns], [[row['name'], *(cell(row, *at) for at in columns.values())] for row in rows])


def _sources(by_source):
    """Of each source and row: dB over gray, colorfulness (absolute form) minus the truth's, unevenness over it."""
    forms = {'gain': '+.2f', 'colorfulness': '+.1f', 'unevenness': '.3f'}
    names = [name for name in by_source[0] if name not in ('source', 'photos')]
    at = [(name, key) for name in names for key in forms]
    heads = {'gain': 'over gray', 'colorfulness': 'colorfulness (absolute form) difference', 'unevenness': 'unevenness'}
    rows = [
        [of['source'], str(of['photos']), *(f'{of[name][key]:{forms[key]}}' for name, key in at)] for of in by_source
    ]
    means = [(figures.mean(np.array([of[name][key] for of in by_source])), forms[key]) for name, key in at]
    rows.append(
        [f'mean over {len(by_source)} sources', '', *(_with_error(m['mean'], m['se'], form) for m, form in means)]
    )
    return _markdown(['source', 'photos', *(f'{name}: {heads[key]}' for name, key in at)], rows)


def _differences(against):
    """This model minus the other, pair by pair."""
    forms = {'gain': '+.3f', 'colorfulness': '+.2f', 'unevenness': '+.3f', 'spill': '+.3f'}
    heads = {'gain': 'PSNR dB', 'colorfulness': 'colorfulness, absolute form'}

    def cells(row, key, form):
        cell = _with_error(row[key]['mean'], row[key]['se'], form)
        if 'sources_mean' in row[key]:
            cell += f' (over sources {_with_error(row[key]["sources_mean"], row[key]["sources_se"], form)})'
        return cell

    rows = against['rows']
    shown = {key: form for key, form in forms.items() if key in rows[0]}
    lines = _markdown(
        ['minus the other', *(heads.get(key, key) for key in shown)],
        [[f'{row["name"]} - {row["other"]}', *(cells(row, *at) for at in shown.items())] for row in rows],
    )
    if 'hints' in against:
        differences = [_with_error(h['mean'], h['se'], '+.3f') for h in against['hints']]
        lines += ['', *_by_count('PSNR dB minus the other', against['hints'], differences)]
    return lines
