"""Precisions to choose from, as a table and as JSON."""

from __future__ import annotations

from rich.console import Console

from outlay.planning.advice import Advice, Choice, Excluded, reasons
from outlay.reporting.as_json import gpus_by_type
from outlay.reporting.layout import Json, line, percent, table
from outlay.reporting.money import usd
from outlay.reporting.tables import console
from outlay.sizing.advisor import Retention

NO_SOURCE = "no source"


def advice_json(advice: Advice) -> Json:
    """Return advice as JSON values; money in USD, shares 0 to 1."""
    base = advice.base_plan
    return {
        "model": advice.workload.model,
        "target_rps": advice.workload.target_rps,
        "input_tokens": advice.workload.input_tokens,
        "output_tokens": advice.workload.output_tokens,
        "cost_basis": "cheapest plan in this precision alone, fixed costs included",
        "base": {
            "method": advice.base.name,
            "usd_per_month": None if base is None else round(float(base.usd_per_month), 2),
        },
        "options": [_choice_json(choice) for choice in advice.choices],
        "excluded": [_excluded_json(item) for item in advice.excluded],
    }


def _choice_json(choice: Choice) -> Json:
    main, saving = choice.main, choice.saving_usd_per_month
    return {
        "method": choice.method.name,
        "title": choice.method.title,
        "precision": choice.method.precision.value,
        "kv_precision": main.shape.kv_precision.value,
        "weights_gib": round(choice.weights_gib, 3),
        "weights_saved_share": round(choice.saved_share, 4),
        "quality": _retention_json(choice.retention),
        "speed_ratio": None if choice.speed is None else round(choice.speed, 3),
        "usd_per_million_tokens": round(float(choice.plan.usd_per_million_tokens), 6),
        "usd_per_month": round(float(choice.plan.usd_per_month), 2),
        "saving_usd_per_month": None if saving is None else round(float(saving), 2),
        "gpus": gpus_by_type(choice.plan),
        "gpus_per_replica": main.shape.gpus,
        "max_sequences_per_replica": main.shape.max_sequences,
        "grade": main.shape.grade.value,
        "checkpoint": choice.checkpoint,
        "checkpoint_known": choice.checkpoint_exists,
        "checkpoint_patterns": list(choice.method.checkpoints),
        "engine_flags": list(choice.method.flags),
    }


def _retention_json(kept: Retention | None) -> Json | None:
    if kept is None:
        return None
    return {
        "retention_low_share": round(kept.low, 4),
        "retention_high_share": round(kept.high, 4),
        "basis": kept.basis,
        "sources": list(kept.sources),
        "evaluations": list(dict.fromkeys(e.evaluation for e in kept.evaluations)),
    }


def _excluded_json(item: Excluded) -> Json:
    return {
        "method": item.method.name,
        "quality": _retention_json(item.retention),
        "reason": item.reason,
    }


def print_advice(advice: Advice) -> None:
    """Print options cheapest first, then how each is served, then who is out and why."""
    out = console()
    _print_head(out, advice)
    if advice.choices:
        out.print()
        out.print(_options(advice))
        if any(c.retention and c.retention.basis == "family" for c in advice.choices):
            line(out, "* evaluated on others of its family", style="dim")
        out.print()
        for choice in advice.choices:
            _print_how(out, choice)
    if advice.excluded:
        out.print()
    for reason, names in reasons(advice.excluded).items():
        for part in _reason_lines(", ".join(names), reason):
            line(out, part, style="dim")


def _print_head(out: Console, advice: Advice) -> None:
    w = advice.workload
    line(
        out,
        f"{w.model}, {w.target_rps:g} req/s of {w.input_tokens} + {w.output_tokens} tokens;"
        " each row is the cheapest plan in that precision alone",
    )
    if advice.base_plan is None:
        line(out, f"{advice.base.name} itself has no plan here, so nothing is saved against it")


def _options(advice: Advice) -> object:
    made = table("Precision", "Quality kept", ">GiB", ">Speed", ">$/M tokens", ">$/month", ">Saves")
    for choice in advice.choices:
        saving = choice.saving_usd_per_month
        made.add_row(
            choice.method.name,
            quality_text(choice.retention),
            f"{choice.weights_gib:.1f}",
            "-" if choice.speed is None else f"{choice.speed:.2f}x",
            usd(choice.plan.usd_per_million_tokens),
            usd(choice.plan.usd_per_month),
            "-" if saving is None else usd(saving),
        )
    return made


def quality_text(kept: Retention | None) -> str:
    """Write the quality kept: `99.5 %`, `94.0-99.0 % *` (of the family), or that nobody says."""
    if kept is None:
        return NO_SOURCE
    mark = " *" if kept.basis == "family" else ""
    if percent(kept.low) == percent(kept.high):
        return f"{percent(kept.low)}{mark}"
    return f"{kept.low:.1%}".rstrip("%") + f"-{percent(kept.high)}{mark}"


def _print_how(out: Console, choice: Choice) -> None:
    gpus = " + ".join(f"{count} x {gpu}" for gpu, count in gpus_by_type(choice.plan).items())
    line(out, f"{choice.method.name}: {choice.method.title}; {gpus}, {choice.main.shape.grade}")
    known = "" if choice.checkpoint_exists else " (by its name pattern; not checked to exist)"
    flags = f" {' '.join(choice.method.flags)}" if choice.method.flags else ""
    line(out, f"  vllm serve {choice.checkpoint}{flags}{known}")
    kept = choice.retention
    if kept is not None and kept.sources:
        whose = " of its family" if kept.basis == "family" else ""
        line(out, f"  quality{whose}: {'; '.join(kept.sources)}", style="dim")


def _reason_lines(names: str, reason: str) -> list[str]:
    parts = reason.split("; ")
    if len(parts) == 1:
        return [f"Not offered: {names}: {reason}"]
    return [f"Not offered: {names}:", *(f"  - {part}" for part in parts)]
