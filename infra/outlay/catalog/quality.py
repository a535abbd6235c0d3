"""Published evaluations of quantised models: what share of the 16-bit model's score is kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from outlay.catalog.rows import Row, read_rows

QUALITY_FILE = Path(__file__).parent / "data" / "quality.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One published comparison of a quantised model with its 16-bit original.

    `model` is empty where a source speaks of the whole family. Retention is a share, 1 = all of the
    score; above 1 it is the evaluation's noise. `checkpoint` is the Hugging Face repository that
    was evaluated; it and `published` are empty where the source names none.
    """

    family: str
    model: str
    method: str
    retention_low: float
    retention_high: float
    evaluation: str
    checkpoint: str
    published: str
    source: str

    def is_of_family(self, model: str) -> bool:
        """Whether a model of the catalogue belongs to the family that was evaluated."""
        return model == self.family or model.startswith(f"{self.family}-")


@lru_cache(maxsize=2)
def load_quality(path: Path = QUALITY_FILE) -> tuple[Evaluation, ...]:
    """Load all published evaluations.

    Raises:
        DataError: the file is missing or broken; names file and line.
    """
    return tuple(_evaluation(row) for row in read_rows(path))


def _evaluation(row: Row) -> Evaluation:
    low, high = _retention(row)
    return Evaluation(
        family=row.text("family"),
        model=row.optional_text("model"),
        method=row.text("method"),
        retention_low=low,
        retention_high=high,
        evaluation=row.text("evaluation"),
        checkpoint=row.optional_text("checkpoint"),
        published=row.date("published") if row.optional_text("published") else "",
        source=row.text("source"),
    )


def _retention(row: Row) -> tuple[float, float]:
    """A share that was published as one, else computed from the two scores."""
    score = row.optional_number("score")
    if score is None:
        low, high = row.number("retention_low"), row.number("retention_high")
        if low > high:
            raise row.fail("retention_low is above retention_high")
        return low, high
    if row.optional_text("retention_low") or row.optional_text("retention_high"):
        raise row.fail("give scores or a retention, not both")
    reference = row.number("reference_score")
    if not reference:
        raise row.fail("column reference_score must be positive")
    return score / reference, score / reference


def evaluations_of(
    evaluations: Iterable[Evaluation], *, model: str, method: str
) -> tuple[Evaluation, ...]:
    """Return what was published of a model in a method.

    Else what was published of its whole family, else of other models of the family.
    """
    related = [e for e in evaluations if e.method == method and e.is_of_family(model)]
    own = tuple(e for e in related if e.model == model)
    whole = tuple(e for e in related if not e.model)
    return own or whole or tuple(related)
