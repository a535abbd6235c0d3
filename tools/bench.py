"""Measure what a user waits for: `python -m tools.bench [--runs N] [--json]`.

Every figure is the median of N runs in one go on this machine; compare figures within a run only.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tools.run import install_plugins, pulumi_command
from tools.sample_change import BASE, STACK, changed_copy, verb_environment
from tools.sample_stack import hundred
from tools.sandbox_env import Sandbox
from tools.setup.layout import REPOSITORY, Layout
from tools.setup.record import chosen_engine

QUESTION = ["--model", "llama-3.1-8b", "--rps", "10"]
DIFF = "outlay diff of dev"
BASE_SIDE, HEAD_SIDE = "preview of dev, no policy pack", "preview of dev, changed copy"
WITHOUT_PACK, WITH_PACK = "preview of 100 resources, no policy pack", "preview of 100 resources"
EMPTY_PROJECT = "name: empty\nruntime: {name: python, options: {toolchain: pip, virtualenv: %s}}\n"


def main() -> None:
    """Print a table of medians, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="default: 5")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rounds = measure(Path(folder), runs=arguments.runs)
    seconds = {what: statistics.median(each[what] for each in rounds) for what in rounds[0]}
    ratio = seconds["preview of dev"] / seconds["preview of an empty program"]
    beyond = statistics.median(each[DIFF] - each[BASE_SIDE] - each[HEAD_SIDE] for each in rounds)
    pack = statistics.median(each[WITH_PACK] - each[WITHOUT_PACK] for each in rounds)
    if arguments.json:
        ratios = {
            "dev_preview_per_empty_preview": ratio,
            "diff_beyond_two_previews_s": beyond,
            "policy_pack_adds_s": pack,
        }
        print(json.dumps({"seconds": seconds, **ratios}, indent=2))
        return
    for what, median in seconds.items():
        print(f"{what:40} {median:6.2f} s")
    print(f"{'preview of dev / of an empty program':40} {ratio:6.2f} x")
    print(f"{'outlay diff beyond its two previews':40} {beyond:6.2f} s")
    print(f"{'policy pack on 100 resources adds':40} {pack:6.2f} s")


def measure(folder: Path, *, runs: int) -> list[dict[str, float]]:
    """Return the seconds of everything that is measured, by name, round by round."""
    layout = Layout.of(REPOSITORY)
    outlay = layout.python.parent / "outlay"
    sample, large = changed_copy(layout, folder), hundred(layout, folder)
    commands: dict[str, Callable[[], float]] = {
        "outlay --help": lambda: timed([outlay, "--help"]),
        "outlay plan (cold)": lambda: timed([outlay, "plan", *QUESTION]),
        "outlay compare (cold)": lambda: timed([outlay, "compare", *QUESTION]),
        "outlay plan --stack prod (cold)": lambda: timed([outlay, "plan", "--stack", "prod"]),
        "program alone, no engine (dev)": lambda: timed([layout.python, "-c", IMPORTS]),
        "preview of an empty program": empty_preview(folder, layout),
        BASE_SIDE: preview(folder, layout, stack="dev", policies=False),
        "preview of dev": preview(folder, layout, stack="dev", policies=True),
        HEAD_SIDE: engine_preview(sample),
        WITHOUT_PACK: engine_preview(large),
        WITH_PACK: engine_preview(large, pack=layout.root / "policies"),
        DIFF: diff(sample, layout),
        "pricing 10,000 resources, JSON included": priced(layout),
    }
    return [{what: command() for what, command in commands.items()} for _ in range(runs)]


# What the program of a stack on AWS imports and computes before it declares its first resource.
IMPORTS = """
import pulumi, outlay.clouds.aws, outlay.serving.manifest
from pathlib import Path
from outlay.catalog import load_catalog
from outlay.planning.planner import make_plan
from outlay.serving.render import render
from outlay.settings import parse_settings, raw_from_stack
catalog = load_catalog()
render(make_plan(parse_settings(raw_from_stack(Path(), "dev"), catalog, source="dev"), catalog))
"""


