"""CTC and seq2seq recognisers in the layout of transformers, small ones made here."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import recogniser_models as made

from amharic_tts.errors import UserError
from amharic_tts.recognition import hub_model, session
from amharic_tts.recognition.base import RATE, Heard, Word
from amharic_tts.recognition.hub_model import Letters, read_frames
from amharic_tts.workspace import Workspace

LETTERS = Letters(("-", "|", "ሰ", "ላ", "?"), 0, 1, frozenset({4}), False)


@pytest.fixture(scope="module")
def ctc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.ctc(tmp_path_factory.mktemp("models") / "ctc", "አብገደ")


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 0.1, 2 * RATE).astype(np.float32)
    noise[:RATE] *= np.sin(np.arange(RATE) / 500).astype(np.float32)
    return noise


def hear(workspace: Workspace, folder: Path, language: str, sound: np.ndarray) -> Heard:
    return session.load(session.settings_for(workspace, str(folder), language)).hear(sound)


@pytest.mark.parametrize(
    ("ids", "text", "times"),
    [
        ([0, 2, 2, 0, 3, 0, 1, 0, 2, 0], "ሰላ ሰ", [(0.1, 0.5), (0.8, 0.9)]),
        ([2, 2, 0, 2], "ሰሰ", [(0.0, 1.0)]),
        ([1, 1, 2, 1, 1, 1, 3], "ሰ ላ", [(0.286, 0.429), (0.857, 1.0)]),
        ([2, 4, 3], "ሰላ", [(0.0, 1.0)]),
        ([0, 0, 1, 4], "", []),
        ([], "", []),
    ],
)
def test_frames_become_words(ids: list[int], text: str, times: list[tuple[float, float]]) -> None:
    heard = read_frames(ids, [0.5] * len(ids), LETTERS, 1.0)
    assert heard.text == text
    assert [(word.start, word.end) for word in heard.words] == times
    assert heard.confidence == (0.5 if text else None)


def test_pieces_of_words_and_capitals() -> None:
    letters = Letters(("-", "▁HE", "LLO", "▁YOU"), 0, None, frozenset(), True)
    heard = read_frames([1, 2, 0, 3], [1.0, 0.5, 1.0, 0.25], letters, 4.0)
    assert heard.words == (Word("hello", 0.0, 2.0, 0.75), Word("you", 3.0, 4.0, 0.25))
    assert heard.confidence == 0.5


def test_a_ctc_model_writes_what_its_outputs_say(
    workspace: Workspace, ctc: Path, sound: np.ndarray
) -> None:
    import torch
    import transformers

    heard = hear(workspace, ctc, "am", sound)
    model = transformers.Wav2Vec2ForCTC.from_pretrained(ctc).eval()
    normal = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
    with torch.inference_mode():
        ids = model(torch.from_numpy(normal)[None]).logits[0].argmax(-1)
    tokenizer = transformers.AutoTokenizer.from_pretrained(ctc)
    written = tokenizer.decode(ids)
    for mark in tokenizer.all_special_tokens:
        written = written.replace(mark, "")
    assert heard.text == written.strip()
    assert len(set(heard.text)) > 1 and 0 < (heard.confidence or 0) <= 1
    assert 0 <= heard.words[0].start < heard.words[-1].end <= 2.0


def test_a_moment_of_sound_is_heard_too(workspace: Workspace, ctc: Path) -> None:
    assert hear(workspace, ctc, "am", np.zeros(10, np.float32)).text == ""


def test_each_language_of_a_model_has_its_own_weights(
    workspace: Workspace, sound: np.ndarray, tmp_path: Path
) -> None:
    folder = made.with_adapters(tmp_path / "mms", {"eng": "a", "amh": "አበ"})
    assert hear(workspace, folder, "am", sound).text == "በ"
    assert hear(workspace, folder, "en", sound).text == "a"
    with pytest.raises(UserError, match=r"has no weights for `tr` here: `adapter.tur.safetensors`"):
        hear(workspace, folder, "tr", sound)
    pickled = folder / "adapter.amh.bin"
    (folder / "adapter.amh.safetensors").rename(pickled)
    with pytest.raises(UserError, match="has no weights for `am`"):
        hear(workspace, folder, "am", sound)


def test_a_seq2seq_model_writes_without_times(
    workspace: Workspace, sound: np.ndarray, tmp_path: Path
) -> None:
    import transformers

    folder = made.seq2seq(tmp_path / "whisper")
    heard = hear(workspace, folder, "am", sound)
    model = transformers.WhisperForConditionalGeneration.from_pretrained(folder).eval()
    front = transformers.WhisperFeatureExtractor.from_pretrained(folder)
    given = front(sound, sampling_rate=RATE, return_tensors="pt").input_features
    ids = model.generate(given, language="am", task="transcribe", do_sample=False)[0]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    assert heard == Heard(" ".join(tokenizer.decode(ids, skip_special_tokens=True).split()))
    assert heard.text
    with pytest.raises(UserError, match="does not know `xx`"):
        hear(workspace, folder, "xx", sound)


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("pwned"),))  # type: ignore[return-value]


def spoil(folder: Path, how: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    front = json.loads((folder / "preprocessor_config.json").read_text())
    weights = folder / "model.safetensors"
    if how == "pickle":
        weights.unlink()
        (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Evil()))
    elif how == "no weights":
        weights.unlink()
    elif how == "cut off":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif how == "other rate":
        front["sampling_rate"] = 8000
    elif how == "foreign code":
        config |= {"model_type": "mine", "auto_map": {"AutoConfig": "mine.Mine"}}
        (folder / "mine.py").write_text("raise SystemExit('ran')")
    elif how == "no words":
        table = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        table["x"] = table.pop("|")
        (folder / "vocab.json").write_text(json.dumps(table), encoding="utf-8")
        settings = json.loads((folder / "tokenizer_config.json").read_text())
        settings["word_delimiter_token"] = "x-"
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    elif how == "no recogniser":
        config["architectures"] = ["BertModel"]
    elif how == "no json":
        (folder / "config.json").write_text("{")
        return
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(json.dumps(front))


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("pickle", "is refused: it holds more than weights"),
        ("no weights", "holds no weights"),
        ("cut off", "can't be loaded"),
        ("other rate", "hears 8000 samples a second"),
        ("foreign code", "can't be loaded"),
        ("no words", "nothing that stands between words"),
        ("no recogniser", "its config.json names BertModel"),
        ("no json", "can't be read"),
    ],
)
def test_bad_models(
    workspace: Workspace,
    ctc: Path,
    sound: np.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path(shutil.copytree(ctc, tmp_path / "model"))
    spoil(folder, how)
    with pytest.raises(UserError, match=told):
        hear(workspace, folder, "am", sound)
    assert not (tmp_path / "pwned").exists()


def test_a_longest_piece_for_every_kind() -> None:
    kinds = [session.longest_of(kind) for kind in ("whisper", "ctc", "seq2seq")]
    assert kinds == [28.0, hub_model.CtcModel.longest, 10.0]
