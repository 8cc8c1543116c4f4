"""The backend transphone with the real package, on a checkpoint of a few kilobytes.

Each case is a process of its own: transphone keeps one model for the whole of it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

if importlib.util.find_spec("transphone") is None:
    pytest.skip("the optional package transphone is not installed", allow_module_level=True)

from transphone_fixtures import write_inventory, write_model

ROOT = Path(__file__).parents[2]
CODE = """
import json, socket, sys
def refuse(*a, **k): raise AssertionError('touched the network')
socket.socket.connect = refuse
import torch
from amharic_tts.errors import StudioError
from amharic_tts.g2p import EnhancedAmharicG2P, registry
before = torch.initial_seed(), torch.random.get_rng_state().sum().item()
backend = registry.get('transphone')
state = backend.availability()
answers = []
for text in json.loads(sys.argv[1]):
    if text == 'beyond':  # let the model answer the one phone more that its last layer has
        from transphone.utils import Singleton
        with torch.no_grad():
            [g2p.model.generator.bias[-1:].fill_(1.0) for g2p in Singleton._instances.values()]
        continue
    try:
        answers.append(backend.convert(text))
    except StudioError as error:
        answers.append([type(error).__name__, error.message, error.hint])
whole = EnhancedAmharicG2P('transphone').convert_detailed('ሰላም')
after = torch.initial_seed(), torch.random.get_rng_state().sum().item()
print(json.dumps({
    'ok': state.ok, 'reason': state.reason, 'hint': state.hint, 'answers': answers,
    'version': backend.version, 'whole': [whole.ipa, whole.backend, whole.passed_over],
    'same_seed': before == after,
}))
"""


def ask(folder: Path, *texts: str) -> dict[str, object]:
    environ = {**os.environ, "TRANSPHONE_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CODE, json.dumps(texts)]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_tiny_model_reads_amharic(tmp_path: Path) -> None:
    write_model(tmp_path / "042801_base")
    write_inventory(tmp_path / "inventory" / "amh")
    found = ask(tmp_path, "ሰላም", "ሰላም፣ ቤት። 2", "ላ\u135fም", "", "beyond", "ትም")
    assert (found["ok"], found["reason"]) == (True, "")
    assert found["version"] == "transphone-1.5.3/042801_base"
    # The word list, then the model, which says `a` always; marks of length stay for others.
    beyond = "transphone can't do `ትም` (IndexError: list index out of range)"
    answers = ["səlam", "səlam a 2", "a\u135f", "", ["StudioError", beyond, ""]]
    assert found["answers"] == answers
    assert found["whole"] == ["səlam", "transphone", []]
    assert found["same_seed"]
    assert not (tmp_path / "042801_base" / "cache").exists()


def test_a_checkpoint_with_code_in_it_is_not_opened(tmp_path: Path) -> None:
    import torch

    write_model(tmp_path / "042801_base")
    write_inventory(tmp_path / "inventory" / "amh")
    checkpoint = tmp_path / "042801_base" / "model.pt"
    torch.save({"weights": Path("x")}, checkpoint)
    found = ask(tmp_path, "ቤት")
    ((kind, message, _),) = found["answers"]  # type: ignore[misc, attr-defined]
    assert kind == "StudioError"
    assert message == f"`{checkpoint}` is damaged, or holds more than weights: it is not opened"
    assert found["whole"] == ["səlam", "epitran", [["transphone", message]]]
