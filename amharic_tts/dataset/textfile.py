"""Text files of unknown encoding: found out for sure, or refused with the line."""

from __future__ import annotations

import codecs
from pathlib import Path

from amharic_tts.errors import UserError

TRIED = "UTF-8, UTF-16, UTF-32"
# The longer marks first: UTF-32's begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SOUND = (b"RIFF", b"fLaC", b"OggS", b"ID3", b"\x1aE\xdf\xa3")


def read_text(path: Path) -> str:
    """Return the text of a file with line ends as ``\\n`` and without a byte-order mark.

    UTF-8 and, where a mark or the pattern of zero bytes shows it, UTF-16 and UTF-32. Nothing is
    guessed beyond that: one-byte encodings decode any file, mostly wrongly.

    Raises:
        UserError: No such file, or it is in another encoding (with the line and what was tried).
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"There is no file `{path}`") from None
    except OSError as error:
        raise UserError(f"`{path}` can't be opened: {error.strerror}") from error
    if data.startswith(_SOUND) or data[4:8] == b"ftyp":
        raise UserError(f"`{path}` is a recording, not a text file")
    encoding = _encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UserError(
            f"`{path}` line {line}: byte 0x{data[error.start]:02x} is not {encoding.upper()}; "
            f"tried {TRIED}",
            "Save the file as UTF-8 (in a spreadsheet: CSV UTF-8)",
        ) from error
    if "\x00" in text:
        line = text[: text.index("\x00")].count("\n") + 1
        raise UserError(f"`{path}` line {line} holds a zero byte: it is not a text file")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _encoding(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    # Separators and line ends are ASCII: in UTF-16 each has a zero byte, in UTF-8 none has.
    even, odd = data[0:4000:2].count(0), data[1:4000:2].count(0)
    if odd > even:
        return "utf-16-le"
    if even > odd:
        return "utf-16-be"
    return "utf-8"
