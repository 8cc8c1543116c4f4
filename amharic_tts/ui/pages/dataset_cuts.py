"""Bring in, the cuts: hear the recordings once, see where they would be cut, and change it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from amharic_tts.audio.span import read_span
from amharic_tts.dataset.cut_plan import Plan
from amharic_tts.dataset.preview import Heard
from amharic_tts.errors import UserError
from amharic_tts.jobs import store
from amharic_tts.ui import cuts_figure, job_view
from amharic_tts.ui.build_form import SourceForm, cutting_of
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.job_panel import JobPanel
from amharic_tts.ui.studio import Studio
from amharic_tts.ui.theme import ASSETS

PAGE = "dataset-cuts"
FIELDS = ("target", "longest", "pause", "padding", "threshold")
_RANGES = {
    "target": (2.0, 11.0, 0.5),
    "longest": (3.0, 11.5, 0.5),
    "pause": (0.1, 1.0, 0.05),
    "padding": (0.0, 0.5, 0.02),
    "threshold": (0.2, 0.9, 0.05),
}
Changes = dict[str, dict[str, Any]]


class CutsPart:
    """Widgets and handlers of the preview of the cuts; placed inside the form of the sources."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.say = studio, studio.words
        self.panel = JobPanel(studio, "task", PAGE)

    def build(self) -> CutsPart:
        """Place the widgets in the current layout."""
        say, usual = self.say, cutting_of({}).default
        self.kept, self.changes = gr.State(None), gr.State({})
        with gr.Column(elem_classes="inset", elem_id="cuts"):
            self.mode = gr.Radio(
                [(say(f"dataset.cuts.mode_of.{mode}"), mode) for mode in ("speech", "exact")],
                value="speech",
                label=say("dataset.cuts.mode"),
                info=say("dataset.cuts.mode_help"),
                elem_id="cuts-mode",
            )
            self.look = gr.Button(say("dataset.cuts.look"), size="sm", elem_id="cuts-look")
            self.panel.build()
            with gr.Column(visible=False, elem_id="cuts-box") as self.box:
                self.recording = gr.Dropdown(
                    [], label=say("dataset.cuts.recording"), elem_id="cuts-recording"
                )
                self.counts = gr.HTML(elem_id="cuts-counts")
                self.part = gr.Slider(
                    1, 2, value=1, step=1, label=say("dataset.cuts.part"), elem_id="cuts-part"
                )
                script = (ASSETS / "phonemes.js").read_text(encoding="utf-8")
                self.figure = gr.HTML(elem_id="cuts-figure", js_on_load=script)
                self.scope = gr.Radio(
                    [(say(f"dataset.cuts.scope_of.{one}"), one) for one in ("all", "one")],
                    value="all",
                    label=say("dataset.cuts.scope"),
                    elem_id="cuts-scope",
                )
                with gr.Row(elem_id="cuts-settings"):
                    self.fields = [
                        gr.Slider(
                            *_RANGES[name][:2],
                            value=getattr(usual, name),
                            step=_RANGES[name][2],
                            label=say(f"dataset.cuts.{name}"),
                            min_width=200,
                            elem_id=f"cuts-{name}",
                        )
                        for name in FIELDS
                    ]
                self.merge = gr.Checkbox(
                    usual.merge, label=say("dataset.cuts.merge"), elem_id="cuts-merge"
                )
        return self

    def wire(self, sources: Sequence[Any]) -> None:
        """Connect the widgets; `sources` are the fields of a `SourceForm`."""
        say = self.say
        begun = [self.kept, self.box, *self.panel.outputs]
        wire(self.look.click, self.begin, say, [*sources, self.kept], begun)
        wire(self.panel.ended.change, self.shown, say, [self.changes], self.drawn)
        choice = [self.recording, self.changes]
        wire(self.recording.input, self.choose, say, choice, [*self.controls, *self.pictures])
        wire(self.part.release, self.turn, say, [*choice, self.part], [self.figure])
        values = [*choice, self.part, self.scope, *self.fields, self.merge]
        for field in self.fields:
            wire(field.release, self.change, say, values, [self.changes, *self.pictures])
        wire(self.merge.input, self.change, say, values, [self.changes, *self.pictures])

    @property
    def controls(self) -> list[Any]:
        """The settings, which follow the recording that is chosen."""
        return [*self.fields, self.merge]

    @property
    def pictures(self) -> list[Any]:
        """What is drawn of a recording."""
        return [self.counts, self.part, self.figure]

    @property
    def drawn(self) -> list[Any]:
        """Every widget that `shown` may update."""
        return [self.box, self.recording, *self.controls, *self.pictures]

    @property
    def outputs(self) -> list[Any]:
        """Every widget that `show` may update."""
        return [*self.drawn, *self.panel.outputs]

    def begin(self, *values: Any) -> dict[Any, Any]:
        """Start the command that hears the recordings.

        Raises:
            UserError: Nothing was chosen, or a table belongs to it.
        """
        *source, kept = values
        form = SourceForm(*source)
        problems = form.problems()
        if problems:
            raise UserError("\n".join(problems))
        if form.transcript:
            raise UserError(
                "Clips with a table of texts are taken whole: there is nothing to cut",
                "Take the table away to cut the recordings",
            )
        kept = form.keep(self.studio, kept)
        sources, texts = form.sources(self.studio, kept)
        command = ["dataset", "cuts", *sources, *texts]
        job = self.studio.start_task(PAGE, self.say("dataset.cuts.task"), command)
        return {self.kept: kept, self.box: gr.Column(visible=False), **self.panel.attach(job)}

    def show(self) -> dict[Any, Any]:
        """Show a task that still runs; its recordings are drawn when it has ended."""
        return self.panel.attach(self.studio.task_of(PAGE))

    def heard(self) -> dict[str, Heard]:
        """Return the recordings of the last task by name; none where it did not end well."""
        job = self.studio.newest_task(PAGE)
        return _recordings(job) if job else {}

    def shown(self, changes: Changes) -> dict[Any, Any]:
        """Show the recordings that were heard."""
        heard = self.heard()
        if not heard:
            return {self.box: gr.Column(visible=False)}
        first = next(iter(heard))
        return {
            self.box: gr.Column(visible=True),
            self.recording: gr.Dropdown(choices=list(heard), value=first),
            **self.choose(first, changes),
        }

    def choose(self, name: str, changes: Changes) -> dict[Any, Any]:
        """Show a recording, and its settings."""
        settings = cutting_of(changes).of(name)
        values = {
            field: getattr(settings, key) for key, field in zip(FIELDS, self.fields, strict=True)
        }
        return {**values, self.merge: settings.merge, **self._draw(name, changes, 1)}

    def change(self, name: str, changes: Changes, part: int, *values: Any) -> dict[Any, Any]:
        """Take new settings, of all recordings or of this one, and draw again."""
        scope, *numbers, merge = values
        asked = {key: float(value) for key, value in zip(FIELDS, numbers, strict=True)}
        asked["longest"] = max(asked["longest"], asked["target"])
        made = {**changes, (name if scope == "one" else ""): {**asked, "merge": bool(merge)}}
        if scope != "one":
            made.pop(name, None)  # the recording in view follows what is set for all
        return {self.changes: made, **self._draw(name, made, part)}

    def turn(self, name: str, changes: Changes, part: int) -> Any:
        """Show another stretch."""
        heard, plan = self._plan(name, changes)
        return self._figure(heard, plan, int(part))

    def _plan(self, name: str, changes: Changes) -> tuple[Heard, Plan]:
        heard = self.heard().get(name)
        if heard is None:
            raise UserError(f"`{name}` was not heard yet", "Press the button above")
        return heard, heard.plan(self.studio.workspace, cutting_of(changes).of(name))

    def _draw(self, name: str, changes: Changes, part: int) -> dict[Any, Any]:
        heard, plan = self._plan(name, changes)
        last = cuts_figure.stretches(heard.seconds)
        part = min(int(part), last)
        return {
            self.counts: job_view.tiles(self._numbers(heard, plan)),
            self.part: gr.Slider(maximum=max(2, last), value=part, visible=last > 1),
            self.figure: self._figure(heard, plan, part),
        }

    def _figure(self, heard: Heard, plan: Plan, part: int) -> str:
        stretch = cuts_figure.stretch_at(heard.seconds, part)
        rate = cuts_figure.RATE
        samples = read_span(heard.audio, stretch.start, stretch.end, rate)
        return cuts_figure.figure(plan, samples, stretch, self.say)

    def _numbers(self, heard: Heard, plan: Plan) -> dict[str, str]:
        say, lengths = self.say, [cue.end - cue.start for cue in plan.cues] or [0.0]
        spoken = sum(end - start for start, end in plan.speech)
        numbers = {
            "clips": f"{len(plan.cues):,}",
            "lengths": f"{min(lengths):.1f} – {max(lengths):.1f} s",
            "mean": f"{sum(lengths) / len(lengths):.1f} s",
            "speech": f"{cuts_figure.clock(spoken)} / {cuts_figure.clock(heard.seconds)}",
        }
        if heard.cues:
            numbers["joined"] = f"{plan.joined:,}"
        if plan.forced:
            numbers["forced"] = f"{plan.forced:,}"
        return {say(f"dataset.cuts.count.{key}"): value for key, value in numbers.items()}


def _recordings(job: store.Job) -> dict[str, Heard]:
    result = job.history().result
    path = Path(str(result.get("file", "")))
    if not result.get("file") or not path.is_file():
        return {}
    body = json.loads(path.read_text(encoding="utf-8"))
    found = [Heard.from_dict(one) for one in body["recordings"]]
    return {one.source: one for one in found}
