"""Write a voice folder: a whole model that stock coqui loads, and what our engine must know."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from amharic_tts.base_models import practice
from amharic_tts.base_models.catalog import SPEAKERS_FILE
from amharic_tts.errors import StudioError
from amharic_tts.files import disk_errors, require_space, sync_folder, to_trash, write_text
from amharic_tts.synthesis.model_card import model_card
from amharic_tts.synthesis.voices import FORMAT, REFERENCE, VOICE_JSON
from amharic_tts.tokenizer.settings import TextSettings
from amharic_tts.tokenizer.vocabulary import Vocabulary, vocabulary_hash, vocabulary_size

if TYPE_CHECKING:
    from torch import Tensor

REFERENCE_RATE = 22050
_TEXT_ROWS = ("gpt.text_embedding.weight", "gpt.text_head.weight", "gpt.text_head.bias")


def write_voice(
    target: Path,
    base_dir: Path,
    vocab: Vocabulary,
    gpt_state: Mapping[str, Tensor],
    settings: TextSettings,
    reference: np.ndarray,
    manifest: Mapping[str, Any],
    trash: Path | None = None,
) -> Path:
    """Write a voice folder in one step: it is there whole, or the old one still is.

    Args:
        target: The folder to be, such as ``runs/ID/ready``.
        base_dir: The base model that the training started from.
        vocab: The vocabulary that was trained with.
        gpt_state: The trained GPT, with all ``gpt.*`` keys of the stock checkpoint.
        settings: How text was read in training.
        reference: A clip of the voice, float mono at 22050 Hz.
        manifest: What the voice was made from and how; goes into `voice.json` and the model card.
        trash: Where an older `target` goes; without it, it stays beside as ``NAME.old-TIME``.

    Raises:
        StudioError: The GPT does not fit the base or the vocabulary.
        UserError: The disk is full or can't be written.
    """
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        # Room for the model and the rest of the folder.
        require_space(target, int((base_dir / "model.pth").stat().st_size * 1.2), "The voice")
        aside = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            _write(aside, base_dir, vocab, gpt_state, settings, reference, manifest)
            aside.chmod(0o755)
            old = None
            if target.exists():
                stamp = time.strftime("%Y%m%d-%H%M%S")
                old = target.rename(target.with_name(f"{target.name}.old-{stamp}"))
            aside.rename(target)
            sync_folder(target.parent)
            if old is not None and trash is not None:
                to_trash(old, trash)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return target


def _write(
    folder: Path,
    base_dir: Path,
    vocab: Vocabulary,
    gpt_state: Mapping[str, Tensor],
    settings: TextSettings,
    reference: np.ndarray,
    manifest: Mapping[str, Any],
) -> None:
    import soundfile
    import torch

    state = _whole_state(base_dir / "model.pth", gpt_state, vocabulary_size(vocab))
    torch.save({"model": state}, folder / "model.pth")
    _write_json(folder / "vocab.json", vocab)
    _write_json(folder / "config.json", _config(base_dir, settings.language, vocab))
    if (base_dir / SPEAKERS_FILE).is_file():
        shutil.copyfile(base_dir / SPEAKERS_FILE, folder / SPEAKERS_FILE)
    soundfile.write(folder / REFERENCE, reference, REFERENCE_RATE, subtype="PCM_16")
    is_practice = (base_dir / practice.NOTE).is_file()
    note = str(practice.read_note(base_dir)["note"]) if is_practice else ""
    card = model_card(settings, manifest, note, with_cpml=not note)
    write_text(folder / "MODEL_CARD.md", card)
    for path in folder.iterdir():
        path.chmod(0o644)
        with open(path, "rb") as file:
            os.fsync(file.fileno())
    names = sorted(path.name for path in folder.iterdir())
    write_voice_json(folder, names, vocab, settings, note, manifest)


def write_voice_json(
    folder: Path,
    names: Iterable[str],
    vocab: Vocabulary,
    settings: TextSettings,
    note: str,
    manifest: Mapping[str, Any],
) -> None:
    """Write what makes a folder a voice; comes last, when its files are there.

    Args:
        folder: Of the voice.
        names: Its files.
        vocab: What it reads with.
        settings: How it reads text.
        note: What a listener must know first; empty for none.
        manifest: What it was made from.
    """
    body = {
        "format": FORMAT,
        "text": settings.to_dict(),
        "vocabulary_sha256": vocabulary_hash(vocab),
        "created": time.time(),
        "note": note,
        "files": {name: _describe(folder / name) for name in names},
        "manifest": dict(manifest),
    }
    _write_json(folder / VOICE_JSON, body)


def _write_json(path: Path, body: Any) -> None:
    write_text(path, json.dumps(body, ensure_ascii=False, indent=1))


def _describe(path: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return {"bytes": path.stat().st_size, "sha256": digest.hexdigest()}


def _whole_state(
    base_model: Path, gpt_state: Mapping[str, Tensor], text_rows: int
) -> dict[str, Tensor]:
    """Return the base's state dict with the trained GPT in it.

    Raises:
        StudioError: Keys or shapes differ.
    """
    from amharic_tts.base_models.checkpoint import load_model_state

    state = load_model_state(base_model)
    old = {key for key in state if key.startswith("gpt.")}
    if old != set(gpt_state):
        missing, extra = sorted(old - set(gpt_state))[:3], sorted(set(gpt_state) - old)[:3]
        raise StudioError(
            f"The trained GPT does not fit its base: missing {missing}, too many {extra}"
        )
    for key, trained in gpt_state.items():
        shape = tuple(state[key].shape)
        if key in _TEXT_ROWS:
            shape = (text_rows, *shape[1:])
        if tuple(trained.shape) != shape:
            raise StudioError(f"`{key}` has the shape {tuple(trained.shape)} instead of {shape}")
        state[key] = trained.detach().to("cpu", state[key].dtype).contiguous()
    return state


def _config(base_dir: Path, language: str, vocab: Vocabulary) -> dict[str, Any]:
    """Return the base's configuration with the language, and without paths of this machine."""
    config: dict[str, Any] = json.loads((base_dir / "config.json").read_text(encoding="utf-8"))
    languages = list(config.get("languages") or [])
    config["languages"] = languages if language in languages else [*languages, language]
    arguments = config["model_args"]
    arguments["tokenizer_file"] = ""
    if arguments.get("gpt_number_text_tokens"):
        arguments["gpt_number_text_tokens"] = vocabulary_size(vocab)
    return config
