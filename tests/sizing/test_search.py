"""The largest load inside an SLO."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from outlay.catalog import Precision
from outlay.sizing.features import gpu_columns, model_columns, settings
from outlay.sizing.loads import Curve, load_curve
from outlay.sizing.search import largest_inside
from outlay.sizing.speed import Lengths, speeds
from tests.sizing.builders import CATALOG, gpu


def curves() -> tuple[Curve, int]:
    """Return the curves of every model on 8 H100."""
    models = CATALOG.models
    split = settings(tensor=[8], precision=[Precision.BF16], kv_precision=[Precision.BF16])
    lengths = Lengths(input_tokens=1024, output_tokens=256, prefill_tokens=1024)
    found = speeds(model_columns(*models), gpu_columns(gpu("H100")), split)
    return load_curve(found, lengths), len(models)


@given(ttft_s=st.floats(0.01, 20), tpot_s=st.floats(0.002, 0.5), places=st.floats(1, 1024))
def test_one_more_sequence_would_break_the_slo(ttft_s: float, tpot_s: float, places: float) -> None:
    """Inside both limits where possible, and 1 % of a sequence more is not, or no place is left."""
    curve, count = curves()
    limit = np.full(count, places)
    found, possible = largest_inside(curve, ttft_s=ttft_s, tpot_s=tpot_s, max_sequences=limit)

    def inside(
        running: np.ndarray[tuple[int], np.dtype[np.float64]],
    ) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        ttft, tpot = curve.latencies_s(running)
        return (ttft <= ttft_s) & (tpot <= tpot_s)

    assert (possible == inside(np.ones(count))).all()
    assert inside(found)[possible].all()
    more = found * 1.01 + 0.01
    assert (~inside(more) | (found >= limit * (1 - 1e-9)))[possible].all()
