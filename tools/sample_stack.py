"""A stack of 100 resources, to measure what the policy pack adds to a preview."""

from __future__ import annotations

from pathlib import Path

from sandbox.install import install_plugins
from tools.sandbox_env import Sandbox
from tools.setup.layout import Layout
from tools.setup.record import chosen_engine

STACK = "dev"
PROJECT = """\
name: hundred
runtime: {{name: python, options: {{toolchain: pip, virtualenv: {venv}}}}}
"""
SETTINGS = """\
config:
  aws:region: us-east-1
  outlay:environment: dev
  outlay:budgetUsdPerMonth: '1000000'
"""
# 20 priced pools, 20 addresses, 59 that are free, and the stack itself.
PROGRAM = """
import pulumi

TAGS = {"outlay:project": "hundred", "outlay:stack": "dev"}


class Declare(pulumi.CustomResource):
    def __init__(self, kind, name, inputs):
        super().__init__(kind, name, inputs)


for number in range(20):
    pool = {
        "clusterName": "serving",
        "nodeGroupName": f"pool-{number}",
        "nodeRoleArn": "arn:aws:iam::123456789012:role/nodes",
        "subnetIds": ["subnet-0a", "subnet-0b"],
        "instanceTypes": ["g6.xlarge"],
        "amiType": "AL2023_x86_64_NVIDIA",
        "diskSize": 100,
        "scalingConfig": {"minSize": 0, "desiredSize": 1, "maxSize": 2},
        "labels": {"outlay/pool": f"pool-{number}"},
        "tags": TAGS,
    }
    Declare("aws:eks/nodeGroup:NodeGroup", f"pool-{number}", pool)
    Declare("aws:ec2/eip:Eip", f"address-{number}", {"domain": "vpc", "tags": {**TAGS, "Name": f"a{number}"}})
for number in range(59):
    Declare("aws:ec2/securityGroup:SecurityGroup", f"group-{number}", {"name": f"g{number}", "tags": TAGS})
"""


def hundred(layout: Layout, folder: Path) -> Sandbox:
    """Return a sandbox with that stack."""
    project = folder / "hundred"
    project.mkdir()
    (project / "Pulumi.yaml").write_text(PROJECT.format(venv=layout.python.parent.parent))
    (project / f"Pulumi.{STACK}.yaml").write_text(SETTINGS)
    (project / "__main__.py").write_text(PROGRAM)
    sandbox = Sandbox(project=project, home=folder / "hundred-home", bin=chosen_engine(layout).bin)
    sandbox.prepare(STACK)
    install_plugins(sandbox.plugins, python=layout.python)
    return sandbox
