"""One run from its folder to its voice: prepare, train, export."""

from __future__ import annotations

import dataclasses
import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import transformers
from safetensors import SafetensorError

from amharic_tts.base_models import PRACTICE, resolve
from amharic_tts.base_models.checkpoint import load_model_state
from amharic_tts.dataset.encoders import training_texts
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.errors import UserError
from amharic_tts.events import Clock, Done, Event, Finding, Progress, Stopped
from amharic_tts.files import write_text
from amharic_tts.jobs import plan as planning
from amharic_tts.jobs.memory import OPTIMIZER_BYTES, Sizes
from amharic_tts.jobs.memory import Row as SizedRow
from amharic_tts.jobs.plan import gb
from amharic_tts.tokenizer import pieces, vocabulary
from amharic_tts.tokenizer import settings as text_settings
from amharic_tts.tokenizer.encoder import TextEncoder
from amharic_tts.tokenizer.settings import TextSettings
from amharic_tts.tokenizer.vocabulary import Extension, Vocabulary
from amharic_tts.tokenizer.weights import extend_state
from amharic_tts.workspace import Workspace
from training import config as configs
from training import decisions, effective, manifest, memory, mixture, vocabulary_report
from training import export as exporting
from training.base import Base, build_gpt, gpt_state, read_base, special_tokens
from training.checkpoints import Checkpoint, Checkpoints
from training.codes import AudioCodes
from training.config import FinetuneConfig
from training.data import ClipDataset, Limits, StyleMel
from training.effective import Plan
from training.engine import XttsTrainer, build_trainer
from training.mixture import Clips
from training.model import PackedXtts
from training.practice.base import build
from training.ranks import Ranks
from training.report import Emit
from training.stopping import StopAsked, StopSwitch, out_of_memory
from training.verification import VerifyPlan

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parts:
    """What a run trains with."""

    base: Base
    encoder: TextEncoder
    old_size: int
    """Text tokens of the base."""
    clips: Clips


