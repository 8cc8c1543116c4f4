"""Our text function in the place of coqui's tokenizer, assigned on a model: no patches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from amharic_tts.text import languages
from amharic_tts.tokenizer.encoder import TextEncoder
from amharic_tts.tokenizer.settings import TextSettings

if TYPE_CHECKING:
    from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer


def make_tokenizer(vocab: Path, settings: TextSettings) -> VoiceBpeTokenizer:
    """Return a coqui tokenizer that reads the voice's own language by our text function.

    Other languages go the stock way. Use it as ``model.tokenizer = make_tokenizer(...)``.

    Args:
        vocab: The voice's `vocab.json`.
        settings: The voice's text settings.

    Raises:
        UserError: The vocabulary can't be used.
    """
    from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer

    encoder = TextEncoder(vocab, settings)

    class EthiopicBpeTokenizer(VoiceBpeTokenizer):
        """`VoiceBpeTokenizer` whose text function for one language is `TextEncoder`."""

        def encode(self, txt: str, lang: str) -> list[int]:
            """Return the token ids of a text as written."""
            if languages.canonical(lang) == settings.language:
                return encoder.encode(encoder.prepare(txt))
            return list(super().encode(txt, lang))

    return EthiopicBpeTokenizer(vocab)
