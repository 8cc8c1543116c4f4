"""Models in the layout of transformers, made here with random weights: converted, and compared."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from amharic_tts.errors import UserError
from amharic_tts.events import Done, Progress
from amharic_tts.phonemes.convert import convert
from amharic_tts.phonemes.models import catalog, store
from amharic_tts.phonemes.models.base import LoadOptions

NAMES = ("<s>", "<pad>", "</s>", "<unk>", "|", *"aeiouəɛɪʃʒŋθðbdfɡhjklmn", "ː", "tʃ")
SMALL: dict[str, Any] = {
    "vocab_size": len(NAMES),
    "pad_token_id": 1,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 128,
    "conv_dim": (64,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}


def save(folder: Path, kind: str = "Wav2Vec2", normalise: bool = True, **changes: Any) -> Path:
    """Save a small CTC model with random weights as its makers would."""
    import torch
    import transformers

    torch.manual_seed(3)
    config = getattr(transformers, f"{kind}Config")(**SMALL | changes)
    model = getattr(transformers, f"{kind}ForCTC")(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name:  # so that a forgotten norm shows
                parameter.add_(0.2 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    table = {name: i for i, name in enumerate(NAMES)}
    (folder / "vocab.json").write_text(json.dumps(table), encoding="utf-8")
    sounds = {"do_normalize": normalise, "sampling_rate": 16000}
    (folder / "preprocessor_config.json").write_text(json.dumps(sounds))
    (folder / "tokenizer_config.json").write_text(json.dumps({"pad_token": "<pad>"}))
    return folder


@pytest.fixture(scope="module")
def group_norm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("hf") / "group")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHONEME_MODELS_DIR", str(tmp_path / "models"))
    return tmp_path / "models"


def result(folder: Path, **options: Any) -> dict[str, Any]:
    events = list(convert(str(folder), **options))
    assert [event.done for event in events[:-1] if isinstance(event, Progress)][-1] == 95
    assert isinstance(events[-1], Done)
    return events[-1].result


def sound(seconds: float = 1.7) -> np.ndarray:
    noise = np.random.default_rng(5).normal(0.02, 0.1, int(16000 * seconds))
    return (noise * np.linspace(0.1, 1, len(noise))).astype(np.float32)


def by_transformers(folder: Path, samples: np.ndarray, normalise: bool) -> np.ndarray:
    """Return the log-probabilities as transformers itself gives them."""
    import torch
    from transformers import AutoModelForCTC, Wav2Vec2FeatureExtractor

    model = AutoModelForCTC.from_pretrained(folder).eval()
    prepared = Wav2Vec2FeatureExtractor(do_normalize=normalise)(
        samples, sampling_rate=16000, return_tensors="pt"
    )
    with torch.no_grad():
        logits = model(prepared.input_values).logits
    return torch.log_softmax(logits, dim=-1)[0].numpy()


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    centred = [(x - x.mean(axis=0)).ravel() for x in (one, other)]
    return float(np.corrcoef(*centred)[0, 1])


@pytest.mark.parametrize(
    ("kind", "normalise", "changes"),
    [
        ("Wav2Vec2", True, {}),
        ("Wav2Vec2", False, {"feat_extract_norm": "layer", "do_stable_layer_norm": True}),
        ("Wav2Vec2", True, {"feat_extract_norm": "layer", "conv_bias": True}),
        ("Hubert", True, {}),
        ("WavLM", True, {}),
        ("Data2VecAudio", True, {"conv_pos_kernel_size": 5, "num_conv_pos_embeddings": 3}),
    ],
)
def test_a_converted_model_says_what_transformers_says(
    tmp_path: Path, cache: Path, kind: str, normalise: bool, changes: dict[str, Any]
) -> None:
    folder = save(tmp_path / "hf", kind, normalise, **changes)
    expected = by_transformers(folder, sound(), normalise)
    assert result(folder, dtype="fp32")["notation"] == "ipa"
    exact = catalog.load(str(folder), LoadOptions(threads=1))
    assert exact.dtype == "fp32"
    assert exact.log_probabilities(sound()) == pytest.approx(expected, abs=1e-4)
    if kind != "Wav2Vec2" or changes.get("conv_bias"):
        return  # int8 differs by nothing more here
    result(folder)
    small = catalog.load(str(folder), LoadOptions(threads=1))
    assert small.dtype == "int8"
    assert correlation(small.log_probabilities(sound()), expected) > 0.98
    assert small.symbols.blank == 1
    assert small.symbols.word == 4
    assert small.symbols.ignored == {0, 2, 3}
    assert small.symbols.modifiers == {NAMES.index("ː")}


def test_the_folder_of_a_converted_model(group_norm: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = result(group_norm, out=out, languages=["am"], notation="letters")
    files = {"front.onnx", "front.onnx.data", "model.onnx", "model.onnx.data", "model.json"}
    assert {path.name for path in out.iterdir()} == files
    assert done["bytes"] == sum((out / n).stat().st_size for n in files - {"model.json"})
    found = store.verify(out)
    assert (found.notation, found.languages, found.dtype) == ("letters", ("am",), "int8")
    assert (found.hop, found.receptive, found.moments) == (320, 400, (10, 5))
    assert [path.name for path in tmp_path.iterdir() if path.name != ".out.lock"] == ["out"]
    result(group_norm, out=out, dtype="fp32")  # in its place; the old one goes to the trash
    assert store.describe(out).dtype == "fp32"
    assert len(list((tmp_path / "trash").iterdir())) == 1


def test_a_stopped_conversion_leaves_no_model(group_norm: Path, cache: Path) -> None:
    events = convert(str(group_norm))
    assert isinstance(events, Iterator)
    for event in events:
        if isinstance(event, Progress) and event.done > 60:
            break
    with pytest.raises(UserError, match="is being converted by another process"):
        list(convert(str(group_norm)))
    events.close()  # type: ignore[attr-defined]
    assert [path for path in cache.iterdir() if path.is_dir()] == []


def test_what_a_killed_conversion_left_is_never_taken_and_is_cleaned(
    group_norm: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    left = tmp_path / ".out.part"
    left.mkdir()
    (left / "model.onnx").write_bytes(b"half")
    assert not store.is_there(out)
    result(group_norm, out=out)
    assert not left.exists()
    catalog.load(str(out))


def test_a_folder_with_other_things_is_not_overwritten(group_norm: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="holds no converted model"):
        list(convert(str(group_norm), out=tmp_path))
    assert (tmp_path / "mine.txt").read_text() == "mine"


class Hostile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_hostile_checkpoint_is_refused_and_runs_nothing(
    group_norm: Path, tmp_path: Path, cache: Path, zipped: bool
) -> None:
    import torch

    folder = tmp_path / "hf"
    shutil.copytree(group_norm, folder)
    (folder / "model.safetensors").unlink()
    mark, checkpoint = tmp_path / "ran", folder / "pytorch_model.bin"
    if zipped:
        torch.save({"lm_head.weight": Hostile(mark)}, checkpoint)
    else:
        checkpoint.write_bytes(pickle.dumps({"lm_head.weight": Hostile(mark)}))
    with pytest.raises(UserError, match="pytorch_model.bin` is refused: it holds more than"):
        list(convert(str(folder)))
    assert not mark.exists()
    assert [path for path in cache.iterdir() if path.is_dir()] == []


def test_a_plain_checkpoint_is_converted(group_norm: Path, tmp_path: Path, cache: Path) -> None:
    import torch
    from safetensors.torch import load_file

    folder = tmp_path / "hf"
    shutil.copytree(group_norm, folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    result(folder, dtype="fp32")
    expected = by_transformers(group_norm, sound(), True)
    found = catalog.load(str(folder)).log_probabilities(sound())
    assert found == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("vocab.json", None, "vocab.json` is missing"),
        ("config.json", "{", "config.json` can't be read"),
        ("config.json", '{"model_type": "bert", "vocab_size": 30}', "can't be loaded"),
        ("vocab.json", '{"a": 0, "b": 7}', "does not number its symbols from 0 on"),
        ("model.safetensors", None, "holds no weights"),
        ("model.safetensors", "damaged", "can't be loaded"),
        ("preprocessor_config.json", '{"sampling_rate": 8000}', "asks for 8000 samples a second"),
    ],
)
def test_what_is_missing_or_damaged_is_named(
    group_norm: Path, tmp_path: Path, cache: Path, name: str, content: str | None, message: str
) -> None:
    folder = tmp_path / "hf"
    shutil.copytree(group_norm, folder)
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content)
    with pytest.raises(UserError, match=message):
        list(convert(str(folder)))


def test_a_model_that_was_never_tuned_for_ctc_is_refused(
    group_norm: Path, tmp_path: Path, cache: Path
) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "hf"
    shutil.copytree(group_norm, folder)
    weights = load_file(folder / "model.safetensors")
    rest = {name: value for name, value in weights.items() if not name.startswith("lm_head")}
    save_file(rest, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match="lack 2 parts, first `lm_head.bias`"):
        list(convert(str(folder)))


@pytest.mark.parametrize("dtype", ["fp32", "bf16", "dynamic_int8"])
def test_torch_backends_say_the_same(group_norm: Path, dtype: str) -> None:
    options = LoadOptions(backend="torch", dtype=dtype, threads=1)  # type: ignore[arg-type]
    model = catalog.load(str(group_norm), options)
    found = model.log_probabilities(sound())
    expected = by_transformers(group_norm, sound(), True)
    assert (model.backend, model.dtype, model.frame_seconds) == ("torch", dtype, 0.02)
    if dtype == "fp32":
        assert found == pytest.approx(expected, abs=1e-4)
    assert correlation(found, expected) > 0.98


def test_the_energies_of_zipa_are_those_of_kaldi() -> None:
    import torch
    from torchaudio.compliance import kaldi

    from amharic_tts.phonemes.models.zipa_model import fbank

    for count in (400, 5120, 16037, 50001):
        samples = np.random.default_rng(count).normal(0, 0.1, count).astype(np.float32)
        expected = kaldi.fbank(
            torch.from_numpy(samples)[None],
            num_mel_bins=80,
            dither=0.0,
            snip_edges=False,
            high_freq=-400.0,
        ).numpy()
        assert fbank(samples) == pytest.approx(expected, abs=2e-3)
