"""Lines of UTF-8, one at a time; a line that is not UTF-8 is named."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator

from amharic_tts.errors import UserError


def decoded(
    raw_lines: Iterable[bytes], where: Callable[[int], str], hint: str
) -> Iterator[tuple[int, str]]:
    """Yield (number, line), from 1, without a mark of UTF-8 at the start; ends of lines stay.

    Args:
        raw_lines: An open binary file, or any lines of bytes.
        where: Names a line by its number, for the message.
        hint: What to do about a line that is not UTF-8.

    Raises:
        UserError: A line is not UTF-8.
    """
    for number, raw in enumerate(raw_lines, 1):
        if number == 1:
            raw = raw.removeprefix(codecs.BOM_UTF8)
        try:
            yield number, raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UserError(
                f"{where(number)} is not UTF-8 (byte {error.start + 1}: {error.reason})", hint
            ) from error
