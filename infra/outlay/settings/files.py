"""Where a file lies that settings name."""

from __future__ import annotations

from pathlib import Path


def project_file(path: Path) -> Path:
    """Return the file in this folder or a folder above, up to that of Pulumi.yaml."""
    # Pulumi runs the program in a folder below that of Pulumi.yaml.
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / path).is_file():
            return folder / path
        if (folder / "Pulumi.yaml").is_file():
            return folder / path
    return path
