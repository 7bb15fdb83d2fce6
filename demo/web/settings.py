"""Write adjustments.json, what the browser must know of lumachrome and its network: python -m demo.web.settings"""

import json
from pathlib import Path
from typing import Any

from demo.page import controls
from lumachrome import Colorizer, adjustments, contract, hints, metadata, refusals

PATH = Path(__file__).parent / 'src' / 'adjustments.json'


def known() -> dict[str, Any]:
    """Ranges, steps and defaults of what can be set, and the numbers that its arithmetic needs."""
    return {
        'settings': controls.numbers(),
        'sliders': list(controls.SLIDERS),
        'presets': controls.PRESETS,
        'warmest': adjustments.WARMEST.tolist(),
        'palette_gain': list(adjustments.PALETTE_GAIN),
        'colored': adjustments.COLORED,
        'dull': adjustments.DULL,
        'most_hints': adjustments.MOST_HINTS,
        'hint_file_bytes': hints.FILE_BYTES,
        'hints': {
            'near': hints.NEAR,
            'distinct': hints.DISTINCT,
            'unlikely': hints.UNLIKELY,
            'faint': hints.FAINT,
        },
        'source_type': metadata.SOURCE_TYPE,
        'raw_suffixes': refusals.RAW_SUFFIXES,
        'own_size': Colorizer('lumachrome').render_size,  # the network that vite.config.ts takes
        'render_step': contract.RENDER_STEP,
        'longest_aspect': contract.LONGEST_ASPECT,
    }


def text() -> str:
    return json.dumps(known(), indent=1) + '\n'


if __name__ == '__main__':
    PATH.write_text(text(), 'utf-8')
