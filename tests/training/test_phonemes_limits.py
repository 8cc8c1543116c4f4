"""The machine of the issue, for real: 30 seconds of speech in 1.5 GB of address space."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from amharic_tts.errors import UserError
from amharic_tts.events import Done
from amharic_tts.phonemes import bench, bench_random
from amharic_tts.phonemes.bench_process import Variant, VariantFailed, VariantProcess
from amharic_tts.phonemes.models.base import RATE, LoadOptions
from amharic_tts.phonemes.models.hama_model import present

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux limits the address space"
)


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    path = tmp_path / "speech.npy"
    np.save(path, bench.made_sound(30 * RATE))
    return path


@pytest.mark.skipif(not present(), reason="hama has no build for this system")
def test_the_embedded_model(speech: Path) -> None:
    variant = Variant("embedded", "embedded", "hama", LoadOptions(threads=1))
    process = VariantProcess(variant, speech, memory_limit=1500)
    process.close()  # it has answered: the 30 seconds were heard
    assert process.about["reserved_mb"] < 500
    assert process.about["peak_mb"] < 250


def test_torch_does_not_fit(speech: Path, tmp_path: Path) -> None:
    # The control: without the limit being enforced, this variant would get as far as its model.
    (tmp_path / "model").mkdir()
    variant = Variant(str(tmp_path / "model"), "x", "torch", LoadOptions("torch", "fp32", 1))
    with pytest.raises(VariantFailed):
        VariantProcess(variant, speech, memory_limit=300)


def test_random_weights_are_made_converted_and_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHONEME_MODELS_DIR", str(tmp_path))
    request = bench.BenchRequest(seconds=1, rounds=1, torch=False)
    *events, last = bench.with_random(request, ["tiny"])
    assert isinstance(last, Done)
    assert [(row["model"], row["variant"]) for row in last.result["rows"]] == [
        ("random tiny", "onnxruntime int8"),
        ("random tiny", "onnxruntime fp32"),
    ]
    assert {row["reference"] for row in last.result["rows"]} == {"onnxruntime fp32"}
    assert last.result["rows"][1]["frames_agree"] == 1.0
    # The second time nothing is made.
    *events, again = bench_random.build("tiny")
    assert events == []
    assert again.result == {"model": str(tmp_path / "random-tiny")}  # type: ignore[attr-defined]
    with pytest.raises(UserError, match="There is no size `huge`"):
        next(bench_random.build("huge"))
