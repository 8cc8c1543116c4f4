"""Train the practice base: ``python -m training.practice.build --out DIR [--hours H]``.

After ``speak``, where the teacher's many voices say all texts (`texts`, `voices`, `teacher`), two
chains run side by side, a process at a time each:

* ``codec``, the DVAE; ``encode``, the codes of all clips; ``reader``, the GPT;
* ``listener``, the speaker encoder; ``voices``, each voice's embeddings.

Then ``latents``, what the trained GPT gives the decoder, and ``decoder``.

A build that was cut off goes on where it was; a finished stage is not done again. What is measured
on the way stands in ``DIR/journal.jsonl``. For another language change `texts` and `voices`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from amharic_tts.errors import StudioError, UserError
from amharic_tts.files import write_text, writing
from amharic_tts.tokenizer.encoder import TextEncoder
from amharic_tts.tokenizer.practice import practice_base_vocabulary
from amharic_tts.tokenizer.settings import current
from training.practice import codec, decoder, listener, reader, teacher, voices
from training.practice.clock import Journal
from training.practice.reader import Reading, SharedPrompts
from training.practice.teacher import Library, Line, Spoken
from training.practice.texts import Writer, unseen

FIRST, LAST = ("speak",), ("latents", "decoder")
CHAINS = (("codec", "encode", "reader"), ("listener", "voices"))
SHARES = {"codec": 0.06, "listener": 0.15, "reader": 0.47, "decoder": 0.22}
"""Of the hours; the rest is for speaking, encoding and latents."""
PLAN = "plan.json"
_JUDGED_SHARE = 8
"""One in so many voices is the judged one, so that it is learned best."""


@dataclass(frozen=True)
class Plan:
    """How much of everything; kept in ``plan.json``, so that a later sitting does the same."""

    hours: float = 3.0
    voices: int = 160
    words: int = 90
    """Utterances of one to three words a voice and language."""
    sentences: int = 130
    """Sentences a voice and language."""
    longest: int = 64
    """Characters of a sentence."""
    clips_for_decoder: int = 9000
    seed: int = 0

    @classmethod
    def kept(cls, folder: Path, wanted: Plan) -> Plan:
        """Return the plan that a build was begun with, or write the wanted one."""
        path = folder / PLAN
        if path.exists():
            return cls.read(folder)
        write_text(path, json.dumps(vars(wanted), indent=1) + "\n")
        return wanted

    @classmethod
    def read(cls, folder: Path) -> Plan:
        """Return the plan of a build.

        Raises:
            UserError: The folder holds no build.
        """
        path = folder / PLAN
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise UserError(
                f"`{folder}` is no build of a practice base: it has no {PLAN}",
                "Begin one: python -m training.practice.build --out DIR",
            ) from None


def encoders() -> dict[str, list[TextEncoder]]:
    """Return how each language is written: English in letters, Amharic in letters and in phones."""
    vocab = practice_base_vocabulary()
    ways = {"en": ("letters",), "am": ("letters", "phonemes")}
    return {
        language: [TextEncoder(vocab, current(language, mode)) for mode in modes]
        for language, modes in ways.items()
    }


@dataclass(frozen=True)
class Build:
    """One build and its folder."""

    folder: Path
    plan: Plan
    device: str = "cpu"

    @property
    def clips(self) -> Path:
        return self.folder / "clips"

    @property
    def held(self) -> Path:
        return self.folder / "held-clips"

    @cached_property
    def library(self) -> Library:
        """The teacher's clips, once they are all there."""
        return Library(self.clips)

    @property
    def tell(self) -> Callable[[dict[str, Any]], None]:
        return Journal(self.folder / "journal.jsonl")

    def seconds(self, stage: str) -> float:
        """Return how long a stage may take."""
        return SHARES[stage] * self.plan.hours * 3600

    def speak(self) -> None:
        """Let the teacher speak all texts, and the unseen ones for judging."""
        plan, lines = self.plan, list[Line]()
        for number, voice in enumerate(voices.heard(plan.voices, plan.seed)):
            share = max(1, plan.voices // _JUDGED_SHARE) if number == 0 else 1
            for language in voices.LANGUAGES:
                writer = Writer(language, plan.seed * 1000 + number)
                texts = [writer.words(1 + i % 3).text for i in range(plan.words * share)]
                count = plan.sentences * share
                texts += [writer.sentence(plan.longest).text for _ in range(count)]
                lines += [Line(voice, language, text) for text in texts]
        started = time.monotonic()
        teacher.fill(
            self.clips,
            lines,
            lambda done, total: self.tell(
                {"stage": "speak", "share": done / total, "seconds": time.monotonic() - started}
            ),
        )
        some = [voices.JUDGED, *voices.heard(plan.voices, plan.seed)[5:7]]
        held = [Line(v, lang, t) for v in some for lang in voices.LANGUAGES for t in unseen(lang)]
        teacher.fill(self.held, held)

    def codec(self) -> None:
        codec.train(
            self.library,
            self.folder,
            self.seconds("codec"),
            self.tell,
            self.plan.seed,
            self.device,
        )

    def listener(self) -> None:
        listener.train(
            self.library,
            self.folder,
            self.seconds("listener"),
            self.tell,
            self.plan.seed,
            self.device,
        )

    def encode(self) -> None:
        """Make the codes of all clips."""
        dvae, stats = self.trained_codec()
        for name, folder in (("codes", self.clips), ("held-codes", self.held)):
            library = Library(folder)
            made = codec.encode(dvae, stats, [library.sound(clip) for clip in library.clips])
            sizes = np.array([len(one) for one in made])
            with writing(self.folder / f"{name}.npz") as file:
                np.savez(file, codes=np.concatenate(made), sizes=sizes)

    def voices(self) -> None:
        """Write a few embeddings of each voice."""
        with writing(self.folder / "voices.pth") as file:
            torch.save(self._embeddings(), file)

    def _embeddings(self, each: int = 8) -> dict[str, Tensor]:
        """Return (each, 512) of every voice: of its longest clips."""
        library, ear = self.library, self.trained_listener()
        by_voice: dict[str, list[Spoken]] = {}
        for clip in sorted(library.clips, key=lambda clip: clip.start - clip.stop):
            by_voice.setdefault(clip.voice, []).append(clip)
        return {
            name: torch.stack([listener.embed(ear, library.sound(clip)) for clip in own[:each]])
            for name, own in by_voice.items()
        }

    def weights(self, stage: str) -> dict[str, Tensor]:
        path = self.folder / f"{stage}.pth"
        state: dict[str, Tensor] = torch.load(path, weights_only=True, map_location="cpu")["model"]
        return state

    def trained_codec(self) -> tuple[Any, Tensor]:
        """Return the DVAE and the mel statistics."""
        state = self.weights("codec")
        dvae = codec.new_dvae(codec.CODES, codec.WIDTH, codec.WIDTH)
        dvae.load_state_dict(state)
        stats: Tensor = torch.load(self.folder / "mel_stats.pth", weights_only=True)
        return dvae.eval(), stats

    def trained_listener(self) -> Any:
        """Return the speaker encoder."""
        state = self.weights("listener")
        own = {k.removeprefix("listener."): v for k, v in state.items() if k != "voices"}
        ear = listener.new_listener()
        ear.load_state_dict(own)
        return ear.eval()

    def readings(self, name: str = "codes", folder: Path | None = None) -> list[Reading]:
        """Return the clips with tokens and codes."""
        packed = np.load(self.folder / f"{name}.npz")
        codes = np.split(packed["codes"], np.cumsum(packed["sizes"])[:-1])
        return reader.readings(Library(folder) if folder else self.library, codes, encoders())

    def reader(self) -> None:
        rows, held = self.readings(), self.readings("held-codes", self.held)
        prompts = reader.Prompts(self.library, rows, self.trained_codec()[1])
        reader.train(
            rows,
            held,
            prompts,
            encoders()["en"][0],
            self.folder / "reader.pth",
            self.seconds("reader"),
            self.tell,
            self.plan.seed,
            self.device,
        )

    def trained_reader(self) -> SharedPrompts:
        """Return the GPT in its packed form."""
        own = encoders()["en"][0]
        model = SharedPrompts(reader.new_reader(own.size, own.ids))
        model.load_state_dict(self.weights("reader"))
        model.eval()
        return model

    def _chosen(self, rows: Sequence[Reading]) -> list[int]:
        """Return numbers of clips for the decoder: whole sentences, of every voice alike."""
        long = [i for i, row in enumerate(rows) if len(row.codes) >= 20]
        draw = np.random.default_rng(self.plan.seed)
        return sorted(draw.permutation(long)[: self.plan.clips_for_decoder].tolist())

    def latents(self) -> None:
        """Write what the GPT gives for the decoder's clips, a file."""
        rows, model = self.readings(), self.trained_reader()
        prompts = reader.Prompts(self.library, rows, self.trained_codec()[1])
        numbers, rng = self._chosen(rows), np.random.default_rng(self.plan.seed)
        by_voice: dict[str, list[int]] = {}
        for number in numbers:
            by_voice.setdefault(rows[number].voice, []).append(number)
        order, made = list[int](), list[np.ndarray]()
        for voice, own in by_voice.items():
            own.sort(key=lambda i: rows[i].length)
            for start in range(0, len(own), 8):
                part = own[start : start + 8]
                mel = prompts.draw(voice, 3 * 22050, False, rng)
                found = reader.latents(model, [rows[i] for i in part], mel)
                order += part
                made += [one.half().numpy() for one in found]
        with writing(self.folder / "latents.npz") as file:
            np.savez(
                file,
                numbers=np.array(order),
                values=np.concatenate(made),
                sizes=np.array([len(one) for one in made]),
            )

    def decoder(self) -> None:
        library, packed = self.library, np.load(self.folder / "latents.npz")
        parts = np.split(packed["values"], np.cumsum(packed["sizes"])[:-1])
        examples = []
        for number, given in zip(packed["numbers"].tolist(), parts, strict=True):
            clip = library.clips[number]
            sound = decoder.target(library.sound(clip), len(given))
            examples.append(decoder.Example(given, sound, clip.voice))
        known = torch.load(self.folder / "voices.pth", weights_only=True)
        crops = decoder.Crops(examples, known)
        decoder.train(
            crops,
            reader.DIM,
            self.folder / "decoder.pth",
            self.seconds("decoder"),
            self.tell,
            self.plan.seed,
            self.device,
        )


def run(folder: Path, plan: Plan, threads: int, device: str) -> None:
    """Run all stages; a finished one leaves a mark and is not run again.

    Raises:
        StudioError: A stage ended with an error; its log is named.
    """
    folder.mkdir(parents=True, exist_ok=True)
    Plan.kept(folder, plan)
    _chains(folder, (FIRST,), threads, device)
    _chains(folder, CHAINS, threads, device)
    _chains(folder, (LAST,), threads, device)


def _chains(folder: Path, chains: Sequence[Sequence[str]], threads: int, device: str) -> None:
    """Run chains of stages side by side until all are done."""
    left = [[stage for stage in chain if not _mark(folder, stage).exists()] for chain in chains]
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        while any(left):
            for chain in left:
                if chain and chain[0] not in running:
                    # The second chain takes what the first leaves, which is most of one core.
                    own = threads if chain is left[0] else 1
                    running[chain[0]] = _start(folder, chain[0], own, device)
                elif chain and chain[0] in running and running[chain[0]].poll() is not None:
                    _check(folder, chain[0], running.pop(chain[0]).returncode)
                    chain.pop(0)
            time.sleep(0.5)
    finally:
        for process in running.values():
            process.terminate()


def _check(folder: Path, stage: str, code: int) -> None:
    if code:
        raise StudioError(
            f"The stage `{stage}` ended with {code}",
            f"Read {folder / (stage + '.log')}, then run the same command again",
        )


def _mark(folder: Path, stage: str) -> Path:
    return folder / f".{stage}.done"


def _start(folder: Path, stage: str, threads: int, device: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "training.practice.build", "--out", str(folder)]
    with open(folder / f"{stage}.log", "ab") as log:
        return subprocess.Popen(
            [*command, "--stage", stage, "--threads", str(threads), "--device", device],
            stdout=log,
            stderr=log,
        )


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Train the practice base.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--hours", type=float, default=Plan.hours)
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--stage", choices=[*FIRST, *CHAINS[0], *CHAINS[1], *LAST])
    asked = parser.parse_args()
    device = asked.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    wanted = Plan(hours=asked.hours, seed=asked.seed)
    if asked.stage is None:
        run(asked.out, wanted, asked.threads, device)
        return 0
    torch.set_num_threads(asked.threads)
    getattr(Build(asked.out, Plan.kept(asked.out, wanted), device), asked.stage)()
    write_text(_mark(asked.out, asked.stage), "")
    return 0


def border(work: Callable[[], int]) -> int:
    """Run a command of the recipe; the outermost border, where a `StudioError` is told."""
    try:
        return work()
    except StudioError as error:
        sys.stderr.write(f"error: {error.message}\nhint: {error.hint}\n")
        return error.exit_code


if __name__ == "__main__":
    raise SystemExit(border(main))
