"""Commands: phonemes-bench."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from amharic_tts.commands import output
from amharic_tts.jobs import task
from amharic_tts.phonemes import bench, bench_limits, bench_random
from amharic_tts.workspace import Workspace

_SIZES = ", ".join(size for size in bench_random.SIZES if size != "tiny")
_COLUMNS = (
    ("model and variant", "", 44),
    ("start s", "start_seconds", 8),
    ("load s", "load_seconds", 8),
    ("wall s", "seconds", 8),
    ("CPU s", "cpu_seconds", 8),
    ("RTF", "real_time_factor", 8),
    ("peak MB", "peak_mb", 8),
    ("times", "times_reference", 7),
    ("frames %", "frames_agree", 9),
    ("phones %", "phones_differ", 9),
)


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    app.command("phonemes-bench")(phonemes_bench)


def phonemes_bench(
    context: typer.Context,
    model: Annotated[
        list[str] | None,
        typer.Option(help="A name, hub id or folder; repeat it (default: all that are ready)."),
    ] = None,
    random: Annotated[
        list[str] | None,
        typer.Option(help=f"Random weights of a real size, for speed and memory only: {_SIZES}."),
    ] = None,
    audio: Annotated[Path | None, typer.Option(help="Sound to hear (default: a made one).")] = None,
    seconds: Annotated[float, typer.Option(help="Length of the sound.")] = 5.0,
    rounds: Annotated[int, typer.Option(help="Rounds; each variant hears it once a round.")] = 5,
    threads: Annotated[int, typer.Option(help="Threads of each variant.")] = 1,
    memory_limit: Annotated[
        int, typer.Option(help="MB of address space for each variant (Linux); 0 for none.")
    ] = 0,
    cpus: Annotated[
        float, typer.Option(help="Emulate so many CPUs, such as 1.3, by standing still; 0: don't.")
    ] = 0.0,
    torch: Annotated[
        bool, typer.Option("--torch/--no-torch", help="Measure the torch variants, too.")
    ] = True,
    compile: Annotated[
        bool, typer.Option("--compile/--no-compile", help="And torch.compile, which starts slowly.")
    ] = True,
    json: Annotated[bool, typer.Option("--json", help="Print the whole result.")] = False,
    job: Annotated[Path | None, typer.Option("--job", hidden=True)] = None,
) -> None:
    """Measure every way to run every model on this machine, taking turns.

    start: from the start of the process to the first phones; times: how many times less CPU than
    the reference (torch fp32, else onnxruntime fp32); frames: share of frames with the same best
    symbol; phones: edits over the reference's phones. Wall, CPU and times are medians.
    """
    request = bench.BenchRequest(
        *(tuple(model or ()), {}, audio, seconds, rounds, threads, memory_limit, cpus),
        torch=torch,
        compile=compile,
    )
    events = bench.with_random(request, tuple(random or ()))
    if job is not None:
        task.run(Workspace.open(context.obj), job, events)
        return
    result = output.follow(events)
    if json:
        output.as_json(result)
        return
    for line in table(result):
        output.data(line)


def table(result: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a result for people.

    Args:
        result: What `amharic_tts.phonemes.bench.run` ends with.
    """
    facts = result["conditions"]
    yield f"{facts['seconds']:g} s of sound, {facts['threads']} threads, {facts['rounds']} rounds"
    if facts["memory_limit"]:
        how = "enforced" if facts["memory_limit_enforced"] else "not enforced on this system"
        yield f"address space at most {facts['memory_limit']} MB ({how})"
    if facts["cpus"]:
        share = f"{100 * facts['running_share']:.0f} % of the time"
        how = f"emulated, running {share}" if facts["cpus_emulated"] else "as many as there are"
        yield f"{facts['cpus']:g} CPUs ({how})"
    yield ""
    first, *rest = _COLUMNS
    yield f"{first[0]:{first[2]}}" + "".join(f"{name:>{width}}" for name, _, width in rest)
    for row in result["rows"]:
        name = f"{row['model']}, {row['variant']}"
        cells = (f"{_cell(row, key):>{width}}" for _, key, width in rest)
        yield f"{name:{first[2]}}" + "".join(cells)
    for failure in result["failed"]:
        yield f"{failure['model']}, {failure['variant']}: not run: {failure['reason']}"
    if any(bench.RANDOM in row["model"] for row in result["rows"]):
        yield "Random weights recognise nothing: read speed and memory, not the agreement."
    if not bench_limits.can_limit() and facts["memory_limit"]:
        yield "For a real limit run this in a container: docker run --memory 1500m --cpus 1.3"


def _cell(row: dict[str, Any], key: str) -> str:
    value = row[key]
    if value is None:
        return "-"
    if key == "peak_mb":
        return f"{value:.0f}"
    if key in ("frames_agree", "phones_differ"):
        return f"{100 * value:.1f}"
    return f"{value:.2f}" if key != "real_time_factor" else f"{value:.3f}"
