"""Helpers of the repository itself: set-up, and running the engine on the sandbox."""
