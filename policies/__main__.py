"""The policy pack, as the engine starts it; the rules are in the modules beside it."""

import sys
from pathlib import Path

from pulumi_policy import PolicyPack

# The engine starts the pack in its own folder; its modules are imported as `policies.*` everywhere.
sys.path.append(str(Path(__file__).resolve().parent.parent))

from policies.budget import monthly_budget  # needs the path above
from policies.prices import Prices  # needs the path above
from policies.unpriced import no_unpriced_resources  # needs the path above

prices = Prices()
PolicyPack(name="outlay", policies=[no_unpriced_resources(prices), monthly_budget(prices)])
