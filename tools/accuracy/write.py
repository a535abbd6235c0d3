"""Write what was fitted as a module of the product."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import outlay.sizing
from outlay.sizing.constants import Constants, GpuEffect

MODULE = Path(outlay.sizing.__file__).parent / "fitted.py"
HEAD = '''"""Values made by `python -m tools.accuracy fit` from the public measurement record; not edited.

constants.py says what each means, tools/accuracy/priors.py what bounds it.
"""

from __future__ import annotations

from outlay.sizing.constants import Constants, GpuEffect
'''


def rounded(value: float) -> float:
    """Return a value with four significant digits, as it is written."""
    return float(f"{value:.4g}")


Bounds = Mapping[str, Mapping[str, tuple[float, float]]]


def outward(low: float, high: float) -> tuple[float, float]:
    """Return bounds with two digits, rounded away from 1."""
    return math.floor(low * 100) / 100, math.ceil(high * 100) / 100


def fitted_source(constants: Constants, effects: Mapping[str, GpuEffect], bounds: Bounds) -> str:
    """Return the source of fitted.py."""
    lines = [HEAD, "FITTED = Constants("]
    lines += [f"    {f.name}={rounded(getattr(constants, f.name))!r}," for f in fields(constants)]
    lines += [")", "", "# Reached bandwidth and tensor rate over what the common shares give."]
    lines += ["GPU_EFFECTS: dict[str, GpuEffect] = {"]
    lines += [
        f'    "{name}": GpuEffect('
        f"bandwidth={rounded(effect.bandwidth)!r}, compute={rounded(effect.compute)!r}),"
        for name, effect in sorted(effects.items())
    ]
    lines += ["}", "", "# Measured over predicted: 10 % and 90 % quantiles, by group and quantity."]
    lines += ["BOUNDS: dict[str, dict[str, tuple[float, float]]] = {"]
    for group, quantities in bounds.items():
        lines += [f'    "{group!s}": {{']
        lines += [f'        "{name!s}": {outward(*pair)},' for name, pair in quantities.items()]
        lines += ["    },"]
    return "\n".join([*lines, "}", ""])
