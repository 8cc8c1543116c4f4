"""Lines of a text file or of stdin, one at a time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

from amharic_tts.errors import UserError
from amharic_tts.files import disk_errors
from amharic_tts.text.lines import decoded


def opened(file: str) -> nullcontext[BinaryIO] | BinaryIO:
    """Return a stream of bytes; ``-`` is stdin.

    Raises:
        UserError: There is no such file, or it may not be read.
    """
    if file == "-":
        return nullcontext(sys.stdin.buffer)
    path = Path(file)
    if not path.is_file():
        raise UserError(f"There is no file `{file}`", "Give a text file, or - for stdin")
    with disk_errors(path):
        return open(path, "rb")


def lines(stream: BinaryIO, name: str) -> Iterator[str]:
    """Yield the lines without their ends; memory holds one line at a time.

    Raises:
        UserError: A line is not UTF-8; the message has its number.
    """
    where = "stdin" if name == "-" else f"`{name}`"
    hint = "Save the file as UTF-8; the lines before it were converted"
    for _, line in decoded(stream, lambda number: f"Line {number} of {where}", hint):
        yield line.removesuffix("\n").removesuffix("\r")
