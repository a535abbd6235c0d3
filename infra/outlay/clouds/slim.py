"""Resources declared by their type, for those SDK packages that take long to import.

`pulumi_gcp.compute` is 9.5 MB of generated Python (3.7 s of a preview), `pulumi_aws.ec2` takes
1.1 s, `pulumi_azure_native.containerservice` 0.4 s; a cluster needs a handful of their types. The
properties are the provider's own, in its spelling; tests check them against the SDK's types, as the
generated class would.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import pulumi

Properties = Mapping[str, pulumi.Input[Any] | None]


class SlimResource(pulumi.CustomResource):
    """A resource of a type such as `aws:ec2/vpc:Vpc`, at the version of the installed SDK."""

    def __init__(
        self,
        token: str,
        name: str,
        properties: Properties,
        *,
        opts: pulumi.ResourceOptions,
        reads: tuple[str, ...] = (),
    ) -> None:
        """Declare it; `reads` names the computed properties that `output` will be asked for."""
        super().__init__(
            token,
            name,
            {**properties, **dict.fromkeys(reads)},
            _at_sdk_version(token.partition(":")[0], opts),
        )

    def output(self, name: str) -> pulumi.Output[str]:
        """Return a computed text property, of those named in `reads` or among the properties."""
        value: pulumi.Output[str] = pulumi.get(self, name)
        return value


def slim_provider(
    package: str, name: str, properties: Properties, *, opts: pulumi.ResourceOptions
) -> pulumi.ProviderResource:
    """Declare an explicit provider of a package, at the version of the installed SDK."""
    return pulumi.ProviderResource(package, name, properties, _at_sdk_version(package, opts))


def sdk_version(package: str) -> str:
    """Return the version of the installed SDK of a Pulumi package, which is its plugin's too."""
    return version(f"pulumi_{package.replace('-', '_')}")


def _at_sdk_version(package: str, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    own = pulumi.ResourceOptions(version=sdk_version(package))
    return pulumi.ResourceOptions.merge(own, opts)
