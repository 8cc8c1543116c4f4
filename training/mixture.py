"""The clips of a run: those of its dataset and, where there is one, of its replay dataset."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from amharic_tts.dataset.manifest import Dataset
from amharic_tts.events import Event, Finding
from amharic_tts.text import languages
from amharic_tts.tokenizer.encoder import TextEncoder
from training.codes import AudioCodes
from training.config import FinetuneConfig
from training.data import Clip, Limits, load_clips
from training.prompts import Prompts
from training.sampling import Pool, make_pools

Emit = Callable[[Event], None]
Tick = Callable[[int, int], None]


@dataclass(frozen=True)
class Clips:
    """What a run trains on and is judged by."""

    train: list[Clip]
    """Of the dataset, then of the replay dataset."""
    evaluation: list[Clip]
    """Of the dataset only: its loss chooses the checkpoint."""
    replayed: list[Clip] = field(default_factory=list)
    """Of the replay dataset, for evaluation by itself."""


class Reader(NamedTuple):
    """What clips are read with."""

    encoder: TextEncoder
    """Of the run's language."""
    vocabulary: Path
    """The run's."""
    codes: AudioCodes
    limits: Limits
    emit: Emit
    tick: Tick


def load(dataset: Dataset, replay: Dataset | None, reader: Reader) -> Clips:
    """Read both datasets; every row that can't be trained on is named in a finding.

    Raises:
        UserError: One of them has no row that can be trained on, or the vocabulary has no token
            for the language of the replay dataset.
    """
    ways = (reader.codes, reader.limits, reader.emit, reader.tick)
    train, evaluation = load_clips(dataset, reader.encoder, *ways)
    if replay is None:
        return Clips(train, evaluation)
    encoder = replay_encoder(reader.encoder, reader.vocabulary, replay.language)
    more, judged = load_clips(replay, encoder, *ways, replay=True)
    return Clips([*train, *more], evaluation, judged)


def replay_encoder(encoder: TextEncoder, vocabulary: Path, language: str) -> TextEncoder:
    """Return the encoder of the replay dataset's language.

    Another language than the run's is read in letters, whatever the run's text mode: so the base
    learned it, and so a voice reads it.

    Raises:
        UserError: The vocabulary has no token for the language.
    """
    code = languages.canonical(language)
    if code == encoder.settings.language:
        return encoder
    letters = dataclasses.replace(
        encoder.settings, language=code, text_mode="letters", g2p="", g2p_version=""
    )
    return TextEncoder(vocabulary, letters)


def draws(clips: Sequence[Clip], config: FinetuneConfig, emit: Emit) -> tuple[Pool, ...]:
    """Return the pools of an epoch; tell them, and the clips that no other one can prompt."""
    pools = make_pools(clips, config)
    if config.replay_dataset:
        total = sum(pool.draws for pool in pools)
        parts = ", ".join(
            f"`{pool.name}` {pool.draws} ({pool.draws / total:.1%}) of {len(pool.clips)} clips"
            for pool in pools
        )
        emit(Finding("draws", f"{total} draws an epoch: {parts}", "info", "language_sampling"))
    alone = Prompts(clips, config.seed).alone if config.conditioning_from != "same" else []
    if alone:
        what = (
            f"{len(alone)} of {len(clips)} clips are the only one of their speaker, such as "
            f"`{clips[alone[0]].id}`: their prompt is cut from themselves"
        )
        emit(Finding("conditioning_from.alone", what, "warning", "conditioning_from"))
    return pools
