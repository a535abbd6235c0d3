"""Read what load generators write: guidellm reports, and results of `vllm bench serve`.

Only steady measurements become points. A burst (everything sent at once) averages over ramp-up and
drain, a saturated open loop over a queue that grows for ever: both say little about a replica.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from outlay.errors import InputError

# Each place of the closed loop must have served so many requests, or ramp-up and drain dominate.
LEAST_REQUESTS_PER_PLACE = 4
LARGEST_FAILED_SHARE = 0.05
SATURATED_BELOW = 0.9  # of the asked request rate
LARGEST_FILE_BYTES = 2**30

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One steady measurement of a whole replica: mean tokens per request, mean latencies."""

    input_tokens: float
    output_tokens: float
    concurrency: float
    requests: int
    output_tokens_per_s: float
    ttft_ms: float
    tpot_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A measurement that is no use, and why."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """What one file holds. `model` is the name that the tool recorded, `date` a day or empty."""

    file: str
    tool: str
    model: str
    date: str
    points: tuple[Point, ...]
    refused: tuple[Refused, ...]


class _NoUseError(Exception):
    """One measurement cannot be used; the rest of the file may."""


def read_benchmark(path: Path) -> Benchmark:
    """Read one file of either tool.

    Raises:
        InputError: the file is missing, empty, no JSON, or of neither tool.
    """
    documents = _documents(path)
    first = documents[0]
    if isinstance(first.get("benchmarks"), list):
        return _guidellm(path, first)
    if "request_throughput" in first and "total_input_tokens" in first:
        return _vllm(path, documents)
    raise InputError(
        f"{path} is neither a guidellm report (it has no `benchmarks`) nor a result of"
        " `vllm bench serve --save-result` (it has no `request_throughput`)"
    )


def _documents(path: Path) -> list[Json]:
    """Return the JSON object of a file, or several, one on each line (--append-result)."""
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise InputError(f"{path} is larger than 1 GiB; save it without per-request details")
        text = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise InputError(f"benchmark file {path} does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"benchmark file {path} cannot be read: {error}") from None
    if not text:
        raise InputError(f"benchmark file {path} is empty")
    try:
        documents = _parse(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"benchmark file {path} is no valid JSON: {error}") from None
    if not documents or not all(isinstance(document, dict) for document in documents):
        raise InputError(f"benchmark file {path} must hold a JSON object")
    return [document for document in documents if isinstance(document, dict)]


def _parse(text: str) -> list[object]:
    try:
        return [json.loads(text)]
    except json.JSONDecodeError:
        lines = text.splitlines()
        if len(lines) == 1:
            raise
        return [json.loads(line) for line in lines if line.strip()]


def _vllm(path: Path, documents: list[Json]) -> Benchmark:
    points: list[Point] = []
    refused: list[Refused] = []
    for index, document in enumerate(documents):
        try:
            points.append(_vllm_point(document))
        except _NoUseError as error:
            refused.append(Refused(what=f"{path.name}, result {index + 1}", reason=str(error)))
    return Benchmark(
        file=path.name,
        tool="vllm bench serve",
        model=_text(documents[0], "model_id"),
        date=_vllm_date(_text(documents[0], "date")),
        points=tuple(points),
        refused=tuple(refused),
    )


def _vllm_point(result: Json) -> Point:
    completed = _number(result, "completed")
    _check_failed(failed=_count(result, "failed"), completed=completed)
    outputs = _number(result, "total_output_tokens") / completed
    ttft, tpot = _number(result, "mean_ttft_ms"), _number(result, "mean_tpot_ms")
    rate = _number(result, "request_throughput")
    asked = result.get("request_rate")
    if isinstance(asked, int | float) and math.isfinite(asked):
        _check_saturated(asked=float(asked), achieved=rate)
        # Little's law: requests in flight are their rate times the time each takes.
        concurrency = rate * (ttft + (outputs - 1) * tpot) / 1e3
    elif result.get("max_concurrency") is None:
        raise _NoUseError(
            "all requests at once: the mean includes ramp-up and drain;"
            " measure with --max-concurrency or --request-rate"
        )
    else:
        concurrency = _number(result, "max_concurrency")
    _check_length(requests=completed, concurrency=concurrency)
    return Point(
        input_tokens=_number(result, "total_input_tokens") / completed,
        output_tokens=outputs,
        concurrency=concurrency,
        requests=int(completed),
        output_tokens_per_s=_number(result, "output_throughput"),
        ttft_ms=ttft,
        tpot_ms=tpot,
    )


def _guidellm(path: Path, report: Json) -> Benchmark:
    entries = report["benchmarks"]
    points: list[Point] = []
    refused: list[Refused] = []
    found: list[Json] = [entry for entry in _items(entries) if isinstance(entry, dict)]
    if not found:
        raise InputError(f"guidellm report {path} holds no benchmark")
    for index, entry in enumerate(found):
        try:
            points.append(_guidellm_point(entry))
        except _NoUseError as error:
            refused.append(Refused(what=f"{path.name}, benchmark {index + 1}", reason=str(error)))
    return Benchmark(
        file=path.name,
        tool="guidellm",
        model=_guidellm_model(report, found[0]),
        date=_guidellm_date(found[0]),
        points=tuple(points),
        refused=tuple(refused),
    )


def _guidellm_point(entry: Json) -> Point:
    metrics = _section(entry, "metrics")
    strategy = _strategy(entry)
    if strategy.get("type_") == "throughput":
        raise _NoUseError(
            "all requests at once: the mean includes ramp-up and drain;"
            " use the concurrent, constant or poisson profile"
        )
    completed = _mean(metrics, "time_to_first_token_ms", statistic="count")
    totals = metrics.get("request_totals")
    failed = _count(totals, "errored") if isinstance(totals, dict) else 0.0
    _check_failed(failed=failed, completed=completed)
    asked = strategy.get("rate")
    if strategy.get("type_") in ("constant", "poisson") and isinstance(asked, int | float):
        _check_saturated(asked=float(asked), achieved=_mean(metrics, "requests_per_second"))
    concurrency = _mean(metrics, "request_concurrency")
    _check_length(requests=completed, concurrency=concurrency)
    return Point(
        input_tokens=_mean(metrics, "prompt_token_count"),
        output_tokens=_mean(metrics, "output_token_count"),
        concurrency=concurrency,
        requests=int(completed),
        output_tokens_per_s=_mean(metrics, "output_tokens_per_second"),
        ttft_ms=_mean(metrics, "time_to_first_token_ms"),
        # guidellm's time_per_output_token_ms counts the first token, TPOT does not.
        tpot_ms=_mean(metrics, "inter_token_latency_ms"),
    )


def _strategy(entry: Json) -> Json:
    # Since 0.4 under `config`, before under `args`.
    for place in ("config", "args"):
        section = entry.get(place)
        if isinstance(section, dict) and isinstance(section.get("strategy"), dict):
            strategy: Json = section["strategy"]
            return strategy
    return {}


def _guidellm_model(report: Json, entry: Json) -> str:
    """Return the model as recorded: in the report's arguments, the backend's, or the worker's."""
    backend = _section(_section(entry, "config"), "backend")
    for section, key in (
        (_section(report, "args"), "model"),
        (backend, "model"),
        (_section(entry, "worker"), "backend_model"),
    ):
        if _text(section, key):
            return _text(section, key)
    return ""


