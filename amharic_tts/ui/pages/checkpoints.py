"""The checkpoints of the run that is shown: compare them, hear two, make the voice of one."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pandas as pd

from amharic_tts.errors import UserError
from amharic_tts.jobs import checkpoints, process, store
from amharic_tts.jobs.checkpoints import CheckpointRow
from amharic_tts.ui import checkpoints_view as view
from amharic_tts.ui import downloads
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.job_panel import JobPanel
from amharic_tts.ui.job_view import Watch
from amharic_tts.ui.studio import Studio

COLOURS = ("#b3372f", "#149a84", "#34508f")


class CheckpointBox:
    """Widgets and handlers below the live view of a run."""

    def __init__(self, studio: Studio, run: JobPanel) -> None:
        self.studio, self.say, self.run = studio, studio.words, run
        self.panel = JobPanel(studio, "task", "checkpoint")

    def build(self) -> None:
        """Place the widgets and wire them."""
        say = self.say
        with gr.Column(visible=False, elem_id="checkpoints") as self.box:
            gr.HTML(f"<h3>{say('checkpoint.title')}</h3>")
            self.table = gr.HTML(elem_id="checkpoint-table")
            self.plot = gr.LinePlot(
                x="step",
                y="value",
                color="measure",
                x_title=say("job.step"),
                y_title=" ",
                color_title=" ",
                color_map={
                    say(f"checkpoint.column.{name}"): colour
                    for name, colour in zip(view.MEASURES, COLOURS, strict=True)
                },
                x_axis_format="d",
                height=220,
                visible=False,
                show_label=False,
                elem_id="checkpoint-plot",
            )
            with gr.Column(visible=False, elem_id="checkpoint-listen") as self.listen:
                self.text = gr.Dropdown([], label=say("checkpoint.text"), elem_id="checkpoint-text")
                with gr.Row():
                    self.one, self.sound_one = self._player("one")
                    self.two, self.sound_two = self._player("two")
            with gr.Row(elem_classes="toolbar"):
                self.step = gr.Dropdown(
                    [], label=say("checkpoint.choose"), min_width=140, elem_id="checkpoint-step"
                )
                self.export = gr.Button(
                    say("checkpoint.export"),
                    variant="primary",
                    size="md",
                    elem_id="checkpoint-export",
                )
                self.score = gr.Button(
                    say("checkpoint.score"), size="md", elem_id="checkpoint-score"
                )
            self.panel.build()
        self._wire()

    def _player(self, name: str) -> tuple[gr.Dropdown, gr.Audio]:
        with gr.Column(min_width=200):
            step = gr.Dropdown(
                [], label=self.say(f"checkpoint.{name}"), elem_id=f"checkpoint-{name}"
            )
            sound = gr.Audio(
                interactive=False,
                show_label=False,
                buttons=[],
                elem_id=f"checkpoint-sound-{name}",
            )
        return step, sound

    def _wire(self) -> None:
        say, watch = self.say, self.run.watch
        chosen = [watch, self.text, self.one, self.two, self.step]
        wire(self.run.marks.change, self.show, say, chosen, self.outputs)
        wire(self.panel.ended.change, self.show, say, chosen, self.outputs)
        sounds = [self.sound_one, self.sound_two]
        for widget in (self.text, self.one, self.two):
            heard = [watch, self.text, self.one, self.two]
            wire(widget.input, self.hear, say, heard, sounds)
        wire(self.export.click, self.make_voice, say, [watch, self.step], self.panel.outputs)
        wire(self.score.click, self.measure, say, [watch], self.panel.outputs)

    @property
    def outputs(self) -> list[Any]:
        """Every widget that `show` may update."""
        players = [self.text, self.one, self.two, self.sound_one, self.sound_two]
        return [self.box, self.table, self.plot, self.listen, *players, self.step, self.export]

    def _job(self, watch: Watch) -> store.Job:
        if not watch.job_id:
            raise UserError("Choose a run first")
        return store.get(self.studio.workspace, watch.job_id)

    def show(
        self,
        watch: Watch,
        text: str | None = None,
        one: int | None = None,
        two: int | None = None,
        step: int | None = None,
    ) -> dict[Any, Any]:
        """Return the table of the run that is shown; what is chosen stays chosen where it can."""
        if not watch.job_id:
            return {self.box: gr.Column(visible=False)}
        job = self._job(watch)
        rows = checkpoints.table(job.folder)
        points = view.points(rows, self.say)
        plotted = pd.DataFrame(points, columns=["step", "value", "measure"])
        kept = [(self.say("checkpoint.at", n=row.step), row.step) for row in rows if row.kept]
        best = next((row.step for row in rows if row.best), None)
        chosen = step if step in [n for _, n in kept] else best
        several = len({at for at, _, _ in points}) > 1
        return {
            self.box: gr.Column(visible=bool(rows)),
            self.table: view.table(rows, self.say),
            self.plot: gr.LinePlot(plotted if several else None, visible=several),
            self.step: gr.Dropdown(choices=kept, value=chosen, visible=bool(kept)),
            self.export: gr.Button(visible=bool(kept)),
            **self._listen(job, rows, text, (one, two)),
        }

    def _listen(
        self,
        job: store.Job,
        rows: list[CheckpointRow],
        text: str | None,
        asked: tuple[int | None, int | None],
    ) -> dict[Any, Any]:
        offered = view.spoken(job.folder, rows, self.say)
        if not offered:
            return {self.listen: gr.Column(visible=False)}
        texts, steps = view.sentences(rows), [step for _, step in offered]
        said = text if text in texts else texts[0]
        spoken = [step for step in steps if step != view.REFERENCE]
        one = asked[0] if asked[0] in steps else spoken[0]
        two = asked[1] if asked[1] in steps else spoken[-1]
        return {
            self.listen: gr.Column(visible=True),
            self.text: gr.Dropdown(choices=texts, value=said),
            self.one: gr.Dropdown(choices=offered, value=one),
            self.two: gr.Dropdown(choices=offered, value=two),
            self.sound_one: self._sound(job, rows, one, said),
            self.sound_two: self._sound(job, rows, two, said),
        }

    def _sound(
        self, job: store.Job, rows: list[CheckpointRow], step: int | None, text: str
    ) -> str | None:
        path = view.sound(job.folder, rows, step, text) if step is not None else None
        return downloads.offer_copy(path) if path else None

    def hear(
        self, watch: Watch, text: str | None, one: int | None, two: int | None
    ) -> dict[Any, Any]:
        """Put the sounds of two steps side by side."""
        job = self._job(watch)
        rows = checkpoints.table(job.folder)
        return {
            self.sound_one: self._sound(job, rows, one, text or ""),
            self.sound_two: self._sound(job, rows, two, text or ""),
        }

    def make_voice(self, watch: Watch, step: int | None) -> dict[Any, Any]:
        """Make the voice of the run from one of its checkpoints, as a task.

        Raises:
            UserError: It trains, or there is no such checkpoint.
        """
        job = self._idle(watch)
        if step not in checkpoints.kept_steps(job.folder):
            raise UserError(f"`{job.id}` has no checkpoint of step {step}")
        words = self.say("checkpoint.task_export", n=step, run=job.id)
        command = ["runs", "export", job.id, "--step", str(step)]
        return self.panel.attach(self.studio.start_task("checkpoints", words, command))

    def measure(self, watch: Watch) -> dict[Any, Any]:
        """Speak with the checkpoints that are kept and have no scores yet, as a task.

        Raises:
            UserError: It trains.
        """
        job = self._idle(watch)
        words = self.say("checkpoint.task_score", run=job.id)
        command = ["runs", "checkpoints", job.id, "--score"]
        return self.panel.attach(self.studio.start_task("checkpoints", words, command))

    def _idle(self, watch: Watch) -> store.Job:
        job = self._job(watch)
        if process.alive(job.folder):
            raise UserError(f"`{job.id}` is running", "Stop it first, or wait for its end")
        return job

    def load(self) -> dict[Any, Any]:
        """Show a task that still runs, or has gone wrong."""
        return self.panel.attach(self.studio.task_of("checkpoints"))
