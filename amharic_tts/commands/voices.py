"""Commands: voices list, voices export, voices verify, voices import, voices push."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from amharic_tts.base_models.catalog import CPML, PRACTICE
from amharic_tts.commands import output
from amharic_tts.events import Event
from amharic_tts.jobs import task
from amharic_tts.synthesis import hub_push, notices, sums, takeaway, voice_import, voices
from amharic_tts.synthesis.practice_voice import built_in, make_ready
from amharic_tts.synthesis.takeaway import TakeawayRequest
from amharic_tts.synthesis.voice_import import ImportRequest
from amharic_tts.workspace import Workspace

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Job = Annotated[Path | None, typer.Option("--job", hidden=True)]
VoiceArg = Annotated[
    str, typer.Argument(metavar="VOICE", help="Run id, name or folder of a voice, or practice.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    group = typer.Typer(
        help="Finished voices: take them away, bring them in.", no_args_is_help=True
    )
    group.command("list")(show)
    group.command("export")(export)
    group.command("verify")(verify)
    group.command("import")(bring_in)
    group.command("push")(push)
    app.add_typer(group, name="voices")


def folder_of(workspace: Workspace, voice: str) -> Path:
    """Return the folder of a voice; the built-in one is unpacked if need be.

    Raises:
        UserError: There is no such voice.
    """
    folder = voices.find(workspace, voice)
    return make_ready(folder) if voice == PRACTICE else folder


def show(context: typer.Context, json: Json = False) -> None:
    """List the voices of the workspace: those of runs, those brought in, and the built-in one."""
    workspace = Workspace.open(context.obj)
    found = [*voices.list_voices(workspace), built_in(workspace)]
    if json:
        output.as_json([_row(voice) for voice in found])
        return
    for voice in found:
        state = "damaged: " + "; ".join(voice.problems) if voice.problems else _kind(voice)
        output.data(f"{voice.id}\t{voice.language}\t{voice.settings.text_mode}\t{state}")


def _kind(voice: voices.Voice) -> str:
    if voice.id == PRACTICE:
        return "built in"
    return "brought in" if voice.imported else "of a run"


def _row(voice: voices.Voice) -> dict[str, Any]:
    return {
        "id": voice.id,
        "kind": _kind(voice),
        "folder": str(voice.folder),
        "language": voice.language,
        "text_mode": voice.settings.text_mode,
        "created": voice.created,
        "note": voice.note,
        "licence": CPML.name if notices.bound_by_cpml(voice) else "Apache-2.0",
        "problems": list(voice.problems),
    }


def export(
    context: typer.Context,
    voice: VoiceArg,
    to: Annotated[
        Path | None, typer.Option(help="Folder or zip to make; it must not be there yet.")
    ] = None,
    zipped: Annotated[bool, typer.Option("--zip", help="Make one zip of it.")] = False,
    half: Annotated[
        bool, typer.Option("--half", help="Weights in half precision: half the size.")
    ] = False,
    json: Json = False,
    job: Job = None,
) -> None:
    """Write a copy of a voice that coqui and other XTTS tools load, with hashes and licences."""
    workspace = Workspace.open(context.obj)
    events = _exported(workspace, voice, to, job, zipped, half)
    result = task.run(workspace, job, events) if job else output.follow(events)
    if json:
        output.as_json(result)
    elif result:
        if "largest_difference" in result:
            output.note(
                f"model.pth has {result['model_bytes'] / 1e6:.1f} MB instead of "
                f"{result.get('model_bytes_before', 0) / 1e6:.1f} MB; no weight differs by more "
                f"than {result['largest_difference']:.2g}"
            )
        if result["licence"]:
            output.note(f"{CPML.name}: pass its terms on with the voice")
        output.data(f"{result['target']}\t{result['bytes'] / 1e6:.1f} MB")


def _exported(
    workspace: Workspace, voice: str, to: Path | None, job: Path | None, zipped: bool, half: bool
) -> Iterator[Event]:
    """Yield the events of an export; without `to` it goes into the job's folder, or here."""
    folder = folder_of(workspace, voice)
    name = folder.parent.name if folder.name == "ready" else folder.name
    ending = ("-half" if half else "") + (".zip" if zipped else "")
    target = to or (job or Path()).absolute() / f"voice-{name}{ending}"
    zipped = zipped or target.suffix.lower() == ".zip"
    yield from takeaway.export(folder, TakeawayRequest(target.absolute(), zipped, half))


