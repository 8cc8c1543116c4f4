"""From text to token ids: the one text function of dataset, training and speech. Needs no torch."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from amharic_tts.errors import UserError
from amharic_tts.text import ethiopic
from amharic_tts.tokenizer import vocabulary
from amharic_tts.tokenizer.practice import practice_vocabulary
from amharic_tts.tokenizer.settings import TextSettings, current
from amharic_tts.tokenizer.vocabulary import Vocabulary

if TYPE_CHECKING:
    from amharic_tts.g2p.base import Backend

MAX_TEXT_TOKENS = 200
"""Longest text, in tokens, that XTTS is trained on (`max_text_length` of coqui's recipe)."""
STOP, UNKNOWN = "[STOP]", "[UNK]"

# In phoneme mode the marks stay in the text, between the phones.
_CLAUSE_END = ethiopic.CLAUSE_END
_PHONE_TOKEN = re.compile(r"\[/[^\[\]]*/\]")


class TextEncoder:
    """Turns text into the tokens of one vocabulary, by one voice's text settings.

    `prepare` is for text as people write it; `encode` is for what `prepare` returned. For the
    languages of the released model, `encode` gives what coqui's `VoiceBpeTokenizer` gives for the
    same cleaned text: the language tag, spaces as `[SPACE]`, BPE. Coqui's cleaners also write out
    numbers and abbreviations of those languages; `prepare` does not.

    Raises:
        UserError: The vocabulary can't be used, or it has no tag for the language.
    """

    def __init__(self, vocab: Path | Vocabulary, settings: TextSettings) -> None:
        from tokenizers import Tokenizer

        if isinstance(vocab, Path):
            body = vocabulary.load_vocabulary(vocab)
        else:
            body = vocabulary.check_vocabulary(vocab)
        self.settings = settings
        self.vocab = body
        self.ids = vocabulary.token_ids(body)
        self.tag = vocabulary.language_tag(settings.language)
        if self.tag not in self.ids:
            known = sorted(t[1:-1] for t in self.ids if re.fullmatch(r"\[[a-z]{2}(-[a-z]+)?\]", t))
            raise UserError(
                f"The vocabulary has no token `{self.tag}` for the language `{settings.language}`",
                f"It knows: {', '.join(known)}",
            )
        self._tokenizer = Tokenizer.from_str(json.dumps(body, ensure_ascii=False))
        self._stop, self._unknown = self.ids[STOP], self.ids[UNKNOWN]

    @property
    def size(self) -> int:
        """Rows of the model's text embedding."""
        return max(self.ids.values()) + 1

    def prepare(self, text: str) -> str:
        """Return the string that the model reads: normalised, lower case, phones if asked for.

        Lower case because XTTS' own inference lowers every text before it reads it.

        Raises:
            UserError: The G2P backend refuses the text or is not installed.
        """
        from amharic_tts.text.normalize import normalize

        clean = normalize(text, self.settings.language).text.replace('"', "")
        clean = " ".join(clean.split())
        if self.settings.text_mode == "phonemes":
            return self._to_phones(clean)
        return clean.lower()

    def encode(self, prepared: str) -> list[int]:
        """Return the token ids of a prepared text; the language tag comes first."""
        return list(self._encoding(prepared)[1].ids)

    def cut(self, word: str) -> list[str]:
        """Return the tokens, as text, that BPE makes of one word of a prepared text."""
        return [token.value for token in self._tokenizer.model.tokenize(word)]

    def unknown(self, text: str) -> list[str]:
        """Return what the vocabulary lacks in a text as written: each once, in order.

        Characters and phones that would become `[UNK]`, and control tokens spelled out in the
        text, which the model would take for commands.
        """
        return self.unknown_prepared(self.prepare(text))

    def unknown_prepared(self, prepared: str) -> list[str]:
        """Return what the vocabulary lacks in a prepared text; see `unknown`."""
        found: list[str] = []
        if self.settings.text_mode == "phonemes":
            phones = _PHONE_TOKEN.findall(prepared)
            found += [token[2:-2] for token in phones if token not in self.ids]
            prepared = _PHONE_TOKEN.sub("", prepared)
        tokens = re.findall(r"\[[^\[\]]+\]", prepared)
        found += [token for token in tokens if token in self.ids]
        read, encoding = self._encoding(prepared)
        spans = zip(encoding.ids, encoding.offsets, strict=True)
        found += [read[a:b] for number, (a, b) in spans if number == self._unknown]
        return list(dict.fromkeys(found))

    def _encoding(self, prepared: str):  # type: ignore[no-untyped-def]
        """Return what the tokenizer reads and what it makes of it."""
        if self.settings.text_mode == "phonemes":
            # Spelled-out, an unknown phone would be read as brackets and letters.
            prepared = _PHONE_TOKEN.sub(
                lambda match: match[0] if match[0] in self.ids else UNKNOWN, prepared
            )
        read = (self.tag + prepared).replace(" ", "[SPACE]")
        return read, self._tokenizer.encode(read)

    def _to_phones(self, clean: str) -> str:
        from amharic_tts.g2p.base import studio_phones

        pieces = []
        for part in _CLAUSE_END.split(clean):
            if not part.strip():
                continue
            if _CLAUSE_END.fullmatch(part):
                pieces.append(part)
                continue
            words = self._backend().convert(part.strip()).split()
            spoken = " ".join(
                "".join(vocabulary.phone_token(phone) for phone in studio_phones(word))
                for word in words
            )
            # Spaces around the marks stay as they were: ኢ.ሜ is one word, not two.
            before, after = " " * part[0].isspace(), " " * part[-1].isspace()
            pieces.append(f"{before}{spoken}{after}")
        return " ".join("".join(pieces).split())

    def _backend(self) -> Backend:
        from amharic_tts.g2p import registry

        return registry.get(self.settings.g2p or registry.DEFAULT)


def pace(tokens: Sequence[int], seconds: float) -> str:
    """Return, in words, how many tokens clips have: for each second, for each clip, at most.

    Args:
        tokens: Of each clip; not empty.
        seconds: Of speech in all clips together.
    """
    return (
        f"{sum(tokens) / seconds:.1f} text tokens a second of speech, "
        f"{sum(tokens) / len(tokens):.0f} a clip; the longest clip has {max(tokens)}, "
        f"and the limit is {MAX_TEXT_TOKENS}"
    )


@cache
def default_encoder(language: str, text_mode: str = "letters") -> TextEncoder:
    """Return an encoder with the practice vocabulary, extended in memory.

    For checks of a dataset before a base is chosen: single letters are single tokens in it, so a
    text never has fewer tokens than with a larger vocabulary.

    Raises:
        UserError: The language or the text mode is unknown.
    """
    settings = current(language, text_mode)
    extension = vocabulary.extend(practice_vocabulary(), settings.language, text_mode)
    return TextEncoder(extension.vocab, settings)
