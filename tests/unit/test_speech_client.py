from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from amharic_tts.errors import StudioError, UserError
from amharic_tts.events import Done, Finding, Progress
from amharic_tts.synthesis.client import Busy, SpeechClient
from amharic_tts.synthesis.request import Sampling, SpeechRequest, sampling
from amharic_tts.workspace import Workspace

FAKE = """
import json, os, sys, time
print("noise on stderr", file=sys.stderr)
def tell(number, kind, **body):
    sys.stdout.write(json.dumps({"id": number, "event": kind, **body}, ensure_ascii=False) + "\\n")
    sys.stdout.flush()
for line in sys.stdin:
    ask = json.loads(line)
    if "cancel" in ask:
        continue
    number, text = ask["id"], ask["text"]
    if text == "die":
        os._exit(9)
    if text == "wrong":
        tell(number, "failed", message="wrong text", hint="write another", exit_code=2)
        continue
    if text == "ours":
        tell(number, "failed", message="ours", hint="", exit_code=1)
        continue
    tell(number, "progress", done=0, total=0, note="loading")
    if text == "slow":
        time.sleep(0.3)
    tell(number, "finding", code="cut", message="was cut")
    tell(number, "done", result={"audio": ask["out"], "pid": os.getpid(), "asked": ask})
"""


def make(folder: Path) -> None:
    """The least that is found as a voice; the fake process does not look at it."""
    folder.mkdir(parents=True)
    (folder / "voice.json").write_text('{"format": 1, "text": {"language": "am"}}')


@pytest.fixture
def client(workspace: Workspace) -> Iterator[SpeechClient]:
    make(workspace.runs / "one" / "ready")
    speaker = SpeechClient(workspace, (sys.executable, "-c", FAKE))
    yield speaker
    speaker.close()


def result(client: SpeechClient, text: str) -> dict[str, object]:
    last = list(client.speak(SpeechRequest("one", text, seed=4)))[-1]
    assert isinstance(last, Done)
    return last.result


def test_events_come_through_and_the_process_stays(client: SpeechClient) -> None:
    events = list(client.speak(SpeechRequest("one", "ሰላም", seed=4)))
    assert [type(event) for event in events] == [Progress, Finding, Done]
    first = events[-1]
    assert isinstance(first, Done)
    asked = dict(first.result["asked"])
    out = Path(asked.pop("out"))
    assert (out.parent, out.suffix) == (client.workspace.speech, ".wav")
    assert asked == {
        "id": 1,
        "voice": str(client.workspace.runs / "one" / "ready"),
        "text": "ሰላም",
        "built_in": False,
        "references": [],
        "language": None,
        "seed": 4,
        "sampling": {
            "temperature": None,
            "top_k": None,
            "top_p": None,
            "repetition_penalty": None,
            "speed": 1.0,
        },
        "phonemes": False,
        "check": False,
        "takes": 1,
        "only": None,
        "precision": "auto",
        "stream": False,
    }
    assert result(client, "እንደገና")["pid"] == first.result["pid"]
    assert "noise on stderr" in client.log.read_text()


def test_errors_come_back_as_they_were(client: SpeechClient) -> None:
    with pytest.raises(UserError) as caught:
        list(client.speak(SpeechRequest("one", "wrong")))
    assert (caught.value.message, caught.value.hint) == ("wrong text", "write another")
    with pytest.raises(StudioError) as other:
        list(client.speak(SpeechRequest("one", "ours")))
    assert not isinstance(other.value, UserError)
    assert result(client, "fine")


def test_a_process_that_dies_is_told_and_started_again(client: SpeechClient) -> None:
    first = result(client, "fine")["pid"]
    with pytest.raises(StudioError, match=r"ended unexpectedly \(exit code 9\)") as caught:
        list(client.speak(SpeechRequest("one", "die")))
    assert "Speak again: it is started anew" in caught.value.hint
    assert result(client, "fine")["pid"] != first


def test_a_process_killed_between_two_requests_is_replaced(client: SpeechClient) -> None:
    first = result(client, "fine")["pid"]
    assert client._process is not None
    client._process.kill()
    client._process.wait()
    assert result(client, "fine")["pid"] != first


def test_an_abandoned_request_does_not_answer_the_next_one(client: SpeechClient) -> None:
    abandoned = client.speak(SpeechRequest("one", "slow"))
    next(abandoned)
    abandoned.close()
    asked = result(client, "second")["asked"]
    assert isinstance(asked, dict)
    assert asked["text"] == "second"


