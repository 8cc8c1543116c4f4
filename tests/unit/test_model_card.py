"""What a voice's card says; the parts that people must find are held as they are."""

from __future__ import annotations

from typing import Any

from amharic_tts.synthesis.model_card import model_card
from amharic_tts.tokenizer.settings import TextSettings

MANIFEST: dict[str, Any] = {
    "studio": "0.5",
    "command": "python -m training.finetune /home/somebody/run",
    "versions": {"torch": "2.11.0", "transformers": "5.23.0"},
    "config": {"dataset": "d", "base": "/home/somebody/xtts", "steps": 200, "lora_rank": 0},
    "seed": 7,
    "git": {"commit": "1a2b", "changed": True},
    "base": {"name": "/home/somebody/xtts", "folder": "/home/somebody/xtts", "codec": "c"},
    "dataset": {"name": "d", "sha256": "abc", "train": 30, "eval": 4, "seconds": 90.0},
    "checkpoint": {"step": 120, "eval_loss": 2.34567},
    "effective": [
        {"name": "precision", "asked": "auto", "used": "fp32", "reason": "no | GPU"},
    ],
    "scores": {
        **{"samples": 3, "phoneme_error": 0.25, "agreement": 0.7, "similarity": 0.81},
        **{"ran_away": 1, "stopped_early": 0},
    },
}


def card(**changes: Any) -> str:
    settings = TextSettings("am", normalizer="1")
    return model_card(settings, {**MANIFEST, **changes}, "A note", with_cpml=True)


def section(text: str, title: str) -> list[str]:
    return text.partition(f"## {title}\n\n")[2].partition("\n\n#")[0].splitlines()


def test_what_it_is_made_from() -> None:
    assert section(card(), "Made from") == [
        "- base: xtts",
        "- dataset: d, 30 clips (1.5 min) to train on and 4 kept for evaluation; SHA-256 abc",
        "- checkpoint: step 120 of 200",
        "- studio: 0.5",
        "- seed: 7",
        "- commit: 1a2b, changed since",
        "- made with torch 2.11.0, transformers 5.23.0",
    ]


def test_what_was_measured() -> None:
    assert section(card(), "Measured") == [
        "- eval loss: 2.3457",
        "- phonemes heard wrong in 3 spoken samples: 25.0% of those expected; a recogniser that "
        "does not know the language hears many wrong in right speech too",
        "- likeness to the reference clip (cosine of speaker embeddings): 0.81",
        "- samples that did not end by themselves: 1 of 3; much too short: 0",
    ]
    unspoken = card(scores=None, checkpoint={"step": 1, "eval_loss": None})
    assert section(unspoken, "Measured") == [
        "- eval loss: not measured",
        "- no samples were spoken with this checkpoint",
    ]


def test_what_was_really_done_and_asked_for() -> None:
    text = card()
    assert section(text, "What the training really did") == [
        "| | used | why |",
        "| --- | --- | --- |",
        "| precision | fp32 | no \\| GPU |",
    ]
    assert section(text, "Settings") == [
        *("```yaml", 'dataset: "d"', 'base: "xtts"', "steps: 200", "lora_rank: 0", "```"),
    ]


def test_licence_limits_and_no_folders_of_the_machine() -> None:
    text = card()
    assert text.startswith("# An XTTS voice for `am`\n\n**A note.**\n\nIt reads the letters as")
    licence = section(text, "Licence")
    assert licence[0].startswith("The weights are derived from XTTS v2: Coqui Public Model License")
    assert "non-commercial" in licence[0] and "recordings" in licence[1]
    assert "- It has heard 1.5 minutes of speech only, which is little." in text
    assert "/home/somebody" not in text


def test_a_voice_without_a_run_has_a_card_too() -> None:
    settings = TextSettings("am", "phonemes", "rules", "2", "1")
    text = model_card(settings, {"dataset": "none", "steps": 0}, "", with_cpml=False)
    assert "It reads phonemes by `rules` 2 (text normaliser 1)." in text
    assert section(text, "Made from") == ["- dataset: none", "- steps: 0"]
    assert "## Measured" not in text and "The base is the studio's own practice base" in text
