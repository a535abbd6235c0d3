"""Settings of all property tests."""

from __future__ import annotations

import signal

from hypothesis import settings

# A shell starts background jobs with interrupts ignored, and their children inherit it; some tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is slow at times; what takes too long has tests of its own.
settings.register_profile("outlay", deadline=None)
settings.load_profile("outlay")
