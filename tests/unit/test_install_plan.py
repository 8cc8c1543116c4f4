"""The plan of a set-up, for machines that this one is not."""

from __future__ import annotations

import dataclasses

import pytest

from amharic_tts.errors import UserError
from amharic_tts.install.inspection import Gpu, Machine
from amharic_tts.install.plan import Options, Plan, make_plan
from amharic_tts.install.torch_choice import choose_torch

LINUX = Machine(
    system="Linux",
    arch="x86_64",
    system_version="glibc 2.36",
    python=(3, 12, 1),
    executable="python3",
    disk_free=50 * 10**9,
    package_index=True,
    torch_index=True,
)
A100 = Gpu("NVIDIA A100", "580.65.06", 81920, (8, 0))
LINUX_GPU = dataclasses.replace(LINUX, gpus=(A100,))
WINDOWS = dataclasses.replace(LINUX, system="Windows", system_version="10.0.22631")
WINDOWS_GPU = dataclasses.replace(WINDOWS, gpus=(A100,))
MAC = dataclasses.replace(LINUX, system="Darwin", arch="arm64", system_version="14.5")
ARM = dataclasses.replace(LINUX, arch="arm64")
PARTS = {"flash-attn": ("flash-attn==2.8.3",), "youtube": ("yt-dlp==2026.10.21",)}
INDEX = "https://download.pytorch.org/whl/"


def titles(plan: Plan) -> list[str]:
    return [step.title for step in plan.steps]


def torch_commands(machine: Machine, **options: bool) -> list[str]:
    """The command that installs PyTorch, and those tried if it fails, without the common part."""
    plan = make_plan(machine, Options(**options))
    (step,) = [step for step in plan.steps if step.title == "Install PyTorch"]
    return [" ".join(way.argv).partition(" install ")[2] for way in (step, *step.otherwise)]


def test_an_empty_linux_machine_without_a_gpu_takes_the_cpu_index_then_the_registry() -> None:
    plan = make_plan(LINUX, Options())
    assert titles(plan) == [
        "Make the virtual environment .venv",
        "Install uv",
        "Install PyTorch",
        "Install the packages",
        "Put the studio into .venv",
        "Check that everything imports",
    ]
    assert plan.layers == ("base",)
    uv, pip = "--python .venv/bin/python ", "--disable-pip-version-check "
    from_index = f"--index-url {INDEX}cpu torch==2.11.0 torchaudio==2.11.0"
    from_registry = "torch==2.11.0 torchaudio==2.11.0 -c constraints.txt"
    assert torch_commands(LINUX) == [
        uv + from_index,
        pip + from_index,
        uv + from_registry + " --override overrides.txt",
        pip + from_registry,
    ]
    assert all(step.why for step in plan.steps)


def test_without_the_pytorch_index_linux_takes_the_registrys_build() -> None:
    away = dataclasses.replace(LINUX, torch_index=False)
    assert torch_commands(away, use_uv=False) == [
        "--disable-pip-version-check torch==2.11.0 torchaudio==2.11.0 -c constraints.txt"
    ]
    assert "can't be reached" in choose_torch(away).why


def test_linux_with_a_gpu_takes_the_registrys_cuda_13_build() -> None:
    first = torch_commands(LINUX_GPU)[0]
    assert first == (
        "--python .venv/bin/python torch==2.11.0 torchaudio==2.11.0 -c constraints.txt "
        "--override overrides.txt"
    )
    assert choose_torch(LINUX_GPU).cuda == "13.0"


def test_windows_with_a_gpu_needs_the_pytorch_projects_own_index() -> None:
    first = torch_commands(WINDOWS_GPU)[0]
    assert first == (
        rf"--python .venv\Scripts\python.exe --index-url {INDEX}cu130 "
        "torch==2.11.0 torchaudio==2.11.0"
    )
    assert "own index only" in choose_torch(WINDOWS_GPU).why


def test_windows_with_a_gpu_says_so_when_that_index_is_away() -> None:
    plan = make_plan(dataclasses.replace(WINDOWS_GPU, torch_index=False), Options())
    assert plan.torch.build == ""
    assert "runs on the CPU only" in plan.notes[0]


@pytest.mark.parametrize("machine", [WINDOWS, MAC], ids=["windows", "mac"])
def test_windows_without_a_gpu_and_macs_take_the_registrys_build(machine: Machine) -> None:
    commands = torch_commands(machine, use_uv=False)
    assert len(commands) == 1
    assert "--index-url" not in commands[0]


