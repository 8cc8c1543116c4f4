"""Converted models: served without torch, checked before they are run, listed with their state."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made_models import RECEPTIVE, SYMBOLS, sign, tiny_ctc, tone

from amharic_tts.errors import UserError
from amharic_tts.phonemes.models import catalog, store, vocabulary
from amharic_tts.phonemes.models.base import LoadOptions
from amharic_tts.phonemes.models.onnx_ctc import OnnxCtc, moments


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHONEME_MODELS_DIR", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return tiny_ctc(tmp_path / "tiny")


def heard(scores: np.ndarray) -> list[str]:
    """Return the best symbol of each run of frames, blanks left out."""
    best = scores.argmax(axis=1)
    runs = best[np.flatnonzero(np.diff(best, prepend=-1))]
    return [SYMBOLS[i] for i in runs if i]


def test_a_converted_model_hears_its_tones(tiny: Path) -> None:
    model = catalog.load(str(tiny), LoadOptions(threads=1))
    sound = np.concatenate([np.zeros(800, np.float32), tone(3), tone(7), tone(2), tone(9)])
    scores = model.log_probabilities(sound)
    assert scores.dtype == np.float32
    assert scores.shape == ((len(sound) - RECEPTIVE) // 320 + 1, len(SYMBOLS))
    assert np.exp(scores).sum(axis=1) == pytest.approx(np.ones(len(scores)), abs=1e-5)
    assert heard(scores) == ["a", "ɡ", "|", "tʼ"]
    assert (model.backend, model.dtype, model.threads) == ("onnxruntime", "fp32", 1)
    assert (model.notation, model.languages, model.frame_seconds) == ("ipa", ("en",), 0.02)


@pytest.mark.parametrize(("count", "frames"), [(0, 0), (1, 1), (399, 1), (400, 1), (720, 2)])
def test_very_short_sounds(tiny: Path, count: int, frames: int) -> None:
    model = catalog.load(str(tiny))
    assert model.log_probabilities(np.zeros(count, np.float32)).shape == (frames, len(SYMBOLS))


def test_many_threads_at_once_hear_the_same(tiny: Path) -> None:
    model = catalog.load(str(tiny), LoadOptions(threads=1))
    found: dict[int, list[str]] = {}

    def listen(index: int) -> None:
        found[index] = heard(model.log_probabilities(tone(index, 0.3)))

    threads = [threading.Thread(target=listen, args=(i,)) for i in range(2, len(SYMBOLS))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {i: [SYMBOLS[i]] for i in range(2, len(SYMBOLS))}


def test_serving_imports_neither_torch_nor_transformers_nor_onnx(tiny: Path) -> None:
    code = (
        "import sys, numpy\n"
        "from amharic_tts.phonemes.models import catalog\n"
        f"catalog.load({str(tiny)!r}).log_probabilities(numpy.zeros(16000, 'float32'))\n"
        "print([m for m in ('torch', 'transformers', 'onnx', 'onnxruntime') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['onnxruntime']"


def edit(folder: Path, **changes: object) -> None:
    path = folder / store.NOTE
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def replaced(folder: Path, name: str, old: bytes, new: bytes) -> None:
    path = folder / name
    path.write_bytes(path.read_bytes().replace(old, new))
    sign(folder, json.loads((folder / store.NOTE).read_text()))


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


FAULTS: list[tuple[Callable[[Path], object], str]] = [
    (lambda f: (f / "model.json").unlink(), "model.json"),
    (lambda f: (f / "model.json").write_text("{"), "`.*model.json` can't be read"),
    (lambda f: (f / "model.json").write_text("[]"), "has the format None; this version reads 1"),
    (lambda f: edit(f, format=2), "has the format 2; this version reads 1"),
    (lambda f: edit(f, notation="runes"), "model.json` is damaged.*'runes' is none of"),
    (lambda f: edit(f, hop="320"), "'320' is no number from 1"),
    (lambda f: edit(f, hop=True), "True is no number"),
    (lambda f: edit(f, files={}), "front.onnx, model.onnx is not among its files"),
    (lambda f: (f / "model.onnx.data").unlink(), "`.*model.onnx.data` is missing"),
    (lambda f: (f / "front.onnx.data").write_bytes(b"0"), "has 1 bytes and should have 35200"),
    (lambda f: flip(f / "model.onnx"), "model.onnx` was changed.*checksum differs"),
    (
        lambda f: replaced(f, "model.onnx", b"model.onnx.data", b"../secret.data."),
        "names weights outside its folder",
    ),
    (
        lambda f: replaced(f, "model.onnx", b"\x12\x0fmodel.onnx.data", b"\x12\x0ffront.onnx.data"),
        "names weights outside its folder",
    ),
]


@pytest.mark.parametrize(("spoil", "message"), FAULTS)
def test_a_damaged_or_hostile_model_is_refused_by_file(
    tiny: Path, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(tiny)
    with pytest.raises(UserError, match=message) as caught:
        OnnxCtc(store.describe(tiny))
    assert caught.value.hint


def test_symbols_outside_the_table_are_refused(tiny: Path) -> None:
    note = json.loads((tiny / store.NOTE).read_text())
    edit(tiny, symbols={**note["symbols"], "blank": len(SYMBOLS)})
    with pytest.raises(UserError, match="11 is no number from 0 to 10"):
        catalog.load(str(tiny))


def test_a_graph_that_is_none_is_an_error_of_the_user(tiny: Path) -> None:
    (tiny / store.MODEL).write_bytes(b"no graph")
    sign(tiny, json.loads((tiny / store.NOTE).read_text()))
    with pytest.raises(UserError, match="`.*model.onnx` can't be run"):
        catalog.load(str(tiny))


def test_a_change_of_the_weights_is_found_by_verify(tiny: Path) -> None:
    store.verify(tiny)
    flip(tiny / "front.onnx.data")
    with pytest.raises(UserError, match="`.*front.onnx.data` is damaged"):
        store.verify(tiny)


def test_states_and_commands(cache: Path) -> None:
    names = [state.entry.name for state in catalog.states()]
    assert names == ["embedded", "fast", "accurate", "fast-english", "timit-ipa", "base-960h"]
    accurate = catalog.states()[2]
    assert (accurate.ready, accurate.hint) == (False, "amharic-tts phonemes-convert accurate")
    with pytest.raises(UserError, match="`accurate` .*is not converted yet") as caught:
        catalog.load("accurate")
    assert caught.value.hint == "Do it once: amharic-tts phonemes-convert accurate"
    source = accurate.entry.source
    tiny_ctc(store.converted(source, "int8"), source=source, dtype="int8")
    assert catalog.states()[2].dtypes == ("int8",)
    assert catalog.load("accurate").id == source
    assert catalog.key("accurate") == catalog.key(source)
    with pytest.raises(UserError, match="not converted to fp32 yet") as caught:
        catalog.load("accurate", LoadOptions(dtype="fp32"))
    assert caught.value.hint.endswith("phonemes-convert accurate --fp32")


def test_where_hama_is_missing_on_windows_fast_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "present", lambda: False)
    monkeypatch.setattr(sys, "platform", "win32")
    state = catalog.states()[0]
    assert (state.ready, state.reason) == (False, "hama has no build for Windows")
    assert state.hint == "Take `fast` instead: amharic-tts phonemes-convert fast"


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("nothing", LoadOptions(), "There is no phoneme model `nothing`"),
        ("embedded", LoadOptions(backend="torch"), "not with `torch`"),
        ("accurate", LoadOptions(backend="hama"), "Only `embedded` runs in hama"),
        ("accurate", LoadOptions(backend="onnxruntime", dtype="bf16"), "need torch"),
        ("accurate", LoadOptions(threads=-1, backend="torch"), "are not here"),
        ("../../etc/x", LoadOptions(), "There is no phoneme model"),
    ],
)
def test_what_can_not_be_loaded(cache: Path, name: str, options: LoadOptions, message: str) -> None:
    with pytest.raises(UserError, match=message):
        catalog.load(name, options)


def test_moments_of_a_kernel() -> None:
    sound = np.random.default_rng(0).normal(0.3, 1, 1000).astype(np.float32)
    windows = np.stack([sound[i : i + 10] for i in range(0, 991, 5)]).astype(np.float64)
    found = moments(sound, 10, 5)
    assert found["mean"] == pytest.approx(windows.mean(axis=0), abs=1e-6)
    assert found["covariance"] == pytest.approx(np.cov(windows.T, bias=True), abs=1e-6)


@pytest.mark.parametrize(
    ("names", "notation"),
    [
        (("<pad>", "|", "E", "T", "A", "'"), "letters"),
        (("<pad>", "|", "AA", "IY", "T", "S", "HH", "sh"), "arpabet"),
        (("<pad>", "AA1", "AA0", "B", "NG"), "arpabet"),
        (("<pad>", "a", "ʃ", "tʃ", "ŋ", "aː"), "ipa"),
        (("<pad>", "|", "ሀ", "ለ", "ሐ"), "letters"),
        (("<pad>", "a", "b", "é", "ñ"), "letters"),
    ],
)
def test_the_notation_is_guessed(names: tuple[str, ...], notation: str) -> None:
    assert vocabulary.guess_notation(names) == notation


def test_roles_of_symbols() -> None:
    names = ("<pad>", "<s>", "[UNK]", "|", "a", "ː", "ˈ", "ʰ", ".", "o̯", "")
    found = vocabulary.symbols(names, "ipa")
    assert (found.blank, found.word) == (0, 3)
    assert found.ignored == {1, 2, 6, 8, 10}
    assert found.modifiers == {5, 7}
    assert vocabulary.symbols(("<pad>", "A", "'"), "letters").ignored == frozenset()
    with pytest.raises(UserError, match="no blank"):
        vocabulary.symbols(("a", "b"), "ipa")


def test_tokens_of_icefall(tmp_path: Path) -> None:
    path = tmp_path / "tokens.txt"
    path.write_text("<blk> 0\n<sos/eos> 1\n▁ 2\na 3\nʰ\t4\n", encoding="utf-8")
    assert vocabulary.read_tokens(path) == ("<blk>", "<sos/eos>", "▁", "a", "ʰ")
    path.write_text("a 0\nb x\n", encoding="utf-8")
    with pytest.raises(UserError, match="line 2: `b x` is no symbol with its number"):
        vocabulary.read_tokens(path)
    path.write_text("a 0\nb 2\n", encoding="utf-8")
    with pytest.raises(UserError, match="does not number its symbols"):
        vocabulary.read_tokens(path)
