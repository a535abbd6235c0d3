"""Every error of the sandbox.

SandboxError        a user's mistake at the command line or in the set-up; printed without a traceback
└── CloudError      what a cloud's API answers; reaches the user word for word through the engine
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from sandbox.values import Props


class SandboxError(Exception):
    """Root of the sandbox's errors; the message says what, where and how to fix it."""


class Code(Enum):
    """The gRPC status of a refusal: all of these leave the engine's state clean."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    UNIMPLEMENTED = "UNIMPLEMENTED"
    UNAVAILABLE = "UNAVAILABLE"


class CloudError(SandboxError):
    """A refusal by the simulated cloud."""

    def __init__(self, code: Code, message: str) -> None:
        self.code = code
        super().__init__(message)


class PartialFailureError(CloudError):
    """A resource exists but came up broken; the engine keeps its id and the reasons.

    `inputs` and `outputs` are those that the ledger holds.
    """

    def __init__(self, id_: str, *, inputs: Props, outputs: Props, reasons: Sequence[str]) -> None:
        self.id = id_
        self.inputs = inputs
        self.outputs = outputs
        self.reasons = tuple(reasons)
        super().__init__(Code.FAILED_PRECONDITION, "; ".join(reasons))
