"""Voices taken away and brought in, with real weights: what coqui loads, what is refused."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from amharic_tts.base_models.checkpoint import load_model_state, stored_model_state
from amharic_tts.errors import UserError
from amharic_tts.events import Done
from amharic_tts.synthesis import half, takeaway
from amharic_tts.synthesis.half import Halved, halve
from amharic_tts.synthesis.takeaway import TakeawayRequest
from amharic_tts.synthesis.voice_import import ImportRequest, import_voice
from amharic_tts.synthesis.voices import check_voice, find
from amharic_tts.tokenizer.vocabulary import load_vocabulary
from amharic_tts.workspace import Workspace

STOCK = ("model.pth", "config.json", "vocab.json", "speakers_xtts.pth", "reference.wav")
AM = {"language": "am", "text_mode": "letters"}


def done(events: Any) -> dict[str, Any]:
    last = list(events)[-1]
    assert isinstance(last, Done)
    return last.result


def bring(workspace: Workspace, source: Path, **said: str) -> dict[str, Any]:
    return done(import_voice(workspace, ImportRequest(source, **said)))


@pytest.fixture(scope="module")
def halved(practice_voice: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The practice voice in half precision, and what was told of it."""
    target = tmp_path_factory.mktemp("taken") / "half.zip"
    return target, done(takeaway.export(practice_voice, TakeawayRequest(target, True, half=True)))


@pytest.fixture
def other(practice_voice: Path, tmp_path: Path) -> Path:
    """The practice voice as another XTTS tool leaves it; its large files are shared."""
    folder = tmp_path / "other"
    folder.mkdir()
    for name in STOCK:
        (folder / name).hardlink_to(practice_voice / name)
    return folder


def replace(path: Path, body: Any) -> None:
    path.unlink()
    torch.save(body, path)


def test_a_voice_goes_away_and_comes_back_with_the_same_weights(
    workspace: Workspace, practice_voice: Path, tmp_path: Path
) -> None:
    done(takeaway.export(practice_voice, TakeawayRequest(tmp_path / "v.zip", zipped=True)))
    assert bring(workspace, tmp_path / "v.zip", name="back")["made_by"] == "studio"
    folder = find(workspace, "back")
    for name in STOCK:
        assert (folder / name).read_bytes() == (practice_voice / name).read_bytes()
    voice = check_voice(folder)
    assert voice.settings == check_voice(practice_voice).settings
    assert "does not speak" in voice.note


def test_half_precision_comes_back_and_is_loaded_by_stock_coqui(
    workspace: Workspace, practice_voice: Path, halved: tuple[Path, Any]
) -> None:
    from TTS.tts.configs.xtts_config import XttsConfig
    from TTS.tts.models.xtts import Xtts

    target, told = halved
    bring(workspace, target, name="half")
    folder = find(workspace, "half")
    config = XttsConfig()
    config.load_json(folder / "config.json")
    model = Xtts(config)
    model.load_checkpoint(config, checkpoint_dir=folder, eval=False, strict=True)
    state, whole = model.state_dict(), load_model_state(practice_voice / "model.pth")
    ours = load_model_state(folder / "model.pth")
    difference = 0.0
    for key, value in whole.items():
        assert state[key].dtype == value.dtype
        assert torch.equal(ours[key], state[key])
        if value.is_floating_point():
            difference = max(difference, float((state[key] - value).abs().max()))
    assert difference == told["largest_difference"]
    assert 0 < difference < 0.005
    with pytest.raises(NotImplementedError, match="Language 'am' is not supported"):
        model.tokenizer.encode("ሰላም", "am")  # as the model card says
    assert check_voice(folder).precision == "float16"


def test_half_precision_halves_long_weights_alone(
    practice_voice: Path, halved: tuple[Path, Any], tmp_path: Path
) -> None:
    target, told = halved
    with zipfile.ZipFile(target) as packed:
        (tmp_path / "model.pth").write_bytes(packed.read("half/model.pth"))
    before = stored_model_state(practice_voice / "model.pth")
    after = stored_model_state(tmp_path / "model.pth")
    assert told["precision"] == "float16"
    assert told["model_bytes_before"] == (practice_voice / "model.pth").stat().st_size
    assert told["model_bytes"] == (tmp_path / "model.pth").stat().st_size
    assert told["model_bytes"] < 0.51 * told["model_bytes_before"]
    assert list(before) == list(after)
    for key, value in after.items():
        long = value.ndim > 1 and value.numel() >= 1024 and "torch_spec" not in key
        long = long and before[key].is_floating_point()
        assert value.dtype == (torch.float16 if long else before[key].dtype)
        if not long:
            assert torch.equal(value, before[key])
    storages = {value.untyped_storage().data_ptr() for value in after.values()}
    assert len(storages) == len(after)  # no two share one: other tools copy tensors by storage


