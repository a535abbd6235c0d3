"""The words of the command line and of scenarios."""

from __future__ import annotations

# Under which Pulumi package the ledger keeps a provider.
PACKAGES = {
    "aws": "aws",
    "gcp": "gcp",
    "azure": "azure-native",
    "coreweave": "coreweave",
    "lambda": "lambda",
}
OPERATIONS = ("create", "update", "delete", "read", "*")
MARKETS = ("on-demand", "spot", "reserved")
UNITS = ("gpus", "vcpus")
