"""Play the failures that were planned with `python -m sandbox faults add`."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, replace

from sandbox.errors import CloudError, Code, PartialFailureError
from sandbox.ledger import Fault, Record

KINDS = {
    "error": "refuse the operation (default message: InternalFailure)",
    "throttle": "refuse it as rate-limited",
    "capacity": "refuse it as out of capacity",
    "partial": "do it, but report that the resource came up broken",
    "sleep": "wait before doing it",
    "sleep_after": "do it, then wait before answering",
    "kill": "kill the plugin before doing it",
    "kill_after": "do it, then kill the plugin before it answers (the lost answer)",
}
MESSAGES = {
    "error": "InternalFailure: the request failed for an unknown reason (planned fault)",
    "throttle": "ThrottlingException: Rate exceeded (planned fault)",
    "capacity": "InsufficientInstanceCapacity: there is no capacity for this machine type (planned fault)",
    "partial": "NodeCreationFailure: Instances failed to join the kubernetes cluster (planned fault)",
}
CODES = {
    "error": Code.FAILED_PRECONDITION,
    "throttle": Code.RESOURCE_EXHAUSTED,
    "capacity": Code.RESOURCE_EXHAUSTED,
}


@dataclass(frozen=True, slots=True)
class Interruption:
    """The failure to play around one operation; None plays nothing."""

    fault: Fault | None = None

    def before(self) -> None:
        """Play what comes before the cloud acts."""
        if self.fault is None:
            return
        if self.fault.kind == "sleep":
            time.sleep(self.fault.seconds)
        elif self.fault.kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.fault.kind in CODES:
            raise CloudError(CODES[self.fault.kind], self._message())

    def mark(self, record: Record) -> Record:
        """Return the resource as the cloud shows it, which tells of a broken one."""
        broken = self.fault is not None and self.fault.kind == "partial"
        if not broken or "status" not in record.outputs:
            return record
        return replace(record, outputs={**record.outputs, "status": "CREATE_FAILED"})

    def after(self, record: Record) -> None:
        """Play what comes after the cloud acted."""
        if self.fault is None:
            return
        if self.fault.kind == "sleep_after":
            time.sleep(self.fault.seconds)
        elif self.fault.kind == "kill_after":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.fault.kind == "partial":
            raise PartialFailureError(
                record.id, inputs=record.inputs, outputs=record.outputs, reasons=[self._message()]
            )

    def _message(self) -> str:
        return self.fault.message or MESSAGES[self.fault.kind] if self.fault else ""
