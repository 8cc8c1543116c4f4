"""One run from its folder to its voice: prepare, train, export."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

import transformers
from safetensors import SafetensorError

from amharic_tts.base_models.checkpoint import load_model_state
from amharic_tts.errors import UserError
from amharic_tts.events import Done, Event, Finding, Progress, Stopped
from amharic_tts.files import write_text
from amharic_tts.jobs import early_stop
from amharic_tts.jobs import plan as planning
from amharic_tts.jobs.memory import OPTIMIZER_BYTES, Sizes
from amharic_tts.jobs.memory import Row as SizedRow
from amharic_tts.jobs.plan import gb
from amharic_tts.tokenizer import vocabulary
from amharic_tts.tokenizer.weights import extend_state
from training import board, decisions, effective, manifest, memory, mixture
from training import export as exporting
from training.base import build_gpt, gpt_state, special_tokens
from training.checkpoints import Checkpoint
from training.data import ClipDataset, StyleMel
from training.effective import Plan
from training.engine import XttsTrainer, build_trainer
from training.model import PackedXtts
from training.preparation import Parts, Preparation
from training.samples import SpeakSamples
from training.stopping import StopAsked, out_of_memory
from training.verification import VerifyPlan

logger = logging.getLogger(__name__)


class Session(Preparation):
    """One process' work on a run."""

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
            finished = start is not None and (start.step >= self.config.steps or self._ended())
            if not stopped and not finished:
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
        if self.config.report_to_tensorboard and self.ranks.first:
            trainer.add_callback(board.callback(self.run, start.step if start else 0))
        if self.config.sample_every:
            trainer.add_callback(
                SpeakSamples(
                    self.config.sample_every,
                    parts.speaker,
                    model,
                    trainer.average,
                    self.config.lora_scale,
                    keeper,
                    self.ranks,
                )
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

    def _ended(self) -> early_stop.Ended | None:
        """Return why the run is at its end before its last step, if it is."""
        return early_stop.ended(self.checkpoints.eval_losses(), self.config.early_stop_patience)

    def _export(self) -> Done:
        best, newest = self.checkpoints.best(), self.checkpoints.newest()
        assert best is not None and newest is not None  # the last step is always saved
        early = self._ended()
        if early is not None and newest.step < self.config.steps:
            self.emit(Finding("early_stop", early.message, "info", "early_stop_patience"))
        self.emit(Progress(self.config.steps, self.config.steps, "exporting the voice"))
        if best.eval_loss is not None:
            what = f"step {best.step} has the lowest eval loss, {best.eval_loss:.4f}"
            self.emit(Finding("export.best", what, "info", "voice"))
        exporting.export(self.workspace, self.run, best)
        result = self.result("done")
        manifest.end(self.run, result)
        return Done(result)
