"""The user's own spot events: what happened on his nodes, which updates the prior."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from outlay.catalog import Catalog
from outlay.catalog.regions import check_pattern, matches
from outlay.catalog.spot_priors import ANY
from outlay.errors import InputError, Problem, SettingsError, UnknownNameError
from outlay.settings.files import project_file

Count = Annotated[int, Field(ge=0, le=10**9)]
Hours = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


class _Line(BaseModel):
    """One line of a file. A launch is one attempt to get a node; a failed one found no capacity."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: str
    region: str = ANY
    gpu: str = ANY
    instance_hours: Hours
    interruptions: Count
    launches: Count = 0
    failed_launches: Count = 0

    @model_validator(mode="after")
    def _adds_up(self) -> _Line:
        if self.failed_launches > self.launches:
            raise ValueError("failed_launches is above launches")
        if self.interruptions and not self.instance_hours:
            raise ValueError("interruptions without instance_hours: no rate follows from them")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotEvents:
    """What was seen of the spot nodes of one provider, in a region (or a pattern) and of a GPU, or `*`."""

    provider: str
    region: str
    gpu: str
    instance_hours: float
    interruptions: int
    launches: int
    failed_launches: int

    def concern(self, *, provider: str, region: str, gpu: str) -> bool:
        """Whether they tell of nodes of this GPU there."""
        return (
            provider == self.provider
            and self.gpu in (gpu, ANY)
            and matches(self.region, provider=provider, region=region)
        )


def load_spot_events(names: Iterable[str], catalog: Catalog) -> tuple[SpotEvents, ...]:
    """Read the files that settings name, relative to this folder or to that of Pulumi.yaml.

    CSV with a header line, or JSON with a list of objects of the same keys (`.json`).

    Raises:
        InputError: a file is missing or unreadable.
        SettingsError: lines are wrong; names each with its number.
    """
    return tuple(event for name in names for event in _load(project_file(Path(name)), catalog))


def _load(path: Path, catalog: Catalog) -> list[SpotEvents]:
    problems: list[Problem] = []
    found: list[SpotEvents] = []
    for where, raw in _raw_lines(path):
        try:
            found.append(_events(_Line.model_validate(raw), catalog))
        except ValidationError as error:
            problems += [
                Problem(f"{where} {'.'.join(map(str, e['loc']))}".strip(), _message(e["msg"]))
                for e in error.errors(include_url=False)
            ]
        except (UnknownNameError, ValueError) as error:
            problems.append(Problem(where, str(error)))
    if problems:
        raise SettingsError(problems, source=str(path))
    return found


def _message(text: str) -> str:
    return text.removeprefix("Value error, ")


def _events(line: _Line, catalog: Catalog) -> SpotEvents:
    provider = catalog.provider_names.resolve(line.provider)
    if line.region != ANY:
        check_pattern(line.region, catalog)
    return SpotEvents(
        provider=provider,
        region=line.region,
        gpu=ANY if line.gpu == ANY else catalog.gpu(line.gpu).name,
        instance_hours=line.instance_hours,
        interruptions=line.interruptions,
        launches=line.launches,
        failed_launches=line.failed_launches,
    )


def _raw_lines(path: Path) -> Iterator[tuple[str, object]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(
            f"spot events {path} do not exist; see docs/spot.md for the format"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"spot events {path} cannot be read: {error}") from None
    return _json_lines(path, text) if path.suffix.lower() == ".json" else _csv_lines(path, text)


def _json_lines(path: Path, text: str) -> Iterator[tuple[str, object]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"spot events {path} are no valid JSON: {error}") from None
    if not isinstance(document, list):
        raise InputError(f"spot events {path} must be a JSON list of objects; see docs/spot.md")
    return ((f"[{number}]", raw) for number, raw in enumerate(document))


def _csv_lines(path: Path, text: str) -> Iterator[tuple[str, object]]:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        for cells in reader:
            if None in cells or None in cells.values():
                raise InputError(f"{path}, line {reader.line_num}: wrong number of cells")
            # An empty cell means "not given"; what has no default is then missing.
            yield f"line {reader.line_num}", {k: v for k, v in cells.items() if v.strip()}
    except csv.Error as error:
        raise InputError(f"{path} is not a readable CSV file ({error})") from None