def test_two_threads_take_turns(client: SpeechClient) -> None:
    seen: dict[str, list[str]] = {}

    def speak(text: str) -> None:
        events = list(client.speak(SpeechRequest("one", text)))
        seen[text] = [event.note for event in events if isinstance(event, Progress)]
        assert isinstance(events[-1], Done)

    result(client, "fine")
    first = threading.Thread(target=speak, args=("slow",))
    first.start()
    time.sleep(0.1)
    speak("fast")
    first.join()
    assert seen == {
        "slow": ["loading"],
        "fast": ["Waiting for another speech to be done", "loading"],
    }


def test_no_more_wait_than_may(client: SpeechClient) -> None:
    client.most_waiting = 1
    client._turn.acquire()
    first = client.speak(SpeechRequest("one", "ሰላም"))
    assert isinstance(next(first), Progress)
    with pytest.raises(Busy, match="1 speeches are waiting already"):
        list(client.speak(SpeechRequest("one", "ሰላም")))
    client._turn.release()
    assert isinstance(list(first)[-1], Done)
    assert client.waiting == 0


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (SpeechRequest("one", "ሀ" * 10_001), "10001 characters; a request takes 10000"),
        (SpeechRequest("one", "ሰላም", takes=0), "takes: 0 is outside of 1 to 8"),
        (SpeechRequest("one", "ሰላም", precision="int3"), "precision: there is no `int3`"),  # type: ignore[arg-type]
        (SpeechRequest("one", "ሰላም", sampling=Sampling(top_p=0)), "top_p: 0 is outside"),
        (SpeechRequest("one", "ሰላም", sampling=Sampling(speed=9)), "speed: 9 is outside of 0.5"),
        (
            SpeechRequest("one", "ሰላም", sampling=Sampling(temperature=float("nan"))),
            "temperature: `nan` is not a number",
        ),
    ],
)
def test_a_request_that_can_not_be_is_refused(
    client: SpeechClient, request_: SpeechRequest, message: str
) -> None:
    with pytest.raises(UserError) as caught:
        list(client.speak(request_))
    assert message in caught.value.message
    assert client._process is None


def test_presets_and_a_request_through_json(tmp_path: Path) -> None:
    assert sampling("steady", top_k=7) == Sampling(temperature=0.4, top_k=7, top_p=0.8)
    with pytest.raises(UserError, match="There is no preset `loud`"):
        sampling("loud")
    asked = SpeechRequest(
        "one", "ሰላም", references=(tmp_path / "a.wav",), sampling=sampling("lively"), takes=3
    )
    assert SpeechRequest.from_json(asked.to_json()) == asked


def test_bad_input_never_starts_a_process(client: SpeechClient, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing to say"):
        list(client.speak(SpeechRequest("one", " \n")))
    with pytest.raises(UserError, match="There is no voice `two`"):
        list(client.speak(SpeechRequest("two", "ሰላም")))
    with pytest.raises(UserError, match="There is no reference clip"):
        list(client.speak(SpeechRequest("one", "ሰላም", references=(tmp_path / "none.wav",))))
    assert client._process is None


def test_close_ends_the_process_and_is_harmless_twice(client: SpeechClient) -> None:
    result(client, "fine")
    process = client._process
    assert process is not None
    client.close()
    client.close()
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--voice", "one", "--text", " ", "--out", "a.wav"], "nothing to say"),
        (["--voice", "two", "--text", "ሰላም", "--out", "a.wav"], "There is no voice `two`"),
        (["--voice", "one", "--text", "ሰላም", "--out", "a.txt"], "this kind of file is not written"),
        (["--voice", "one", "--text", "ሰላም", "--out", "a.wav", "--takes", "9"], "takes: 9 is"),
        (
            ["--voice", "one", "--text", "ሰላም", "--out", "a.wav", "--preset", "x"],
            "There is no preset `x`",
        ),
        (
            ["--voice", "one", "--text", "ሰላም", "--out", "a.wav", "--precision", "int4"],
            "precision: there is no `int4`",
        ),
        (["--voice", "one", "--text", "ሰላም", "--out", "d.wav"], "is a folder"),
        (
            ["--voice", "one", "--text", "ሰላም", "--out", "a.wav", "--reference", "none.wav"],
            "There is no reference clip `none.wav`",
        ),
    ],
)
def test_the_command_refuses_bad_input_at_once(
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: list[str],
    message: str,
) -> None:
    from amharic_tts.cli import app

    make(workspace.runs / "one" / "ready")
    (tmp_path / "d.wav").mkdir()
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(app, ["--workspace", str(workspace.root), "speak", *arguments])
    assert isinstance(ended.exception, UserError)
    assert message in ended.exception.message
