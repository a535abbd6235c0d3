"""What is assumed of spot nodes before anybody has watched one: a conservative prior per provider and GPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from outlay.catalog.rows import Row, read_rows

PRIOR_FILE = Path(__file__).parent / "data" / "spot_priors.csv"
ANY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotPrior:
    """Pretended observations: interruptions in instance-hours, and launches that found capacity.

    They are the parameters of a Gamma distribution of the hazard and of a Beta distribution of the
    availability. `provider` and `gpu` may be `*`.
    """

    provider: str
    gpu: str
    interruptions: float
    instance_hours: float
    launches: float
    launched: float
    cold_start_hours: float
    source: str


@lru_cache(maxsize=2)
def load_spot_priors(path: Path = PRIOR_FILE) -> tuple[SpotPrior, ...]:
    """Load the priors, the most specific first.

    Raises:
        DataError: the file is missing or broken; names file and line.
    """
    priors = [_prior(row) for row in read_rows(path)]
    return tuple(sorted(priors, key=lambda p: (p.gpu == ANY, p.provider == ANY)))


def _prior(row: Row) -> SpotPrior:
    prior = SpotPrior(
        provider=row.text("provider"),
        gpu=row.text("gpu"),
        interruptions=row.number("interruptions"),
        instance_hours=row.number("instance_hours"),
        launches=row.number("launches"),
        launched=row.number("launched"),
        cold_start_hours=row.number("cold_start_minutes") / 60,
        source=row.text("source"),
    )
    if not (prior.interruptions and prior.instance_hours and 0 < prior.launched < prior.launches):
        raise row.fail("a prior needs interruptions, hours, and launches with and without capacity")
    return prior


def prior_of(priors: Sequence[SpotPrior], *, provider: str, gpu: str) -> SpotPrior:
    """Return the most specific prior; the file's last row is for everything else."""
    return next(p for p in priors if p.provider in (provider, ANY) and p.gpu in (gpu, ANY))
