"""A Plan's clusters become cloud resources: one package per provider, one interface.

Importing this package imports no provider's SDK; `provision` does, for the providers it meets.
"""

from outlay.clouds.account import cloud_options
from outlay.clouds.base import ProvisionedCluster
from outlay.clouds.options import CloudOptions
from outlay.clouds.registry import provision
from outlay.clouds.secret import kubernetes_secret

__all__ = ["CloudOptions", "ProvisionedCluster", "cloud_options", "kubernetes_secret", "provision"]
