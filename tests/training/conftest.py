"""Shared by the training tests: one practice base for the whole session."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def practice_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A freshly built practice base; tests read it and never write into it."""
    import torch

    from training.practice import base

    torch.set_num_threads(1)
    return base.build(tmp_path_factory.mktemp("bases") / "practice")
