"""Settings of all property tests."""

from __future__ import annotations

from hypothesis import settings

# A busy machine is slow at times; what takes too long has tests of its own.
settings.register_profile("outlay", deadline=None)
settings.load_profile("outlay")
