"""onnxruntime sessions that hold little memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from amharic_tts.errors import UserError

_MOST_THREADS = 4


def thread_count(wanted: int) -> int:
    """Return the threads of a session; 0 asks for as many as the process may use, at most 4.

    Raises:
        UserError: A negative number.
    """
    if wanted < 0:
        raise UserError(f"{wanted} is no number of threads", "0 takes what the machine has")
    if wanted:
        return wanted
    if hasattr(os, "sched_getaffinity"):
        return min(_MOST_THREADS, len(os.sched_getaffinity(0)))
    return min(_MOST_THREADS, os.cpu_count() or 1)


def open_session(path: Path, threads: int, pack: bool = True) -> Any:
    """Return a session whose weights come out of a mapped file.

    Packed, they are copied in the order in which the processor wants them, and each is unmapped
    when it is copied: the peak is the same (wav2vec2 large, int8, 5 s: 452 MB and 451 MB), the
    processor time of a sound a third less (0.34 and 0.51 s), and loading takes 0.4 s more.

    The arena stays: without it the C library keeps what is given back, in pieces (wav2vec2 large,
    int8, 30 s: 530 MB with an arena, 765 to 925 MB without).

    Args:
        path: The graph.
        threads: Of one run.
        pack: Whether to pack the weights at load; not worth it for a few seconds of sound.

    Raises:
        UserError: The file is no graph that this onnxruntime can run.
    """
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = True
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    options.add_session_config_entry("session.disable_prepacking", "0" if pack else "1")
    # Threads that spin while they wait cost processor time that small machines don't have.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except (
        *(state.Fail, state.InvalidGraph, state.InvalidProtobuf, state.InvalidArgument),
        *(state.NoSuchFile, state.NotImplemented, state.RuntimeException, state.NoModel),
    ) as error:
        reason = str(error).splitlines()[0][:300]
        raise UserError(
            f"`{path}` can't be run: {reason}",
            "Convert the model again: amharic-tts phonemes-convert MODEL",
        ) from error
