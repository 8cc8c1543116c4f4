"""The live view of a job: everything in it is read from the job's folder, tick by tick.

Closing the tab, reloading it or restarting the server loses nothing: the panel is attached again
by the job's id and reads the folder from its beginning.
"""

from __future__ import annotations

import time
from typing import Any

import gradio as gr
import pandas as pd

from amharic_tts.errors import UserError
from amharic_tts.jobs import process, store, training
from amharic_tts.jobs.spec import Kind
from amharic_tts.ui import effective_view, job_view
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.job_view import Watch
from amharic_tts.ui.studio import Studio
from training import config

PATIENCE = 60.0
"""Seconds after a stop request before pressing Stop again ends the process at once."""


class JobPanel:
    """Widgets and handlers that show one job of a kind.

    Args:
        studio: Settings, workspace and words.
        kind: `train` adds the loss plot and Resume.
        name: Prefix of the widgets' ids, such as ``train``.
    """

    def __init__(self, studio: Studio, kind: Kind, name: str) -> None:
        self.studio, self.kind, self.name = studio, kind, name

    def build(self) -> JobPanel:
        """Place the widgets in the current layout and wire them."""
        say, ident = self.studio.words, f"{self.name}-job"
        training = self.kind == "train"
        self.watch = gr.State(Watch())
        self.ended = gr.State("")
        self.marks = gr.State("")
        self.timer = gr.Timer(2.0 if training else 1.0, active=False)
        with gr.Column(visible=False, elem_id=ident, elem_classes="job") as self.box:
            self.status = gr.HTML(elem_id=f"{ident}-status")
            self.tiles = gr.HTML(visible=training)
            self.plot = gr.LinePlot(
                x="step",
                y="loss",
                color="series",
                x_title=say("job.step"),
                y_title=say("plot.axis"),
                color_title=" ",
                color_map={say("plot.loss"): "#149a84", say("plot.eval_loss"): "#d9772b"},
                x_axis_format="d",
                height=300,
                visible=False,
                show_label=False,
                buttons=["fullscreen"],
                elem_id=f"{ident}-plot",
            )
            with gr.Row(elem_classes="actions"):
                self.stop = gr.Button(
                    self._stop_words(False), variant="stop", elem_id=f"{ident}-stop"
                )
                self.steps = gr.Number(
                    label=say("job.steps"), precision=0, min_width=120, elem_id=f"{ident}-steps"
                )
                self.resume = gr.Button(
                    say("job.resume" if training else "job.retry"),
                    variant="primary",
                    elem_id=f"{ident}-resume",
                )
            self.findings = gr.HTML()
            with gr.Accordion(
                say("effective.title"), open=False, visible=False, elem_id=f"{ident}-effective"
            ) as self.effective_box:
                self.effective = gr.HTML()
            with gr.Accordion(say("job.log"), open=False, elem_id=f"{ident}-details"):
                self.command = gr.Textbox(
                    label=say("job.command"),
                    info=say("job.several") if training else None,
                    interactive=False,
                    buttons=["copy"],
                    lines=2,
                    elem_classes="mono",
                )
                self.log = gr.Textbox(
                    label=say("job.log_tail"),
                    interactive=False,
                    lines=8,
                    max_lines=16,
                    autoscroll=True,
                    buttons=["copy"],
                    elem_id=f"{ident}-log",
                    elem_classes="mono",
                )
        self._wire()
        return self

    @property
    def outputs(self) -> list[Any]:
        """Every widget that `attach` and `tick` may update."""
        return [
            self.watch,
            self.ended,
            self.marks,
            self.timer,
            self.box,
            self.status,
            self.tiles,
            self.plot,
            self.stop,
            self.steps,
            self.resume,
            self.findings,
            self.effective_box,
            self.effective,
            self.command,
            self.log,
        ]

    def _wire(self) -> None:
        say = self.studio.words
        wire(self.timer.tick, self.tick, say, [self.watch], self.outputs)
        wire(self.stop.click, self.request_stop, say, [self.watch], self.outputs)
        wire(self.resume.click, self.start_again, say, [self.watch, self.steps], self.outputs)

    def attach(self, job: store.Job | None) -> dict[Any, Any]:
        """Return the updates that show a job from the beginning, or nothing at all."""
        if job is None:
            return {
                self.watch: Watch(),
                self.marks: "",
                self.timer: gr.Timer(active=False),
                self.box: gr.Column(visible=False),
            }
        watch = Watch(job.id)
        watch.update(job)
        return self._draw(job, watch)

    def attach_id(self, job_id: str | None) -> dict[Any, Any]:
        """Return the updates that show the job of an id.

        Raises:
            UserError: There is none.
        """
        return self.attach(store.get(self.studio.workspace, job_id, self.kind) if job_id else None)

    def tick(self, watch: Watch) -> Any:
        """Show what is new in the job's folder; nothing new costs nothing."""
        if not watch.job_id:
            return gr.skip()
        process.reap()
        job = store.get(self.studio.workspace, watch.job_id, self.kind)
        before = watch.history.state
        if not watch.update(job):
            return gr.skip()
        updates = self._draw(job, watch)
        if before in job_view.LIVE and watch.history.state not in job_view.LIVE:
            updates[self.ended] = f"{job.id} {watch.history.state} {time.time():.3f}"
        return updates

    def request_stop(self, watch: Watch) -> dict[Any, Any]:
        """Ask the job to save and stop; where it has not answered for long, end it.

        Raises:
            UserError: It does not run.
        """
        job = store.get(self.studio.workspace, watch.job_id, self.kind)
        if not process.alive(job.folder):
            raise UserError(f"`{job.id}` is not running")
        asked = job.folder / process.STOP_FILE
        if asked.exists() and time.time() - asked.stat().st_mtime > PATIENCE:
            process.kill(job.folder)
        else:
            process.request_stop(job.folder)
        watch.update(job)
        return self._draw(job, watch)

    def start_again(self, watch: Watch, steps: int | None = None) -> dict[Any, Any]:
        """Start the process of the job again; a training run goes on from its checkpoint.

        Args:
            watch: Which job.
            steps: For a training run, how many steps it shall have in all.

        Raises:
            UserError: It runs already, has that many steps, or another job has the device.
        """
        job = store.get(self.studio.workspace, watch.job_id, self.kind)
        if self.kind == "train":
            training.resume_run(
                self.studio.workspace, job.id, None if steps == steps_of(job) else steps
            )
        else:
            process.start(self.studio.workspace, job.folder)
        return self.attach(job)

    def _draw(self, job: store.Job, watch: Watch) -> dict[Any, Any]:
        say, history = self.studio.words, watch.history
        live = history.state in job_view.LIVE
        effective = effective_view.shown(job.folder, say) if self.kind == "train" else ""
        told = history.findings
        if effective:  # the table tells them with what was asked
            told = [one for one in told if not one.code.startswith(effective_view.CODE)]
        updates = {
            self.watch: watch,
            self.timer: gr.Timer(active=live),
            self.box: gr.Column(visible=True),
            self.status: job_view.status(job, watch, say),
            self.stop: gr.Button(
                self._stop_words(watch.stopping), visible=history.state == "running"
            ),
            self.steps: gr.Number(visible=False),
            self.resume: gr.Button(visible=history.state in ("stopped", "failed", "lost")),
            self.findings: job_view.findings(told, say),
            self.command: job.spec.command_line(),
            self.log: job.log_tail(),
        }
        if self.kind == "train":
            updates |= self._draw_training(job, history, live)
            updates[self.effective_box] = gr.Accordion(visible=bool(effective))
            updates[self.effective] = effective
            evaluated = len(history.metrics.get("eval_loss", {}))
            # Changes with what a table of checkpoints tells, and not with every step.
            updates[self.marks] = f"{job.id} {evaluated} {len(history.samples)} {history.state}"
        return updates

    def _stop_words(self, stopping: bool) -> str:
        key = "stopping" if stopping else "stop"
        return self.studio.words(f"job.{key}" if self.kind == "train" else f"task.{key}")

    def _draw_training(self, job: store.Job, history: store.History, live: bool) -> dict[Any, Any]:
        say, steps = self.studio.words, steps_of(job)
        rows = job_view.loss_rows(history, say, steps)
        table = pd.DataFrame(rows, columns=["step", "loss", "series"])
        again = say("job.further" if history.state == "done" else "job.resume")
        return {
            self.tiles: job_view.tiles(job_view.numbers(history, say)),
            # An empty plot is hidden: it would draw axes from minus to plus infinity.
            self.plot: gr.LinePlot(
                table if rows else None, x_lim=[0, max(steps, history.step)], visible=bool(rows)
            ),
            self.steps: gr.Number(
                steps * 2 if history.state == "done" else steps, visible=not live
            ),
            self.resume: gr.Button(again, visible=not live),
        }


def steps_of(job: store.Job) -> int:
    """Return how many steps a training run shall have in all.

    Raises:
        UserError: Its settings can't be read.
    """
    return config.load(job.folder / training.CONFIG).steps
