"""Language codes: the studio says `am`; other spellings are mapped where they come in."""

from __future__ import annotations

import re

from amharic_tts.errors import UserError

# ISO 639-2/3 codes of the languages that XTTS v2 speaks, and of Amharic.
_THREE_LETTERS = {
    **{"amh": "am", "eng": "en", "spa": "es", "fra": "fr", "fre": "fr", "deu": "de", "ger": "de"},
    **{"ita": "it", "por": "pt", "pol": "pl", "tur": "tr", "rus": "ru", "nld": "nl", "dut": "nl"},
    **{"ces": "cs", "cze": "cs", "ara": "ar", "zho": "zh-cn", "chi": "zh-cn", "jpn": "ja"},
    **{"hun": "hu", "kor": "ko", "hin": "hi"},
}
_NAMES = {"amharic": "am", "አማርኛ": "am", "english": "en"}
_CODE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")


def canonical(code: str) -> str:
    """Return the code that the studio and XTTS use.

    `amh`, `amh-Ethi`, `am-ET`, `am_ET` and `Amharic` become ``am``; `en-US` becomes ``en``;
    Chinese is ``zh-cn``, as in XTTS. A language that is not known keeps its primary subtag.

    Raises:
        UserError: It is not a language code.
    """
    wanted = code.strip().lower().replace("_", "-")
    if wanted in _NAMES:
        return _NAMES[wanted]
    if not _CODE.fullmatch(wanted):
        raise UserError(
            f"`{code[:40]}` is not a language code", "Use a code such as `am` for Amharic or `en`"
        )
    primary = wanted.split("-")[0]
    if primary == "zh":
        return "zh-cn"
    return _THREE_LETTERS.get(primary, primary)
