"""What binds a voice that is taken away: notices, licence texts, and the end of its model card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from amharic_tts.base_models.catalog import CPML
from amharic_tts.synthesis.model_card import model_card
from amharic_tts.synthesis.voices import Voice

CARD = "MODEL_CARD.md"
NOTICE = "NOTICE.txt"
CPML_TEXT = "LICENSE-CPML.txt"
STOCK_LANGUAGES = frozenset(
    (
        *("ar", "cs", "de", "en", "es", "fr", "hi", "hu", "it"),
        *("ja", "ko", "nl", "pl", "pt", "ru", "tr", "zh-cn"),
    )
)
"""What the text part of stock coqui reads (`VoiceBpeTokenizer.preprocess_text`)."""
_TEXT = Path(__file__).with_name("licences") / "CPML.txt"
_TITLE = "## Taken away"


def bound_by_cpml(voice: Voice) -> bool:
    """Tell whether the weights come from the XTTS release, as far as is known.

    Only what descends from the studio's practice base is known not to; it carries that base's note.
    """
    return not voice.note


def notices(voice: Voice) -> dict[str, str]:
    """Return the texts that go with a voice, by file name."""
    with_cpml = bound_by_cpml(voice)
    weights = (
        f"The weights are derived from XTTS v2 by Coqui and bound by the\n{CPML.name}:\n"
        f"{CPML.link}, in full in {CPML_TEXT}.\n{CPML.summary}.\n"
        "vocab.json and config.json come from the same release, with what was added to them."
        if with_cpml
        else "The weights descend from the practice base of the studio (Apache-2.0)."
    )
    dataset = voice.manifest.get("dataset")
    name = dataset.get("name") if isinstance(dataset, Mapping) else dataset
    of = f" (dataset `{name}`)" if name else ""
    body = f"""What binds this voice

Weights (model.pth, speakers_xtts.pth)
{weights}

Recordings
reference.wav is a recording, and the voice was trained on recordings{of}.
Their own terms may bind its use too. Use a person's voice only with that person's consent,
and say that the speech is synthetic.

Software
None is in this folder. coqui-tts, which loads it, is under the MPL-2.0; the studio that wrote it
is under the Apache-2.0.
"""
    found = {NOTICE: body}
    if with_cpml:
        found[CPML_TEXT] = _TEXT.read_text(encoding="utf-8")
    return found


def card_of(voice: Voice, taken: Mapping[str, Any]) -> str:
    """Return the voice's model card with a last part about this copy of it.

    Args:
        voice: Its own card is kept; one is made where it has none.
        taken: ``precision``, ``model_bytes``, and for half precision ``largest_difference`` and
            ``model_bytes_before``.
    """
    path = voice.folder / CARD
    card = (
        path.read_text(encoding="utf-8", errors="replace")
        if path.is_file()
        else model_card(voice.settings, voice.manifest, voice.note, bound_by_cpml(voice))
    )
    lines = [_precision(taken), *_stock(voice), _check()]
    with_text = f" and {CPML_TEXT}" if bound_by_cpml(voice) else ""
    lines.append(f"What binds its use stands in {NOTICE}{with_text}; pass them on with it.")
    listed = "\n".join(f"- {line}" for line in lines)
    return f"{card.partition(_TITLE)[0].rstrip()}\n\n{_TITLE}\n\n{listed}\n"


def _precision(taken: Mapping[str, Any]) -> str:
    size = f"{taken['model_bytes'] / 1e6:.1f} MB"
    if taken["precision"] == "float32":
        return f"Weights in float32 ({size})."
    line = f"Weights in {taken['precision']} ({size}"
    if "model_bytes_before" in taken:
        line += f" instead of {taken['model_bytes_before'] / 1e6:.1f} MB"
    line += ")"
    if "largest_difference" in taken:
        line += (
            f"; no weight differs from the original by more than {taken['largest_difference']:.2g}"
        )
    return line + ". Tools read them into float32 as they load."


def _stock(voice: Voice) -> list[str]:
    language = voice.language
    lines = [
        "Stock coqui and tools built on it load this folder: "
        "`Xtts.load_checkpoint(config, checkpoint_dir=THIS_FOLDER)`.",
    ]
    if language not in STOCK_LANGUAGES:
        lines.append(
            f"They can't read `{language}` by themselves: their text part refuses a language that "
            f"XTTS v2 was not released with (\"Language '{language}' is not supported\"), so "
            "`tts`, `TTS.api` and web pages on top of them speak its other languages only. Give "
            'the model the tokenizer named under "Use it", or speak with the studio.'
        )
    else:
        lines.append(
            f"They read `{language}` with their own text part, which writes out numbers and "
            "abbreviations in another way than the studio: the same text may sound different."
        )
    if voice.settings.text_mode == "phonemes":
        lines.append(
            f"It reads phonemes, made by `{voice.settings.g2p}`. Stock tools have no such step, "
            "and it was not trained on plain letters."
        )
    return lines


def _check() -> str:
    return (
        "Check that it is whole: `sha256sum -c SHA256SUMS`, or `amharic-tts voices verify "
        "THIS_FOLDER`."
    )
