"""The processor: its name and those of its instructions that speed up PyTorch and ONNX Runtime."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

from amharic_tts.install.inspection import run_quietly

FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
"""x86: 256- and 512-bit vectors, int8 dot products, bf16 products, matrix tiles."""
ARM_FEATURES = ("asimd", "asimddp", "i8mm", "bf16", "sve", "sve2")
FAST_BF16 = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
_WINDOWS = {40: "avx2", 41: "avx512f"}
"""PF_* numbers of `IsProcessorFeaturePresent`."""


@dataclass(frozen=True)
class Processor:
    """Name and instructions that matter here."""

    name: str
    features: tuple[str, ...]

    @property
    def fast_bf16(self) -> bool:
        """Whether it multiplies bf16 numbers in hardware."""
        return bool(FAST_BF16 & set(self.features))


def parse_cpuinfo(text: str) -> Processor:
    """Read Linux' `/proc/cpuinfo`; a virtual ARM machine names no model."""
    fields = dict(re.findall(r"^([\w ]+?)\s*:[ \t]*(.*)$", text, re.MULTILINE))
    words = set((fields.get("flags") or fields.get("Features") or "").split())
    known = [*FEATURES, *(ARM_FEATURES if "Features" in fields else ())]
    name: str = fields.get("model name") or platform.processor() or platform.machine()
    return Processor(name.strip(), tuple(word for word in known if word in words))


def _mac() -> Processor:
    _, text = run_quietly(["sysctl", "machdep.cpu.brand_string", "hw.optional"])
    fields = dict(re.findall(r"^([\w.]+): (.*)$", text, re.MULTILINE))
    names = {"FEAT_BF16": "bf16", "FEAT_I8MM": "i8mm", "FEAT_DotProd": "asimddp"}
    found = [ours for key, ours in names.items() if fields.get(f"hw.optional.arm.{key}") == "1"]
    return Processor(fields.get("machdep.cpu.brand_string", platform.machine()), tuple(found))


def _windows() -> Processor:
    import ctypes

    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009  # only there on Windows
    found = [name for code, name in _WINDOWS.items() if kernel.IsProcessorFeaturePresent(code)]
    name = os.environ.get("PROCESSOR_IDENTIFIER") or platform.processor()
    return Processor(name, tuple(found))


def processor() -> Processor:
    """Return this machine's processor."""
    if platform.system() == "Darwin":
        return _mac()
    if platform.system() == "Windows":
        return _windows()
    return parse_cpuinfo(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace"))
