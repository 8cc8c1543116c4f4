"""Errors made for the reader: what happened, with which value, and what to do next.

The two outermost borders (a page handler, the command line) turn these into ``gr.Error`` or an
exit code; nothing between them catches ``Exception``.
"""

from __future__ import annotations


class StudioError(Exception):
    """Base of every error that the studio raises on purpose.

    Args:
        message: What is wrong, with the value that is wrong.
        hint: What to do next. Empty when the message already says it.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UserError(StudioError):
    """Something that the user can put right: a wrong value, a missing file, a full disk."""

    exit_code = 2


class MissingPart(UserError):
    """An optional part is not installed here; the hint holds the command that installs it."""
