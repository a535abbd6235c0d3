"""Every error outlay raises, as one tree.

OutlayError                     exit code 1
├── InputError                  1   the user can fix it by changing what he typed
│   ├── SettingsError           1   one or more settings are wrong; carries all of them
│   └── UnknownNameError        1   a model, GPU, provider, region or precision that does not exist
├── DataError                   1   a catalogue file is missing, broken or contradicts itself
├── RenderError                 1   a template or a rendered Kubernetes object is wrong
├── EngineError                 1   pulumi or git could not do what it was asked
├── CloudApiError               1   a cloud's own API refused or failed; carries its code
│   └── NoCapacityError         1   it has no machine of that type left
├── NoFeasiblePlanError         2   nothing on sale keeps the promise; carries the reasons
├── OverBudgetError             3   the plan costs more than the budget
├── OverLimitError              3   a change or a stack costs more than a limit allows, or may
└── PolicyFailedError           4   a mandatory policy stops the change
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal


class OutlayError(Exception):
    """Root of all errors; the message says what, where and how to fix it."""

    exit_code = 1


class InputError(OutlayError):
    """Something the user typed cannot be used."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong setting: its path as the user wrote it, and what to do about it."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class SettingsError(InputError):
    """One or more settings are wrong; all of them at once."""

    def __init__(self, problems: Sequence[Problem], *, source: str = "settings") -> None:
        self.problems = tuple(problems)
        self.source = source
        count = len(self.problems)
        head = f"{count} problem{'s' if count != 1 else ''} in {source}:"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))


class UnknownNameError(InputError):
    """A name that is in no table of the catalogue; names the nearest ones."""

    def __init__(self, kind: str, name: str, nearest: Sequence[str]) -> None:
        self.kind = kind
        self.name = name
        self.nearest = tuple(nearest)
        hint = f"; did you mean {' or '.join(nearest)}?" if nearest else ""
        super().__init__(f"unknown {kind} {name!r}{hint}")


class DataError(OutlayError):
    """A catalogue file is missing, broken or contradicts itself."""

    def __init__(self, file: str, problem: str, *, row: int | None = None) -> None:
        self.file = file
        self.row = row
        where = file if row is None else f"{file}, line {row}"
        super().__init__(f"{where}: {problem}")


class RenderError(OutlayError):
    """A template cannot be rendered, or what it renders is no valid Kubernetes object."""


class NoFeasiblePlanError(OutlayError):
    """Nothing on sale keeps the promise; the reasons say what to relax."""

    exit_code = 2

    def __init__(self, message: str, reasons: Sequence[str] = ()) -> None:
        self.message = message
        self.reasons = tuple(reasons)
        super().__init__("\n".join([message, *(f"  - {reason}" for reason in self.reasons)]))


class OverBudgetError(OutlayError):
    """The plan costs more than the budget allows; the advice says what would bring it below."""

    exit_code = 3

    def __init__(
        self,
        *,
        usd_per_month: Decimal,
        budget_usd_per_month: Decimal,
        dearest: Sequence[str],
        advice: Sequence[str] = (),
    ) -> None:
        self.usd_per_month = usd_per_month
        self.budget_usd_per_month = budget_usd_per_month
        self.dearest = tuple(dearest)
        self.advice = tuple(advice)
        head = (
            f"the plan costs ${usd_per_month:,.2f}/month, over the budget of"
            f" ${budget_usd_per_month:,.2f}/month (budgetUsdPerMonth)."
            f" Dearest: {'; '.join(dearest)}."
        )
        if not advice:
            head += " Raise the budget, lower targetRps, relax the SLO or allow more markets or providers."
        super().__init__("\n".join([head, *(f"  - {each}" for each in self.advice)]))

    def with_advice(self, advice: Sequence[str]) -> OverBudgetError:
        """Return the same error with what would help."""
        return OverBudgetError(
            usd_per_month=self.usd_per_month,
            budget_usd_per_month=self.budget_usd_per_month,
            dearest=self.dearest,
            advice=advice,
        )


class EngineError(OutlayError):
    """A program that outlay needs is missing or failed; the message carries what it said."""


class CloudApiError(OutlayError):
    """A cloud's API refused or failed; `code` is the API's own word for it, empty where it has none."""

    def __init__(self, message: str, *, code: str = "") -> None:
        self.code = code
        super().__init__(message)


class NoCapacityError(CloudApiError):
    """A cloud has no machine of a type left in a region."""


class OverLimitError(OutlayError):
    """A change or a stack costs more than a limit allows, or cannot be shown to cost less."""

    exit_code = 3

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("\n".join(["over the limit:", *(f"  - {each}" for each in reasons)]))


class PolicyFailedError(OutlayError):
    """A mandatory policy stops the change."""

    exit_code = 4

    def __init__(self, failed: Sequence[str]) -> None:
        self.failed = tuple(failed)
        head = "mandatory policies failed:"
        super().__init__("\n".join([head, *(f"  - {each}" for each in failed)]))
