"""What a launch template starts: the template is read where something names it."""

from __future__ import annotations

from collections.abc import Iterator

from outlay.catalog import Market
from outlay.pricing.aws_sites import PROVIDER
from outlay.pricing.beside import LAUNCH_TEMPLATE, Neighbour
from outlay.pricing.disks import Disk
from outlay.pricing.inputs import Inputs, NoPriceError, is_unknown, unwrap
from outlay.pricing.rules import Request

LATEST, DEFAULT = "$Latest", "$Default"
BEYOND = {
    "instanceRequirements": "attributes leave the instance type open; name it by instanceType",
    "cpuOptions": "changed CPU options have no price rule",
    "licenseSpecifications": "licences have no price rule",
}
DEDICATED = ("hostId", "hostResourceGroupArn")


def launch_template(
    request: Request, holder: Inputs, *, fields: tuple[str, str] = ("id", "name")
) -> Inputs:
    """Return the inputs of the template that an object names by id or name.

    Raises:
        NoPriceError: It is not in this stack, or the version may be other than what is declared.
    """
    if request.beside is None:
        raise NoPriceError(
            f"{holder.path}: a launch template is priced only where the whole stack is seen,"
            " as by `outlay cost`; set the fields here instead"
        )
    found = request.beside.named(LAUNCH_TEMPLATE, holder, fields, what="launch template")
    _check_version(found, holder)
    inputs = Inputs(found.inputs, holder.path)
    inputs.refuse(BEYOND)
    check_shared(inputs.child("placement"))
    return inputs


def check_shared(placement: Inputs) -> None:
    """Raise NoPriceError when machines run on hardware that nobody else uses."""
    for field in DEDICATED:
        if placement.given(field):
            raise NoPriceError(f"{placement.where(field)}: dedicated hosts have no price rule")
    if (placement.optional_text("tenancy") or "default") != "default":
        raise NoPriceError(
            f"{placement.where('tenancy')}: only shared hardware (default) has a price rule"
        )


def _check_version(template: Neighbour, holder: Inputs) -> None:
    """Refuse a version that is not surely what the template's inputs say."""
    if is_unknown(unwrap(holder.values.get("version"))):
        return  # only the update can make it: it is the version that this update writes
    asked = _as_text(holder.optional("version") or DEFAULT)
    latest = template.outputs.get("latestVersion")
    is_latest = not is_unknown(latest) and latest is not None and asked == _as_text(latest)
    if asked == LATEST or is_latest:
        return
    if asked == DEFAULT and _default_is_latest(template):
        return
    raise NoPriceError(
        f"{holder.where('version')} {asked} may be older than what the launch template declares;"
        f" use {LATEST}"
    )


def _as_text(version: object) -> str:
    # The wire knows only doubles: version 3 arrives as 3.0.
    return str(int(version)) if isinstance(version, float) else str(version)


def _default_is_latest(template: Neighbour) -> bool:
    latest, default = template.outputs.get("latestVersion"), template.outputs.get("defaultVersion")
    is_new = latest is None and template.id is None
    return is_new or latest == default or template.inputs.get("updateDefaultVersion") is True


def template_disks(template: Inputs) -> tuple[Disk, ...]:
    """Return the disks of what a template starts. Raises NoPriceError when the image decides them."""
    disks = tuple(_mapped(template))
    if not disks:
        raise NoPriceError(
            f"{template.where('blockDeviceMappings')} is missing: the image decides the disk"
        )
    return disks


def _mapped(template: Inputs) -> Iterator[Disk]:
    for mapping in template.children("blockDeviceMappings"):
        if mapping.given("ebs"):
            yield ebs(mapping.child("ebs"), size="volumeSize", kind="volumeType")


def ebs(disk: Inputs, *, size: str, kind: str) -> Disk:
    """Return an EBS volume as it is asked for."""
    return Disk(
        provider=PROVIDER,
        kind=disk.text(kind),
        gib=disk.count(size),
        iops=disk.optional_count("iops"),
        mib_per_s=disk.optional_count("throughput"),
    )


def market(machine: Inputs) -> Market:
    """Return the market that an instance or template asks for. Raises NoPriceError for another one."""
    if not machine.given("instanceMarketOptions"):
        return Market.ON_DEMAND
    options = machine.child("instanceMarketOptions")
    kind = options.text("marketType")
    if kind != "spot":
        raise NoPriceError(f"{options.where('marketType')} {kind} has no price rule")
    return Market.SPOT


def has_address(template: Inputs) -> bool:
    """Whether each machine gets a public address by the template."""
    return any(
        interface.flag("associatePublicIpAddress")
        for interface in template.children("networkInterfaces")
    )
