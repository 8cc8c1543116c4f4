"""`manifest.json`: what a run was made of, so that it can be understood and repeated."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from amharic_tts import __version__, machine
from amharic_tts.files import write_text
from amharic_tts.jobs.spec import JobSpec
from training.config import FinetuneConfig
from training.data import Clip

NAME = "manifest.json"
_PACKAGES = ("torch", "transformers", "accelerate", "coqui-tts", "tokenizers", "safetensors")


def dataset_hash(clips: Sequence[Clip]) -> str:
    """Return a SHA-256 of what is trained on: each clip's sound and tokens, in any order."""
    lines = sorted(f"{clip.id} {clip.hash} {clip.tokens}" for clip in clips)
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()


def read(run: Path) -> dict[str, Any]:
    """Return the manifest of a run, empty where there is none yet."""
    try:
        body = json.loads((run / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return body if isinstance(body, dict) else {}


def begin(
    run: Path,
    processes: int,
    config: FinetuneConfig,
    base: Path,
    codec: str,
    vocabulary_sha256: str,
    train: Sequence[Clip],
    evaluation: Sequence[Clip],
) -> dict[str, Any]:
    """Write the manifest at a run's start, or add a resumed part to it; return it.

    `codec` is the hash of the base's DVAE, by which its audio codes are known. `train` and
    `evaluation` hold the clips of the dataset and of the replay dataset.
    """
    body = read(run)
    part = {"started": time.time(), "pid": os.getpid(), "processes": processes}
    parts = [*body.get("parts", []), part]
    replay = {}
    if config.replay_dataset:
        replay = _described(config.replay_dataset, train, evaluation, replay=True)
    body = {
        "studio": __version__,
        "git": git_state(Path(__file__).parents[1]),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _PACKAGES},
        "command": JobSpec.load(run).command_line(),
        "executable": sys.executable,
        "config": dataclasses.asdict(config),
        "seed": config.seed,
        "base": {"name": config.base, "folder": str(base), "codec": codec},
        "vocabulary_sha256": vocabulary_sha256,
        "dataset": _described(config.dataset, train, evaluation, replay=False),
        **({"replay": replay} if replay else {}),
        "hardware": machine.facts().to_dict(),
        "parts": parts,
    }
    _write(run, body)
    return body


def _described(
    name: str, train: Sequence[Clip], evaluation: Sequence[Clip], replay: bool
) -> dict[str, Any]:
    """Return what a manifest says of the dataset, or of the replay dataset."""
    trained = [clip for clip in train if clip.replay is replay]
    judged = [clip for clip in evaluation if clip.replay is replay]
    return {
        "name": name,
        "sha256": dataset_hash([*trained, *judged]),
        "train": len(trained),
        "eval": len(judged),
        "seconds": round(sum(clip.samples for clip in trained) / 22050, 2),
    }


def changed_versions(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return what has another version than when the run began; none at its first start."""
    if not before:
        return []
    old = {"studio": before.get("studio"), **before.get("versions", {})}
    new = {"studio": now["studio"], **now["versions"]}
    return [
        f"this run began with {name} {old[name]} and goes on with {new[name]}: "
        "losses may differ from those of an uninterrupted run"
        for name in new
        if old.get(name) not in (None, new[name])
    ]


def end(run: Path, result: dict[str, Any]) -> dict[str, Any]:
    """Write when and how the current part ended; return the manifest."""
    body = read(run)
    parts = body.get("parts") or [{}]
    parts[-1] = {**parts[-1], "ended": time.time()}
    body = {**body, "parts": parts, "result": result}
    _write(run, body)
    return body


def _write(run: Path, body: dict[str, Any]) -> None:
    write_text(run / NAME, json.dumps(body, ensure_ascii=False, indent=1))


def git_state(code: Path) -> dict[str, Any]:
    """Return the commit that the code is of and whether it was changed since.

    Empty where the code is no working tree of git's, or git is not installed.
    """
    if not (code / ".git").exists():
        return {}
    asked = {"commit": ("rev-parse", "HEAD"), "changes": ("status", "--porcelain")}
    said = {}
    for key, words in asked.items():
        try:
            done = subprocess.run(
                ["git", "-C", str(code), *words], capture_output=True, text=True, timeout=20
            )
        except (OSError, subprocess.TimeoutExpired):
            return {}
        if done.returncode:
            return {}
        said[key] = done.stdout.strip()
    return {"commit": said["commit"], "changed": bool(said["changes"])}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
