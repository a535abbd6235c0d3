"""Cost tags in the alphabet that Azure allows."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Source: Azure Resource Manager, "Tag limitations".
KEY_LIMIT = 512
VALUE_LIMIT = 256
REFUSED = re.compile(r"[<>%&\\?/]")


def azure_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags with what Azure refuses in a key replaced, cut to Azure's lengths."""
    return {REFUSED.sub("-", key)[:KEY_LIMIT]: value[:VALUE_LIMIT] for key, value in tags.items()}
