"""What the machine can do, told for machines that this one is not."""

from __future__ import annotations

import dataclasses
import json

import pytest
from typer.testing import CliRunner

from amharic_tts import machine
from amharic_tts.cli import app
from amharic_tts.errors import UserError
from amharic_tts.install import doctor, inspection
from amharic_tts.install.cpu import Processor, parse_cpuinfo
from amharic_tts.install.doctor import Line
from amharic_tts.install.inspection import Gpu, Machine
from amharic_tts.machine import TorchBuild

PLAIN = Machine("Linux", "x86_64", "glibc 2.36", (3, 12, 1), torch_index=True)
A100 = Gpu("NVIDIA A100", "580.65.06", 81920, (8, 0))
T4 = Gpu("Tesla T4", "580.65.06", 15360, (7, 5))
CUDA, CPU_BUILD = TorchBuild("2.11.0+cu130", "13.0"), TorchBuild("2.11.0+cpu", "")
CPU = Processor("A processor", ("avx2",))


def with_gpu(gpu: Gpu) -> Machine:
    return dataclasses.replace(PLAIN, gpus=(gpu,))


@pytest.fixture(autouse=True)
def every_gpu_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def told(here: Machine, torch: TorchBuild | None, cpu: Processor = CPU) -> dict[str, str]:
    """Name -> reason, with `+` before those that work."""
    return {a.name: "+" * a.ok + a.reason for a in machine.abilities_of(here, torch, cpu)}


def test_abilities_without_a_gpu() -> None:
    assert told(PLAIN, CUDA) == {
        "use_sdpa": "+PyTorch's fused kernels, on the CPU",
        "use_flash_attention": "there is no NVIDIA GPU here",
        "use_grad_checkpoint": "+works everywhere",
        "bf16": (
            "+on the CPU, slowly: this CPU has no bf16 instructions (there is no NVIDIA GPU here)"
        ),
        "fp16": "needs a GPU: there is no NVIDIA GPU here",
        "tf32": "needs a GPU: there is no NVIDIA GPU here",
        "adamw_8bit": "needs a GPU: there is no NVIDIA GPU here",
    }
    fast = Processor("A processor", ("amx_bf16",))
    assert told(PLAIN, CUDA, fast)["bf16"] == "+on the CPU (there is no NVIDIA GPU here)"


def test_abilities_of_a_new_gpu() -> None:
    assert told(with_gpu(A100), CUDA) == {
        "use_sdpa": "+PyTorch's fused kernels, on the NVIDIA A100",
        "use_flash_attention": (
            "the package flash-attn is not installed, and there is no CUDA compiler (nvcc) to "
            "build it with: install the CUDA 13.0 toolkit, then run this again"
        ),
        "use_grad_checkpoint": "+works everywhere",
        "bf16": "+on the NVIDIA A100",
        "fp16": "+on the NVIDIA A100; bf16 is safer where it works",
        "tf32": "+on the NVIDIA A100, for products in fp32",
        "adamw_8bit": "the package bitsandbytes is not installed: pip install bitsandbytes",
    }
    with_compiler = dataclasses.replace(with_gpu(A100), nvcc="13.0")
    assert told(with_compiler, CUDA)["use_flash_attention"] == (
        "the package flash-attn is not installed: python smart_install.py --with flash-attn"
    )


def test_abilities_of_an_older_gpu() -> None:
    found = told(with_gpu(T4), CUDA)
    assert found["use_flash_attention"] == "the Tesla T4 is older than Ampere (sm_80)"
    assert found["bf16"] == (
        "the Tesla T4 is older than Ampere (sm_80) and has no bf16; fp16 works"
    )
    assert found["fp16"].startswith("+")
    assert found["tf32"] == "the Tesla T4 is older than Ampere (sm_80)"


def test_abilities_without_pytorch() -> None:
    assert set(told(PLAIN, None).values()) == {
        "PyTorch is not installed: python smart_install.py",
        "there is no NVIDIA GPU here",
        "needs a GPU: there is no NVIDIA GPU here",
    }


@pytest.mark.parametrize(
    ("here", "torch", "obstacle"),
    [
        (PLAIN, CUDA, "there is no NVIDIA GPU here"),
        (dataclasses.replace(PLAIN, gpu_problem="the driver is gone"), CUDA, "the driver is gone"),
        (with_gpu(A100), CUDA, ""),
        (with_gpu(A100), CPU_BUILD, "PyTorch 2.11.0+cpu is the CPU build: python smart_install"),
        (with_gpu(A100), None, "PyTorch is not installed"),
        (with_gpu(dataclasses.replace(A100, driver="550.1")), CUDA, "driver 550.1 is too old"),
        (with_gpu(dataclasses.replace(A100, driver="550.1")), TorchBuild("x", "12.6"), ""),
        (with_gpu(Gpu("GTX 1080", "580.1", 8192, (6, 1))), CUDA, "the GTX 1080 is too old"),
        (dataclasses.replace(with_gpu(A100), system="Darwin"), CUDA, "training uses NVIDIA GPUs"),
    ],
)
def test_why_a_gpu_can_not_be_used(here: Machine, torch: TorchBuild, obstacle: str) -> None:
    assert machine.gpu_obstacle(here, torch).startswith(obstacle)
    assert bool(machine.gpu_obstacle(here, torch)) == bool(obstacle)


