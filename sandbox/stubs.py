"""Make the protocol stubs importable without loading the Pulumi SDK around them.

The SDK's `__init__` costs 0.4 s. A plugin needs only the generated protobuf modules, so empty packages
are registered in its place. Never do this in a process that also needs the SDK.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

PACKAGES = ("pulumi", "pulumi.runtime", "pulumi.runtime.proto")


def load_stubs_only() -> None:
    """Register empty packages so that importing a stub runs only that stub's file."""
    spec = find_spec("pulumi")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the Pulumi SDK is not installed: run `make setup`")
    site = Path(spec.origin).parent.parent
    for name in PACKAGES:
        module = ModuleType(name)
        module.__path__ = [str(site.joinpath(*name.split(".")))]
        sys.modules[name] = module
