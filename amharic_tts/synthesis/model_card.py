"""The model card of a voice: what it is made of, what it may be used for, what it can't do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amharic_tts.base_models.catalog import CPML
from amharic_tts.tokenizer.settings import TextSettings

_LOAD = """\
- In the studio: `amharic-tts speak --voice THIS_FOLDER --text ... --out speech.wav`.
- In coqui's library: `Xtts.load_checkpoint(config, checkpoint_dir=THIS_FOLDER)` loads it. Its own
  tokenizer does not know every language of this voice; with
  `model.tokenizer = amharic_tts.tokenizer.ethiopic_bpe.make_tokenizer(vocab, settings)`
  (settings from `voice.json`) it reads text exactly as in training."""


def model_card(
    settings: TextSettings, manifest: Mapping[str, Any], note: str, with_cpml: bool
) -> str:
    """Return the card as Markdown.

    Args:
        settings: How the voice reads text.
        manifest: What it was made from; plain values are listed.
        note: What a listener must know first; empty for none.
        with_cpml: Whether the weights come from the XTTS release and are bound by its licence.
    """
    reads = "the letters as written"
    if settings.text_mode == "phonemes":
        reads = f"phonemes by `{settings.g2p}` {settings.g2p_version}"
    parts = [f"# An XTTS voice for `{settings.language}`"]
    if note:
        parts.append(f"**{note}.**")
    parts.append(f"It reads {reads} (text normaliser {settings.normalizer}).")
    facts = [
        f"- {key}: {value}"
        for key, value in manifest.items()
        if isinstance(value, str | int | float)
    ]
    if facts:
        parts.append("## Made from\n\n" + "\n".join(facts))
    parts.append("## Use it\n\n" + _LOAD)
    licence = (
        f"The weights are derived from XTTS v2: {CPML.name}, {CPML.link}. {CPML.summary}."
        if with_cpml
        else "The base has random weights of this project's own (Apache-2.0)."
    )
    parts.append(
        f"## Licence\n\n{licence}\nThe recordings that it was trained on may bind its use too."
    )
    parts.append(
        "## Care\n\nUse a person's voice only with that person's consent, "
        "and say that the speech is synthetic."
    )
    return "\n\n".join(parts) + "\n"
