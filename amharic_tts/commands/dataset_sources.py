"""Commands: dataset cuts, dataset fetch, dataset prompts; and how `dataset build` cuts."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from amharic_tts.commands import output
from amharic_tts.dataset import fetch as fetching
from amharic_tts.dataset import preview, prompts
from amharic_tts.dataset.cut_settings import MODES, CutSettings, Cutting, read_cutting
from amharic_tts.errors import UserError
from amharic_tts.jobs import task
from amharic_tts.workspace import Workspace

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
JobFolder = Annotated[Path | None, typer.Option("--job", hidden=True)]
Cut = Annotated[
    str,
    typer.Option(
        help="speech: cuts lie in pauses, subtitles are fitted to the speech, and recordings "
        "without texts are cut for later ones. exact: subtitles as they are written."
    ),
]
Cuts = Annotated[
    Path | None, typer.Option(help="Settings of the cuts as JSON, also for single recordings.")
]
Target = Annotated[
    float | None, typer.Option(help="Seconds that clips should have where pauses allow it.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this file to those of `dataset`."""
    app.command("cuts")(cuts)
    app.command("fetch")(fetch)
    app.command("prompts")(read_prompts)


def cutting(mode: str, settings: Path | None, target: float | None) -> Cutting | None:
    """Return how recordings are cut by the options of a command.

    Raises:
        UserError: An unknown mode, or wrong settings.
    """
    if mode not in MODES:
        raise UserError(f"--cut: `{mode}` is not one of {', '.join(MODES)}")
    if settings is None and target is None:
        return Cutting() if mode == "speech" else None
    made = read_cutting(settings) if settings else Cutting()
    if target is not None:
        default = _aiming(made.default, target)
        own = {name: _aiming(one, target) for name, one in made.recordings.items()}
        made = Cutting(default, own)
    problems = made.problems()
    if problems:
        raise UserError("The recordings can't be cut:\n" + "\n".join(f"- {p}" for p in problems))
    return made


def _aiming(settings: CutSettings, target: float) -> CutSettings:
    longest = max(target, settings.longest)
    return dataclasses.replace(settings, target=target, longest=longest)


def cuts(
    context: typer.Context,
    sources: Annotated[
        list[Path], typer.Argument(help="Recordings and folders.", metavar="SOURCE...")
    ],
    subtitles: Annotated[
        Path | None, typer.Option(help="Subtitles of the one recording among the sources.")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option("--cuts", help="Settings of the cuts as JSON.")
    ] = None,
    target: Target = None,
    json: Json = False,
    job: JobFolder = None,
) -> None:
    """Show how recordings would be cut at their pauses; builds nothing."""
    workspace = Workspace.open(context.obj)
    chosen = cutting("speech", settings, target)
    events = preview.listen_to(workspace, sources, subtitles, chosen)
    if job:
        task.run(workspace, job, task.keeping(events, job / task.RESULT))
        return
    result = output.follow(events)
    if json:
        output.as_json(result)
        return
    for made in result["plans"]:
        lengths = [cut["end"] - cut["start"] for cut in made["cuts"]] or [0.0]
        output.data(
            f"{made['source']}: {len(made['cuts'])} clips of {min(lengths):.1f} to "
            f"{max(lengths):.1f} s, {output.duration(made['speech'])} of speech, "
            f"{made['joined']} subtitles joined, {made['moved']} moved, "
            f"{made['forced']} cuts inside speech"
        )
        for cut in made["cuts"]:
            output.data(f"  {cut['start']:10.2f} {cut['end']:10.2f}  {cut['text']}")


def fetch(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="Address of a recording.", metavar="ADDRESS")],
    subtitles: Annotated[str, typer.Option(help="Language of its subtitles.")] = "am",
    automatic: Annotated[
        bool, typer.Option("--automatic", help="Also subtitles that a machine has heard.")
    ] = False,
    json: Json = False,
    job: JobFolder = None,
) -> None:
    """Bring in a recording from the web by yt-dlp, with its subtitles; then build from it."""
    workspace = Workspace.open(context.obj)
    events = fetching.fetch(workspace, fetching.FetchRequest(address, subtitles, automatic))
    result = task.run(workspace, job, events) if job else output.follow(events)
    if json:
        output.as_json(result)
    elif result:
        output.data(result["folder"])
        output.note(f"build from it: amharic-tts dataset build {result['folder']} --name NAME")


def read_prompts(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the session.", metavar="NAME")],
    texts: Annotated[
        Path | None, typer.Option(help="Begin the session with these texts, one a line.")
    ] = None,
    speaker: Annotated[str, typer.Option(help="Who reads.")] = "speaker",
    language: Annotated[str, typer.Option(help="Language of the texts.")] = "am",
    json: Json = False,
) -> None:
    """Begin or show a session of prompts that are read into the microphone on the page."""
    workspace = Workspace.open(context.obj)
    if texts is not None:
        read = prompts.read_prompts(texts)
        session = prompts.Session.create(workspace, name, read, speaker, language)
    else:
        session = prompts.Session.load(prompts.session_folder(workspace, name))
    taken = session.chosen()
    numbers: dict[str, Any] = {
        "session": session.name,
        "folder": str(session.folder),
        "language": session.language,
        "speaker": session.speaker,
        "prompts": len(session.texts),
        "read": len(taken),
        "takes": len(session.takes),
        "skipped": len(session.skipped),
        "seconds": round(sum(take.seconds for take in taken), 2),
    }
    if json:
        output.as_json(numbers)
        return
    for key, value in numbers.items():
        output.data(f"{key + ':':10}{value}")
    output.note(f"build from it: amharic-tts dataset build {session.folder} --name NAME")
