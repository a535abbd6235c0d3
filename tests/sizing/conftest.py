"""Settings of the property tests."""

from __future__ import annotations

from hypothesis import settings

# A busy machine is slow at times; what the sizing costs has a test of its own.
settings.register_profile("sizing", deadline=None)
settings.load_profile("sizing")