@pytest.mark.parametrize("value", ["", "-1"])
def test_a_hidden_gpu_is_told(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert "CUDA_VISIBLE_DEVICES" in machine.gpu_obstacle(with_gpu(A100), CUDA)


def test_the_training_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "torch_build", lambda: CUDA)
    monkeypatch.setattr(machine, "_machine", lambda: with_gpu(A100))
    assert [machine.training_device(d) for d in ("auto", "cuda", "cpu")] == ["cuda", "cuda", "cpu"]
    monkeypatch.setattr(machine, "_machine", lambda: PLAIN)
    assert [machine.training_device(d) for d in ("auto", "cpu")] == ["cpu", "cpu"]
    with pytest.raises(UserError, match="`cuda` can't be used: there is no NVIDIA GPU here"):
        machine.training_device("cuda")


def test_the_installed_pytorch_is_known_without_importing_it() -> None:
    build = machine.torch_build()
    assert build is not None
    assert build.version.partition("+")[0] == machine.version_of("torch").partition("+")[0]


def test_facts_are_plain_data() -> None:
    facts = machine.facts().to_dict()
    assert json.loads(json.dumps(facts)) == json.loads(json.dumps(facts, default=str))
    assert facts["memory_gb"] > 0
    assert facts["cpu"]["usable_threads"] >= 1
    assert facts["packages"]["torch"] == machine.version_of("torch")
    assert [part["name"] for part in facts["parts"]] == [
        "transphone",
        "flash-attn",
        "cluster",
        "youtube",
    ]
    for part in facts["parts"]:
        assert part["present"] or part["reason"]


def test_gpus_are_read_from_nvidia_smi() -> None:
    text = "NVIDIA H100 80GB HBM3, 580.65.06, 81559, 9.0\nTesla K80, 470.1, [N/A]\nNo devices\n"
    assert inspection.parse_gpus(text) == (
        Gpu("NVIDIA H100 80GB HBM3", "580.65.06", 81559, (9, 0)),
        Gpu("Tesla K80", "470.1", 0, None),
    )


def test_processors_are_read_from_cpuinfo() -> None:
    intel = "processor\t: 0\nmodel name\t: Intel(R) Xeon(R)\nflags\t\t: fpu avx2 amx_bf16\n"
    assert parse_cpuinfo(intel) == Processor("Intel(R) Xeon(R)", ("avx2", "amx_bf16"))
    arm = "processor\t: 0\nFeatures\t: fp asimd asimddp bf16\n"
    assert parse_cpuinfo(arm).features == ("asimd", "asimddp", "bf16")
    assert parse_cpuinfo(arm).fast_bf16


def test_the_table_puts_what_to_do_under_its_row() -> None:
    lines = [
        Line("GPU", "none", "note"),
        Line("torch", "2.10.0, wanted 2.11.0", "old", "python smart_install.py"),
        Line("av", "not installed", "missing"),
    ]
    assert doctor.table(lines).splitlines() == [
        "GPU    -        none",
        "torch  OTHER    2.10.0, wanted 2.11.0",
        "                do: python smart_install.py",
        "av     MISSING  not installed",
    ]
    assert doctor.bad(lines) == lines[1:]


def test_package_rows_name_what_differs() -> None:
    text = "torch==2.11.0\nav==18.1.0\nsix==1.17.0\n"
    have = {"torch": "2.11.0+cpu", "av": "17.0.0", "amharic-tts": "0.1.0"}
    assert doctor.package_lines(text, have, (3, 12)) == [
        Line("packages", "1 of 3 as in requirements.txt"),
        Line("av", "17.0.0, wanted 18.1.0", "old", "python smart_install.py"),
        Line("six", "not installed", "missing", "python smart_install.py"),
    ]


def test_the_doctor_command_prints_a_table_and_json() -> None:
    shown = CliRunner().invoke(app, ["doctor"])
    assert shown.exit_code == 0
    topics = [line.split("  ")[0] for line in shown.stdout.splitlines()]
    for topic in ("CPU", "memory", "Python", "packages", "training runs on", "use_sdpa"):
        assert topic in topics
    body = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)
    assert {"system", "cpu", "gpus", "packages", "parts", "abilities", "to_mend"} <= set(body)
