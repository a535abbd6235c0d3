"""Write what an empty cluster costs on each provider into docs/providers.md: `python -m tools.idle`."""

from __future__ import annotations

from decimal import Decimal

from outlay.catalog import PROVIDERS, load_catalog
from outlay.pricing.rates import Rates
from outlay.pricing.standing import standing_costs
from outlay.pricing.types import Unpriced
from tools.setup.layout import REPOSITORY

PAGE = REPOSITORY / "docs" / "providers.md"
BEGIN, END = "<!-- idle -->\n", "<!-- /idle -->"
REGIONS = {
    "aws": "us-east-1",
    "gcp": "us-central1",
    "azure": "eastus",
    "coreweave": "US-EAST-04A",
    "lambda": "global",
}


def table() -> str:
    """Return the table of standing costs."""
    rates = Rates(load_catalog())
    rows = [_row(rates, each.name, each.title) for each in PROVIDERS]
    return "".join(["| provider | region | USD/hour | for |\n|---|---|---|---|\n", *rows])


def _row(rates: Rates, provider: str, title: str) -> str:
    lines = standing_costs(rates, provider=provider, region=REGIONS[provider])
    if isinstance(lines, Unpriced):
        return f"| {title} | {REGIONS[provider]} | unknown | {lines.reason} |\n"
    total = sum((line.usd_per_hour for line in lines), Decimal(0))
    what = ", ".join(line.what for line in lines) or "nothing: included in the nodes"
    return f"| {title} | {REGIONS[provider]} | {total.normalize():f} | {what} |\n"


def written(page: str) -> str:
    """Return the page with the table in its place."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


def main() -> None:
    """Write the page."""
    PAGE.write_text(written(PAGE.read_text()))


if __name__ == "__main__":
    main()
