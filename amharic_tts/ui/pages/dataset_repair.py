"""Repair: the plan, a question before it is carried out, the clips before and after."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from amharic_tts.errors import StudioError, UserError
from amharic_tts.ui import check_view
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.job_panel import JobPanel
from amharic_tts.ui.studio import Studio

PAGE = "dataset-repair"


class RepairCard:
    """Widgets and handlers of the repair, a card in the view of the check."""

    def __init__(self, studio: Studio, chosen: gr.Dropdown) -> None:
        self.studio, self.say, self.name = studio, studio.words, chosen
        self.panel = JobPanel(studio, "task", PAGE)

    def build(self) -> None:
        """Place the widgets in the current layout."""
        say = self.say
        with gr.Column(visible=False, elem_id="repair", elem_classes="card") as self.box:
            gr.HTML(
                f"<h3>{escape(say('check.repair.title'))}</h3>"
                f"<p>{escape(say('check.repair.about'))}</p>"
            )
            with gr.Row(elem_classes="toolbar"):
                self.mends = gr.CheckboxGroup(
                    [], label=say("check.repair.what"), elem_id="repair-mends", scale=3
                )
                self.loudness = gr.Number(
                    0,
                    label=say("check.repair.loudness"),
                    info=say("check.repair.loudness_help"),
                    elem_id="repair-loudness",
                    scale=1,
                )
            self.plan = gr.HTML(elem_id="repair-plan")
            self.ask = gr.Button(
                say("check.repair.start"), variant="primary", elem_id="repair-ask", size="sm"
            )
            with gr.Row(visible=False, elem_classes="actions") as self.question:
                self.yes = gr.Button(
                    say("check.repair.yes"), variant="primary", elem_id="repair-yes"
                )
                self.no = gr.Button(say("check.repair.no"), elem_id="repair-no")
            self.panel.build()
            with gr.Column(visible=False, elem_id="repair-done") as self.done:
                self.charts = gr.HTML(elem_id="repair-charts")
                self.which = gr.Dropdown(
                    [], label=say("check.repair.compare"), elem_id="repair-clip"
                )
                with gr.Row():
                    self.before = gr.Audio(
                        label=say("check.repair.before"), interactive=False, elem_id="repair-before"
                    )
                    self.after = gr.Audio(
                        label=say("check.repair.after"), interactive=False, elem_id="repair-after"
                    )

    def wire(self) -> None:
        """Connect the widgets."""
        say, form = self.say, [self.name, self.mends, self.loudness]
        for one in (self.mends, self.loudness):
            wire(one.input, self.replan, say, form, [self.plan, self.question])
        wire(self.ask.click, lambda: gr.Row(visible=True), say, None, [self.question])
        wire(self.no.click, lambda: gr.Row(visible=False), say, None, [self.question])
        wire(self.yes.click, self.begin, say, form, [self.question, *self.panel.outputs])
        wire(self.panel.ended.change, self.ended, say, [self.name], self._shown)
        wire(self.which.input, self.compare, say, [self.name, self.which], self._sounds)

    @property
    def _sounds(self) -> list[Any]:
        return [self.before, self.after]

    @property
    def _shown(self) -> list[Any]:
        here = [self.box, self.mends, self.plan, self.ask, self.question, self.done]
        return [*here, self.charts, self.which, *self._sounds]

    @property
    def outputs(self) -> list[Any]:
        """Every widget that `show` may update."""
        return [*self._shown, *self.panel.outputs]

    def show(self, name: str | None, checked: bool) -> dict[Any, Any]:
        """Return the updates that show what can be mended in a dataset, and the last repair."""
        if not checked:
            return {self.box: gr.Column(visible=False)}
        return {**self.ended(name), **self.panel.attach(self.studio.task_of(PAGE))}

    def ended(self, name: str | None) -> dict[Any, Any]:
        """Return the updates that show the plan as it is now, and what the last repair did."""
        if not name:
            return {self.box: gr.Column(visible=False)}
        plan = self._plan(name, None)
        counts, say = plan.counts, self.say
        return {
            self.box: gr.Column(visible=True),
            self.mends: gr.CheckboxGroup(
                choices=[(f"{say(f'mend.{kind}')}: {n}", kind) for kind, n in counts.items()],
                value=list(counts),
                visible=bool(counts),
            ),
            self.plan: check_view.plan(plan, say),
            self.ask: gr.Button(visible=bool(counts)),
            self.question: gr.Row(visible=False),
            **self._result(name),
        }

    def _plan(self, name: str, loudness: float | None) -> Any:
        from amharic_tts.dataset import repair
        from amharic_tts.dataset.manifest import Dataset

        return repair.plan(Dataset.load(self.studio.workspace.dataset(name)), loudness)

    @staticmethod
    def _wanted(loudness: float | None) -> float | None:
        """Return the loudness asked for: 0, or an empty field, is none."""
        return loudness or None

    def replan(self, name: str, mends: list[str], loudness: float | None) -> dict[Any, Any]:
        """Show the plan for another choice."""
        loudness = self._wanted(loudness)
        kinds = [*mends, *(["normalise_loudness"] if loudness is not None else [])]
        plan = self._plan(name, loudness).only(kinds)
        return {self.plan: check_view.plan(plan, self.say), self.question: gr.Row(visible=False)}

    def begin(self, name: str, mends: list[str], loudness: float | None) -> dict[Any, Any]:
        """Start the command that carries the plan out.

        Raises:
            UserError: Nothing was chosen.
        """
        loudness = self._wanted(loudness)
        kinds = dict.fromkeys([*mends, *(["normalise_loudness"] if loudness is not None else [])])
        if not kinds:
            raise UserError("Nothing is chosen to be mended", "Tick at least one kind")
        command = ["dataset", "repair", name, "--yes", *(f"--mend={kind}" for kind in kinds)]
        if loudness is not None:
            command.append(f"--loudness={loudness:g}")
        job = self.studio.start_task(PAGE, self.say("check.repair.task", name=name), command)
        return {self.question: gr.Row(visible=False), **self.panel.attach(job)}

    def _last(self, name: str) -> dict[str, Any]:
        """Return what the last repair of a dataset ended with, or nothing.

        Raises:
            StudioError: Its result can't be read.
        """
        job = self.studio.newest_task(PAGE)
        file = job.history().result.get("file") if job else None
        if not file or not Path(file).is_file():
            return {}
        try:
            found = json.loads(Path(file).read_text(encoding="utf-8"))
        except ValueError as error:
            raise StudioError(f"`{file}` can't be read: {error}") from error
        return found if found.get("dataset") == name else {}

    def _result(self, name: str) -> dict[Any, Any]:
        from amharic_tts.dataset import statistics

        clips = self._last(name).get("clips", [])
        charts = statistics.before_and_after(clips)
        mended = [clip["id"] for clip in clips if clip.get("was")]
        return {
            self.done: gr.Column(visible=bool(charts)),
            self.charts: check_view.before_after(charts, self.say) if charts else "",
            self.which: gr.Dropdown(choices=mended, value=None, visible=bool(mended)),
            self.before: gr.Audio(None, visible=False),
            self.after: gr.Audio(None, visible=False),
        }

    def compare(self, name: str, clip: str) -> dict[Any, Any]:
        """Return a clip's sound before and after the last repair.

        Raises:
            UserError: The repair did not mend it, or a sound is gone.
        """
        one = next((c for c in self._last(name).get("clips", []) if c["id"] == clip), None)
        if one is None or not one.get("was"):
            raise UserError(f"The last repair of `{name}` did not mend `{clip}`")
        return {
            self.before: self._wav(name, one["was"]),
            self.after: self._wav(name, one["is"]),
        }

    def sound(self, name: str, clip: str) -> Any:
        """Return the sound of a clip as it is now.

        Raises:
            UserError: There is no such clip, or it has no sound.
        """
        from amharic_tts.dataset.manifest import Dataset

        dataset = Dataset.load(self.studio.workspace.dataset(name))
        row = next((one for one in dataset.utterances if one.id == clip), None)
        if row is None or not row.audio:
            raise UserError(f"`{name}` has no sound for `{clip}`")
        return self._wav(name, row.audio, f"{clip}: {row.text}")

    def _wav(self, name: str, audio: str, label: str | None = None) -> Any:
        from amharic_tts.audio import read
        from amharic_tts.dataset.manifest import Dataset, Utterance

        dataset = Dataset.load_header(self.studio.workspace.dataset(name))
        samples = read.read(dataset.wav(Utterance(Path(audio).stem, audio)))
        pcm = (samples.clip(-1, 1) * 32767).astype("int16")
        more = {"label": label} if label else {}
        return gr.Audio((read.RATE, pcm), visible=True, **more)