def test_linux_on_arm_is_supported() -> None:
    assert f"{INDEX}cpu" in torch_commands(ARM)[0]
    assert choose_torch(dataclasses.replace(ARM, gpus=(A100,))).cuda == "13.0"


@pytest.mark.parametrize(
    ("driver", "capability", "build"),
    [
        ("580.65", (8, 0), ""),  # the registry's CUDA 13 build
        ("580.65", (12, 0), ""),
        ("580.65", (6, 1), "cu126"),  # Pascal: CUDA 13 left it out
        ("550.120", (8, 6), "cu126"),
        ("525.60", (7, 0), "cu126"),
        ("570.86", (12, 0), "cu128"),  # Blackwell on a driver before 580
        ("560.35", None, "cu126"),
        ("470.256", (8, 6), "cpu"),  # too old for any build of PyTorch 2.11
    ],
)
def test_the_build_follows_driver_and_gpu(
    driver: str, capability: tuple[int, int] | None, build: str
) -> None:
    machine = dataclasses.replace(LINUX, gpus=(Gpu("GPU", driver, 8192, capability),))
    choice = choose_torch(machine)
    assert choice.build == build
    assert bool(choice.note) == (build == "cpu")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"python": (3, 9, 18)}, "needs Python 3.10 to 3.13, and this is Python 3.9.18"),
        ({"python": (3, 14, 0)}, "needs Python 3.10 to 3.13, and this is Python 3.14.0"),
        ({"python_kind": "free-threaded"}, "this is free-threaded 3.12.1"),
        ({"system": "Darwin"}, "no build for Macs with Intel processors"),
        ({"arch": "32-bit"}, "no build for Linux on 32-bit"),
        ({"system": "FreeBSD"}, "no build for FreeBSD on x86_64"),
        ({"system_version": ""}, "needs a Linux with glibc 2.28 or newer"),
        ({"system_version": "glibc 2.17"}, "this one has glibc 2.17"),
        ({"system": "Darwin", "arch": "arm64", "system_version": "13.6"}, "needs macOS 14"),
        ({"writable": False}, "can't be written"),
        ({"can_make_venv": False}, "lacks `venv` or `ensurepip`"),
        ({"disk_free": 10**9}, "needs about 4 GB of disk here, and 1.0 GB are free"),
        ({"package_index": False}, "pip can't reach its package index"),
    ],
)
def test_what_can_not_be_done_is_said_at_once(changes: dict[str, object], message: str) -> None:
    machine = dataclasses.replace(LINUX, **changes)  # type: ignore[arg-type]
    with pytest.raises(UserError) as caught:
        make_plan(machine, Options())
    assert message in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code == 2


def test_debian_without_venv_is_told_which_package() -> None:
    with pytest.raises(UserError, match=r"sudo apt install python3\.12-venv"):
        make_plan(dataclasses.replace(LINUX, can_make_venv=False), Options())


def test_a_venv_that_is_there_needs_less_disk_and_no_ensurepip() -> None:
    machine = dataclasses.replace(
        LINUX,
        venv_python=(3, 12),
        can_make_venv=False,
        disk_free=2 * 10**9,
        venv_size=3 * 10**9,
        installed_torch="2.11.0+cpu",
    )
    assert titles(make_plan(machine, Options()))[:2] == ["Install uv", "Install the packages"]


def test_a_venv_of_another_supported_python_stays_and_of_a_refused_one_is_made_anew() -> None:
    other = dataclasses.replace(LINUX, venv_python=(3, 10))
    assert titles(make_plan(other, Options()))[0] == "Install uv"
    old = dataclasses.replace(LINUX, venv_python=(3, 9))
    step = make_plan(old, Options()).steps[0]
    assert step.argv == ("python3", "-m", "venv", "--clear", ".venv")
    assert "for Python 3.9" in step.why


def test_a_gpu_that_came_later_replaces_the_cpu_build() -> None:
    machine = dataclasses.replace(LINUX_GPU, venv_python=(3, 12), installed_torch="2.11.0+cpu")
    assert titles(make_plan(machine, Options()))[1:3] == [
        "Remove the other PyTorch build",
        "Install PyTorch",
    ]


