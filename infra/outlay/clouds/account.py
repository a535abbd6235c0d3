"""What a stack's configuration says about its cloud accounts."""

from __future__ import annotations

import json
from collections.abc import Mapping

from outlay.clouds.options import CloudOptions
from outlay.errors import InputError
from outlay.settings import Settings

GCP_PROJECT = "gcp:project"
AZURE_ADMIN = "azure:adminObjectId"
LAMBDA_REGION = "lambda:region"
LAMBDA_SSH_KEY = "lambda:sshKeyName"
AZURE_RESERVATIONS = "azure:capacityReservationGroups"


def cloud_options(config: Mapping[str, str], settings: Settings) -> CloudOptions:
    """Return the options of a stack; `config` is Pulumi's, with maps as JSON text.

    Raises:
        InputError: a map is none.
    """
    return CloudOptions(
        gcp_project=config.get(GCP_PROJECT),
        azure_admin_object_id=config.get(AZURE_ADMIN),
        azure_reservation_groups=_texts(config, AZURE_RESERVATIONS),
        lambda_region=config.get(LAMBDA_REGION),
        lambda_ssh_key=config.get(LAMBDA_SSH_KEY),
        kubernetes_version=settings.kubernetes_version,
        protected=settings.environment == "prod",
        api_cidrs=settings.api_cidrs,
        gpu_zones=settings.gpu_zones,
    )


def _texts(config: Mapping[str, str], key: str) -> dict[str, str]:
    """Return a map of texts; an absent one is empty."""
    try:
        found = json.loads(config.get(key) or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise InputError(
            f"{key} must be a map of texts;"
            f" run `pulumi config set --path '{key}[\"<region>/<machine type>\"]' <id>`"
        )
    return found
