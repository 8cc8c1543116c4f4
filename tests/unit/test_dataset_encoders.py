"""A dataset is checked with the encoder that a run has or would have."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner, Result

from amharic_tts.cli import app
from amharic_tts.dataset import encoders
from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.errors import UserError
from amharic_tts.jobs import store
from amharic_tts.jobs.spec import JobSpec
from amharic_tts.tokenizer import pieces
from amharic_tts.tokenizer.practice import practice_vocabulary
from amharic_tts.tokenizer.settings import current
from amharic_tts.workspace import Workspace

TEXT = "ሰላም ለዓለም ሰላም"


@pytest.fixture
def dataset(workspace: Workspace) -> Dataset:
    folder = workspace.dataset("d")
    folder.mkdir(parents=True)
    made = Dataset(folder)
    made.save_header()
    rows = [("a", TEXT, "train"), ("b", TEXT, "train"), ("c", "ቡና ቡና ቡና", "eval")]
    return made.save(
        [
            Utterance(id=i, audio=f"wavs/{i}.wav", text=text, split=split, duration=2.0)
            for i, text, split in rows
        ]
    )


def check(workspace: Workspace, *words: str) -> Result:
    return CliRunner().invoke(app, ["--workspace", str(workspace.root), "dataset", "check", *words])


def tokens(done: Result) -> list[int]:
    assert done.exit_code == 0, done.output
    return [row["tokens"] for row in json.loads(done.stdout)["rows"]]


def test_the_check_counts_as_the_run_will(workspace: Workspace, dataset: Dataset) -> None:
    assert encoders.training_texts(dataset) == [TEXT, TEXT]
    assert tokens(check(workspace, "d", "--json")) == [13, 13, 9]
    bpe = ("--vocabulary", "bpe", "--new-tokens", "2")
    assert tokens(check(workspace, "d", *bpe, "--json")) == [9, 9, 9]  # ሰላም is one token
    phones = tokens(check(workspace, "d", "--text-mode", "phonemes", "--json"))
    assert phones[0] > len(TEXT)
    extension, _ = pieces.extend(practice_vocabulary(), current("am"), [TEXT, TEXT], 2)
    run = workspace.run("r")
    store.create(workspace, JobSpec("r", "train", "r", ["-c", "pass"]))
    done = check(workspace, "d", "--run", "r")
    assert isinstance(done.exception, UserError)
    assert "`r` has no vocabulary yet" in done.exception.message
    (run / "vocab.json").write_text(json.dumps(extension.vocab), "utf-8")
    (run / "text.json").write_text(json.dumps(current("am").to_dict()), "utf-8")
    assert tokens(check(workspace, "d", "--run", "r", "--json")) == [9, 9, 9]


@pytest.mark.parametrize(
    ("vocabulary", "new_tokens", "text_mode", "words"),
    [
        ("words", 0, "letters", "`words` is not one of characters, bpe"),
        ("characters", 5, "letters", "needs vocabulary bpe"),
        ("bpe", 5, "phonemes", "a phone is one token already"),
    ],
)
def test_what_no_run_can_have_is_refused(
    dataset: Dataset, vocabulary: str, new_tokens: int, text_mode: str, words: str
) -> None:
    with pytest.raises(UserError, match=words):
        encoders.of_settings(dataset, text_mode, vocabulary, new_tokens)