def test_the_registrys_build_is_kept_where_the_cpu_build_would_do() -> None:
    machine = dataclasses.replace(LINUX, venv_python=(3, 12), installed_torch="2.11.0")
    assert "Install PyTorch" not in titles(make_plan(machine, Options()))


def test_nothing_is_left_to_do_the_second_time() -> None:
    done = Options(in_place=frozenset({"base", "tests"}))
    offline = dataclasses.replace(LINUX, package_index=False, torch_index=False, disk_free=0)
    assert make_plan(offline, done).steps == ()
    assert make_plan(offline, dataclasses.replace(done, tests=True)).steps == ()


def test_tests_need_their_packages() -> None:
    plan = make_plan(LINUX, Options(tests=True))
    (step,) = [step for step in plan.steps if step.title == "Install the packages"]
    pinned = ("-r", "requirements-dev.txt", "-c", "constraints.txt")
    assert step.argv[-6:] == (*pinned, "--override", "overrides.txt")
    assert step.otherwise[0].argv[-4:] == pinned
    assert plan.layers == ("base", "tests")


def test_pip_set_to_another_index_is_used_instead_of_uv() -> None:
    plan = make_plan(dataclasses.replace(LINUX, pip_only="PIP_INDEX_URL"), Options())
    assert "Install uv" not in titles(plan)
    assert not any("uv" in step.argv for step in plan.steps)
    assert plan.notes == ("pip is used instead of uv, which does not read `PIP_INDEX_URL`",)


@pytest.mark.parametrize(
    "machine", [dataclasses.replace(LINUX, python=(3, 13, 0)), ARM], ids=["python 3.13", "arm"]
)
def test_pip_alone_needs_a_compiler_where_a_wheel_is_missing(machine: Machine) -> None:
    bare = dataclasses.replace(machine, compiler=False)
    assert make_plan(bare, Options()).steps  # uv leaves those packages out
    with pytest.raises(UserError, match="no C.. compiler"):
        make_plan(bare, Options(use_uv=False))
    assert make_plan(machine, Options(use_uv=False)).steps
    assert make_plan(dataclasses.replace(LINUX, compiler=False), Options(use_uv=False)).steps


def test_an_unknown_part_is_refused_with_the_list() -> None:
    with pytest.raises(UserError) as caught:
        make_plan(LINUX, Options(parts=("youtube", "flash"), known_parts=PARTS))
    assert caught.value.message == "There is no optional part `flash`"
    assert caught.value.hint == "Known parts: flash-attn, youtube"


def test_parts_are_optional_steps() -> None:
    done = Options(parts=("youtube",), known_parts=PARTS, in_place=frozenset({"base"}))
    machine = dataclasses.replace(LINUX, venv_python=(3, 12))
    plan = make_plan(machine, done)
    assert titles(plan) == ["Install uv", "Install youtube"]
    assert plan.steps[1].optional
    assert plan.layers == ("base", "youtube")


@pytest.mark.parametrize(
    ("machine", "reason"),
    [
        (LINUX, "there is no NVIDIA GPU here"),
        (WINDOWS_GPU, "flash-attn supports Linux only, and this is Windows"),
        (LINUX_GPU, "there is no CUDA compiler (nvcc) to build it with: install the CUDA 13.0"),
        (
            dataclasses.replace(LINUX_GPU, nvcc="12.4"),
            "the CUDA compiler is 12.4, and PyTorch's build is for CUDA 13.0",
        ),
        (
            dataclasses.replace(LINUX, gpus=(Gpu("Tesla T4", "580.1", 15360, (7, 5)),)),
            "the Tesla T4 is older than Ampere (sm_80)",
        ),
    ],
)
def test_flash_attn_is_left_out_with_the_reason(machine: Machine, reason: str) -> None:
    plan = make_plan(machine, Options(parts=("flash-attn", "youtube"), known_parts=PARTS))
    assert plan.skipped["flash-attn"].startswith(reason)
    assert "Install youtube" in titles(plan)
    assert plan.layers == ("base", "youtube")


def test_flash_attn_is_built_where_it_can_be() -> None:
    machine = dataclasses.replace(LINUX_GPU, nvcc="13.0")
    plan = make_plan(machine, Options(parts=("flash-attn",), known_parts=PARTS))
    build = [step for step in plan.steps if step.part == "flash-attn"]
    assert [step.optional for step in build] == [True, True]
    assert build[1].argv[-2:] == ("--no-build-isolation", "flash-attn==2.8.3")
