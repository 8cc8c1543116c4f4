"""What the Transcribe view shows of a dataset and of the recognisers. No Gradio here."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.dataset.transcribe import BY, waiting
from amharic_tts.errors import UserError
from amharic_tts.recognition import catalog, store
from amharic_tts.ui.html import facts, rich
from amharic_tts.ui.job_view import duration
from amharic_tts.ui.studio import Studio
from amharic_tts.ui.words import Words

OTHER = "other"
"""Choice of a model that is named by hand."""
MOST_ROWS = 50


@dataclass(frozen=True)
class TranscribeView:
    """Which clips of a dataset wait for a text, and which have one from a recogniser."""

    name: str
    language: str
    waiting: tuple[Utterance, ...]
    recognised: tuple[Utterance, ...]
    """The least sure ones first."""

    def counts(self, words: Words) -> dict[str, str]:
        """Return the numbers above the form, by name."""
        seconds = sum(row.duration for row in self.waiting)
        return {
            words("transcribe.count.waiting"): str(len(self.waiting)),
            words("transcribe.count.length"): duration(seconds, words),
            words("transcribe.count.recognised"): str(len(self.recognised)),
        }

    def table(self, words: Words) -> list[list[str]]:
        """Return the cells of the recognised rows, in the order of `header`, the first of them."""
        return [
            [row.id, row.text, row.text_by.removeprefix(BY), _told(row), _use(row, words)]
            for row in self.recognised[:MOST_ROWS]
        ]

    @staticmethod
    def header(words: Words) -> list[str]:
        """Return the names of the columns."""
        columns = ("id", "text", "by", "unsure", "use")
        return [words(f"transcribe.column.{key}") for key in columns]


def _least(row: Utterance) -> float:
    """Return the confidence of the word that the recogniser was least sure of, if it told one."""
    return min(
        (n.get("value", 1.0) for n in row.findings if n["code"] == "unsure_words"), default=1
    )


def _told(row: Utterance) -> str:
    found = [n["message"] for n in row.findings if n["code"] == "unsure_words"]
    found += [n["message"] for n in row.findings if n["level"] == "error"]
    return "\n".join(found)


def _use(row: Utterance, words: Words) -> str:
    return words("dataset.use." + (row.split if row.accepted else "refused"))


def view(folder: Path) -> TranscribeView:
    """Read a dataset.

    Raises:
        UserError: There is none, or it is damaged.
    """
    dataset = Dataset.load(folder)
    recognised = (row for row in dataset.utterances if row.text_by.startswith(BY))
    return TranscribeView(
        dataset.name,
        dataset.language,
        tuple(waiting(dataset)),
        tuple(sorted(recognised, key=_least)),
    )


def choices(studio: Studio, language: str) -> list[tuple[str, str]]:
    """Return the recognisers with their state, and the one that is named by hand."""
    say, found = studio.words, []
    for one in catalog.ENTRIES:
        ready = store.is_here(studio.workspace, one.name, language)
        found.append((f"{one.name} · {say(_state(ready))}", one.name))
    if studio.local:
        found.append((say("transcribe.other_choice"), OTHER))
    return found


def _state(ready: bool) -> str:
    return "transcribe.ready" if ready else "transcribe.not_ready"


def card(studio: Studio, model: str, language: str) -> str:
    """Return what there is to know about a recogniser of the catalog, as HTML."""
    one, say = catalog.entry(model), studio.words
    if one is None:
        return f"<p>{escape(say('transcribe.other_help'))}</p>"
    ready = store.is_here(studio.workspace, model, language)
    told = facts(
        [
            (say("transcribe.fact.state"), say(_state(ready))),
            (say("transcribe.fact.licence"), one.licence),
            (say("transcribe.fact.size"), f"{one.gigabytes} GB"),
        ]
    )
    warning = f'<p class="quiet">{escape(say("transcribe.licence"))}</p>'
    about = f"<p>{rich(say(f'transcribe.about.{one.name}'))}</p>"
    return about + told + (warning if one.non_commercial else "")


@dataclass(frozen=True)
class TranscribeForm:
    """What the form holds."""

    dataset: str | None
    model: str
    other: str
    again: bool

    def recogniser(self, studio: Studio) -> str:
        """Return the name, hub id or folder of the recogniser.

        Raises:
            UserError: None is chosen or typed, or the page is open to others.
        """
        if self.model != OTHER:
            return self.model
        name = self.other.strip()
        if not name or name.startswith("-"):
            raise UserError(
                "Name the other recogniser", "A hub id such as `owner/model`, or a folder"
            )
        studio.require_local()
        folder = Path(name).expanduser()
        return str(folder.absolute()) if folder.is_dir() else name

    def arguments(self, studio: Studio) -> list[str]:
        """Return the command that writes the missing texts.

        Raises:
            UserError: No dataset is there, or the recogniser is not here.
        """
        if not self.dataset:
            raise UserError("There is no dataset yet", "Bring recordings in first")
        model = self.recogniser(studio)
        language = Dataset.load_header(studio.workspace.dataset(self.dataset)).language
        store.find(studio.workspace, model, language)
        command = ["dataset", "transcribe", self.dataset, f"--model={model}"]
        return [*command, "--again"] if self.again else command

    def download(self, studio: Studio) -> list[str]:
        """Return the command that fetches the recogniser.

        Raises:
            UserError: None is chosen or typed.
        """
        language = "am"
        if self.dataset:
            language = Dataset.load_header(studio.workspace.dataset(self.dataset)).language
        return ["transcribe-download", self.recogniser(studio), f"--language={language}"]
