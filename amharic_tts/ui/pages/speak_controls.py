"""The controls of the Speak page: whose voice, how it is drawn, what is checked."""

from __future__ import annotations

from typing import Any

import gradio as gr

from amharic_tts.synthesis.request import FASTEST, MAX_TAKES, PRECISIONS, PRESETS, SLOWEST
from amharic_tts.ui.studio import Studio


class SpeakControls:
    """Widgets below the text; `inputs` names them as `SpeakForm` does."""

    def __init__(self, studio: Studio) -> None:
        self.say = studio.words
        self.inputs: dict[str, Any] = {}

    def build(self) -> SpeakControls:
        """Place the widgets in the current layout."""
        say, widgets = self.say, self.inputs
        widgets["preset"] = gr.Radio(
            [(say(f"speak.preset.{name}"), name) for name in PRESETS],
            value="own",
            label=say("speak.preset_label"),
            elem_id="speak-preset",
        )
        widgets["speed"] = gr.Slider(
            SLOWEST, FASTEST, 1.0, step=0.05, label=say("speak.speed"), elem_id="speak-speed"
        )
        with gr.Row():
            widgets["check"] = gr.Checkbox(
                label=say("speak.check"),
                info=say("speak.check_help"),
                min_width=220,
                elem_id="speak-check",
            )
            widgets["takes"] = gr.Slider(
                1,
                MAX_TAKES,
                1,
                step=1,
                label=say("speak.takes"),
                info=say("speak.takes_help"),
                min_width=220,
                elem_id="speak-takes",
            )
        with gr.Accordion(say("speak.reference"), open=False):
            widgets["references"] = gr.File(
                label=say("speak.references"),
                file_count="multiple",
                type="filepath",
                elem_id="speak-references",
            )
            widgets["recorded"] = gr.Audio(
                label=say("speak.recorded"),
                sources=["microphone"],
                type="filepath",
                elem_id="speak-recorded",
            )
        with gr.Accordion(say("speak.more"), open=False, elem_id="speak-more"):
            self._more()
        return self

    def _more(self) -> None:
        say, widgets = self.say, self.inputs
        gr.HTML(f'<p class="quiet">{say("speak.more_help")}</p>')
        with gr.Row():
            for name in ("temperature", "top_k", "top_p", "repetition_penalty"):
                widgets[name] = gr.Number(
                    label=say(f"speak.{name}"), value=None, min_width=130, elem_id=f"speak-{name}"
                )
        with gr.Row():
            widgets["seed"] = gr.Number(
                label=say("speak.seed"),
                info=say("speak.seed_help"),
                value=7,
                precision=0,
                elem_id="speak-seed",
            )
            widgets["precision"] = gr.Dropdown(
                [(say(f"speak.precision.{name}"), name) for name in PRECISIONS],
                value="auto",
                label=say("speak.precision_label"),
                elem_id="speak-precision",
            )
        widgets["phonemes"] = gr.Checkbox(
            label=say("speak.phonemes"), info=say("speak.phonemes_help"), elem_id="speak-phonemes"
        )
