"""A GPT of coqui's, small and random, with rows for it; and a trainer of the practice base."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import soundfile
import torch
from TTS.tts.layers.xtts.gpt import GPT

from amharic_tts.base_models.checkpoint import load_model_state
from amharic_tts.tokenizer import vocabulary
from amharic_tts.tokenizer.encoder import TextEncoder
from amharic_tts.tokenizer.settings import current
from amharic_tts.tokenizer.weights import extend_state
from training.base import build_gpt, gpt_state, read_base, special_tokens
from training.checkpoints import Checkpoints
from training.codes import AudioCodes, read_clip
from training.config import FinetuneConfig
from training.data import Clip, ClipDataset, StyleMel
from training.effective import apply_to_model, make_plan
from training.engine import XttsTrainer, build_trainer
from training.model import PackedBatch, PackedXtts, Row, pack
from training.practice.sound import speech_like
from training.report import KeepCheckpoints
from training.stopping import StopSwitch
from training.verification import VerifyPlan

# Two threads on shared cores wait for each other; also for the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

TEXT_TOKENS, CODES = 60, 64
TEXT_START, TEXT_STOP = 57, 0


def small_gpt(seed: int = 0, layers: int = 3) -> Any:
    """Return a random GPT in evaluation mode; what coqui starts at zero gets values too."""
    torch.manual_seed(seed)
    gpt = GPT(
        start_text_token=TEXT_START,
        stop_text_token=TEXT_STOP,
        layers=layers,
        model_dim=64,
        heads=4,
        max_text_tokens=402,
        max_mel_tokens=605,
        max_prompt_tokens=70,
        number_text_tokens=TEXT_TOKENS,
        num_audio_tokens=CODES + 2,
        start_audio_token=CODES,
        stop_audio_token=CODES + 1,
        use_perceiver_resampler=True,
        code_stride_len=1024,
    )
    with torch.no_grad():
        for parameter in gpt.parameters():
            if not parameter.abs().sum():
                parameter.normal_(0, 0.05)
    return gpt.eval()


def small_rows(prompts: bool = False, seed: int = 1) -> list[Row]:
    """Return four rows of unequal length."""
    draw = torch.Generator().manual_seed(seed)
    rows = []
    for number, (text, codes) in enumerate([(30, 70), (7, 21), (19, 48), (30, 66)]):
        rows.append(
            Row(
                clip=number,
                text=torch.randint(2, 57, (text,), generator=draw),
                codes=torch.randint(0, CODES, (codes,), generator=draw),
                cond_mel=torch.randn(80, 60, generator=draw),
                prompt=(3, 3 + codes // 2) if prompts else None,
            )
        )
    return rows


def stock_batch(rows: list[Row]) -> dict[str, Any]:
    """Return the arguments of stock ``GPT.forward`` for the rows."""
    text = torch.zeros(len(rows), max(len(r.text) for r in rows), dtype=torch.long)
    codes = torch.zeros(len(rows), max(len(r.codes) for r in rows), dtype=torch.long)
    for number, row in enumerate(rows):
        text[number, : len(row.text)] = row.text
        codes[number, : len(row.codes)] = row.codes
    return {
        "text_inputs": text,
        "text_lengths": torch.tensor([len(r.text) for r in rows]),
        "audio_codes": codes,
        "wav_lengths": torch.tensor([len(r.codes) * 1024 for r in rows]),
        "cond_mels": torch.stack([r.cond_mel for r in rows])[:, None],
        "cond_idxs": None,
        "cond_lens": None,
    }


def write_sounds(folder: Path, seconds: Sequence[float]) -> list[Path]:
    """Write synthetic clips, 22.05 kHz mono."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, length in enumerate(seconds):
        path = folder / f"clip{number}.wav"
        soundfile.write(path, speech_like(length, seed=number), 22050, subtype="PCM_16")
        paths.append(path)
    return paths


TEXTS = ("ሰላም", "እንዴት ነህ", "ደህና ነኝ", "ቡና እፈልጋለሁ", "ነገ እመጣለሁ", "መልካም ቀን", "ስሜ አበበ ነው", "አመሰግናለሁ")


class Kit:
    """What a trainer needs, made once: a practice base, eight clips and their codes."""

    def __init__(self, base: Path, folder: Path) -> None:
        self.base, self.folder = read_base(base), folder
        vocab = vocabulary.load_vocabulary(base / "vocab.json")
        extension = vocabulary.extend(vocab, "am")
        self.encoder = TextEncoder(extension.vocab, current("am"))
        state = gpt_state(load_model_state(base / "model.pth"))
        self.state = extend_state(state, extension.old_size, extension.new_size, seed=7)
        self.style = StyleMel(base / "mel_stats.pth")
        codes = AudioCodes(base, folder / "cache")
        lengths = (1.5, 3.0, 1.8, 2.6, 2.1, 2.4, 1.6, 2.9)
        self.clips = []
        for text, wav in zip(TEXTS, write_sounds(folder / "wavs", lengths), strict=True):
            samples = read_clip(wav)
            made, digest = codes.get(wav, samples)
            tokens = tuple(self.encoder.encode(self.encoder.prepare(text)))
            self.clips.append(Clip(wav.stem, wav, len(samples), tokens, made, digest))

    def model(self) -> PackedXtts:
        """Return the practice model with its weights."""
        special = special_tokens(self.base, self.encoder.ids)
        model = PackedXtts(build_gpt(self.base, special, self.encoder.size))
        model.load_state_dict(self.state, strict=True)
        return model

    def batch(self, indices: Iterable[int]) -> PackedBatch:
        """Return clips as one batch."""
        dataset = ClipDataset(self.clips, self.style)
        return pack([dataset[i] for i in indices], special_tokens(self.base, self.encoder.ids))

    def trainer(self, run: Path, **settings: Any) -> tuple[XttsTrainer, KeepCheckpoints, list[Any]]:
        """Return a trainer of these settings, its checkpoint keeper and the list of its events."""
        defaults = {"dataset": "d", "steps": 2, "batch_size": 4, "eval_every": 100}
        config = FinetuneConfig(**{**defaults, "save_every": 100, **settings}).check()
        plan = make_plan(config)
        model = self.model()
        apply_to_model(plan, model)
        data = (
            ClipDataset(
                self.clips[:6],
                self.style,
                config.seed,
                conditioning_from=config.conditioning_from,
            ),
            ClipDataset(self.clips[6:], self.style, evaluation=True),
        )
        events: list[Any] = []
        run.mkdir(parents=True, exist_ok=True)
        trainer, keeper = build_trainer(
            config, plan, model, data, Checkpoints(run), events.append, StopSwitch(run)
        )
        trainer.add_callback(VerifyPlan(plan, trainer))
        return trainer, keeper, events
