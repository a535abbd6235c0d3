"""Score the sizing model on public measurements (`python -m tools.accuracy`)."""