def _guidellm_date(entry: Json) -> str:
    start = entry.get("start_time")
    if not isinstance(start, int | float) or not 0 < start < 2**33:
        return ""
    return datetime.fromtimestamp(start, UTC).date().isoformat()


def _vllm_date(text: str) -> str:
    try:
        return datetime.strptime(text, "%Y%m%d-%H%M%S").replace(tzinfo=UTC).date().isoformat()
    except ValueError:
        return ""


def _check_failed(*, failed: float, completed: float) -> None:
    if failed > LARGEST_FAILED_SHARE * (failed + completed):
        raise _NoUseError(f"{failed:.0f} of {failed + completed:.0f} requests failed")


def _check_saturated(*, asked: float, achieved: float) -> None:
    if achieved < SATURATED_BELOW * asked:
        raise _NoUseError(
            f"saturated: {asked:g} requests/s were asked, {achieved:.3g} served, so the queue grew"
            " all the time; lower the rate"
        )


def _check_length(*, requests: float, concurrency: float) -> None:
    if requests < LEAST_REQUESTS_PER_PLACE * concurrency:
        raise _NoUseError(
            f"{requests:.0f} requests at {concurrency:.3g} at once are mostly ramp-up and drain;"
            f" send at least {math.ceil(LEAST_REQUESTS_PER_PLACE * concurrency)}"
        )


def _items(value: object) -> Iterator[object]:
    return iter(value) if isinstance(value, list) else iter(())


def _section(document: Json, key: str) -> Json:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _text(document: Json, key: str) -> str:
    value = document.get(key)
    return value if isinstance(value, str) else ""


def _count(document: Json, key: str) -> float:
    value = document.get(key, 0)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0


def _number(document: Json, key: str) -> float:
    value = document.get(key)
    # A boolean is an int to Python, never a measurement.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _NoUseError(f"{key} is missing or no number")
    if not (math.isfinite(value) and value > 0):
        raise _NoUseError(f"{key} must be a positive number, got {value}")
    return float(value)


def _mean(metrics: Json, key: str, *, statistic: str = "mean") -> float:
    values = _section(_section(metrics, key), "successful")
    try:
        return _number(values, statistic)
    except _NoUseError as error:
        raise _NoUseError(f"metrics.{key}.successful.{error}") from None
