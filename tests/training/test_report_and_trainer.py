"""The report and the trainer agree on every row: none is dropped that the report accepted, and none
is trained on that it refused, whatever was done to the dataset in the meantime."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile
from training_fixtures import write_sounds

from amharic_tts.audio.read import RATE
from amharic_tts.dataset import repair
from amharic_tts.dataset.checks.run import CheckRequest, check
from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.dataset.prepare import BuildRequest, build
from amharic_tts.dataset.validate import check as report
from amharic_tts.events import Event, Finding
from amharic_tts.tokenizer.encoder import TextEncoder, default_encoder
from amharic_tts.workspace import Workspace
from training.codes import file_hash, read_clip
from training.data import Limits, load_clips

LIMITS = Limits(text=402, codes=605)
TEXT = "ሰላም ለዓለም"


class Lengths:
    """Stands for the codec: codes as long as it would make them."""

    def get(self, wav: Path, samples: np.ndarray) -> tuple[np.ndarray, str]:
        return np.zeros(-(-len(samples) // 1024), np.int64), file_hash(wav)


def trained(dataset: Dataset, encoder: TextEncoder) -> tuple[set[str], list[Event]]:
    """Return the ids that the trainer takes, and what it says about the others."""
    told: list[Event] = []
    train, evaluation = load_clips(dataset, encoder, Lengths(), LIMITS, told.append)
    for clip in (*train, *evaluation):
        samples = read_clip(clip.wav)
        assert np.isfinite(samples).all() and len(samples) >= RATE // 2
    return {clip.id for clip in (*train, *evaluation)}, told


def agree(workspace: Workspace, encoder: TextEncoder) -> set[str]:
    """Check that both sides take the same rows, and return them."""
    dataset = Dataset.load(workspace.dataset("d"))
    accepted = {row.id for row in report(dataset, encoder).rows if row.decision == "accepted"}
    taken, told = trained(dataset, encoder)
    assert taken == accepted
    refused = {e.subject for e in told if isinstance(e, Finding) and e.code.startswith("row.")}
    assert refused == {row.id for row in dataset.utterances} - accepted
    return taken


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return default_encoder("am")


@pytest.fixture
def built(workspace: Workspace, tmp_path: Path) -> Workspace:
    source = tmp_path / "source"
    source.mkdir()
    seconds = [1.0] * 8 + [0.3, 0.5, 11.6, 12.5, 30.0]
    sounds = write_sounds(source, seconds)
    texts = [f"{TEXT} {'ሀ' * (n + 1)}" for n in range(len(sounds))]
    texts[1], texts[2], texts[3], texts[4] = "", "ሰላም привет", "ሀ" * 300, "።"
    rows = [f"{path.stem}|{text}" for path, text in zip(sounds, texts, strict=True)]
    rows += ["missing|ሰላም", f"{sounds[0].stem}|{TEXT} again"]
    (source / "metadata.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    list(build(workspace, BuildRequest((source,), "d")))
    return workspace


def test_after_a_build(built: Workspace, encoder: TextEncoder) -> None:
    taken = agree(built, encoder)
    assert 5 <= len(taken) <= 8


def test_after_sounds_were_changed_from_outside(built: Workspace, encoder: TextEncoder) -> None:
    whole = agree(built, encoder)
    dataset = Dataset.load(built.dataset("d"))
    paths = [dataset.wav(row) for row in dataset.accepted()]
    tone = 0.1 * np.sin(np.arange(RATE) / 9)
    paths[0].unlink()
    paths[1].write_bytes(b"x")
    soundfile.write(paths[2], tone, 16_000)
    broken = tone.astype(np.float32)
    broken[500] = np.nan
    soundfile.write(paths[3], broken, RATE, subtype="FLOAT")
    paths[4].write_bytes(paths[4].read_bytes()[:9000])
    assert len(agree(built, encoder)) == len(whole) - 5


def test_after_a_check_and_a_repair(built: Workspace, encoder: TextEncoder) -> None:
    before = agree(built, encoder)
    list(check(built, CheckRequest("d", model="")))
    assert agree(built, encoder) == before  # what a check finds is for people
    list(repair.repair(built, "d", ["normalise_loudness"], loudness=-30.0))
    assert agree(built, encoder) == before


def test_rows_that_were_written_by_hand(built: Workspace, encoder: TextEncoder) -> None:
    dataset = Dataset.load(built.dataset("d"))
    good = dataset.accepted()[0]
    odd = [
        dataclasses.replace(good, id="outside", audio="../../x.wav"),
        dataclasses.replace(good, id="silent", audio=""),
        dataclasses.replace(good, id="longer", duration=good.duration + 1),
        dataclasses.replace(good, id="unknown", text="ሰላም привет"),
        dataclasses.replace(good, id="empty", text="  "),
        Utterance("bare", text=TEXT),
    ]
    dataset.save([*dataset.utterances, *odd])
    assert not agree(built, encoder) & {row.id for row in odd}
