"""New prices from public sources, held against the pinned ones."""
