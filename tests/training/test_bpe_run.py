"""BPE pieces in a run: the rows they start with, and the voice that stock coqui reads."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from run_fixtures import SETTINGS, make_workspace

from amharic_tts.base_models.checkpoint import load_model_state
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.events import Done, Event, Finding
from amharic_tts.jobs import store
from amharic_tts.jobs.spec import JobSpec
from amharic_tts.synthesis.engine import SpeechEngine
from amharic_tts.tokenizer import pieces, vocabulary
from amharic_tts.tokenizer.encoder import TextEncoder
from amharic_tts.tokenizer.ethiopic_bpe import make_tokenizer
from amharic_tts.tokenizer.practice import practice_vocabulary
from amharic_tts.tokenizer.settings import current
from amharic_tts.tokenizer.weights import EMBEDDING, HEAD_BIAS, HEAD_WEIGHT, NOISE, extend_state
from amharic_tts.workspace import Workspace
from training import vocabulary_report
from training.config import FinetuneConfig
from training.session import Session
from training.stopping import StopSwitch

TEXTS = (
    *("ሰላም ለዓለም።", "ሰላምታ፣ ሰላማዊ ቀን hello", "በዓለም ላይ ሰላም ይሁን"),
    *("ቡና እፈልጋለሁ", "ሻይ እፈልጋለሁ", "እመጣለሁ 12"),
)
KEPT = ("አመሰግናለሁ አመሰግናለሁ", "አመሰግናለሁ አመሰግናለሁ")
"""For evaluation; what is seen most often in them must not become a piece."""


def session(studio: Workspace, name: str, **settings: object) -> tuple[Session, list[Event]]:
    values = {**SETTINGS, "steps": 1, "vocabulary": "bpe", "new_tokens": 4, **settings}
    config = FinetuneConfig(**values).check()  # type: ignore[arg-type]
    folder = studio.run(name)
    store.create(studio, JobSpec(name, "train", name, ["-m", "training.finetune", str(folder)]))
    (folder / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    told: list[Event] = []
    return Session(studio, folder, config, told.append, StopSwitch(folder)), told


@pytest.fixture(scope="module")
def studio(practice_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = make_workspace(tmp_path_factory.mktemp("studio") / "workspace", practice_base)
    dataset = Dataset.load(workspace.dataset("tiny"))
    rows = zip(dataset.utterances, (*TEXTS, *KEPT), strict=True)
    dataset.save([dataclasses.replace(row, text=text) for row, text in rows])
    return workspace


def test_old_rows_stay_bit_for_bit_and_pieces_start_as_their_letters(practice_base: Path) -> None:
    vocab = vocabulary.load_vocabulary(practice_base / "vocab.json")
    extension, learned = pieces.extend(vocab, current("am"), TEXTS, 6)
    size = extension.old_size, extension.new_size
    made_of = vocabulary.parts(extension.vocab, extension.old_size)
    assert len(made_of) == len(learned.tokens) == 6
    old = load_model_state(practice_base / "model.pth")
    plain, new = (extend_state(old, *size, 7, parts) for parts in (None, made_of))
    characters = extension.new_size - 6
    for key in (EMBEDDING, HEAD_WEIGHT, HEAD_BIAS):
        assert torch.equal(new[key][: extension.old_size], old[key])
        # Characters start as they do without pieces.
        assert torch.equal(new[key][:characters], plain[key][:characters])
        spread = NOISE * old[key].std(0) if old[key].ndim > 1 else torch.tensor(1e-6)
        for token, parts in made_of.items():
            distance = (new[key][token] - new[key][list(parts)].mean(0)).abs()
            assert bool((distance <= 5 * spread).all())
    twins = dict.fromkeys((characters, characters + 1), (100, 101))
    rows = extend_state(old, *size, 7, twins)[EMBEDDING]
    assert not torch.equal(rows[characters], rows[characters + 1])


def test_a_run_with_pieces_becomes_a_voice(studio: Workspace) -> None:
    work, told = session(studio, "bpe")
    final = work.work()
    assert isinstance(final, Done)
    said = {e.code: e.message for e in told if isinstance(e, Finding)}
    assert said["vocabulary.pieces"].startswith("4 pieces (as asked) learned from 6 texts with ")
    assert "text tokens a second of speech" in said["vocabulary.tokens"]
    assert "vocabulary.rare_pieces" in said
    voice = Path(final.result["voice"])
    _stock_coqui_reads_it_as_we_do(voice)
    few, _ = session(studio, "few", new_tokens=2)
    counts = [
        len(json.loads((run / "vocab.json").read_text(encoding="utf-8"))["model"]["merges"])
        for run in (work.run, _with_vocabulary(few))
    ]
    assert counts == [4, 2]


def _with_vocabulary(work: Session) -> Path:
    from training.base import read_base

    work._encoder(read_base(work._base()))
    return work.run


def _stock_coqui_reads_it_as_we_do(voice: Path) -> None:
    from TTS.tts.configs.xtts_config import XttsConfig
    from TTS.tts.models.xtts import Xtts

    config = XttsConfig()
    config.load_json(voice / "config.json")
    stock = Xtts(config)
    stock.load_checkpoint(config, checkpoint_dir=voice, eval=True, strict=True)
    encoder = TextEncoder(voice / "vocab.json", current("am"))
    ours = make_tokenizer(voice / "vocab.json", current("am"))
    assert stock.gpt.text_embedding.weight.shape[0] == encoder.size
    names = {number: token for token, number in encoder.ids.items()}
    lengths = set()
    for text in TEXTS:
        prepared = encoder.prepare(text)
        ids = encoder.encode(prepared)
        # What `VoiceBpeTokenizer.encode` does after its cleaners, which know no `am`.
        theirs = stock.tokenizer.tokenizer.encode(f"[am]{prepared}".replace(" ", "[SPACE]")).ids
        assert ids == theirs == ours.encode(text, "am")
        lengths |= {len(names[number]) for number in ids if not names[number].startswith("[")}
    assert max(lengths) > 1  # pieces are used
    assert SpeechEngine.load(voice, device="cpu").voice.settings == current("am")


def test_rows_kept_for_evaluation_teach_no_pieces(studio: Workspace) -> None:
    work, _ = session(studio, "split", new_tokens=50)
    old = vocabulary.load_vocabulary(work._base() / "vocab.json")
    extension = work._extended(old, current("am"))
    assert extension == pieces.extend(old, current("am"), TEXTS, 50)[0]
    both = pieces.extend(old, current("am"), (*TEXTS, *KEPT), 50)[0]
    assert "መሰ" in "".join(both.added) and "መሰ" not in "".join(extension.added)


def test_too_many_and_too_few_pieces_are_told() -> None:
    def codes(texts: tuple[str, ...], wanted: int) -> list[tuple[str, str]]:
        learned = pieces.extend(practice_vocabulary(), current("am"), texts, wanted)[1]
        found = vocabulary_report.of_pieces(learned, len(texts), wanted)
        return [(finding.code, finding.level) for finding in found]

    fine = [("vocabulary.pieces", "info")]
    assert codes(TEXTS, 0) == [("vocabulary.few_texts", "warning")]
    assert codes(TEXTS, 500) == [*fine, ("vocabulary.few_texts", "warning")]
    assert codes(TEXTS, 5) == [*fine, ("vocabulary.rare_pieces", "warning")]
    assert codes(TEXTS * 20, 0) == fine
    assert codes(("ሰላም",) * 20, 2) == fine  # ሰላም is seen 20 times, its first half is a step
