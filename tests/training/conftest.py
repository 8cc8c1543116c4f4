"""Shared by the training tests: one random base for the whole session."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import torch
    from training_fixtures import Kit


@pytest.fixture(scope="session")
def practice_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random base in place of the practice base; tests read it and never write into it."""
    import torch

    torch.set_num_threads(1)
    from random_base import write_random_base

    return write_random_base(tmp_path_factory.mktemp("bases") / "practice")


@pytest.fixture(scope="session")
def kit(practice_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """What a trainer of the practice base needs; tests train copies of its weights."""
    from training_fixtures import Kit

    return Kit(practice_base, tmp_path_factory.mktemp("kit"))


@pytest.fixture(scope="session")
def plain(kit: Kit, tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """The gradients of the first step with the defaults, but no dropout."""
    from flag_fixtures import first_step

    return first_step(kit, tmp_path_factory.mktemp("plain"), dropout=False)


@pytest.fixture(scope="session")
def practice_voice(practice_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained Amharic voice: the practice base with its vocabulary extended."""
    from amharic_tts.base_models.checkpoint import load_model_state
    from amharic_tts.synthesis.voice_files import write_voice
    from amharic_tts.tokenizer import vocabulary, weights
    from amharic_tts.tokenizer.settings import current
    from training.practice.sound import speech_like

    vocab = vocabulary.load_vocabulary(practice_base / "vocab.json")
    extension = vocabulary.extend(vocab, "am")
    state = load_model_state(practice_base / "model.pth")
    state = weights.extend_state(state, extension.old_size, extension.new_size, seed=7)
    return write_voice(
        target=tmp_path_factory.mktemp("voices") / "ready",
        base_dir=practice_base,
        vocab=extension.vocab,
        gpt_state={key: value for key, value in state.items() if key.startswith("gpt.")},
        settings=current("am"),
        reference=speech_like(4, seed=3),
        manifest={"dataset": "none", "steps": 0},
    )
