"""Versions: what a dataset was before, what distinguishes two states, exports, and the trash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from amharic_tts.dataset.exporting import LAYOUTS
from amharic_tts.errors import UserError
from amharic_tts.ui import downloads, job_view
from amharic_tts.ui import versions_view as view
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.html import rich
from amharic_tts.ui.job_panel import JobPanel
from amharic_tts.ui.studio import Studio


def build(studio: Studio, chosen: gr.Dropdown) -> VersionsPart:
    """Place the widgets in the current layout and wire them.

    Args:
        studio: Settings, workspace and words.
        chosen: The dataset's name, chosen once for all views of the page.
    """
    return VersionsPart(studio, chosen).build()


class VersionsPart:
    """Widgets and handlers of the versions, exports and the trash."""

    def __init__(self, studio: Studio, chosen: gr.Dropdown) -> None:
        self.studio, self.say, self.name = studio, studio.words, chosen
        self.panel = JobPanel(studio, "task", "dataset-export")

    def build(self) -> VersionsPart:
        """Place the widgets in the current layout and wire them."""
        say = self.say
        self.told = gr.HTML(elem_id="versions-told")
        with gr.Column(visible=False, elem_id="versions", elem_classes="card") as self.full:
            self.table = gr.HTML(elem_id="versions-table")
            with gr.Row(elem_classes="toolbar"):
                self.version = gr.Dropdown(
                    [], label=say("versions.chosen"), elem_id="versions-chosen"
                )
                self.other = gr.Dropdown([], label=say("versions.other"), elem_id="versions-other")
                self.compare = gr.Button(say("versions.compare"), elem_id="versions-compare")
                self.restore = gr.Button(say("versions.restore"), elem_id="versions-restore")
            self.difference = gr.HTML(elem_id="versions-difference")
            with gr.Row(elem_classes="toolbar"):
                self.reason = gr.Textbox(
                    label=say("versions.keep_reason"), info=say("versions.keep_help"), scale=3
                )
                self.keep = gr.Button(say("versions.keep"), elem_id="versions-keep")
        with gr.Column(visible=False, elem_id="exports", elem_classes="card") as self.exports:
            self._export()
        with gr.Accordion(
            say("versions.trash.title"), open=False, elem_id="dataset-trash", elem_classes="card"
        ):
            self._trash()
        self._wire()
        return self

    def _export(self) -> None:
        say = self.say
        gr.HTML(f"<h3>{say('versions.export.title')}</h3>")
        with gr.Row(elem_classes="toolbar"):
            self.layout = gr.Dropdown(
                [(say(f"versions.layout.{name}"), name) for name in LAYOUTS],
                value="coqui",
                label=say("versions.export.layout"),
                scale=3,
                elem_id="export-layout",
            )
            self.zipped = gr.Checkbox(True, label=say("versions.export.zip"), container=False)
            self.start = gr.Button(
                say("versions.export.start"), variant="primary", elem_id="export-start"
            )
        self.panel.build()
        self.place = gr.HTML(elem_id="export-place")
        self.download = gr.DownloadButton(
            say("versions.export.download"), visible=False, elem_id="export-download"
        )

    def _trash(self) -> None:
        say = self.say
        with gr.Column(visible=False) as self.leave:
            gr.HTML(f"<p>{say('versions.trash.text')}</p>")
            with gr.Row(elem_classes="toolbar"):
                self.sure = gr.Checkbox(label="", container=False, elem_id="trash-sure", scale=2)
                self.go = gr.Button(say("versions.trash.go"), variant="stop", elem_id="trash-go")
        with gr.Row(elem_classes="toolbar", visible=False) as self.returning:
            self.item = gr.Dropdown([], label=say("versions.trash.which"), scale=2)
            self.back = gr.Button(say("versions.trash.back"), elem_id="trash-back")

    def _wire(self) -> None:
        say, panel = self.say, self.panel
        both = [self.name, self.version, self.other]
        wire(self.compare.click, self.compared, say, both, [self.difference])
        wire(self.restore.click, self.restored, say, [self.name, self.version], self.outputs)
        wire(self.keep.click, self.kept, say, [self.name, self.reason], self.outputs)
        asked = [self.name, self.layout, self.zipped]
        wire(self.start.click, self.exported, say, asked, [*panel.outputs, *self._taken])
        wire(panel.ended.change, self.offer, say, [panel.watch], self._taken)
        everything = [self.name, *self.outputs]
        wire(self.go.click, self.discard, say, [self.name, self.sure], everything)
        wire(self.back.click, self.bring_back, say, [self.item], everything)

    @property
    def _taken(self) -> list[Any]:
        return [self.place, self.download]

    @property
    def outputs(self) -> list[Any]:
        """Every widget that `show` may update."""
        here = [self.told, self.full, self.table, self.version, self.other, self.difference]
        trash = [self.leave, self.sure, self.returning, self.item]
        return [*here, self.reason, self.exports, *self._taken, *trash, *self.panel.outputs]

    def show(self, name: str | None, told: str = "") -> dict[Any, Any]:
        """Show the versions of a dataset, and an export that still runs."""
        from amharic_tts.dataset import trash, versions

        items = trash.datasets(self.studio.workspace)
        task = self.studio.task_of("export")
        updates: dict[Any, Any] = {
            self.told: f'<p class="note">{rich(told)}</p>' if told else "",
            self.full: gr.Column(visible=bool(name)),
            self.exports: gr.Column(visible=bool(name)),
            self.leave: gr.Column(visible=bool(name)),
            self.returning: gr.Row(visible=bool(items)),
            self.item: gr.Dropdown(choices=list(items), value=items[0] if items else None),
            **(self.panel.attach(task) if task else {}),
        }
        if not name:
            return updates
        found = versions.listed(self.studio.workspace.dataset(name))
        choices = view.choices(found)
        numbers = [number for _, number in choices]
        return {
            **updates,
            self.table: view.table(found, self.say),
            self.version: gr.Dropdown(choices=choices, value=numbers[min(1, len(numbers) - 1)]),
            self.other: gr.Dropdown(choices=choices, value=numbers[0]),
            self.difference: "",
            self.reason: "",
            self.sure: gr.Checkbox(False, label=self.say("versions.trash.sure", name=name)),
            self.place: "",
            self.download: gr.DownloadButton(visible=False),
        }

    def compared(self, name: str, version: int, other: int) -> str:
        """Tell what distinguishes two versions."""
        from amharic_tts.dataset import versions

        folder = self.studio.workspace.dataset(name)
        before, after = sorted((version, other))
        found = versions.compare(versions.rows_of(folder, before), versions.rows_of(folder, after))
        return view.difference(found, self.say)

    def restored(self, name: str, version: int) -> dict[Any, Any]:
        """Bring a version back; the present state stays among the versions."""
        from amharic_tts.dataset import versions
        from amharic_tts.dataset.prepare import held

        with held(self.studio.workspace, name):
            made = versions.restore(self.studio.workspace.dataset(name), version)
        return self.show(name, self.say("versions.restored", old=version, new=made.state))

    def kept(self, name: str, reason: str) -> dict[Any, Any]:
        """Begin a new version with the edits so far."""
        from amharic_tts.dataset import versions
        from amharic_tts.dataset.manifest import Dataset
        from amharic_tts.dataset.prepare import held

        folder = self.studio.workspace.dataset(name)
        with held(self.studio.workspace, name):
            before = Dataset.load(folder).state
            made = versions.keep_now(folder, reason.strip() or self.say("versions.keep"))
        if made.state == before:
            return self.show(name, self.say("versions.unchanged"))
        return self.show(name, self.say("versions.kept", n=made.state))

    def exported(self, name: str, layout: str, zipped: bool) -> dict[Any, Any]:
        """Start the command that writes an export into the folder of its task."""
        arguments = ["dataset", "export", name, f"--format={layout}", *(["--zip"] * zipped)]
        title = self.say("versions.export.task", name=name)
        job = self.studio.start_task("export", title, arguments)
        return {
            **self.panel.attach(job),
            self.place: "",
            self.download: gr.DownloadButton(visible=False),
        }

    def offer(self, watch: job_view.Watch) -> dict[Any, Any]:
        """Offer what an export has made: a zip to download, a folder by its place."""
        made = watch.history.result.get("target")
        if watch.history.state != "done" or not made:
            return {self.place: "", self.download: gr.DownloadButton(visible=False)}
        path = Path(made)
        here = self.studio.local
        place = f"<p>{rich(self.say('versions.export.done', place=path))}</p>" if here else ""
        if not path.is_file():
            return {self.place: place, self.download: gr.DownloadButton(visible=False)}
        file = downloads.offer_copy(path)
        return {self.place: place, self.download: gr.DownloadButton(value=file, visible=True)}

    def discard(self, name: str, sure: bool) -> dict[Any, Any]:
        """Move the dataset to the trash.

        Raises:
            UserError: The person has not said yes.
        """
        from amharic_tts.dataset import trash

        if not sure:
            raise UserError(f"`{name}` stays where it is", "Tick the box beside the button first")
        trash.discard(self.studio.workspace, name)
        return self._another(None, self.say("versions.trash.gone", name=name))

    def bring_back(self, item: str) -> dict[Any, Any]:
        """Bring a dataset back from the trash."""
        from amharic_tts.dataset import trash

        name = trash.back(self.studio.workspace, item)
        return self._another(name, self.say("versions.trash.returned", name=name))

    def _another(self, name: str | None, told: str) -> dict[Any, Any]:
        from amharic_tts.dataset.manifest import Dataset

        names = Dataset.names(self.studio.workspace)
        chosen = name or (names[0] if names else None)
        choice = gr.Dropdown(choices=list(names), value=chosen, visible=bool(names))
        return {self.name: choice, **self.show(chosen, told)}
