"""Take a voice away as a zip, bring one in, and how to put one on a model hub."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from amharic_tts.base_models.catalog import CPML, PRACTICE
from amharic_tts.errors import UserError
from amharic_tts.jobs import store
from amharic_tts.synthesis import notices, voice_import, voices
from amharic_tts.synthesis.practice_voice import built_in
from amharic_tts.tokenizer.settings import TEXT_MODES
from amharic_tts.ui import downloads, job_view, runs_view
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.html import rich
from amharic_tts.ui.job_panel import JobPanel
from amharic_tts.ui.studio import Studio


@dataclass(frozen=True)
class ImportForm:
    """What the form of an import holds."""

    file: str | None
    name: str
    language: str
    text_mode: str | None

    def arguments(self) -> list[str]:
        """Return the command that does it.

        Raises:
            UserError: There is no file.
        """
        if not self.file:
            raise UserError("There is no zip to bring in", "Choose one first")
        found = ["voices", "import", self.file]
        if self.name.strip():
            found.append(f"--name={self.name.strip()}")
        if self.language.strip():
            found.append(f"--language={self.language.strip()}")
            found.append(f"--text-mode={self.text_mode or TEXT_MODES[0]}")
        return found


class VoiceBox:
    """Widgets and handlers of the part of the Speak page below everything."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.say = studio, studio.words
        self.exports = JobPanel(studio, "task", "voice-export")
        self.imports = JobPanel(studio, "task", "voice-import")

    def build(self) -> VoiceBox:
        """Place the widgets in the current layout and wire them."""
        title = self.say("takeaway.title")
        with gr.Accordion(title, open=False, elem_id="voice-box", elem_classes="card"):
            self._export()
            self._import()
            self._push()
        self._wire()
        return self

    def _export(self) -> None:
        say = self.say
        gr.HTML(f"<h3>{say('takeaway.away')}</h3>")
        with gr.Row(elem_classes="toolbar"):
            self.voice = gr.Dropdown(
                [], label=say("speak.voice"), scale=3, min_width=280, elem_id="takeaway-voice"
            )
            self.start = gr.Button(
                say("takeaway.start"), variant="primary", elem_id="takeaway-start"
            )
        self.half = gr.Checkbox(
            False, label=say("takeaway.half"), container=False, elem_id="takeaway-half"
        )
        self.about = gr.HTML(elem_id="takeaway-about")
        self.exports.build()
        self.told = gr.HTML(elem_id="takeaway-told")
        self.download = gr.DownloadButton(
            say("takeaway.download", size=""), visible=False, elem_id="takeaway-download"
        )

    def _import(self) -> None:
        say = self.say
        gr.HTML(f"<h3>{say('takeaway.in')}</h3><p>{say('takeaway.in_help')}</p>")
        self.file = gr.File(
            label=say("takeaway.file"), file_types=[".zip"], height=120, elem_id="takeaway-file"
        )
        with gr.Row(elem_classes="toolbar", visible=False) as self.unknown:
            self.language = gr.Textbox(
                label=say("takeaway.language"),
                info=say("takeaway.language_help"),
                max_length=20,
                elem_id="takeaway-language",
            )
            self.text_mode = gr.Dropdown(
                [(say(f"takeaway.mode.{mode}"), mode) for mode in TEXT_MODES],
                value=TEXT_MODES[0],
                label=say("takeaway.text_mode"),
                info=say("takeaway.text_mode_help"),
            )
        with gr.Row(elem_classes="toolbar"):
            self.name = gr.Textbox(
                label=say("takeaway.name"),
                info=say("takeaway.name_help"),
                max_length=80,
                scale=3,
                elem_id="takeaway-name",
            )
            self.bring = gr.Button(say("takeaway.bring"), elem_id="takeaway-bring")
        self.imports.build()
        self.came = gr.HTML(elem_id="takeaway-came")

    def _push(self) -> None:
        say = self.say
        gr.HTML(f"<h3>{say('takeaway.hub')}</h3><p>{rich(say('takeaway.hub_help'))}</p>")
        self.command = gr.Textbox(
            label=say("job.command"),
            interactive=False,
            buttons=["copy"],
            lines=2,
            elem_classes="mono",
            elem_id="takeaway-command",
        )

    def _wire(self) -> None:
        say, chosen = self.say, [self.voice, self.half]
        described = [self.about, self.command]
        wire(self.voice.change, self.describe, say, chosen, described)
        wire(self.half.change, self.describe, say, chosen, described)
        wire(self.start.click, self.export, say, chosen, [*self.exports.outputs, *self._taken])
        wire(self.exports.ended.change, self.offer, say, [self.exports.watch], self._taken)
        asked = [self.file, self.name, self.language, self.text_mode]
        looked = [self.unknown, self.came]
        wire(self.file.change, self.look, say, [self.file], looked)
        wire(self.bring.click, self.bring_in, say, asked, [*self.imports.outputs, self.came])
        after = [self.came, self.voice, *described]
        wire(self.imports.ended.change, self.arrived, say, [self.imports.watch], after)

    @property
    def _taken(self) -> list[Any]:
        return [self.told, self.download]

    @property
    def brought_in(self) -> gr.State:
        """Changes when a voice was brought in: the page lists its voices anew then."""
        return self.imports.ended

    @property
    def outputs(self) -> list[Any]:
        """Every widget that `load` may update."""
        here = [self.voice, self.about, self.command, self.unknown, self.came, *self._taken]
        return [*here, *self.exports.outputs, *self.imports.outputs]

    def load(self, chosen: str | None = None) -> dict[Any, Any]:
        """List the voices, and show an export or import that still runs."""
        export, arriving = self.studio.task_of("voice-export"), self.studio.task_of("voice-import")
        return {
            **self._listed(chosen),
            **(self.exports.attach(export) if export else {}),
            **(self.imports.attach(arriving) if arriving else {}),
        }

    def known(self) -> list[voices.Voice]:
        """Return the voices that are whole: newest first, the built-in one last."""
        own = [v for v in voices.list_voices(self.studio.workspace) if not v.problems]
        return [*own, built_in(self.studio.workspace)]

    def _listed(self, chosen: str | None) -> dict[Any, Any]:
        known = self.known()
        ids = [voice.id for voice in known]
        value = chosen if chosen in ids else ids[0]
        return {
            self.voice: gr.Dropdown(choices=[(self._title(v), v.id) for v in known], value=value),
            **self.describe(value, False),
        }

    def _title(self, voice: voices.Voice) -> str:
        if voice.id == PRACTICE:
            return self.say("speak.practice")
        if voice.imported:
            return voice.id
        return runs_view.title(store.get(self.studio.workspace, voice.id))

    def describe(self, voice_id: str | None, half: bool) -> dict[Any, Any]:
        """Tell how large the zip will be, what binds the voice, and the command for a hub."""
        voice = next((one for one in self.known() if one.id == voice_id), None)
        if voice is None:
            return {self.about: "", self.command: ""}
        told, size = [], size_of(voice, half)
        if size:
            told.append(self.say("takeaway.size", size=f"{size / 1e6:.0f}"))
        if half:
            told.append(self.say("takeaway.half_help"))
        with_cpml = notices.bound_by_cpml(voice)
        if with_cpml:
            told.append(self.say("takeaway.cpml", licence=CPML.name))
        command = ["amharic-tts"]
        if self.studio.local:
            command += ["--workspace", str(self.studio.workspace.root)]
        command += ["voices", "push", voice.id, "OWNER/NAME", "--private"]
        command += ["--accept-license"] if with_cpml else []
        return {
            self.about: f'<p class="quiet">{" ".join(map(rich, told))}</p>' if told else "",
            self.command: shlex.join(command),
        }

    def export(self, voice_id: str | None, half: bool) -> dict[Any, Any]:
        """Start the command that makes the zip, in the folder of its task.

        Raises:
            UserError: There is no such voice: a page takes ids, never folders.
        """
        if voice_id not in [voice.id for voice in self.known()]:
            raise UserError("There is no such voice", "Choose one from the list")
        arguments = ["voices", "export", str(voice_id), "--zip", *(["--half"] * half)]
        title = self.say("takeaway.task", name=voice_id)
        job = self.studio.start_task("voice-export", title, arguments)
        return {
            **self.exports.attach(job),
            self.told: "",
            self.download: gr.DownloadButton(visible=False),
        }

    def offer(self, watch: job_view.Watch) -> dict[Any, Any]:
        """Offer the zip that was made, with its size and what half precision changed."""
        result = watch.history.result
        made = Path(result.get("target") or "")
        if watch.history.state != "done" or not made.is_file():
            return {self.told: "", self.download: gr.DownloadButton(visible=False)}
        told = []
        if "largest_difference" in result:
            told.append(
                self.say(
                    "takeaway.halved",
                    size=f"{result['model_bytes'] / 1e6:.1f}",
                    before=f"{result.get('model_bytes_before', 0) / 1e6:.1f}",
                    difference=f"{result['largest_difference']:.2g}",
                )
            )
        if self.studio.local:
            told.append(self.say("takeaway.place", place=made))
        size = self.say("takeaway.download", size=f"{result['bytes'] / 1e6:.1f} MB")
        return {
            self.told: "".join(f"<p>{rich(line)}</p>" for line in told),
            self.download: gr.DownloadButton(size, value=downloads.offer_copy(made), visible=True),
        }

    def look(self, file: str | None) -> dict[Any, Any]:
        """Ask how the voice reads text only where it does not say so itself."""
        if not file:
            return {self.unknown: gr.Row(visible=False), self.came: ""}
        says = voice_import.holds_voice_json(Path(file))
        told = "" if says else f'<p class="note">{rich(self.say("takeaway.unknown"))}</p>'
        return {self.unknown: gr.Row(visible=not says), self.came: told}

    def bring_in(
        self, file: str | None, name: str, language: str, text_mode: str | None
    ) -> dict[Any, Any]:
        """Start the command that checks the zip and takes it in."""
        arguments = ImportForm(file, name or "", language or "", text_mode).arguments()
        title = self.say("takeaway.task_in", name=Path(file or "").name)
        job = self.studio.start_task("voice-import", title, arguments)
        return {**self.imports.attach(job), self.came: ""}

    def arrived(self, watch: job_view.Watch) -> dict[Any, Any]:
        """Tell the name of the voice that came, and choose it."""
        name = watch.history.result.get("voice")
        if watch.history.state != "done" or not name:
            return {self.came: ""}
        told = self.say("takeaway.arrived", name=name)
        return {self.came: f'<p class="note">{rich(told)}</p>', **self._listed(name)}


def size_of(voice: voices.Voice, half: bool) -> int:
    """Return about how many bytes a voice takes; 0 where it is not unpacked yet."""
    if not voice.folder.is_dir():
        return 0
    names = ("model.pth", "config.json", "vocab.json", "speakers_xtts.pth", voices.REFERENCE)
    sizes = {name: path.stat().st_size for name in names if (path := voice.folder / name).is_file()}
    if half and voice.precision == "float32":
        sizes["model.pth"] = sizes.get("model.pth", 0) // 2
    return sum(sizes.values())
