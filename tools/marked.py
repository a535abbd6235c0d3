"""Replace the part of a document that a program writes, between two marks."""

from __future__ import annotations

START = "<!-- Written by `{command}`: do not edit. -->\n"
END = "<!-- End of what is written. -->\n"


def replaced(text: str, *, command: str, part: str) -> str:
    """Return the text with another part between the marks of this command.

    Raises:
        ValueError: the marks are not there.
    """
    start = START.format(command=command)
    head, found, rest = text.partition(start)
    _, ended, tail = rest.partition(END)
    if not found or not ended:
        raise ValueError(
            f"the document has no part that starts with {start!r} and ends with {END!r}"
        )
    return f"{head}{start}\n{part}\n{END}{tail}"
