"""The pack starts with every preview, so it loads nothing that its rules do not need."""

from __future__ import annotations

import subprocess
import sys

from tools.setup.layout import REPOSITORY

# Half a second each: checks of settings, which the pack reads as text, and the clouds' SDKs.
HEAVY = ("pydantic", "pulumi_aws", "pulumi_gcp", "pulumi_kubernetes", "highspy")


def test_the_rules_load_no_heavy_package() -> None:
    program = f"""
import sys
sys.path[:0] = {[str(REPOSITORY), str(REPOSITORY / "infra")]!r}
import policies.table, policies.build
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    answer = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert answer.stdout.strip() == "[]"
