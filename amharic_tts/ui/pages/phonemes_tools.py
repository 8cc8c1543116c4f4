"""What the Phonemes page offers around listening: models, how they run, and what that costs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr

from amharic_tts.errors import UserError
from amharic_tts.phonemes import measured
from amharic_tts.phonemes.assistant import PhonemeAssistant
from amharic_tts.phonemes.extractor import PhonemeExtractor
from amharic_tts.phonemes.listen import Heard
from amharic_tts.phonemes.models import catalog
from amharic_tts.ui import phonemes_tables
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.job_panel import JobPanel
from amharic_tts.ui.job_view import Watch
from amharic_tts.ui.phonemes_form import DTYPES, OTHER, typed
from amharic_tts.ui.studio import Studio

CONVERT, BENCH = "phonemes-convert", "phonemes-bench"
_FILE = "phonemes-measured.json"


class Tools:
    """Widgets and handlers of the models, the options and the measurements."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.say = studio, studio.words
        self.converting = JobPanel(studio, "task", CONVERT)
        self.benching = JobPanel(studio, "task", BENCH)

    def model_choice(self) -> None:
        """Place the choice of the model."""
        say = self.say
        self.model = gr.Dropdown(
            self._choices(),
            value=self._usual(),
            label=say("phonemes.model"),
            elem_id="phonemes-model",
        )
        self.other = gr.Textbox(
            label=say("phonemes.other"),
            info=say("phonemes.other_help"),
            visible=False,
            elem_id="phonemes-other",
        )
        self.card = gr.HTML(elem_id="phonemes-card", elem_classes="inset")
        self.convert = gr.Button(
            say("phonemes.convert"), size="sm", visible=False, elem_id="phonemes-convert"
        )
        self.converting.build()

    def build(self) -> None:
        """Place the options and what they cost, and wire everything."""
        say = self.say
        with gr.Column(elem_classes="card", elem_id="phonemes-speed"):
            gr.HTML(
                f"<h3>{escape(say('phonemes.speed'))}</h3>"
                f'<p class="quiet">{escape(say("phonemes.speed_help"))}</p>'
            )
            with gr.Row():
                self.dtype = gr.Dropdown(
                    [(say(f"phonemes.dtype_of.{name}"), name) for name in DTYPES],
                    value="auto",
                    label=say("phonemes.dtype"),
                    elem_id="phonemes-dtype",
                )
                self.threads = gr.Slider(
                    0,
                    os.cpu_count() or 1,
                    value=0,
                    step=1,
                    label=say("phonemes.threads"),
                    info=say("phonemes.threads_help"),
                    elem_id="phonemes-threads",
                )
            self.costs = gr.HTML(elem_id="phonemes-costs")
            self.performance = gr.HTML(elem_id="phonemes-performance")
            gr.HTML(f'<p class="quiet">{escape(say("phonemes.bench_help"))}</p>')
            self.bench = gr.Button(say("phonemes.bench"), size="sm", elem_id="phonemes-bench")
            self.benching.build()
            self.table = gr.HTML(elem_id="phonemes-bench-table")
        self._wire()

    def _wire(self) -> None:
        say = self.say
        chosen = [self.other, self.card, self.convert]
        for one in (self.model, self.dtype):
            wire(one.input, self.choose, say, [self.model, self.dtype], chosen)
        wire(
            self.convert.click,
            self.start_convert,
            say,
            [self.model, self.other, self.dtype],
            self.converting.outputs,
        )
        made = [self.model, *chosen]
        wire(self.converting.ended.change, self.models, say, [self.model, self.dtype], made)
        bench = [*self.benching.outputs, self.table]
        wire(self.bench.click, self.start_bench, say, [self.threads], bench)
        wire(self.benching.ended.change, self.bench_done, say, [self.benching.watch], [self.table])

    @property
    def options(self) -> list[Any]:
        """The widgets of how a model shall run, in the order of the form."""
        return [self.dtype, self.threads]

    @property
    def measured(self) -> list[Any]:
        """What changes with every recognition."""
        return [self.costs, self.performance]

    @property
    def loaded(self) -> list[Any]:
        """Every widget that `load` may update."""
        return [
            *(self.model, self.other, self.card, self.convert, self.costs, self.table),
            *self.converting.outputs,
            *self.benching.outputs,
        ]

    def load(self, model: str | None, dtype: str) -> dict[Any, Any]:
        """Show what is ready, what was measured, and tasks that still run."""
        return {
            **self.models(model, dtype),
            self.costs: phonemes_tables.costs(measured.costs(self._path), self.say),
            **self.converting.attach(self.studio.task_of(CONVERT)),
            **self.benching.attach(self.studio.task_of(BENCH)),
            self.table: self._last_bench(),
        }

    def _last_bench(self) -> str:
        job = self.studio.newest_task(BENCH)
        return phonemes_tables.bench(job.history().result, self.say) if job else ""

    @property
    def _path(self) -> Any:
        return self.studio.workspace.cache / _FILE

    def states(self) -> Sequence[catalog.State]:
        """Return the models of the catalog and whether each is ready."""
        return catalog.states()

    def _choices(self) -> list[tuple[str, str]]:
        say = self.say
        found = []
        for state in self.states():
            told = say("phonemes.ready" if state.ready else "phonemes.not_ready")
            found.append((f"{state.entry.name} · {told}", state.entry.name))
        if self.studio.local:
            found.append((say("phonemes.other_choice"), OTHER))
        return found

    def _usual(self) -> str:
        """Return the model to begin with: the first one that is ready here."""
        ready = (state.entry.name for state in self.states() if state.ready)
        return next(ready, catalog.EMBEDDED)

    def models(self, model: str | None, dtype: str) -> dict[Any, Any]:
        """Show the list of models again, with the chosen one."""
        known = self._choices()
        value = model if model in [name for _, name in known] else self._usual()
        return {
            self.model: gr.Dropdown(choices=known, value=value),
            **self.choose(value or "", dtype),
        }

    def choose(self, model: str, dtype: str) -> dict[Any, Any]:
        """Say what a model is, and offer to convert it where that is needed."""
        state = next((one for one in self.states() if one.entry.name == model), None)
        return {
            self.other: gr.Textbox(visible=model == OTHER),
            self.card: gr.HTML(
                "" if state is None else phonemes_tables.model_card(state, self.say),
                visible=state is not None,
            ),
            self.convert: gr.Button(visible=state is None or _to_convert(state, dtype)),
        }

    def start_convert(self, model: str, other: str, dtype: str) -> dict[Any, Any]:
        """Start the command that downloads and converts a model.

        Raises:
            UserError: It is none that can be converted, or none was typed.
        """
        known = [one.entry.name for one in self.states() if _convertible(one)]
        name = typed(other, self.studio) if model == OTHER else model
        if model != OTHER and model not in known:
            raise UserError(f"There is nothing to convert for `{model}`")
        form = "--fp32" if dtype == "fp32" else "--int8"
        title = self.say("phonemes.convert_task", name=name)
        job = self.studio.start_task(CONVERT, title, [CONVERT, name, form])
        return self.converting.attach(job)

    def start_bench(self, threads: int) -> dict[Any, Any]:
        """Start the command that measures every variant that is ready."""
        chosen = [f"--threads={int(threads)}"] if threads else []
        job = self.studio.start_task(BENCH, self.say("phonemes.bench"), [BENCH, *chosen])
        return {**self.benching.attach(job), self.table: ""}

    def bench_done(self, watch: Watch) -> str:
        """Return the table that the last measuring made."""
        return phonemes_tables.bench(watch.history.result, self.say)

    def record(self, extractor: PhonemeExtractor, heard: Heard) -> dict[Any, Any]:
        """Note what a recognition cost, and show everything measured so far.

        Silence is passed over without the model, so it counts neither as sound nor as a run.
        """
        listened = len(heard.starts) * heard.frame_seconds
        if not listened:
            return {self.costs: phonemes_tables.costs(measured.costs(self._path), self.say)}
        found = measured.record(self._path, extractor, listened, heard.took)
        return {self.costs: phonemes_tables.costs(found, self.say)}

    def performance_of(self, assistant: PhonemeAssistant) -> dict[Any, Any]:
        """Show the performance information of the last recognition."""
        info = assistant.get_performance_info()
        title = escape(self.say("phonemes.performance"))
        body = phonemes_tables.performance(info, self.say)
        return {self.performance: f"<details open><summary>{title}</summary>{body}</details>"}


def _convertible(state: catalog.State) -> bool:
    """Return whether a model is made ready by a conversion; the embedded one is a package."""
    return state.entry.name != catalog.EMBEDDED


def _to_convert(state: catalog.State, dtype: str) -> bool:
    """Return whether a conversion would give what is asked for and not there."""
    if not _convertible(state):
        return False
    return not state.ready or (dtype in ("int8", "fp32") and dtype not in state.dtypes)
