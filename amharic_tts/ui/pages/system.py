"""The System page: what this machine can do, what is installed, where things are, what runs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from amharic_tts.jobs import store
from amharic_tts.ui import runs_view
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.html import Safe, chip, table
from amharic_tts.ui.html import facts as grid
from amharic_tts.ui.studio import Studio

if TYPE_CHECKING:
    from amharic_tts.machine import MachineFacts

FOLDERS = ("datasets", "runs", "bases", "speech", "uploads", "cache", "trash")


class SystemPage:
    """Widgets and handlers of the System page."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.say = studio, studio.words

    def build(self) -> SystemPage:
        """Place the widgets in the current layout and wire them."""
        say = self.say
        with gr.Row(elem_classes="split"):
            with gr.Column(min_width=320):
                self.machine = gr.HTML(elem_classes="card", elem_id="system-machine")
                self.workspace = gr.HTML(elem_classes="card", elem_id="system-workspace")
                self.jobs = gr.HTML(elem_classes="card", elem_id="system-jobs")
            with gr.Column(min_width=320):
                self.abilities = gr.HTML(elem_classes="card", elem_id="system-abilities")
                self.parts = gr.HTML(elem_classes="card", elem_id="system-parts")
        self.versions = gr.HTML(elem_classes="card", elem_id="system-versions")
        self.again = gr.Button(say("system.refresh"), size="sm", elem_id="system-refresh")
        wire(self.again.click, self.load, say, None, self.loaded, show_progress="minimal")
        return self

    @property
    def loaded(self) -> list[Any]:
        """Every widget that `load` may update."""
        return [
            self.machine,
            self.workspace,
            self.jobs,
            self.abilities,
            self.parts,
            self.versions,
        ]

    def load(self) -> dict[Any, Any]:
        """Look at the machine and the workspace as they are now."""
        return {**self._machine(), **self._place()}

    def _machine(self) -> dict[Any, Any]:
        from amharic_tts import machine

        facts = machine.facts(self.studio.workspace.root)
        return {
            self.machine: self._titled("machine", table([], self._rows(facts))),
            self.abilities: self._titled(
                "abilities",
                table(
                    self._columns("name", "state", "reason"),
                    [
                        [
                            self._ability(a.name),
                            self._chip(a.ok, "possible", "impossible"),
                            a.reason,
                        ]
                        for a in facts.abilities
                    ],
                ),
            ),
            self.parts: self._titled(
                "parts",
                table(
                    self._columns("name", "state", "reason"),
                    [
                        [
                            f"{part.name} {part.version}",
                            self._chip(part.present, "installed", "missing"),
                            part.reason + (f"\n`{part.command}`" if part.command else ""),
                        ]
                        for part in facts.parts
                    ],
                ),
            ),
            self.versions: self._titled("versions", grid(list(facts.packages.items()))),
        }

    def _rows(self, facts: MachineFacts) -> list[list[str]]:
        say, cpu = self.say, facts.cpu
        gpus = [f"{gpu.name}, {gpu.driver}" for gpu in facts.gpus] or [facts.gpu_problem or "–"]
        values = {
            "system": facts.system,
            "python": facts.python,
            "cpu": f"{cpu.name}, {cpu.cores} / {cpu.threads}\n{', '.join(cpu.features)}",
            "memory": f"{facts.memory_free_gb} / {facts.memory_gb} GB",
            "gpu": "\n".join(gpus),
            "torch": f"{facts.torch.version}" if facts.torch else "–",
            "device": facts.device.upper(),
        }
        return [[say(f"system.fact.{key}"), value] for key, value in values.items()]

    def _ability(self, name: str) -> str:
        return self.say.get(f"train.field.{name}") or self.say(f"train.choice.{name}")

    def _chip(self, good: bool, yes: str, no: str) -> Safe:
        return chip("done" if good else "created", self.say(f"system.{yes if good else no}"))

    def _columns(self, *names: str) -> list[str]:
        return [self.say(f"system.column.{name}") for name in names]

    def _titled(self, name: str, body: str) -> str:
        return f"<h3>{self.say('system.' + name)}</h3>{body}"

    def _place(self) -> dict[Any, Any]:
        say, root = self.say, self.studio.workspace.root
        sizes = [[name, size_of(root / name)] for name in FOLDERS if (root / name).is_dir()]
        free = shutil.disk_usage(root).free
        facts = [[say("system.place"), f"`{root}`"], [say("system.free"), in_words(free)]]
        running = [
            [runs_view.label(job, say), job.id]
            for kind in ("train", "task")
            for job in store.jobs(self.studio.workspace, kind)
            if job.state() == "running"
        ]
        jobs = (
            table(self._columns("name", "value"), running)
            if running
            else (f'<p class="quiet">{say("system.no_jobs")}</p>')
        )
        return {
            self.workspace: self._titled("workspace", table([], [*facts, *sizes])),
            self.jobs: self._titled("jobs", jobs),
        }


def size_of(folder: Path) -> str:
    """Return the size of everything in a folder, in words."""
    return in_words(sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()))


def in_words(size: float) -> str:
    """Return a size in bytes as people read it."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit in ("B", "kB") else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError(size)
