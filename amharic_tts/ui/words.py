"""The words of the screen: one TOML file per language in `ui/text`, all with the same keys."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from amharic_tts.errors import StudioError, UserError

FOLDER = Path(__file__).parent / "text"


@dataclass(frozen=True)
class Words:
    """The words of one language, by dotted key (``train.start``)."""

    language: str
    table: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """Return the words of `key` with ``{names}`` filled in.

        Raises:
            StudioError: No such key, or a value for one of its names is missing.
        """
        try:
            text = self.table[key]
            return text.format(**values) if values else text
        except KeyError as error:
            raise StudioError(
                f"ui/text/{self.language}.toml: no words for `{key}` ({error})"
            ) from None

    def get(self, key: str, otherwise: str = "") -> str:
        """Return the words of a key that may have none, such as a new finding's code."""
        return self.table.get(key, otherwise)


def languages() -> dict[str, str]:
    """Return code -> own name of every language of the screen, English first."""
    codes = sorted((p.stem for p in FOLDER.glob("*.toml")), key=lambda code: (code != "en", code))
    return {code: load(code)("language.name") for code in codes}


def load(language: str) -> Words:
    """Read the words of a language.

    Raises:
        UserError: There is no file for it.
        StudioError: The file is damaged; the message names the line.
    """
    path = FOLDER / f"{language}.toml"
    if not re.fullmatch(r"[a-z]{2,3}", language) or not path.exists():
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.toml")))
        raise UserError(f"The screen has no words in `{language}`", f"Choose one of: {known}")
    return Words(language, parse(path.read_text(encoding="utf-8"), path.name))


def parse(text: str, name: str) -> dict[str, str]:
    """Return dotted key -> words of a TOML text.

    Args:
        text: The content of the file.
        name: Its name, for messages.

    Raises:
        StudioError: Not TOML, or a value that is not text; with the line number.
    """
    try:
        body = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StudioError(f"ui/text/{name}: {error}") from error
    table: dict[str, str] = {}
    _flatten(body, "", table, text, name)
    return table


def _flatten(
    body: dict[str, Any], prefix: str, table: dict[str, str], text: str, name: str
) -> None:
    for key, value in body.items():
        if isinstance(value, dict):
            _flatten(value, f"{prefix}{key}.", table, text, name)
        elif isinstance(value, str):
            table[prefix + key] = value
        else:
            line = _line_of(prefix, key, text)
            raise StudioError(f"ui/text/{name}, line {line}: `{prefix}{key}` is not text in quotes")


def _line_of(prefix: str, key: str, text: str) -> int:
    """Return the 1-based line of a key: its first line after the header of its table."""
    lines = text.splitlines()
    header = f"[{prefix[:-1]}]"
    start = next((n for n, line in enumerate(lines) if line.strip() == header), 0)
    for n in range(start, len(lines)):
        if re.match(rf"\s*{re.escape(key)}\s*=", lines[n]):
            return n + 1
    return start + 1
