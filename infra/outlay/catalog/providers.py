"""The clouds that outlay compares, in the order in which ties break."""

from __future__ import annotations

from outlay.catalog.types import Provider

PROVIDERS: tuple[Provider, ...] = (
    Provider(name="aws", title="AWS", kubernetes="EKS"),
    Provider(name="gcp", title="GCP", kubernetes="GKE"),
    Provider(name="azure", title="Azure", kubernetes="AKS"),
    Provider(name="coreweave", title="CoreWeave", kubernetes="CKS"),
    Provider(name="lambda", title="Lambda", kubernetes="k3s"),
)
# Bare-metal hosts and single-tenant instances: the routers fit beside the engines, on nodes that are
# never taken away. Elsewhere routers get CPU nodes of their own.
ROUTERS_ON_GPU_NODES = frozenset({"coreweave", "lambda"})
PROVIDER_NAMES: tuple[str, ...] = tuple(provider.name for provider in PROVIDERS)
PROVIDER_ALIASES = {
    "amazon": "aws",
    "google": "gcp",
    "gcloud": "gcp",
    "microsoft": "azure",
    "lambda_labs": "lambda",
    "lambdalabs": "lambda",
}


def provider(name: str) -> Provider:
    """Return the provider of a canonical name."""
    return next(candidate for candidate in PROVIDERS if candidate.name == name)
