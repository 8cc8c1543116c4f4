"""How a voice reads text: written into each voice, and checked when it is loaded."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from amharic_tts.errors import UserError

TEXT_MODES = ("letters", "phonemes")


@dataclass(frozen=True)
class TextSettings:
    """Everything that decides which tokens a text becomes, apart from the vocabulary."""

    language: str = "am"
    """Language code as XTTS writes it."""
    text_mode: str = "letters"
    """`letters` as written, or the `phonemes` that G2P makes."""
    g2p: str = ""
    """Name of the G2P backend; empty in letter mode."""
    g2p_version: str = ""
    """Version of that backend; empty in letter mode."""
    normalizer: str = ""
    """Version of the text normaliser."""

    def to_dict(self) -> dict[str, str]:
        """Return the settings as plain data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> TextSettings:
        """Return the settings of `to_dict`.

        Raises:
            UserError: A setting is unknown, is not text, or names an unknown text mode.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        for key, value in body.items():
            if key not in known:
                raise UserError(
                    f"The text setting `{key}` is unknown to this version",
                    "The voice was made by a newer version; update the studio",
                )
            if not isinstance(value, str):
                raise UserError(f"The text setting `{key}` is {value!r}, which is not text")
        settings = cls(**body)
        if settings.text_mode not in TEXT_MODES:
            raise UserError(
                f"The text mode `{settings.text_mode}` is not one of {', '.join(TEXT_MODES)}"
            )
        return settings

    def differences(self, other: TextSettings) -> list[str]:
        """Return, in words, where the other settings differ from these."""
        return [
            f"{field.name}: `{getattr(self, field.name)}` and `{getattr(other, field.name)}`"
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != getattr(other, field.name)
        ]


def current(language: str = "am", text_mode: str = "letters", g2p: str = "") -> TextSettings:
    """Return the settings that this installation uses now.

    Args:
        language: Any spelling of a language code.
        text_mode: One of `TEXT_MODES`.
        g2p: Backend for the phoneme mode; empty takes the default one.

    Raises:
        UserError: The language, the text mode or the backend is unknown.
    """
    from amharic_tts.text import languages, normalize

    if text_mode not in TEXT_MODES:
        raise UserError(f"The text mode `{text_mode}` is not one of {', '.join(TEXT_MODES)}")
    name = version = ""
    if text_mode == "phonemes":
        from amharic_tts.g2p import registry

        backend = registry.get(g2p or registry.DEFAULT)
        name, version = backend.name, backend.version
    return TextSettings(languages.canonical(language), text_mode, name, version, normalize.VERSION)
