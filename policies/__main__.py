"""The policy pack, as the engine starts it; the rules are in the modules beside it."""

import sys
from pathlib import Path

from pulumi_policy import PolicyPack

# The engine starts the pack in its own folder; its modules are imported as `policies.*` everywhere.
# The checkout's own package and price book go first: a pack taken from another revision, such as the
# one that a change is to be merged into, must judge by that revision's prices.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "infra"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policies.build import policies  # needs the path above
from policies.configuration import refuse_unknown_rules  # needs the path above
from policies.environment import environment  # needs the path above
from policies.table import RULES  # needs the path above

refuse_unknown_rules(RULES)
PolicyPack(name="outlay", policies=policies(RULES, environment=environment()))
