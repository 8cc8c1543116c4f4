"""What the samples of a run say: the texts of its settings, or those of its language."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from amharic_tts.text import languages

_PREFIX = re.compile(r"([a-z]{2}(?:-[a-z]{2})?):\s+(\S.*)", re.DOTALL)
_OWN: dict[str, tuple[str, ...]] = {
    "am": ("ሰላም፣ እንዴት ናችሁ?", "ዛሬ ጠዋት ገበያ ሄጄ ቡና ገዛሁ።"),
    "en": ("Good morning, how are you today?", "The market opens early on Saturdays."),
}
_OTHER = "en: Good morning, how are you today?"
"""Said beside them in the language that every base knows: has it been forgotten?"""


@dataclass(frozen=True)
class Line:
    """One sentence to say."""

    language: str
    text: str


def parse(entry: str, language: str) -> Line:
    """Return what one entry of `sample_texts` means.

    ``en: Good morning`` is said in English; an entry without such a prefix in `language`.
    """
    found = _PREFIX.fullmatch(entry.strip())
    if found is None:
        return Line(language, entry.strip())
    return Line(languages.canonical(found[1]), found[2].strip())


def lines(
    entries: Iterable[str], language: str, known: Iterable[str], clips: Iterable[str]
) -> list[Line]:
    """Return what the samples of a run say.

    Args:
        entries: `sample_texts` of its settings; without any there are default sentences: of the
            language, else the first two of `clips`, and one in English if the base knows it.
        language: Of the run.
        known: Languages of the base.
        clips: Texts of the clips that are kept for evaluation.
    """
    given = list(entries)
    if not given:
        given = list(_OWN.get(language) or list(clips)[:2])
        given += [_OTHER] if language != "en" and "en" in known else []
    return [parse(entry, language) for entry in given]
