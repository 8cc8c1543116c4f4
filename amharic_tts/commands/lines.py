"""Lines of a text file or of stdin, one at a time."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

from amharic_tts.errors import UserError
from amharic_tts.files import disk_errors


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
    for number, raw in enumerate(stream, 1):
        if number == 1:
            raw = raw.removeprefix(codecs.BOM_UTF8)
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UserError(
                f"Line {number} of {where} is not UTF-8 (byte {error.start + 1}: {error.reason})",
                "Save the file as UTF-8; the lines before it were converted",
            ) from error
        yield line.removesuffix("\n").removesuffix("\r")
