"""Sentences spoken with the weights of a run as they are, kept as sound and measured.

A model of its own speaks, with copies of the weights: coqui's GPT can't be trained and made ready
for inference at once (its inference model shares tensors, which then can't be saved), and what is
heard is what the voice will say, without the training's attention, precision, adapters or
`torch.compile`. It is made when it is first needed, and stands on the CPU between two samples.
"""

from __future__ import annotations

import gc
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from amharic_tts.base_models.checkpoint import load_model_state
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.errors import StudioError, UserError
from amharic_tts.events import Finding, Metric, Sample
from amharic_tts.files import writing
from amharic_tts.jobs import sample_texts
from amharic_tts.jobs.sample_texts import Line
from amharic_tts.jobs.scores import FOLDER, SampleScore, Scores, StepScores
from amharic_tts.synthesis import sentences, text_split
from amharic_tts.synthesis.check import SentenceJudge
from amharic_tts.synthesis.engine import RATE, Piece, SpeechEngine
from amharic_tts.synthesis.loading import load_model
from amharic_tts.synthesis.reference import RATE as REFERENCE_RATE
from amharic_tts.synthesis.reference import check_reference
from amharic_tts.synthesis.voices import Voice
from amharic_tts.tokenizer.encoder import TextEncoder
from amharic_tts.tokenizer.settings import TextSettings
from training.codes import read_clip
from training.config import FinetuneConfig
from training.report import Emit

REFERENCE_SECONDS = 6.0
"""A reference clip of about this length is chosen: what XTTS was trained to listen to."""
SHORT = 0.4
"""A sample stopped early where it has less than this share of the time that its text takes."""


@contextmanager
def undisturbed() -> Iterator[None]:
    """Give every random state back as it was."""
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


