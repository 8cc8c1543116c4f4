"""Check: what is odd in the clips, numbers and pictures of the dataset, and what can be mended."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from amharic_tts.errors import UserError
from amharic_tts.ui import check_view, downloads, job_view
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.job_panel import JobPanel
from amharic_tts.ui.pages.dataset_repair import RepairCard
from amharic_tts.ui.studio import Studio

PAGE = "dataset-check"


def build(studio: Studio, chosen: gr.Dropdown) -> CheckPart:
    """Place the widgets in the current layout and wire them.

    Args:
        studio: Settings, workspace and words.
        chosen: The dataset's name, chosen once for all views of the page.
    """
    return CheckPart(studio, chosen).build()


class CheckPart:
    """Widgets and handlers of the view."""

    def __init__(self, studio: Studio, chosen: gr.Dropdown) -> None:
        self.studio, self.say, self.name = studio, studio.words, chosen
        self.panel = JobPanel(studio, "task", PAGE)
        self.repair = RepairCard(studio, chosen)

    def build(self) -> CheckPart:
        """Place the widgets in the current layout and wire them."""
        say = self.say
        self.nothing = gr.HTML(
            f'<div class="card nothing"><p>{escape(say("check.nothing"))}</p></div>'
        )
        with gr.Column(visible=False, elem_id="check-start", elem_classes="card") as self.top:
            gr.HTML(f"<p>{escape(say('check.about'))}</p>")
            with gr.Row(elem_classes="toolbar"):
                self.hear = gr.Checkbox(
                    True,
                    label=say("check.hear"),
                    info=say("check.hear_help"),
                    elem_id="check-hear",
                    scale=3,
                )
                self.start = gr.Button(
                    say("check.start"), variant="primary", elem_id="check-go", scale=1
                )
            self.panel.build()
        self._findings()
        with gr.Column(visible=False, elem_id="check-spreads", elem_classes="card") as self.middle:
            self.spreads = gr.HTML(elem_id="check-histograms")
            self.phones = gr.HTML(elem_id="check-phones")
        self.repair.build()
        self._wire()
        return self

    def _findings(self) -> None:
        say = self.say
        with gr.Column(visible=False, elem_id="check-found", elem_classes="card") as self.box:
            self.tiles = gr.HTML(elem_id="check-counts")
            self.kind = gr.Dropdown(
                [("", "")], value="", label=say("check.kind"), elem_id="check-kind"
            )
            self.table = gr.Dataframe(
                headers=check_view.header(say),
                datatype="str",
                interactive=False,
                wrap=True,
                type="array",
                max_height=420,
                column_widths=["150px", "260px", "340px", "110px", "150px"],
                elem_id="check-table",
                show_label=False,
                buttons=[],
            )
            gr.HTML(f'<p class="quiet">{escape(say("dataset.listen"))}</p>')
            self.clip = gr.Audio(
                label=say("dataset.clip"), interactive=False, visible=False, elem_id="check-clip"
            )
            self.csv = gr.DownloadButton(say("check.csv"), size="sm", elem_id="check-csv")

    def _wire(self) -> None:
        say = self.say
        wire(self.start.click, self.begin, say, [self.name, self.hear], self.panel.outputs)
        wire(self.panel.ended.change, self.shown, say, [self.name], self._found)
        wire(self.kind.input, self.choose, say, [self.name, self.kind], [self.table])
        wire(self.table.select, self.play, say, [self.name], [self.clip])
        self.repair.wire()

    @property
    def _found(self) -> list[Any]:
        """What the result of a check changes."""
        here = [self.box, self.tiles, self.kind, self.table, self.clip, self.csv]
        return [*here, self.middle, self.spreads, self.phones, *self.repair.outputs]

    @property
    def outputs(self) -> list[Any]:
        """Every widget that `show` may update."""
        return [self.nothing, self.top, *self._found, *self.panel.outputs]

    def show(self, name: str | None) -> dict[Any, Any]:
        """Return the updates that show a dataset; None where the workspace has none."""
        there = {self.nothing: gr.HTML(visible=not name), self.top: gr.Column(visible=bool(name))}
        task = self.studio.task_of(PAGE)
        panel = self.panel.attach(task if task and task.spec.details.get("page") == PAGE else None)
        return {**there, **panel, **self.shown(name)}

    def shown(self, name: str | None) -> dict[Any, Any]:
        """Return the updates that show the last check of a dataset, and what can be mended."""
        if not name:
            hidden = gr.Column(visible=False)
            return {self.box: hidden, self.middle: hidden, **self.repair.show(None, False)}
        view, say = check_view.view(self.studio.workspace.dataset(name)), self.say
        updates: dict[Any, Any] = {
            self.box: gr.Column(visible=view.checked),
            self.clip: gr.Audio(None, visible=False),
            **self._pictures(name),
            **self.repair.show(name, view.checked),
        }
        if not view.checked:
            return updates
        cells = (check_view.cells(one, say) for one in view.worst)
        file = downloads.offer_table(f"{name}-check.csv", check_view.header(say), cells)
        return {
            **updates,
            self.tiles: job_view.tiles(view.tiles(say)),
            self.kind: gr.Dropdown(choices=view.choices(say), value=""),
            self.table: view.rows("", say),
            self.csv: gr.DownloadButton(value=file),
        }

    def _pictures(self, name: str) -> dict[Any, Any]:
        from amharic_tts.dataset import coverage, statistics
        from amharic_tts.dataset.manifest import Dataset

        dataset = Dataset.load(self.studio.workspace.dataset(name))
        found = coverage.coverage(dataset)
        proposed = coverage.suggestions(dataset, found, 8) if found.phones else []
        spreads = list(statistics.distributions(dataset).values())
        return {
            self.middle: gr.Column(visible=bool(spreads)),
            self.spreads: check_view.histograms(spreads, self.say),
            self.phones: check_view.phones(found, proposed, self.say),
        }

    def begin(self, name: str | None, hear: bool) -> dict[Any, Any]:
        """Start the command that checks the dataset."""
        if not name:
            raise UserError("There is no dataset to check", "Make the sample project first")
        command = ["dataset", "validate", name, "--phones" if hear else "--no-phones"]
        return self.panel.attach(
            self.studio.start_task(PAGE, self.say("check.task", name=name), command)
        )

    def choose(self, name: str, kind: str) -> list[list[str]]:
        """Return the findings of one kind."""
        return check_view.view(self.studio.workspace.dataset(name)).rows(kind or "", self.say)

    def play(self, name: str, picked: gr.SelectData) -> Any:
        """Return the sound of the clip that was clicked.

        Raises:
            UserError: It has none.
        """
        return self.repair.sound(name, str(picked.row_value[0]))
