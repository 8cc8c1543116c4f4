from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from amharic_tts.errors import StudioError, UserError
from amharic_tts.events import Done, Finding, Progress
from amharic_tts.synthesis.client import SpeechClient
from amharic_tts.synthesis.request import SpeechRequest
from amharic_tts.workspace import Workspace


@pytest.mark.skipif(os.name != "posix", reason="sends a POSIX signal")
def test_the_worker_speaks_refuses_and_comes_back_after_a_kill(
    workspace: Workspace, practice_voice: Path
) -> None:
    client = SpeechClient(workspace)
    try:
        events = list(client.speak(SpeechRequest(str(practice_voice), "ሀ።", seed=3)))
        notes = [event.note for event in events if isinstance(event, Progress)]
        assert notes[:2] == ["Loading the speech library, about 15 s", "Loading the voice"]
        done = events[-1]
        assert isinstance(done, Done)
        samples, rate = soundfile.read(done.result["audio"])
        assert rate == 24000
        assert len(samples) / rate == pytest.approx(done.result["seconds"], abs=1e-3)
        assert Path(done.result["audio"]).parent == workspace.speech
        assert "does not speak" in done.result["note"]
        assert (done.result["cut"] == 1) == any(isinstance(e, Finding) for e in events)

        with pytest.raises(UserError, match="can't read these characters: `☺`"):
            list(client.speak(SpeechRequest(str(practice_voice), "☺ሀ")))
        assert [path.suffix for path in workspace.speech.iterdir()] == [".wav"]

        process = client._process
        assert process is not None
        speaking = client.speak(SpeechRequest(str(practice_voice), "ሀሁሂ ሃሄህ። " * 12))
        next(speaking)
        process.send_signal(signal.SIGKILL)
        with pytest.raises(StudioError, match=r"ended unexpectedly \(exit code -9\)"):
            list(speaking)
        again = list(client.speak(SpeechRequest(str(practice_voice), "ሀ።", seed=3)))
        assert isinstance(again[-1], Done)
        assert (
            Path(again[-1].result["audio"]).read_bytes() == Path(done.result["audio"]).read_bytes()
        )
    finally:
        client.close()


def test_the_command_speaks(workspace: Workspace, practice_voice: Path, tmp_path: Path) -> None:
    import json

    out = tmp_path / "sound" / "hello.wav"
    command = [sys.executable, "-m", "amharic_tts", "--workspace", str(workspace.root), "speak"]
    command += ["--voice", str(practice_voice), "--text", "ሀ።", "--out", str(out), "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert ended.returncode == 0, ended.stderr
    result = json.loads(ended.stdout)
    assert result["audio"] == str(out)
    assert soundfile.info(out).samplerate == 24000