class Speaker:
    """Speaks the samples of one run."""

    def __init__(
        self,
        run: Path,
        base: Path,
        settings: TextSettings,
        config: FinetuneConfig,
        dataset: Dataset,
        device: str,
        emit: Emit,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Choose what is said, and by whose voice; nothing heavy is loaded yet.

        Args:
            run: Folder of the run, with its `vocab.json`.
            base: Folder of its base.
            settings: How it reads text.
            config: Of the run.
            dataset: The reference is a clip of it, one kept for evaluation if there is any.
            device: `cpu` or `cuda`.
            emit: Takes samples, scores and findings.
            check: Called for every audio code; what it raises breaks the speaking off.

        Raises:
            UserError: A sentence can't be said, or the reference can't serve.
        """
        self.run, self.emit = run, emit
        self.scores = Scores(run)
        self._base, self._settings, self._device = base, settings, device
        self._check, self._seed = check, config.seed
        self._judge = SentenceJudge()
        self._engine: SpeechEngine | None = None
        self._told = False
        known = json.loads((base / "config.json").read_text(encoding="utf-8")).get("languages", [])
        clips = [utterance.text for utterance in dataset.accepted("eval")]
        self.lines = sample_texts.lines(config.sample_texts, settings.language, known, clips)
        self._check_lines({*known, settings.language})
        self.reference = self._keep_reference(dataset)

    def _check_lines(self, known: set[str]) -> None:
        for line in self.lines:
            if line.language not in known:
                raise UserError(
                    f"sample_texts: the base does not know the language `{line.language}`",
                    f"It knows: {', '.join(sorted(known))}",
                )
            try:
                pieces = sentences.plan(line.text, self._encoder(line))
            except UserError as error:
                raise UserError(
                    f"sample_texts: `{line.text}`: {error.message}", error.hint
                ) from None
            if len(pieces) > 1:
                raise UserError(
                    f"sample_texts: `{line.text[:60]}` is too long to be said in one go",
                    "Give sentences of at most about ten seconds",
                )

    def _encoder(self, line: Line) -> TextEncoder:
        own = self._settings
        if line.language != own.language:
            own = TextSettings(language=line.language, normalizer=own.normalizer)
        return TextEncoder(self.run / "vocab.json", own)

    def _keep_reference(self, dataset: Dataset) -> Path:
        """Return the reference of this run; once chosen it stays, so that steps compare."""
        path = self.run / FOLDER / "reference.wav"
        if not path.is_file():
            clips = dataset.accepted("eval") or dataset.accepted("train")
            chosen = min(clips, key=lambda u: (abs(u.duration - REFERENCE_SECONDS), u.id))
            samples = check_reference(read_clip(dataset.wav(chosen)), chosen.id)
            with writing(path) as file:
                soundfile.write(file, samples, REFERENCE_RATE, format="WAV", subtype="PCM_16")
        return path

    def has(self, step: int) -> bool:
        """Tell whether the samples of a step are there already."""
        return step in self.scores.read()

    def speak(self, step: int, gpt: Mapping[str, Tensor]) -> StepScores:
        """Say every sentence, keep, measure and tell it; disturb no random state.

        Args:
            step: That the weights are of.
            gpt: Weights of a voice, ``gpt.*``; they are copied.

        Raises:
            Exception: What `check` raised; nothing of the step is told then.
        """
        began = time.monotonic()
        with undisturbed():
            engine = self._ready(gpt)
            try:
                spoken = [self._say(engine, number, step) for number in range(len(self.lines))]
            finally:
                engine.to("cpu")
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
        found = StepScores(step, tuple(spoken), round(time.monotonic() - began, 2))
        self.scores.put(found)
        self._tell(found)
        return found

    def _ready(self, gpt: Mapping[str, Tensor]) -> SpeechEngine:
        """Return the engine with these weights, on its device."""
        if self._engine is None:
            other = load_model_state(self._base / "model.pth")
            state = {k: v for k, v in other.items() if not k.startswith("gpt.")} | dict(gpt)
            vocab = self.run / "vocab.json"
            model = load_model(self._base / "config.json", vocab, self._settings, state)
            self._engine = SpeechEngine(
                Voice(self.run.name, self.run, self._settings), model, "cpu"
            )
            self._engine.watch = self._check
            del other, state
            gc.collect()
        else:
            self._engine.take_gpt(gpt)
        self._to_device(self._engine)
        return self._engine

    def _to_device(self, engine: SpeechEngine) -> None:
        try:
            engine.to(self._device)
        except torch.OutOfMemoryError:
            self._stay_on_cpu(engine)

    def _stay_on_cpu(self, engine: SpeechEngine) -> None:
        engine.to("cpu")
        torch.cuda.empty_cache()
        self._device = "cpu"
        what = "the GPU has no memory left for them; from here on they are spoken on the CPU"
        self.emit(Finding("samples.cpu", what, "warning", "samples"))

    def _say(self, engine: SpeechEngine, number: int, step: int) -> SampleScore:
        line = self.lines[number]
        blank = SampleScore(line.language, line.text, seed=self._seed)
        try:
            piece = self._spoken(engine, line)
        except StudioError as error:
            names = ("audio", "phoneme_error", "similarity")
            return replace(blank, reasons=dict.fromkeys(names, error.message))
        audio = f"{FOLDER}/step-{step}/{number + 1}.wav"
        with writing(self.run / audio) as file:
            soundfile.write(file, piece.samples, RATE, format="WAV", subtype="PCM_16")
        return self._measured(engine, line, piece, replace(blank, audio=audio))

    def _spoken(self, engine: SpeechEngine, line: Line) -> Piece:
        def say() -> Piece:
            return next(engine.say(line.text, self.reference, line.language, self._seed))

        try:
            return say()
        except torch.OutOfMemoryError:
            if self._device == "cpu":
                raise
        self._stay_on_cpu(engine)
        return say()

    def _measured(
        self, engine: SpeechEngine, line: Line, piece: Piece, sample: SampleScore
    ) -> SampleScore:
        seconds = len(piece.samples) / RATE
        expected = text_split.expected_codes(piece.prepared) / text_split.CODES_PER_SECOND
        likeness = engine.likeness(piece.samples, self.reference)
        check = self._judge.judge(piece.samples, RATE, line.text, line.language, piece.cut)
        error, agreement = check.phoneme_error, check.agreement
        return replace(
            sample,
            seconds=round(seconds, 3),
            expected_seconds=round(expected, 3),
            ran_away=piece.cut,
            stopped_early=not piece.cut and seconds < SHORT * expected,
            similarity=round(likeness, 4) if np.isfinite(likeness) else None,
            phoneme_error=None if error is None else round(error, 4),
            agreement=None if agreement is None else round(agreement, 4),
            missing_end=check.missing_end,
            reasons={"phoneme_error": check.not_compared} if error is None else {},
        )

    def _tell(self, found: StepScores) -> None:
        for sample in found.samples:
            if sample.audio:
                self.emit(Sample(found.step, sample.audio, sample.text))
            elif why := sample.reasons.get("audio"):
                self.emit(
                    Finding("samples.failed", f"`{sample.text}`: {why}", "warning", "samples")
                )
        for name in ("phoneme_error", "similarity"):
            mean = found.mean(name)
            if mean is not None:
                self.emit(Metric(found.step, name, mean))
        cut = found.count("ran_away")
        if cut:
            what = f"step {found.step}: {cut} of {len(found.samples)} did not end and were cut off"
            self.emit(Finding("samples.ran_away", what, "info", "samples"))
        if not self._told:  # once in a process
            self._told = True
            taken = f"{found.seconds_taken:.1f} s to say and measure"
            what = f"{len(found.samples)} sentences took {taken}"
            self.emit(Finding("samples.time", what, "info", "samples"))
            if why := found.reasons.get("phoneme_error"):
                what = f"their phonemes are not compared with the text: {why}"
                self.emit(Finding("samples.phonemes", what, "info", "samples"))