def verify(
    context: typer.Context,
    voice: Annotated[
        str, typer.Argument(metavar="VOICE", help="Run id, name, folder or zip of a voice.")
    ],
    json: Json = False,
) -> None:
    """Compare the files of a voice with its hash list; exit code 2 where something is wrong."""
    path = Path(voice).expanduser()
    if not path.is_file():
        path = folder_of(Workspace.open(context.obj), voice)
    report: sums.Report | None = None
    for step in sums.compare(path):
        if isinstance(step, sums.Report):
            report = step
        else:
            output.event(step)
    assert report is not None
    if json:
        output.as_json(report.to_dict())
    report.require(voice)
    if report.extra:
        output.note(f"not in the list: {', '.join(report.extra)}")
    if not json:
        output.data(f"{report.checked} files are what was written, by {report.by}")


def bring_in(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="Folder, zip or tar of a voice.")],
    name: Annotated[str, typer.Option(help="Its name here (default: made from SOURCE).")] = "",
    language: Annotated[
        str, typer.Option(help="Which language it reads, where it has no voice.json.")
    ] = "",
    text_mode: Annotated[
        str, typer.Option(help="letters or phonemes, where it has no voice.json.")
    ] = "",
    g2p: Annotated[str, typer.Option(help="With phonemes: the backend that makes them.")] = "",
    reference: Annotated[
        Path | None, typer.Option(help="A recording of the voice, for one that has none.")
    ] = None,
    json: Json = False,
    job: Job = None,
) -> None:
    """Bring a voice in that was made elsewhere: exported by a studio, or by another XTTS tool."""
    workspace = Workspace.open(context.obj)
    request = ImportRequest(source, name, language, text_mode, g2p, reference)
    events = voice_import.import_voice(workspace, request)
    result = task.run(workspace, job, events) if job else output.follow(events)
    if json:
        output.as_json(result)
    elif result:
        output.note(f"speak with it: amharic-tts speak --voice {result['voice']} --text ...")
        output.data(result["folder"])


def push(
    context: typer.Context,
    voice: VoiceArg,
    repo: Annotated[str, typer.Argument(metavar="REPO", help="On the hub, such as me/my-voice.")],
    private: Annotated[
        bool, typer.Option("--private", help="Only you can see it; for a new repository.")
    ] = False,
    token_env: Annotated[
        str, typer.Option(help="Environment variable that holds the hub's token.")
    ] = hub_push.TOKEN,
    endpoint: Annotated[str | None, typer.Option(help="Another model hub.")] = None,
    accept_license: Annotated[
        bool, typer.Option("--accept-license", help="You pass it on under the licence it has.")
    ] = False,
    json: Json = False,
) -> None:
    """Put a voice on a model hub, with its card, hashes and licences."""
    workspace = Workspace.open(context.obj)
    folder = folder_of(workspace, voice)
    known = voices.check_voice(folder)
    if notices.bound_by_cpml(known) and not accept_license:
        accept_license = _accepted(repo)
    token = hub_push.token_of(token_env)
    request = hub_push.PushRequest(repo, token, private, endpoint, accept_license)
    result = output.follow(hub_push.push(folder, request, workspace.cache))
    if json:
        output.as_json(result)
    else:
        output.data(result["url"])


def _accepted(repo: str) -> bool:
    """Ask whether the voice may be passed on; where nobody can be asked, the core refuses."""
    if not sys.stdin.isatty():
        return False
    output.note(f"{CPML.name}\n{CPML.summary}: {CPML.link}")
    return typer.confirm(
        f"Pass the voice on to `{repo}` under this licence?", default=False, err=True
    )