@dataclass
class Session:
    """One process' work on a run."""

    workspace: Workspace
    run: Path
    config: FinetuneConfig
    emit: Emit
    stop: StopSwitch
    ranks: Ranks = field(default_factory=Ranks)
    checkpoints: Checkpoints = field(init=False)

    def __post_init__(self) -> None:
        self.checkpoints = Checkpoints(self.run)

    def work(self) -> Event:
        """Do everything that is left to do, and return the final event.

        Raises:
            StudioError: Something can't be done; what was saved before stays.
        """
        transformers.logging.set_verbosity_error()  # its advice is not for our readers
        plan = effective.make_plan(self.config, self.ranks)
        self.ranks.join(plan.device)
        try:
            parts = self.ranks.in_turn(lambda: self._prepare(plan))
            start = self.checkpoints.newest()
            stopped = self.ranks.any(self.stop.asked())
            if not stopped and (start is None or start.step < self.config.steps):
                plan = self._weigh(plan, parts)
                stopped = self._train_within_memory(plan, parts)
            if stopped:
                return self._stopped()
        except StopAsked:
            return self._stopped()
        finally:
            self.ranks.leave()
        if not self.ranks.first:
            return Done()
        if self.stop.asked():
            return self._stopped()
        return self._export()

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
        return Parts(base, encoder, old_size, clips)

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

    def _weigh(self, plan: Plan, parts: Parts) -> Plan:
        """Tell what the run is expected to hold; a warning where that is more than there is."""
        sizes = Sizes.read(parts.base.folder, parts.encoder.size)
        rows = [SizedRow(len(clip.tokens), len(clip.codes)) for clip in parts.clips.train]
        load = planning.load_of(self.config, sizes, plan.precision, plan.kernel.fused)
        room = memory.room(plan.device) // (
            self.ranks.on_this_machine if plan.device == "cpu" else 1
        )
        found = planning.for_rows(
            self.config, sizes, load, rows, (plan.device, room), self.ranks.size
        )
        used = f"about {gb(found.expected.total)} of {gb(room)}"
        line = decisions.Setting("memory", "", used, f"{found.largest} clips at once fit")
        self.emit(Finding("effective.memory", f"{used} ({line.reason})", "info", "memory"))
        for warning in found.warnings:
            self.emit(Finding("memory.tight", warning, "warning", "batch_size"))
        return dataclasses.replace(plan, settings=(*plan.settings, line))

    def _train_within_memory(self, plan: Plan, parts: Parts) -> bool:
        """Train; where the memory is not enough, go on from the last checkpoint with less at once.

        Raises:
            RuntimeError: It is not enough for one clip at a time.
            UserError: Several processes train: one can't step down without the others.
        """
        while True:
            try:
                return self._train(plan, parts, self.checkpoints.newest())
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
                if self.ranks.size > 1:
                    raise memory.too_little_for_several(self.config, self.ranks.size) from error
                if self.config.batch()[0] == 1:
                    raise
                logger.warning("out of memory: %s", error)
            # Only now, outside of `except`, nothing holds the model that was too large.
            plan = self._step_down(plan)

    def _step_down(self, plan: Plan) -> Plan:
        """Return the plan with half as many clips at once; the run keeps it for later resumes."""
        memory.free()
        was, self.config = self.config, self.config.smaller_batch()
        write_text(self.run / "config.yaml", self.config.to_yaml())
        (batch, passes), (less, more) = was.batch(), self.config.batch()
        newest = self.checkpoints.newest()
        where = f"the checkpoint of step {newest.step}" if newest else "the start"
        what = (
            f"the memory is not enough for {batch} clips at once: the run goes on from {where} "
            f"with {less} x {more} in place of {batch} x {passes}, the same clips a step"
        )
        self.emit(Finding("memory.stepped_down", what, "warning", "batch_size"))
        lines = [line for line in plan.settings if line.name != "parameters"]
        line = decisions.batch(self.config)
        line = dataclasses.replace(line, reason=f"{batch} at once ran out of memory")
        lines = [line if old.name == line.name else old for old in lines]
        return dataclasses.replace(plan, config=self.config, settings=tuple(lines))

    def _train(self, plan: Plan, parts: Parts, start: Checkpoint | None) -> bool:
        """Train to the last step; return whether it was stopped before."""
        base, encoder = parts.base, parts.encoder
        gpt = build_gpt(base, special_tokens(base, encoder.ids), encoder.size)
        model = PackedXtts(gpt)
        if start is None:  # else the Trainer loads the checkpoint, which has every weight
            self._load(model, parts)
        self._apply(plan, model, encoder.size - parts.old_size)
        style = StyleMel(base.folder / "mel_stats.pth")
        clips, config = parts.clips, self.config
        pools = mixture.draws(clips.train, config, self.emit)
        train = ClipDataset(
            clips.train, style, config.seed, conditioning_from=config.conditioning_from, pools=pools
        )
        evaluation = ClipDataset(clips.evaluation, style, evaluation=True)
        trainer, keeper = build_trainer(
            self.config,
            plan,
            model,
            (train, evaluation if clips.evaluation else None),
            self.checkpoints,
            self.emit,
            self.stop,
            self.ranks,
        )
        if clips.replayed:
            trainer.replayed = ClipDataset(clips.replayed, style, evaluation=True)
        trainer.add_callback(VerifyPlan(plan, trainer))
        if plan.device == "cuda":
            trainer.add_callback(
                memory.LongestFirst(trainer, OPTIMIZER_BYTES[self.config.optimizer])
            )
        trainer.args.eval_on_start = bool(clips.evaluation) and self._owes_evaluation(start)
        self._run_trainer(trainer, start)
        return keeper.stopped

    def _load(self, model: PackedXtts, parts: Parts) -> None:
        """Load the base's weights; a function of its own, so that no second copy of them stays."""
        state = gpt_state(load_model_state(parts.base.folder / "model.pth"))
        size, made_of = parts.encoder.size, vocabulary.parts(parts.encoder.vocab, parts.old_size)
        extended = extend_state(state, parts.old_size, size, self.config.seed, made_of)
        model.load_state_dict(extended, strict=True)

    def _apply(self, plan: Plan, model: PackedXtts, new_tokens: int) -> None:
        line = effective.apply_to_model(plan, model)
        plan = dataclasses.replace(plan, settings=(*plan.settings, line))
        if self.ranks.first:
            plan.write(self.run / "effective.json")
        self.emit(Finding("effective.parameters", line.used, "info", line.name))
        if self.config.freeze_embeddings and new_tokens:
            what = f"the embeddings of {new_tokens} new tokens stay untrained"
            self.emit(Finding("freeze_embeddings", what, "warning", "freeze_embeddings"))

    def _owes_evaluation(self, start: Checkpoint | None) -> bool:
        """Tell whether a stop kept the evaluation from being made that was due at a checkpoint."""
        if start is None or start.eval_loss is not None:
            return False
        return start.step % self.config.eval_every == 0 or start.step % self.config.save_every == 0

    def _run_trainer(self, trainer: XttsTrainer, start: Checkpoint | None) -> None:
        try:
            trainer.train(resume_from_checkpoint=str(start.folder) if start else None)
        except (OSError, RuntimeError, SafetensorError) as error:
            step = trainer.state.global_step
            half = self.checkpoints.writing / f"checkpoint-{step}"
            if not half.exists():
                raise
            newest = self.checkpoints.newest()
            safe = f"the checkpoint of step {newest.step} is whole" if newest else "nothing is lost"
            raise UserError(
                f"The checkpoint of step {step} could not be written: {error}",
                f"If the disk is full, free some space; then resume: {safe}",
            ) from error

    def result(self, state: str) -> dict[str, Any]:
        """Return what `train --json` prints, from the newest and the best checkpoint."""
        newest, best = self.checkpoints.newest(), self.checkpoints.best()
        ready = self.run / exporting.READY
        return {
            "run": self.run.name,
            "state": state,
            "steps": newest.step if newest else 0,
            "loss": newest.loss if newest else None,
            "eval_loss": best.eval_loss if best else None,
            "voice": str(ready) if ready.is_dir() else None,
        }

    def _stopped(self) -> Stopped:
        result = self.result("stopped")
        if not self.ranks.first:
            return Stopped(result["steps"])
        manifest.end(self.run, result)
        return Stopped(result["steps"], result)

    def _export(self) -> Done:
        best = self.checkpoints.best()
        assert best is not None  # the last step is always saved
        self.emit(Progress(self.config.steps, self.config.steps, "exporting the voice"))
        if best.eval_loss is not None:
            what = f"step {best.step} has the lowest eval loss, {best.eval_loss:.4f}"
            self.emit(Finding("export.best", what, "info", "voice"))
        exporting.export(self.workspace, self.run, best)
        result = self.result("done")
        manifest.end(self.run, result)
        return Done(result)
