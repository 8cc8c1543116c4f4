"""The encoder that a dataset is checked with: that of a run, or of one that is not made yet."""

from __future__ import annotations

import json
from pathlib import Path

from amharic_tts.dataset.manifest import Dataset
from amharic_tts.errors import UserError
from amharic_tts.tokenizer import pieces
from amharic_tts.tokenizer.encoder import TextEncoder, default_encoder
from amharic_tts.tokenizer.settings import TextSettings, current

VOCABULARIES = ("characters", "bpe")


def training_texts(dataset: Dataset) -> list[str]:
    """Return the texts that pieces are learned from: the rows for training, as written."""
    return [utterance.text for utterance in dataset.accepted("train")]


def of_settings(
    dataset: Dataset,
    text_mode: str = "letters",
    vocabulary: str = "characters",
    new_tokens: int = 0,
) -> TextEncoder:
    """Return the encoder that a run with these settings would have, on the practice base.

    A base without Ethiopic letters gives the same tokens for the language of the dataset.

    Args:
        dataset: What is checked.
        text_mode: `letters` or `phonemes`.
        vocabulary: One of `VOCABULARIES`.
        new_tokens: Pieces of `bpe`; 0 takes the advised number.

    Raises:
        UserError: A setting is wrong, or `bpe` can't be done for the language or the texts.
    """
    if vocabulary not in VOCABULARIES:
        raise UserError(f"vocabulary: `{vocabulary}` is not one of {', '.join(VOCABULARIES)}")
    if new_tokens < 0 or (new_tokens and vocabulary == "characters"):
        raise UserError(f"new_tokens: {new_tokens} needs vocabulary bpe, and can't be negative")
    if vocabulary == "characters":
        return default_encoder(dataset.language, text_mode)
    settings = current(dataset.language, text_mode)
    return pieces.default_encoder(settings, training_texts(dataset), new_tokens)


def of_run(run: Path) -> TextEncoder:
    """Return the encoder of a run: its own vocabulary and text settings.

    Raises:
        UserError: The run has not begun yet, so it has none.
    """
    vocab, text = run / "vocab.json", run / "text.json"
    if not (vocab.is_file() and text.is_file()):
        raise UserError(f"`{run.name}` has no vocabulary yet: it makes one when it begins")
    body = json.loads(text.read_text(encoding="utf-8"))
    return TextEncoder(vocab, TextSettings.from_dict(body))
