"""The performance test: what it would run, its numbers, its limits, and variants that fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from made_models import tiny_ctc

from amharic_tts.commands.phonemes_bench import table
from amharic_tts.errors import UserError
from amharic_tts.events import Done, Event, Finding
from amharic_tts.phonemes import bench, bench_limits
from amharic_tts.phonemes.bench import BenchRequest
from amharic_tts.phonemes.bench_process import Variant, VariantFailed, VariantProcess
from amharic_tts.phonemes.models.base import RATE, LoadOptions
from amharic_tts.phonemes.models.hama_model import present

needs_hama = pytest.mark.skipif(
    not present(), reason="hama, the embedded recogniser, has no build for this system"
)
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the address space")
EMBEDDED = Variant("embedded", "embedded", "hama", LoadOptions(threads=1))


class Turns:
    """Stands for the processes of variants: each round costs what the test says."""

    order: ClassVar[list[str]] = []
    cpu: ClassVar[dict[str, float]] = {
        "torch fp32": 4.0,
        "onnxruntime int8": 1.0,
        "onnxruntime fp32": 2.0,
    }

    def __init__(self, variant: Variant, samples: Path, memory_limit: int, part: float) -> None:
        if variant.name not in self.cpu:
            raise VariantFailed("not here", "do this")
        assert np.load(samples).dtype == np.float32
        self.variant, self.start_seconds = variant, 0.5
        self.about = {"id": "x", "backend": "b", "dtype": "d", "threads": 1, "notation": "ipa"}
        self.about |= {"load_seconds": 0.25, "start_cpu_seconds": 0.25}

    def round(self) -> dict[str, float]:
        self.order.append(self.variant.name)
        cpu = self.cpu[self.variant.name]
        return {"wall": cpu, "cpu": cpu, "peak_mb": 100, "anonymous_mb": 50, "reserved_mb": 200}

    def outputs(self) -> dict[str, list[object]]:
        other = self.variant.name == "onnxruntime int8"
        return {"frames": [1, 1, 2, 9 if other else 2], "phones": ["a", "e" if other else "b"]}

    def close(self) -> None:
        self.order.append(f"close {self.variant.name}")


def run(request: BenchRequest) -> tuple[dict[str, list[dict[str, object]]], list[Event]]:
    *events, last = bench.run(request)
    assert isinstance(last, Done)
    return last.result, events


def test_turns_ratios_and_agreement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "VariantProcess", Turns)
    monkeypatch.setattr(bench.importlib.util, "find_spec", lambda name: object())
    Turns.order.clear()
    result, events = run(BenchRequest(("some/model",), seconds=1, rounds=2))
    one_round = ["onnxruntime int8", "onnxruntime fp32", "torch fp32"]
    assert Turns.order == [*one_round, *one_round, *(f"close {name}" for name in one_round)]
    rows = {row["variant"]: row for row in result["rows"]}
    found = {
        name: (row["times_reference"], row["frames_agree"], row["phones_differ"])
        for name, row in rows.items()
    }
    assert found == {
        "torch fp32": (1.0, 1.0, 0.0),
        "onnxruntime fp32": (2.0, 1.0, 0.0),
        "onnxruntime int8": (4.0, 0.75, 0.5),
    }
    assert {row["reference"] for row in result["rows"]} == {"torch fp32"}
    assert rows["onnxruntime int8"]["real_time_factor"] == 1.0
    failed = [f["variant"] for f in result["failed"]]
    assert failed == ["torch bf16", "torch dynamic int8", "torch fp32 compiled"]
    messages = [event.message for event in events if isinstance(event, Finding)]
    assert messages[:3] == ["not here (do this)"] * 3
    lines = list(table(result))
    assert lines[0] == "1 s of sound, 1 threads, 2 rounds"
    assert " ".join(lines[3].split()) == (
        "some/model, onnxruntime int8 0.50 0.25 1.00 1.00 1.000 100 4.00 75.0 50.0"
    )
    assert lines[-1] == "some/model, torch fp32 compiled: not run: not here (do this)"


def test_variants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.importlib.util, "find_spec", lambda name: None)
    wanted = BenchRequest(("embedded", "DIR"), {"DIR": "random base"}, threads=2)
    assert [(v.shown, v.name, v.options) for v in bench.variants(wanted)] == [
        ("embedded", "hama", LoadOptions(threads=2)),
        ("random base", "onnxruntime int8", LoadOptions("onnxruntime", "int8", 2)),
        ("random base", "onnxruntime fp32", LoadOptions("onnxruntime", "fp32", 2)),
    ]


def test_requests_that_make_no_sense() -> None:
    wanted = BenchRequest(seconds=0, rounds=0, threads=0, cpus=-1, memory_limit=10)
    with pytest.raises(UserError) as caught:
        next(bench.run(wanted))
    assert caught.value.message.splitlines() == [
        "The test can't begin:",
        "- seconds: 0 is not between 0.1 and 3600",
        "- rounds: 0 is not between 1 and 1000",
        "- threads: 0 is not between 1 and 256",
        "- cpus: -1 is not between 0 and 256",
        "- memory limit: 10 MB hold no Python process",
    ]


@needs_hama
def test_a_real_run_under_limits() -> None:
    result, _ = run(BenchRequest(("embedded",), seconds=0.2, rounds=1, memory_limit=1500, cpus=0.5))
    [row] = result["rows"]
    assert (row["backend"], row["notation"], row["reference"]) == ("hama", "ipa", None)
    assert row["cpu_seconds"] > 0
    assert 20 < row["peak_mb"] < 400
    conditions = result["conditions"]
    assert (conditions["memory_limit"], conditions["cpus_emulated"]) == (1500, True)
    assert conditions["memory_limit_enforced"] == (sys.platform == "linux")
    assert conditions["running_share"] == 0.5
    assert "0.5 CPUs (emulated, running 50 % of the time)" in list(table(result))


@LINUX
def test_a_converted_model_hears_a_long_sound_in_a_gigabyte_and_a_half(tmp_path: Path) -> None:
    folder = tiny_ctc(tmp_path / "tiny")
    np.save(tmp_path / "s.npy", bench.made_sound(16 * RATE))
    variant = Variant(str(folder), "tiny", "onnxruntime", LoadOptions(threads=1))
    process = VariantProcess(variant, tmp_path / "s.npy", memory_limit=1500)
    process.close()  # it has answered: the sound was heard
    assert process.about["backend"] == "onnxruntime"
    assert process.about["reserved_mb"] < 700
    assert process.about["peak_mb"] < 150
    with pytest.raises(VariantFailed):
        VariantProcess(variant, tmp_path / "s.npy", memory_limit=150)


@LINUX
@needs_hama
def test_the_limit_is_enforced(tmp_path: Path) -> None:
    np.save(tmp_path / "s.npy", np.zeros(RATE, dtype=np.float32))
    with pytest.raises(VariantFailed, match="memory|map|alloc"):
        VariantProcess(EMBEDDED, tmp_path / "s.npy", memory_limit=60)


def test_a_variant_that_can_not_be_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "s.npy", np.zeros(RATE, dtype=np.float32))
    variant = Variant("no-such-model", "x", "y", LoadOptions())
    with pytest.raises(VariantFailed, match="There is no phoneme model `no-such-model`"):
        VariantProcess(variant, tmp_path / "s.npy")


def test_share_of_the_time() -> None:
    cores = os.cpu_count() or 1
    assert bench_limits.share(1.3, 1) == 1.0
    assert bench_limits.share(0.5, 1) == 0.5
    assert bench_limits.share(1.3, 64) == min(1.0, 1.3 / min(64, cores))


def test_a_throttled_process_runs_afterwards() -> None:
    code = "import sys; print('up', flush=True); sys.stdin.read(); print('end')"
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    with bench_limits.Throttle(child.pid, 0.1):
        assert child.stdout.readline() == "up\n"
    assert child.communicate("", timeout=60)[0] == "end\n"
    with bench_limits.Throttle(child.pid, 0.1):
        pass  # it is gone, and that is no error


def test_agreement_counts_missing_frames() -> None:
    assert bench.agreement([1, 2, 3, 4], [1, 2]) == 0.5
    assert bench.agreement([], []) == 1.0


def test_the_made_sound_is_the_same_each_time() -> None:
    one = bench.made_sound(RATE)
    assert (one.shape, one.dtype) == ((RATE,), np.float32)
    assert np.array_equal(one, bench.made_sound(RATE))
    assert 0.1 < np.abs(one).max() <= 1.0
