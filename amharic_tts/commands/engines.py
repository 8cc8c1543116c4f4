"""The options `--engine` and `--address` of commands whose work can go to a cluster."""

from __future__ import annotations

from typing import Annotated

import typer

from amharic_tts.dataset.workers import ENGINES, PROCESS, Engine
from amharic_tts.errors import UserError

EngineName = Annotated[
    str,
    typer.Option(
        "--engine",
        help="process: here; ray: on the cores of a Ray cluster (needs --with cluster).",
    ),
]
Address = Annotated[
    str,
    typer.Option(
        "--address", help="Of a running Ray cluster, or auto; else one is made on this machine."
    ),
]


def engine_of(name: str = PROCESS, address: str = "") -> Engine:
    """Return the engine of the options.

    Raises:
        UserError: There is no such engine, or an address without a cluster.
    """
    engine = Engine(name, address)
    problems = engine.problems()
    if problems:
        raise UserError("\n".join(problems), f"--engine is one of {', '.join(ENGINES)}")
    return engine
