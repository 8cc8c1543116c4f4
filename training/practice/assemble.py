"""From checkpoints to a base: ``python -m training.practice.assemble BUILD --out BASE``.

Without ``--pack`` it writes the stock file set of what is trained so far, to be judged while
training goes on; with ``--pack FILE`` also the compact file that the studio ships.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from amharic_tts.base_models import practice
from amharic_tts.base_models.practice_parts import Parts
from amharic_tts.tokenizer.practice import practice_base_vocabulary
from training.base import RATE
from training.practice import codec, decoder, listener, reader, weights
from training.practice.build import Build, Plan, border
from training.practice.teacher import Library
from training.practice.voices import JUDGED, heard

NOTE = (
    "A small XTTS that learned to read aloud from a synthetic voice (espeak-ng). It sounds like a "
    "machine: its Amharic is near its teacher's, many of its English words are hard to make out, "
    "and a voice trained from it sounds as synthetic. It is for hearing the way from a dataset to "
    "a voice without a download"
)
SAMPLING = {
    "temperature": 0.15,
    "top_k": 30,
    "top_p": 0.9,
    "repetition_penalty": 1.1,
    "length_penalty": 1.0,
}
"""How the base draws its codes, found with the judge on 110 generated sentences of each language
(``docs/results/practice.md``). Of 256 codes many stand twice in a row, in vowels and pauses: the
penalty of the released model, 5, would forbid that."""
SPEAKERS = 6
_REFERENCE = 5.0
"""Seconds of the reference clip, about."""


def parts(build: Build, card: str) -> Parts:
    """Return the trained base.

    Raises:
        FileNotFoundError: A stage has not written anything yet.
    """
    vocab, (dvae, stats) = practice_base_vocabulary(), build.trained_codec()
    gpt = dict(build.trained_reader().state_dict())
    narrow = decoder.new_decoder(reader.DIM)
    narrow.load_state_dict(build.weights("decoder"))
    config = weights.settings(reader.DIM, reader.LAYERS, reader.HEADS, codec.CODES, vocab)
    return Parts(
        config={**config, **SAMPLING},
        vocabulary=vocab,
        gpt=gpt,
        decoder=decoder.full_state(narrow, reader.DIM),
        listener=dict(build.trained_listener().state_dict()),
        codec=dict(dvae.state_dict()),
        mel_stats=stats,
        speakers=_speakers(build),
        reference=_stretch(build.library, JUDGED.name),
        language="am",
        text_mode="phonemes",
        note=NOTE,
        card=card if NOTE in card else f"{card}\n{NOTE}.\n",
    )


def _stretch(library: Library, voice: str) -> np.ndarray:
    """Return some seconds of a voice: its longest Amharic sentences, joined."""
    own = [clip for clip in library.clips if clip.voice == voice and clip.language == "am"]
    own.sort(key=lambda clip: clip.start - clip.stop)
    found: list[np.ndarray] = []
    while sum(map(len, found)) < _REFERENCE * RATE:
        found += [library.sound(own[len(found)]), np.zeros(RATE // 10, dtype=np.float32)]
    return np.concatenate(found)


def _speakers(build: Build) -> dict[str, dict[str, Tensor]]:
    """Return the latents of some voices, as in the released `speakers_xtts.pth`."""
    library, ear, model = build.library, build.trained_listener(), build.trained_reader()
    prompts = reader.Prompts(library, [], build.trained_codec()[1])
    found = {}
    for voice in heard(build.plan.voices, build.plan.seed)[:SPEAKERS]:
        sound = _stretch(library, voice.name)
        with torch.inference_mode():
            latents = model.gpt.get_style_emb(prompts.of(sound)[None]).transpose(1, 2)
        embedding = listener.embed(ear, sound)[None, :, None]
        found[voice.name] = {
            "gpt_cond_latent": latents.clone(),
            "speaker_embedding": embedding.clone(),
        }
    return found


def write(made: Parts, folder: Path) -> None:
    """Write the stock file set into a new folder."""
    folder.mkdir(parents=True)
    digest = hashlib.sha256(json.dumps(dict(made.config), default=str).encode()).hexdigest()
    practice.write(folder, made, digest)


def main() -> int:
    """Assemble a base."""
    parser = argparse.ArgumentParser(description="Assemble the practice base.")
    parser.add_argument("build", type=Path, help="folder of training.practice.build")
    parser.add_argument("--out", type=Path, help="folder for the stock file set; must be new")
    parser.add_argument("--pack", type=Path, help="compact file to write")
    parser.add_argument("--card", type=Path, help="model card, Markdown")
    asked = parser.parse_args()
    build = Build(asked.build, Plan.read(asked.build))
    card = asked.card.read_text(encoding="utf-8") if asked.card else f"# Practice base\n\n{NOTE}.\n"
    made = parts(build, card)
    if asked.out:
        write(made, asked.out)
    if asked.pack:
        body: dict[str, Any] = weights.pack(made, asked.pack)
        sys.stdout.write(json.dumps(body, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(border(main))
