"""Command `doctor`: what is here, what is missing or of another version, and what mends it."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from amharic_tts.commands import output
from amharic_tts.install import doctor
from amharic_tts.install.doctor import Line


def _lines() -> list[Line]:
    """Return the rows of the table: the machine, the packages, the switches of training."""
    from amharic_tts import machine

    facts = machine.facts()
    cpu = facts.cpu
    features = ", ".join(cpu.features) or "none of the fast instructions"
    torch = facts.torch
    build = (
        f"{torch.version}, {'CUDA ' + torch.cuda if torch.cuda else 'CPU build'}" if torch else ""
    )
    return [
        Line("CPU", f"{cpu.name}, {cpu.usable_threads} of {cpu.threads} threads; {features}"),
        Line("memory", f"{facts.memory_free_gb:.1f} of {facts.memory_gb:.1f} GB free"),
        *machine.examine(),
        *([Line("PyTorch", build)] if torch else []),
        Line("training runs on", "GPU (cuda)" if facts.device == "cuda" else "CPU"),
        *(Line(a.name, a.reason, "ok" if a.ok else "note") for a in facts.abilities),
    ]


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""

    @app.command("doctor")
    def show(
        as_json: Annotated[bool, typer.Option("--json", help="Print the facts as JSON.")] = False,
    ) -> None:
        """Say what this machine has, what is missing or too old, and the command that mends it."""
        from amharic_tts import machine

        lines = _lines()
        to_mend = doctor.bad(lines)
        if as_json:
            body = machine.facts().to_dict()
            body["to_mend"] = [dataclasses.asdict(line) for line in to_mend]
            output.as_json(body)
            return
        output.data(doctor.table(lines))
        output.note(f"{len(to_mend)} to mend" if to_mend else "Nothing to mend")
