"""Mutated files for as long as there is time: `make fuzz MINUTES=10`, or `python -m tests.fuzz`.

Each file has a number, by which it is made again. One with a finding is kept in tests/fuzz/found, beside a text.
"""

import argparse
import itertools
import json
import secrets
import sys
import time
from pathlib import Path

from tests.fuzz.mutations import Mutated, mutated
from tests.fuzz.trials import GROUP, Counts, Trials


def main() -> int:
    parser = argparse.ArgumentParser(prog='python -m tests.fuzz', description=__doc__)
    parser.add_argument('--minutes', type=float, default=10)
    parser.add_argument('--first', type=int, metavar='NUMBER', help='by default any')
    parser.add_argument('--count', type=int, help='by default as many as there is time for')
    parser.add_argument('files', nargs='*', type=Path, help='try these instead, such as those that were found')
    options = parser.parse_args()
    trials = Trials()
    until, said = time.monotonic() + 60 * options.minutes, time.monotonic()
    first = secrets.randbelow(10**9) if options.first is None else options.first
    print(f'From number {first} on.')
    try:
        for path in options.files:
            trials.try_files(Mutated(path.name, path.read_bytes()))
        numbers = itertools.islice(itertools.count(first), 0 if options.files else options.count)
        while time.monotonic() < until and (group := list(itertools.islice(numbers, GROUP))):
            trials.try_files(*map(mutated, group))
            if time.monotonic() - said > 60:
                said = time.monotonic()
                print(f'{trials.counts.tried.total()} files; findings: {trials.counts.findings}', flush=True)
    finally:
        trials.close()
        print(told(trials.counts))
    return 1 if trials.counts.findings else 0


def told(counts: Counts) -> str:
    rows = {suffix: {'tried': n, 'coloured': counts.colored[suffix]} for suffix, n in sorted(counts.tried.items())}
    figures = {
        'tried': counts.tried.total(),
        'formats': rows,
        'refusals': dict(counts.refusals.most_common()),
        'most memory, MB': {name: round(peak / 1e6) for name, peak in counts.bytes.items()},
        'slowest, s': counts.slowest,
        'findings': counts.findings,
    }
    return json.dumps(figures, indent=1, ensure_ascii=False)


if __name__ == '__main__':
    sys.exit(main())