def empty_preview(folder: Path, layout: Layout) -> Callable[[], float]:
    """Return a preview of a program that declares nothing, on the same engine and host."""
    project = folder / "empty"
    project.mkdir()
    (project / "Pulumi.yaml").write_text(EMPTY_PROJECT % layout.python.parent.parent)
    (project / "Pulumi.dev.yaml").write_text("config: {}\n")
    (project / "__main__.py").write_text("import pulumi\n")
    return _preview(project, layout, stack="dev", policies=False)


def preview(folder: Path, layout: Layout, *, stack: str, policies: bool) -> Callable[[], float]:
    """Return a preview of the repository's stack, in a sandbox of its own."""
    return _preview(layout.root, layout, stack=stack, policies=policies, home=folder / "repository")


def _preview(
    project: Path, layout: Layout, *, stack: str, policies: bool, home: Path | None = None
) -> Callable[[], float]:
    sandbox = Sandbox(project=project, home=home or project, bin=chosen_engine(layout).bin)
    sandbox.prepare(stack)
    if home is not None:
        install_plugins(sandbox, python=layout.python)
    command = pulumi_command(sandbox, "preview", stack=stack, policies=policies, rest=[])
    command[0] = str(sandbox.pulumi)
    return lambda: timed(command, cwd=project, environment=sandbox.environment())


def engine_preview(sample: Sandbox, *, pack: Path | None = None) -> Callable[[], float]:
    """Return a preview of a sample by the engine alone, or with a policy pack."""
    packs = [] if pack is None else ["--policy-pack", str(pack)]
    command = pulumi_command(sample, "preview", stack=STACK, policies=False, rest=packs)
    command[0] = str(sample.pulumi)
    return lambda: timed(command, cwd=sample.project, environment=sample.environment())


def diff(sample: Sandbox, layout: Layout) -> Callable[[], float]:
    """Return the diff of the changed copy against its last commit."""
    outlay = layout.python.parent / "outlay"
    environment = verb_environment(sample)
    return lambda: timed(
        [outlay, "diff", "--stack", STACK, "--base", BASE],
        cwd=sample.project,
        environment=environment,
    )


# CPU seconds from the text of an export to its total, as `outlay cost` spends them.
PRICING = """
import json, time
from outlay.catalog import load_catalog
from outlay.pricing.documents import parse_document
from outlay.pricing.rates import Rates
from outlay.pricing.statement import state_costs
urn, pool = "urn:pulumi:dev::shop::", "aws:eks/nodeGroup:NodeGroup"
sizes = {"minSize": 1, "desiredSize": 2, "maxSize": 4}
inputs = {"instanceTypes": ["g6.xlarge"], "diskSize": 100, "scalingConfig": sizes, "region": "us-east-1"}
resources = [
    {"urn": f"{urn}{pool}::{n}", "type": pool, "custom": True, "inputs": inputs} for n in range(10_000)
]
text = json.dumps({"version": 3, "deployment": {"resources": resources}})
rates = Rates(load_catalog())
start = time.process_time()
statement = state_costs(parse_document(text, source="export"), rates=rates)
total = statement.total
print(time.process_time() - start)
assert len(statement.paid) == 10_000 and not statement.unpriced
"""


def priced(layout: Layout) -> Callable[[], float]:
    """Return the pricing of a large state, in CPU seconds."""

    def measured() -> float:
        answer = subprocess.run(
            [layout.python, "-c", PRICING],
            check=True,
            capture_output=True,
            text=True,
            cwd=REPOSITORY,
        )
        return float(answer.stdout)

    return measured


def timed(
    command: Sequence[str | Path],
    *,
    cwd: Path = REPOSITORY,
    environment: Mapping[str, str] | None = None,
) -> float:
    """Return how long a command takes; it must succeed."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=cwd, env=environment)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
