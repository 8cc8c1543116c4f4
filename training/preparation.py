"""What stands before training: base, vocabulary, clips, manifest; told, and kept for a resume."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amharic_tts.base_models import PRACTICE, resolve
from amharic_tts.base_models.practice import build
from amharic_tts.dataset.encoders import training_texts
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.errors import UserError
from amharic_tts.events import Clock, Finding, Progress
from amharic_tts.files import write_text
from amharic_tts.tokenizer import pieces, vocabulary
from amharic_tts.tokenizer import settings as text_settings
from amharic_tts.tokenizer.encoder import TextEncoder
from amharic_tts.tokenizer.settings import TextSettings
from amharic_tts.tokenizer.vocabulary import Extension, Vocabulary
from amharic_tts.workspace import Workspace
from training import config as configs
from training import export as exporting
from training import manifest, mixture, vocabulary_report
from training.base import Base, read_base
from training.checkpoints import Checkpoints
from training.codes import AudioCodes
from training.config import FinetuneConfig
from training.data import Limits
from training.effective import Plan
from training.mixture import Clips
from training.ranks import Ranks
from training.report import Emit
from training.speaking import Speaker
from training.stopping import StopSwitch


@dataclass(frozen=True)
class Parts:
    """What a run trains with."""

    base: Base
    encoder: TextEncoder
    old_size: int
    """Text tokens of the base."""
    clips: Clips
    speaker: Speaker | None
    """Speaks the samples, on the first process."""


@dataclass
class Preparation:
    """One process' work on a run before it trains."""

    workspace: Workspace
    run: Path
    config: FinetuneConfig
    emit: Emit
    stop: StopSwitch
    ranks: Ranks = field(default_factory=Ranks)
    checkpoints: Checkpoints = field(init=False)

    def __post_init__(self) -> None:
        self.checkpoints = Checkpoints(self.run)

    def _prepare(self, plan: Plan) -> Parts:
        """Read and make what training needs; what the first process writes, the others find."""
        if self.ranks.first:
            plan.write(self.run / "effective.json")
            for finding in plan.findings():
                self.emit(finding)
        base = read_base(self._base())
        encoder, old_size = self._encoder(base)
        codes = AudioCodes(base.folder, self.workspace.cache, plan.device)
        clips = self._clips(base, encoder, codes)
        self._manifest(base, codes, clips)
        return Parts(base, encoder, old_size, clips, self._speaker(base, encoder, plan.device))

    def _speaker(self, base: Base, encoder: TextEncoder, device: str) -> Speaker | None:
        if not self.config.sample_every or not self.ranks.first:
            return None
        dataset = Dataset.load(self.workspace.dataset(self.config.dataset))
        return Speaker(
            self.run,
            base.folder,
            encoder.settings,
            self.config,
            dataset,
            device,
            self.emit,
            self.stop.check,
        )

    def _base(self) -> Path:
        folder = resolve(self.workspace, self.config.base)
        if self.config.base == PRACTICE:
            self.emit(Progress(0, 1, "practice base"))
            return build(folder)
        return folder

    def _encoder(self, base: Base) -> tuple[TextEncoder, int]:
        """Return the run's encoder and the size of the base's vocabulary; made at the first start.

        The vocabulary is kept in the run's folder, so that a resumed run reads text as before.
        """
        old = vocabulary.load_vocabulary(base.folder / "vocab.json")
        vocab_path, text_path = self.run / exporting.VOCABULARY, self.run / exporting.TEXT
        settings = text_settings.current(self.config.language, self.config.text_mode)
        if not (vocab_path.exists() and text_path.exists()):
            body = self._extended(old, settings).vocab
            write_text(vocab_path, json.dumps(body, ensure_ascii=False, indent=1))
            write_text(text_path, json.dumps(settings.to_dict(), ensure_ascii=False, indent=1))
        kept = exporting.text_settings(self.run)
        for difference in kept.differences(settings):
            self.emit(Finding("text.changed", f"this run keeps its own {difference}", "warning"))
        encoder = TextEncoder(vocab_path, kept)
        old_size = vocabulary.vocabulary_size(old)
        message = f"{encoder.size} text tokens, {encoder.size - old_size} of them new"
        self.emit(Finding("vocabulary", message, "info", "vocabulary"))
        return encoder, old_size

    def _extended(self, old: Vocabulary, settings: TextSettings) -> Extension:
        """Return the base's vocabulary with what the run's language needs."""
        if self.config.vocabulary == "characters":
            return vocabulary.extend(old, settings.language, settings.text_mode)
        dataset = Dataset.load(self.workspace.dataset(self.config.dataset))
        texts = training_texts(dataset)
        extension, learned = pieces.extend(old, settings, texts, self.config.new_tokens)
        for finding in vocabulary_report.of_pieces(learned, len(texts), self.config.new_tokens):
            self.emit(finding)
        return extension

    def _clips(self, base: Base, encoder: TextEncoder, codes: AudioCodes) -> Clips:
        dataset = Dataset.load(self.workspace.dataset(self.config.dataset))
        if dataset.language != encoder.settings.language:
            what = f"the dataset says `{dataset.language}`, the run `{encoder.settings.language}`"
            self.emit(Finding("language.differs", what, "warning", "language"))
        name = self.config.replay_dataset
        replay = Dataset.load(self.workspace.dataset(name)) if name else None
        total = len(dataset.utterances) + (len(replay.utterances) if replay else 0)
        clock, read = Clock(total, "audio codes"), 0

        def tick(_done: int, _total: int) -> None:
            nonlocal read
            read += 1
            if self.ranks.first:
                self.stop.check()
            if read == total or read % 20 == 0:
                self.emit(clock.progress(read))

        limits = Limits(base.max_text, base.max_codes)
        path = self.run / exporting.VOCABULARY
        reader = mixture.Reader(encoder, path, codes, limits, self.emit, tick)
        clips = mixture.load(dataset, replay, reader)
        if not clips.evaluation and self.config.early_stop_patience:
            raise UserError(
                "early_stop_patience: no row of the dataset is kept for evaluation",
                "Set it to 0, or give the dataset rows with the split `eval`",
            )
        if not clips.evaluation:
            what = "no row is kept for evaluation: there is no eval loss, and the last checkpoint "
            self.emit(Finding("eval.none", what + "becomes the voice", "warning", "evaluation"))
        self.emit(vocabulary_report.of_clips([c for c in clips.train if not c.replay]))
        return clips

    def _manifest(self, base: Base, codes: AudioCodes, clips: Clips) -> None:
        before = manifest.read(self.run)
        self._same_step(before)
        if not self.ranks.first:
            return
        body = manifest.begin(
            self.run,
            self.ranks.size,
            self.config,
            base.folder,
            codes.codec,
            vocabulary.vocabulary_hash(self.run / exporting.VOCABULARY),
            clips.train,
            [*clips.evaluation, *clips.replayed],
        )
        for what in manifest.changed_versions(before, body):
            self.emit(Finding("version.changed", what, "warning", "versions"))
        for part, key in (("dataset", "sha256"), ("replay", "sha256"), ("base", "codec")):
            if before.get(part) and before[part][key] != body[part][key]:
                what = f"the {part} was changed since this run began; it goes on with what is there"
                self.emit(Finding(f"{part}.changed", what, "warning", body[part]["name"]))

    def _same_step(self, before: Mapping[str, Any]) -> None:
        """Check that a resumed run has the steps that it began with.

        Raises:
            UserError: Its steps would have another number of clips: the order of the clips hangs
                on it, so that some would be seen twice in this epoch and others not at all.
        """
        parts = before.get("parts") or [{}]
        size = int(parts[-1].get("processes", 1))
        if size == self.ranks.size or self.checkpoints.newest() is None:
            return
        was = before["config"]
        keys = ("batch_size", "accumulation", "effective_batch")
        old = configs.from_mapping({key: was[key] for key in keys if key in was})
        batch, passes = old.batch(size)
        clips = size * batch * passes
        now = self.ranks.size * math.prod(self.config.batch(self.ranks.size))
        if clips != now:
            raise UserError(
                f"This run has {clips} clips a step ({size} processes x {batch} x {passes}); "
                f"with {self.ranks.size} processes it would have {now}",
                "Set batch_size or accumulation in its config.yaml so that the product stays, "
                f"or start {size} processes again",
            )
        if self.ranks.first:
            what = f"{size} processes before, {self.ranks.size} now: dropout is drawn differently"
            self.emit(Finding("ranks.changed", what, "warning", "processes"))
