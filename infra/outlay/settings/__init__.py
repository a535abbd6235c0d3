"""What a stack asks for: one validated, frozen value, whatever it was read from."""

from outlay.settings.load import (
    parse_settings,
    raw_from_config,
    raw_from_stack,
    raw_from_yaml,
    settings_from_yaml,
)
from outlay.settings.model import QuotaSettings, Settings, SurviveDomain, WorkloadSettings

__all__ = [
    "QuotaSettings",
    "Settings",
    "SurviveDomain",
    "WorkloadSettings",
    "parse_settings",
    "raw_from_config",
    "raw_from_stack",
    "raw_from_yaml",
    "settings_from_yaml",
]
