"""`phonemes-convert` from a hub on this machine: a ready-made ZIPA graph, without torch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from filelock import FileLock
from onnx import TensorProto, helper, numpy_helper
from test_base_download import Hub
from typer.testing import CliRunner

from amharic_tts.base_models import transfer
from amharic_tts.cli import app
from amharic_tts.errors import UserError
from amharic_tts.events import Done
from amharic_tts.phonemes.convert import convert
from amharic_tts.phonemes.models import catalog, store
from amharic_tts.phonemes.models.zipa_model import BINS, fbank

TOKENS = ("<blk>", "<sos/eos>", "<unk>", "▁", "a", "b", "ʃ", "ʰ", "ə")
ABSENT = ("config.json", "vocab.json", "model.safetensors", "pytorch_model.bin")


def zipa_like() -> bytes:
    """Return a graph with ZIPA's inputs and outputs: every fourth frame, a linear map, softmax."""
    random = np.random.default_rng(1)
    weights = {
        "map": random.normal(0, 0.1, (BINS, len(TOKENS))).astype(np.float32),
        "zero": np.array([0]),
        "far": np.array([1 << 40]),
        "one": np.array([1]),
        "four": np.array([4]),
        "three": np.array([3]),
    }
    nodes = [
        helper.make_node("Slice", ["x", "zero", "far", "one", "four"], ["fewer"]),
        helper.make_node("MatMul", ["fewer", "map"], ["scores"]),
        helper.make_node("LogSoftmax", ["scores"], ["log_probs"], axis=-1),
        helper.make_node("Add", ["x_lens", "three"], ["more"]),
        helper.make_node("Div", ["more", "four"], ["log_probs_len"]),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "zipa",
        [
            value("x", TensorProto.FLOAT, ["N", "T", BINS]),
            value("x_lens", TensorProto.INT64, ["N"]),
        ],
        [
            value("log_probs", TensorProto.FLOAT, ["N", "F", len(TOKENS)]),
            value("log_probs_len", TensorProto.INT64, ["N"]),
        ],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    monkeypatch.setattr(transfer, "RETRY_SECONDS", (0.0,))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("PHONEME_MODELS_DIR", str(tmp_path / "models"))
    made = Hub()
    tokens = "".join(f"{name} {i}\n" for i, name in enumerate(TOKENS))
    made.files = {"tokens.txt": tokens.encode(), "model.int8.onnx": zipa_like()}
    made.files |= dict.fromkeys(ABSENT, b"")
    made.missing = set(ABSENT)
    made.served = dict.fromkeys(made.files, 0)
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_ready_made_graph_is_fetched_and_served(hub: Hub, tmp_path: Path) -> None:
    (*_, done) = convert("fast", endpoint=hub.url)
    assert isinstance(done, Done)
    assert done.result["notation"] == "ipa"
    model = catalog.load("fast")
    assert (model.frame_seconds, model.dtype) == (0.04, "int8")
    assert model.symbols.names == TOKENS
    assert (model.symbols.blank, model.symbols.word) == (0, 3)
    assert (model.symbols.ignored, model.symbols.modifiers) == ({1, 2}, {7})
    sound = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    scores = model.log_probabilities(sound)
    assert scores.shape == (25, len(TOKENS))
    assert np.exp(scores).sum(axis=1) == pytest.approx(np.ones(25), abs=1e-5)
    for count, frames in [(0, 0), (1, 1), (640, 1), (641, 2), (5120, 8)]:
        assert model.log_probabilities(sound[:count]).shape == (frames, len(TOKENS))
    assert catalog.states()[1].ready
    # A second conversion fetches nothing anew.
    served = dict(hub.served)
    list(convert("fast", endpoint=hub.url))
    assert hub.served == served


def test_the_command_prints_the_result(hub: Hub, tmp_path: Path) -> None:
    out = tmp_path / "zipa"
    arguments = ["phonemes-convert", "fast", "--endpoint", hub.url, "--out", str(out), "--json"]
    done = CliRunner().invoke(app, ["--workspace", str(tmp_path / "ws"), *arguments])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["folder"] == str(out)
    assert store.verify(out).kind == "icefall"


def test_a_repository_with_no_ctc_model(hub: Hub) -> None:
    hub.missing.add("tokens.txt")
    with pytest.raises(UserError, match="`a/b` holds no CTC model that can be converted"):
        list(convert("a/b", endpoint=hub.url))


def test_a_hub_that_can_not_be_reached(hub: Hub) -> None:
    with pytest.raises(UserError, match=r"The model hub http://127.0.0.1:9 can't be reached"):
        list(convert("fast", endpoint="http://127.0.0.1:9"))


def test_a_damaged_download_is_refused(hub: Hub, tmp_path: Path) -> None:
    hub.spoil.add("tokens.txt")
    with pytest.raises(UserError, match="`tokens.txt` arrived damaged"):
        list(convert("fast", endpoint=hub.url))
    assert not catalog.states()[1].ready


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"no graph at all", "is no ONNX graph"), (b"", "is no ONNX graph|can't be run")],
)
def test_a_graph_that_is_none(hub: Hub, tmp_path: Path, content: bytes, message: str) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "tokens.txt").write_bytes(hub.files["tokens.txt"])
    (folder / "model.int8.onnx").write_bytes(content)
    with pytest.raises(UserError, match=message):
        list(convert(str(folder)))


def test_two_conversions_at_once(hub: Hub, tmp_path: Path) -> None:
    target = store.converted("anyspeech/zipa-small-crctc-500k", "int8")
    target.parent.mkdir(parents=True)
    with (
        FileLock(target.with_name(f".{target.name}.lock")),
        pytest.raises(UserError, match="being converted by another process"),
    ):
        list(convert("fast", endpoint=hub.url))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("embedded", {}, "needs no conversion"),
        ("fast", {"dtype": "fp16"}, "`fp16` is no format"),
        ("fast", {"notation": "runes"}, "`runes` is no notation"),
        ("quick", {}, "There is no phoneme model `quick`"),
    ],
)
def test_what_can_not_be_converted(name: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        list(convert(name, **options))  # type: ignore[arg-type]


def test_energies_of_a_tone() -> None:
    times = np.arange(16000) / 16000
    energies = fbank((0.5 * np.sin(2 * np.pi * 1000 * times)).astype(np.float32))
    assert energies.shape == (100, BINS)
    # 1000 Hz is 1000 mel; 80 triangles lie between 31.7 and 2787 mel, 34 apart: 28.5th.
    assert set(energies[2:-2].argmax(axis=1).tolist()) == {27}  # the edges are mirrored
    assert fbank(np.zeros(16000, np.float32)) == pytest.approx(np.log(np.finfo(np.float32).eps))
    assert fbank(np.zeros(0, np.float32)).shape == (0, BINS)


def test_the_tiny_graph_is_whole() -> None:
    onnx.checker.check_model(onnx.load_from_string(zipa_like()))
