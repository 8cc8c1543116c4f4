from __future__ import annotations

from pathlib import Path

import pytest

from amharic_tts.tokenizer.encoder import TextEncoder
from amharic_tts.tokenizer.ethiopic_bpe import make_tokenizer
from amharic_tts.tokenizer.settings import current


@pytest.mark.parametrize(
    "text", ["Hello there.", 'He said: "the end"!', "Two  spaces,\tand a tab; café - naïve?"]
)
def test_our_encoder_gives_what_coqui_gives(practice_base: Path, text: str) -> None:
    from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer

    stock = VoiceBpeTokenizer(practice_base / "vocab.json")
    encoder = TextEncoder(practice_base / "vocab.json", current("en"))
    assert encoder.encode(encoder.prepare(text)) == stock.encode(text, "en")
    assert encoder.size == stock.get_number_tokens()


def test_coqui_reads_amharic_by_our_text_function(practice_voice: Path) -> None:
    vocab = practice_voice / "vocab.json"
    tokenizer, encoder = make_tokenizer(vocab, current("am")), TextEncoder(vocab, current("am"))
    text = "በ1999 ዓ.ም ሰላም፡፡"
    expected = encoder.encode(encoder.prepare(text))
    assert tokenizer.encode(text, "am") == tokenizer.encode(text, "am-ET") == expected
    assert 1 not in expected
    assert tokenizer.get_number_tokens() == encoder.size
    english = TextEncoder(vocab, current("en"))
    assert tokenizer.encode("hello.", "en") == english.encode("hello.")
    with pytest.raises(NotImplementedError):
        tokenizer.encode("hello.", "sw")
