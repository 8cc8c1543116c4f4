"""Convert a CTC phone recogniser once, into the folder that is served without torch."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import platform
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from amharic_tts import __version__
from amharic_tts.errors import UserError
from amharic_tts.events import Done, Event, Progress
from amharic_tts.files import disk_errors, require_space, sync_files, sync_folder, to_trash
from amharic_tts.phonemes.convert_hub import ICEFALL_GRAPHS, TOKENS, HubFiles
from amharic_tts.phonemes.models import catalog, store, vocabulary
from amharic_tts.phonemes.models.base import RATE, Symbols

_DTYPES = ("int8", "fp32")
_PACKAGES = ("torch", "transformers", "onnx", "onnxruntime", "numpy")


@dataclass(frozen=True)
class _Plan:
    """What is converted into what."""

    name: str
    source: str
    target: Path
    dtype: str
    notation: str | None
    languages: tuple[str, ...] | None

    @property
    def aside(self) -> Path:
        """Where it is written before it is renamed; a killed conversion leaves only this."""
        return self.target.with_name(f".{self.target.name}.part")


def convert(
    name: str,
    out: Path | None = None,
    dtype: str = "int8",
    revision: str = "",
    cache: Path | None = None,
    notation: str | None = None,
    languages: Sequence[str] | None = None,
    endpoint: str | None = None,
) -> Iterator[Event]:
    """Download a model if it has to be, convert it, and put it where `catalog.load` finds it.

    Yields `Progress`, last `Done` with ``{"model", "source", "folder", "bytes", "dtype",
    "notation", "revision"}``. A conversion that is stopped or killed leaves nothing that could be
    taken for a model; downloaded files stay, so that the next one goes on from there.

    Args:
        name: Entry of the catalog, hub id, or a folder in the layout of transformers.
        out: Another folder than the usual one; it must be new, empty, or a converted model.
        dtype: ``int8`` or ``fp32``.
        revision: Branch, tag or commit of the hub; empty takes the newest.
        cache: Instead of `store.cache_folder()`.
        notation: ``ipa``, ``arpabet`` or ``letters``; None takes the catalog's, else guesses from
            the vocabulary (`vocabulary.guess_notation`).
        languages: Codes of what it was trained on; None takes the catalog's.
        endpoint: Another hub than the usual one.

    Raises:
        UserError: No such model, hub not reachable, files missing, damaged or hostile, no CTC
            model, `out` in use, disk full, or the same conversion runs already.
    """
    if dtype not in _DTYPES:
        raise UserError(f"`{dtype}` is no format of a converted model", "Take int8 or fp32")
    if notation not in (None, *store.NOTATIONS):
        raise UserError(f"`{notation}` is no notation", f"One of {', '.join(store.NOTATIONS)}")
    if name == catalog.EMBEDDED:
        raise UserError(f"`{name}` needs no conversion: it comes with its package")
    source = catalog.source_of(name)
    target = out or store.converted(source, dtype, revision, cache)
    entry = next((e for e in catalog.ENTRIES if source == e.source), None)
    plan = _Plan(
        name,
        source,
        target.absolute(),
        dtype,
        notation or (entry.notation if entry else None),
        tuple(languages) if languages is not None else entry.languages if entry else None,
    )
    _check_target(plan.target)
    with disk_errors(plan.target):
        plan.target.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(plan.target.with_name(f".{plan.target.name}.lock"), timeout=0)
        try:
            with lock:
                yield from _locked(plan, revision, cache, endpoint)
        except Timeout:
            raise UserError(
                f"`{name}` is being converted by another process", "Wait for it, or stop it first"
            ) from None


def _check_target(target: Path) -> None:
    in_use = target.exists() and (not target.is_dir() or any(target.iterdir()))
    if in_use and not store.is_there(target):
        raise UserError(
            f"`{target}` is there and holds no converted model", "Choose another folder with --out"
        )


def _locked(
    plan: _Plan, revision: str, cache: Path | None, endpoint: str | None
) -> Iterator[Event]:
    if store.is_hub_id(plan.source):
        hub = HubFiles(
            plan.source, revision, store.downloads(plan.source, revision, cache), endpoint
        )
        yield from hub.fetch(plan.dtype)
        folder, kind, commit = hub.folder, hub.kind, hub.commit
    else:
        folder, commit = Path(plan.source).resolve(), ""
        kind = "icefall" if (folder / TOKENS).is_file() else "ctc"
        plan = replace(plan, source=str(folder))
    if plan.aside.exists():  # of a killed conversion; the lock says that nobody works in it
        shutil.rmtree(plan.aside)
    plan.aside.mkdir()
    try:
        steps = _ctc(plan, folder) if kind == "ctc" else _icefall(plan, folder)
        body: dict[str, Any] = {}
        for share, note, found in steps:
            body |= found
            yield Progress(round(100 * share), 100, note)
        yield _finish(plan, {**body, "kind": kind, "revision": commit})
    finally:
        # Also where the caller stops listening: what is not renamed is no model.
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(plan.aside)


_Steps = Iterator[tuple[float, str, dict[str, Any]]]


def _ctc(plan: _Plan, folder: Path) -> _Steps:
    """Convert a model of transformers; the last step holds what `model.json` says of it."""
    config = vocabulary.read_object(folder / "config.json")
    names, blank, word = vocabulary.read_hub(folder, config)
    normalise = vocabulary.normalises(folder)
    notation = plan.notation or vocabulary.guess_notation(names)
    symbols = vocabulary.symbols(names, notation, blank, word)
    weights = [path for path in folder.iterdir() if path.suffix in (".safetensors", ".bin")]
    require_space(plan.aside, sum(path.stat().st_size for path in weights), "The conversion")
    yield 0.02, "Loading the model in torch", {}
    from amharic_tts.phonemes import convert_ctc, convert_front
    from amharic_tts.phonemes.convert_load import load_ctc

    model = load_ctc(folder)
    layers = convert_ctc.front_layers(model)
    bits = weight_bits() if plan.dtype == "int8" else 32
    yield 0.2, "Converting the convolutions", {}
    for share, note in convert_ctc.export(model, plan.aside, bits):
        yield 0.2 + 0.7 * share, note, {}
    first = layers[0]
    yield (
        0.95,
        "Computing checksums",
        {
            "notation": notation,
            "symbols": _roles(symbols),
            "hop": convert_front.hop(layers),
            "receptive": convert_front.receptive(layers),
            "normalise": normalise,
            "moments": [first.kernel, first.stride] if first.norm == "group" else None,
            "weight_bits": bits,
            "architecture": config.get("model_type"),
        },
    )


def _icefall(plan: _Plan, folder: Path) -> _Steps:
    """Take over a ready-made graph of icefall; its weights go into a file of their own."""
    import onnx
    from google.protobuf.message import DecodeError

    graph = folder / ICEFALL_GRAPHS[plan.dtype]
    if not graph.is_file():
        raise UserError(f"`{graph}` is missing", f"`{folder}` has {TOKENS} but no such graph")
    names = vocabulary.read_tokens(folder / TOKENS)
    notation = plan.notation or vocabulary.guess_notation(names)
    symbols = vocabulary.symbols(names, notation)
    yield 0.2, "Taking the weights out of the graph", {}
    try:
        # Weights beside it are not followed: a graph names any file it likes.
        model = onnx.load(str(graph), load_external_data=False)
    except DecodeError as error:
        raise UserError(f"`{graph}` is no ONNX graph", "Download it again") from error
    if any(tensor.external_data for tensor in model.graph.initializer):
        raise UserError(f"`{graph}` keeps its weights in another file", "Expected is one file")
    onnx.save_model(
        model,
        str(plan.aside / store.MODEL),
        save_as_external_data=True,
        location=f"{store.MODEL}.data",
    )
    body = {
        "notation": notation,
        "symbols": _roles(symbols),
        "hop": RATE // 50,
        "receptive": 0,
        "normalise": False,
        "moments": None,
    }
    yield 0.7, "Counting the frames that it gives", {}
    from amharic_tts.phonemes.models.zipa_model import measure_hop

    trial = {**body, "kind": "icefall", "revision": ""}
    _write_note(plan, trial)
    body["hop"] = measure_hop(store.describe(plan.aside))
    yield 0.95, "Computing checksums", body


def _roles(symbols: Symbols) -> dict[str, Any]:
    return {
        "names": list(symbols.names),
        "blank": symbols.blank,
        "word": symbols.word,
        "modifiers": sorted(symbols.modifiers),
        "ignored": sorted(symbols.ignored),
    }


def weight_bits() -> int:
    """Return the bits of int8 weights that this processor multiplies without overflow.

    x86 without VNNI adds two products in 16 bits, which eight-bit weights overflow (onnxruntime,
    "Quantize ONNX models: reduce_range"); where the processor can't be asked, seven are safe.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return 8
    with contextlib.suppress(OSError):
        return 8 if "vnni" in Path("/proc/cpuinfo").read_text(encoding="utf-8") else 7
    return 7


