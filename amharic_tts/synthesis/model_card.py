"""The model card of a voice: what it is made of, what it may be used for, what it can't do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from amharic_tts.base_models.catalog import CPML
from amharic_tts.tokenizer.settings import TextSettings

_LOAD = """\
- In the studio: `amharic-tts speak --voice THIS_FOLDER --text ... --out speech.wav`.
- In coqui's library: `Xtts.load_checkpoint(config, checkpoint_dir=THIS_FOLDER)` loads it. Its own
  tokenizer does not know every language of this voice; with
  `model.tokenizer = amharic_tts.tokenizer.ethiopic_bpe.make_tokenizer(vocab, settings)`
  (settings from `voice.json`) it reads text exactly as in training."""
_LITTLE = 30 * 60
"""Seconds of training sound below which the card says that it is little."""


def model_card(
    settings: TextSettings, manifest: Mapping[str, Any], note: str, with_cpml: bool
) -> str:
    """Return the card as Markdown.

    Args:
        settings: How the voice reads text.
        manifest: What it was made from (`training.manifest`), with `checkpoint`, `effective` and
            `scores` of the export; what is missing is left out, other plain values are listed.
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
    sections = {
        "Made from": _made_from(manifest),
        "Measured": _measured(manifest),
        "What it can't do": _limits(settings, manifest),
    }
    for title, lines in sections.items():
        listed = "\n".join(f"- {line}" for line in lines)
        if listed:
            parts.append(f"## {title}\n\n{listed}")
    parts += _configuration(manifest)
    parts.append("## Use it\n\n" + _LOAD)
    licence = (
        f"The weights are derived from XTTS v2: {CPML.name}, {CPML.link}. {CPML.summary}."
        if with_cpml
        else "The base is the studio's own practice base (Apache-2.0)."
    )
    parts.append(
        f"## Licence\n\n{licence}\nThe recordings that it was trained on may bind its use too."
    )
    parts.append(
        "## Care\n\nUse a person's voice only with that person's consent, "
        "and say that the speech is synthetic."
    )
    return "\n\n".join(parts) + "\n"


def _table(manifest: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = manifest.get(key)
    return value if isinstance(value, Mapping) else {}


def _made_from(manifest: Mapping[str, Any]) -> Iterator[str]:
    base, dataset = _table(manifest, "base"), _table(manifest, "dataset")
    if base:
        yield f"base: {PurePath(str(base.get('name'))).name}"  # a folder by its last name
    if dataset:
        minutes = f"{float(dataset.get('seconds') or 0) / 60:.1f} min"
        yield (
            f"dataset: {dataset.get('name')}, {dataset.get('train')} clips ({minutes}) to train "
            f"on and {dataset.get('eval')} kept for evaluation; SHA-256 {dataset.get('sha256')}"
        )
    config, chosen = _table(manifest, "config"), _table(manifest, "checkpoint")
    if chosen:
        of = f" of {config['steps']}" if "steps" in config else ""
        yield f"checkpoint: step {chosen.get('step')}{of}"
    for key, value in manifest.items():
        if isinstance(value, str | int | float) and key not in ("command", "executable"):
            yield f"{key}: {value}"
    git = _table(manifest, "git")
    if git:
        yield f"commit: {git.get('commit')}" + (", changed since" if git.get("changed") else "")
    versions = _table(manifest, "versions")
    if versions:
        yield "made with " + ", ".join(f"{name} {version}" for name, version in versions.items())


def _measured(manifest: Mapping[str, Any]) -> Iterator[str]:
    chosen, scores = _table(manifest, "checkpoint"), _table(manifest, "scores")
    loss = chosen.get("eval_loss")
    if chosen:
        yield "eval loss: " + ("not measured" if loss is None else f"{loss:.4f}")
    if not scores:
        if chosen:
            yield "no samples were spoken with this checkpoint"
        return
    number = scores.get("samples")
    error, likeness = scores.get("phoneme_error"), scores.get("similarity")
    if error is not None:
        yield (
            f"phonemes heard wrong in {number} spoken samples: {error:.1%} of those expected; a "
            "recogniser that does not know the language hears many wrong in right speech too"
        )
    else:
        yield f"phonemes of the {number} spoken samples: not compared with their texts"
    if likeness is not None:
        yield f"likeness to the reference clip (cosine of speaker embeddings): {likeness:.2f}"
    yield (
        f"samples that did not end by themselves: {scores.get('ran_away')} of {number}; "
        f"much too short: {scores.get('stopped_early')}"
    )


def _limits(settings: TextSettings, manifest: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"Languages other than `{settings.language}` come from the base, and training may have "
        "worn them down: listen before you use them."
    )
    yield "Characters that its vocabulary does not have are refused, not guessed."
    yield "A long text is spoken in pieces of at most about eleven seconds, with pauses between."
    yield "It may run on, repeat itself or stop early; nobody has rated how natural it sounds."
    seconds = _table(manifest, "dataset").get("seconds")
    if seconds is not None and seconds < _LITTLE:
        yield f"It has heard {seconds / 60:.1f} minutes of speech only, which is little."


def _configuration(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was really done, and the settings as they were asked for."""
    effective: Sequence[Mapping[str, str]] = manifest.get("effective") or ()
    if effective:
        rows = [
            f"| {line['name']} | {_cell(line['used'])} | {_cell(line.get('reason', ''))} |"
            for line in effective
        ]
        head = "| | used | why |\n| --- | --- | --- |\n"
        yield "## What the training really did\n\n" + head + "\n".join(rows)
    config = _table(manifest, "config")
    if config:
        lines = [f"{key}: {json.dumps(_plain(config[key]), ensure_ascii=False)}" for key in config]
        yield "## Settings\n\n```yaml\n" + "\n".join(lines) + "\n```"


def _cell(text: str) -> str:
    return " ".join(str(text).replace("|", "\\|").split())


def _plain(value: Any) -> Any:
    """Return a setting without folders of the machine that it was made on."""
    if isinstance(value, str) and PurePath(value).is_absolute():
        return PurePath(value).name
    return value