def test_what_float16_cannot_hold_stays_as_it_is(tmp_path: Path) -> None:
    state = {
        "gpt.large": torch.full((64, 64), 70000.0),
        "gpt.usual": torch.linspace(-1, 1, 4096).reshape(64, 64),
        "gpt.short": torch.tensor([[0.1]]),
        "gpt.count": torch.ones(64, 64, dtype=torch.int64),
    }
    torch.save({"model": state}, tmp_path / "model.pth")
    last = list(halve(tmp_path / "model.pth", tmp_path / "half.pth", tmp_path))[-1]
    after = stored_model_state(tmp_path / "half.pth")
    assert {key: value.dtype for key, value in after.items()} == {
        **{"gpt.large": torch.float32, "gpt.usual": torch.float16},
        **{"gpt.short": torch.float32, "gpt.count": torch.int64},
    }
    difference = float((after["gpt.usual"].float() - state["gpt.usual"]).abs().max())
    assert last == Halved(1, 3, difference)
    assert all(torch.equal(after[key], state[key]) for key in state if key != "gpt.usual")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["half.pth", "model.pth"]
    assert half.precision_of(after) == "float32"


def test_a_voice_in_half_precision_is_not_halved_again(
    halved: tuple[Path, Any], tmp_path: Path
) -> None:
    shutil.unpack_archive(halved[0], tmp_path)
    told = done(takeaway.export(tmp_path / "half", TakeawayRequest(tmp_path / "b", half=True)))
    for key in ("precision", "model_bytes", "model_bytes_before", "largest_difference"):
        assert told[key] == halved[1][key]
    first, again = (
        path.read_bytes() for path in (tmp_path / "half/model.pth", tmp_path / "b/model.pth")
    )
    assert first == again


def test_another_tools_folder_is_taken_in(workspace: Workspace, other: Path) -> None:
    result = bring(workspace, other, **AM)
    assert (result["made_by"], result["reference"]) == ("other", True)
    voice = check_voice(find(workspace, "other"))
    assert (voice.language, voice.precision, voice.note) == ("am", "float32", "")


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, ("touch evil",))


@pytest.mark.parametrize("name", ["model.pth", "speakers_xtts.pth"])
def test_files_that_carry_code_are_refused(
    workspace: Workspace, other: Path, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    replace(other / name, {"model": {"gpt.x": Evil()}})
    with pytest.raises(UserError, match=f"`{name}` is damaged, or holds more than weights"):
        bring(workspace, other, **AM)
    assert not (tmp_path / "evil").exists()
    assert list(workspace.voices.iterdir()) == []


def test_weights_that_do_not_fit_are_named(
    workspace: Workspace, practice_voice: Path, other: Path
) -> None:
    state = stored_model_state(practice_voice / "model.pth")
    last = state.pop("gpt.final_norm.weight")
    state["gpt.more"] = last
    state["mel_stats"] = torch.ones(79)
    state["gpt.final_norm.bias"] = last.to(torch.int32)
    replace(other / "model.pth", {"model": state})
    with pytest.raises(UserError) as caught:
        bring(workspace, other, **AM)
    assert caught.value.message.splitlines() == [
        "model.pth does not fit config.json and vocab.json:",
        "- 1 tensors are missing, such as `gpt.final_norm.weight`",
        "- 1 tensors are too many, such as `gpt.more`",
        "- `gpt.final_norm.bias` holds torch.int32, which is no weight",
        "- `mel_stats` has the shape (79,) instead of (80,)",
    ]
    for body, message in (({}, 'no `"model"`'), ({"model": {"a": "b"}}, "something else than")):
        replace(other / "model.pth", body)
        with pytest.raises(UserError, match=message):
            bring(workspace, other, **AM)


def test_a_vocabulary_of_another_model_is_refused(workspace: Workspace, other: Path) -> None:
    vocabulary = load_vocabulary(other / "vocab.json")
    vocabulary["model"]["vocab"]["more"] = max(vocabulary["model"]["vocab"].values()) + 1
    (other / "vocab.json").unlink()
    (other / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    with pytest.raises(UserError, match="`gpt.text_embedding.weight` has the shape"):
        bring(workspace, other, **AM)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"gpt_layers": 10**9}, "`gpt_layers` is 1000000000; no XTTS has more than 200"),
        ({"decoder_input_dim": 10**6}, "`decoder_input_dim` is 1000000"),
        ({"gpt_n_heads": 0}, "describes no XTTS that can be built"),
        ({"gpt_layers": "three"}, "`gpt_layers` is 'three', not a whole number"),
        ({"gpt_layers": 2}, "tensors are too many, such as `gpt.gpt.h.2"),
    ],
)
def test_a_configuration_that_cannot_be_used(
    workspace: Workspace, other: Path, changed: dict[str, Any], message: str
) -> None:
    config = json.loads((other / "config.json").read_text())
    config["model_args"].update(changed)
    (other / "config.json").unlink()
    (other / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=message):
        bring(workspace, other, **AM)


@pytest.mark.parametrize("content", [pickle.dumps({"a": 1}), b"PK\x03\x04" + bytes(100)])
def test_speakers_that_are_none(workspace: Workspace, other: Path, content: bytes) -> None:
    (other / "speakers_xtts.pth").unlink()
    (other / "speakers_xtts.pth").write_bytes(content)
    with pytest.raises(UserError, match=r"speakers_xtts\.pth"):
        bring(workspace, other, **AM)