def _write_note(plan: _Plan, body: dict[str, Any]) -> dict[str, Any]:
    """Write `model.json` over everything that lies beside it."""
    files = sorted(path for path in plan.aside.iterdir() if path.name != store.NOTE)
    note = {
        "format": store.FORMAT,
        "source": plan.source,
        "languages": list(plan.languages or ()),
        "dtype": plan.dtype,
        "rate": RATE,
        **body,
        "files": {
            path.name: {"bytes": path.stat().st_size, "sha256": store.checksum(path)}
            for path in files
        },
        "made_by": {
            "amharic-tts": __version__,
            **{package: importlib.metadata.version(package) for package in _PACKAGES},
        },
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
    text = json.dumps(note, ensure_ascii=False, indent=1)
    (plan.aside / store.NOTE).write_text(text, encoding="utf-8")
    return note


def _finish(plan: _Plan, body: dict[str, Any]) -> Done:
    """Describe the model, read it back, and rename its folder."""
    note = _write_note(plan, body)
    sync_files(plan.aside, [plan.aside / name for name in (*note["files"], store.NOTE)])
    store.describe(plan.aside)
    if plan.target.exists():
        if store.is_there(plan.target):
            to_trash(plan.target, plan.target.parent / "trash")
        else:
            plan.target.rmdir()
    plan.aside.replace(plan.target)
    sync_folder(plan.target.parent)
    return Done(
        {
            "model": plan.name,
            "source": plan.source,
            "folder": str(plan.target),
            "bytes": sum(entry["bytes"] for entry in note["files"].values()),
            "dtype": plan.dtype,
            "notation": note["notation"],
            "revision": note["revision"],
        }
    )
