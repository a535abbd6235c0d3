"""Resources declared by their type, for those SDK packages that take seconds to import.

`pulumi_gcp.compute` is 9.5 MB of generated Python (3.7 s of a preview), `pulumi_aws.ec2` takes
1.1 s; a network needs a handful of their types. The properties are the provider's own, in its
spelling; tests check them against the SDK's types, as the generated class would.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import pulumi


class SlimResource(pulumi.CustomResource):
    """A resource of a type such as `aws:ec2/vpc:Vpc`, at the version of the installed SDK."""

    def __init__(
        self,
        token: str,
        name: str,
        properties: Mapping[str, pulumi.Input[Any] | None],
        *,
        opts: pulumi.ResourceOptions,
        reads: tuple[str, ...] = (),
    ) -> None:
        """Declare it; `reads` names the computed properties that `output` will be asked for."""
        own = pulumi.ResourceOptions(version=version(f"pulumi_{token.partition(':')[0]}"))
        super().__init__(
            token,
            name,
            {**properties, **dict.fromkeys(reads)},
            pulumi.ResourceOptions.merge(own, opts),
        )

    def output(self, name: str) -> pulumi.Output[str]:
        """Return a computed text property, of those named in `reads` or among the properties."""
        value: pulumi.Output[str] = pulumi.get(self, name)
        return value
