"""The Pulumi program: settings become a plan, the plan becomes resources. Wires, decides nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pulumi
from pulumi.runtime.config import get_config_env

from outlay.catalog import load_catalog
from outlay.clouds import ProvisionedCluster, cloud_options, kubernetes_secret, provision
from outlay.errors import OutlayError
from outlay.planning.budget import check_budget
from outlay.planning.plan import Plan
from outlay.planning.planner import Identity
from outlay.planning.stability import on_pin
from outlay.planning.whatif import WhatIf
from outlay.reporting.pin import pin_note
from outlay.reporting.summary import pool_line, summary
from outlay.serving.context import HF_SECRET, HF_SECRET_KEY
from outlay.serving.manifest import declare
from outlay.serving.render import render
from outlay.settings import parse_settings, raw_from_config

TOKEN_KEY = "huggingFaceToken"  # noqa: S105 - the name of the setting, not its content
# Tells the language host that the user has seen the error. After pulumi.RunError, which exits with 1,
# the engine would add "an unhandled error occurred".
ALREADY_SHOWN = 32


def main() -> None:
    """Declare everything that this stack's settings ask for."""
    config = get_config_env()
    catalog = load_catalog()
    settings = parse_settings(
        raw_from_config(config, pulumi.get_project()), catalog, source="the stack's configuration"
    )
    identity = Identity(project=pulumi.get_project(), stack=pulumi.get_stack())
    what_if = WhatIf(settings, catalog, identity=identity)
    pin = on_pin(what_if, project=Path(pulumi.get_root_directory()))
    plan = pin.plan if pin else what_if.plan()
    if pin is not None:
        (pulumi.log.warn if pin.reasons else pulumi.log.info)(pin_note(pin))
    if not pulumi.runtime.is_dry_run():
        check_budget(plan)  # a preview goes on, so that the policy can show what is too dear
    options = cloud_options(config, settings)
    namespaces = ("outlay", pulumi.get_project())
    token_namespace = next((each for each in namespaces if config.get(f"{each}:{TOKEN_KEY}")), None)
    rendered = render(plan, serving=settings.serving, hf_token=token_namespace is not None)
    clusters = provision(plan, options=options)
    for cluster, manifests in zip(clusters, rendered, strict=True):
        base = declare(manifests, provider=cluster.kubernetes).base
        if token_namespace is not None:
            token = {HF_SECRET_KEY: pulumi.Config(token_namespace).require_secret(TOKEN_KEY)}
            kubernetes_secret(cluster, HF_SECRET, token, namespace=plan.namespace, depends_on=base)
    tell(plan, clusters)


def tell(plan: Plan, clusters: Sequence[ProvisionedCluster]) -> None:
    """Show the plan and its warnings, and export what people and programs want to know."""
    sandbox = bool(os.environ.get("OUTLAY_SANDBOX"))
    if sandbox:
        pulumi.log.warn("SANDBOX: no real account; nothing is bought")
    pulumi.log.info(summary(plan))
    for warning in plan.warnings:
        pulumi.log.warn(warning)
    pulumi.export("usd_per_month", round(float(plan.usd_per_month), 2))
    pulumi.export("usd_per_hour", round(float(plan.usd_per_hour), 4))
    pulumi.export("pools", {f"{pool.cluster}/{pool.name}": pool_line(pool) for pool in plan.pools})
    pulumi.export("price_book", f"{plan.price_book.version} of {plan.price_book.date}")
    pulumi.export("kubeconfigs", {c.name: c.kubeconfig for c in clusters})
    pulumi.export("sandbox", sandbox)


try:
    main()
except OutlayError as error:
    pulumi.log.error(str(error))
    sys.exit(ALREADY_SHOWN)
