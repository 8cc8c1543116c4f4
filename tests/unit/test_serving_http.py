"""The speech API over HTTP: every answer and every refusal."""

from __future__ import annotations

import base64
import io
import json
import struct
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import soundfile
from serving_fixtures import KEY, Served, body, pcm_of, seconds_of, served, until

from amharic_tts.errors import UserError
from amharic_tts.serving import server as serving_server
from amharic_tts.serving.keys import Keys
from amharic_tts.serving.server import Serving
from amharic_tts.synthesis.client import SpeechClient
from amharic_tts.workspace import Workspace

TEXT = "ሰላም ለዓለም ሁሉ ዛሬ"  # four words, 0.4 s


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    workspace = Workspace.open(tmp_path_factory.mktemp("serving") / "workspace")
    ready = workspace.runs / "one" / "ready"
    ready.mkdir(parents=True)
    (ready / "voice.json").write_text('{"format": 1, "text": {"language": "am"}}')
    with served(workspace, a_minute=1000) as found:
        yield found


def refusal(answer: httpx.Response) -> tuple[int, str, str | None, str]:
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()["error"]
    assert sorted(error) == ["code", "message", "param", "type"]
    assert "Traceback" not in error["message"]
    return answer.status_code, error["code"], error["param"], error["message"]


@pytest.mark.parametrize(
    ("format", "mime", "longer"),
    [
        ("mp3", "audio/mpeg", 0.12),
        ("opus", "audio/ogg; codecs=opus", 0.0),
        ("aac", "audio/aac", 0.12),
        ("flac", "audio/flac", 0.0),
        ("wav", "audio/wav", 0.0),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_every_format_decodes_to_the_length_of_the_speech(
    api: Served, format: str, mime: str, longer: float, stream: bool
) -> None:
    answer = api.ask(TEXT, response_format=format, stream=stream)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == mime
    assert answer.headers["x-seed"] == "4"
    assert ("content-length" in answer.headers) is not stream
    assert 0.4 <= seconds_of(answer.content) <= 0.4 + longer


def test_pcm_has_no_header_and_a_whole_wav_knows_its_length(api: Served) -> None:
    raw = api.ask(TEXT, response_format="pcm").content
    assert len(pcm_of(raw)) == 9600
    streamed = api.ask(TEXT, response_format="wav").content
    assert (streamed[40:44], streamed[44:]) == (b"\xff\xff\xff\xff", raw)
    whole = api.ask(TEXT, response_format="wav", stream=False).content
    assert struct.unpack("<I", whole[40:44]) == (19200,)
    samples, rate = soundfile.read(io.BytesIO(whole), dtype="int16")
    assert (len(samples), rate) == (9600, 24000)


def test_what_is_asked_reaches_the_speech_process(api: Served) -> None:
    answer = api.ask(
        "ሰላም", stream_format="sse", response_format="pcm", speed=1.25, language="en", seed=11
    )
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = [json.loads(line[6:]) for line in answer.text.splitlines() if line]
    assert [event["type"] for event in told] == ["speech.audio.delta", "speech.audio.done"]
    assert len(base64.b64decode(told[0]["audio"])) == 4800
    assert told[1] == {
        "type": "speech.audio.done",
        "seconds": 0.1,
        "language": "en",
        "seed": 11,
        "cut": 0,
        "ignored": [],
    }


def test_speed_voice_and_a_random_seed_are_handed_on(api: Served) -> None:
    asked: list[Any] = []
    speak = api.client.speak

    def watch(request: Any) -> Any:
        asked.append(request)
        return speak(request)

    api.client.speak = watch  # type: ignore[method-assign]
    try:
        answer = api.ask("ሰላም", speed=1.25, seed=None, voice={"id": "practice"})
    finally:
        del api.client.speak  # type: ignore[method-assign]
    (request,) = asked
    assert (request.voice, request.sampling.speed, request.stream) == ("practice", 1.25, True)
    assert answer.headers["x-seed"] == str(request.seed)
    assert request.out.parent == api.client.workspace.cache / "serving"
    until(lambda: not list(request.out.parent.iterdir()), "the file of the speech is removed")


def test_instructions_are_ignored_and_it_is_said(api: Served) -> None:
    answer = api.ask("ሰላም", instructions="Speak like a pirate")
    assert (answer.status_code, answer.headers["x-ignored"]) == (200, "instructions")
    assert "x-ignored" not in api.ask("ሰላም", instructions=" ").headers
    told = api.ask("ሰላም", instructions="softly", stream_format="sse").text
    assert '"ignored": ["instructions"]' in told


@pytest.mark.parametrize(
    ("fields", "code", "param", "message"),
    [
        ({"input": ""}, "empty_text", "input", "there is nothing to say"),
        ({"input": " \n"}, "empty_text", "input", "there is nothing to say"),
        ({"input": None}, "empty_text", "input", "there is nothing to say"),
        ({"input": 5}, "invalid_type", "input", "is not text"),
        ({"input": "ሀ" * 4097}, "string_above_max_length", "input", "has 4097 characters"),
        ({"input": "\ud83d"}, "invalid_value", "input", "holds half a character"),
        ({"pitch": 2}, "unknown_parameter", "pitch", "`pitch` is unknown here; there are: model"),
        ({"response_format": "ogg"}, "invalid_value", "response_format", "it can be: mp3, opus"),
        ({"response_format": 3}, "invalid_type", "response_format", "is not text"),
        ({"speed": 3}, "invalid_value", "speed", "speed: 3.0 is outside of 0.5 to 2"),
        ({"speed": True}, "invalid_type", "speed", "is not a number"),
        ({"speed": 10**400}, "invalid_type", "speed", "is not a number"),
        ({"seed": -1}, "invalid_value", "seed", "is outside of 0 to 2147483647"),
        ({"seed": 1.5}, "invalid_type", "seed", "is not a whole number"),
        ({"stream": "yes"}, "invalid_type", "stream", "is neither true nor false"),
        ({"stream": False, "stream_format": "sse"}, "invalid_value", "stream", "asks for events"),
        ({"voice": {"name": "x"}}, "invalid_type", "voice", "is not text"),
        ({"voice": "default"}, "voice_needed", "voice", "There are: one, practice"),
        ({"voice": "one", "model": "practice"}, "two_voices", "voice", "names the voice practice"),
    ],
)
def test_a_wrong_field_is_named(
    api: Served, fields: dict[str, Any], code: str, param: str, message: str
) -> None:
    text = json.dumps({**body("ሰላም"), **fields})
    answer = httpx.post(
        api.address + "/v1/audio/speech",
        content=text,
        headers={"Content-Type": "application/json; charset=utf-8"},
    )
    status, told_code, told_param, told = refusal(answer)
    assert (status, told_code, told_param) == (400, code, param)
    assert message in told


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"voice": "alloy"}, "voice_not_found", "voice"),
        ({"voice": "../../etc"}, "voice_not_found", "voice"),
        ({"voice": "/"}, "voice_not_found", "voice"),
        ({"model": "gpt-9", "voice": None}, "model_not_found", "model"),
    ],
)
def test_a_voice_that_is_not_there(
    api: Served, fields: dict[str, Any], code: str, param: str
) -> None:
    status, told_code, told_param, told = refusal(api.ask("ሰላም", **fields))
    assert (status, told_code, told_param) == (404, code, param)
    assert told.endswith("There are: one, practice")


def test_a_damaged_voice_is_said_without_its_place(api: Served) -> None:
    status, code, _, told = refusal(api.ask("ሰላም", voice="one"))
    assert (status, code) == (503, "voice_damaged")
    assert str(api.client.workspace.root) not in told


@pytest.mark.parametrize("content", [b"{", b"", b"[1]", b"\xff\xfe", b"[" * 200_000, b"NaN"])
def test_a_body_that_is_no_request(api: Served, content: bytes) -> None:
    answer = httpx.post(
        api.address + "/v1/audio/speech",
        content=content,
        headers={"Content-Type": "application/json"},
    )
    assert refusal(answer)[:2] == (400, "invalid_json")


def test_a_form_of_a_web_page_is_refused(api: Served) -> None:
    answer = httpx.post(api.address + "/v1/audio/speech", data=body("ሰላም"))
    assert refusal(answer)[:2] == (415, "unsupported_media_type")
    there = {"Origin": "https://example.org"}
    answer = httpx.post(api.address + "/v1/audio/speech", json=body("ሰላም"), headers=there)
    assert refusal(answer)[:2] == (403, "origin_refused")
    assert "access-control-allow-origin" not in answer.headers
    same = {"Origin": api.address}
    answer = httpx.post(api.address + "/v1/audio/speech", json=body("ሰላም"), headers=same)
    assert answer.status_code == 200


def test_a_megabyte_is_refused_and_the_server_goes_on(api: Served) -> None:
    answer = api.ask("ሀ" * 350_000)
    assert refusal(answer)[:2] == (413, "request_too_large")
    assert api.ask("ሰላም").status_code == 200


def test_emoji_and_other_scripts_go_through(api: Served) -> None:
    text = "👩‍👩‍👧 ሰላም Привет 你好"
    assert len(pcm_of(api.ask(text, response_format="pcm").content)) == 4 * 2400
    until(lambda: f"end {text}" in api.notes(), "the process notes it after it told it")


def test_a_text_that_the_voice_can_not_say_is_the_callers(api: Served) -> None:
    assert refusal(api.ask("wrong"))[:2] == (422, "cannot_be_spoken")
    status, code, _, told = refusal(api.ask("ours"))
    assert (status, code) == (503, "speech_failed")
    assert "ours text" not in told
    assert refusal(api.ask("mute"))[:2] == (503, "speech_failed")


def test_a_process_that_dies_is_a_503_and_is_started_again(api: Served) -> None:
    answer = api.ask("die")
    status, code, _, told = refusal(answer)
    assert (status, code) == (503, "speech_failed")
    assert "retry-after" in answer.headers
    assert "speech.log" not in told
    assert api.ask("ሰላም").status_code == 200


@pytest.mark.parametrize("text", ["break it", "one die"])
def test_an_error_in_the_middle_breaks_the_connection_off(api: Served, text: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
        api.ask(text)
    last = json.loads(api.ask(text, stream_format="sse").text.splitlines()[-2][6:])
    assert (last["type"], last["error"]["code"]) == ("error", "speech_failed")
    assert api.ask("ሰላም").status_code == 200


def test_our_own_mistake_is_a_500_without_a_traceback(
    api: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(request: Any) -> Any:
        raise KeyError("secret detail")

    monkeypatch.setattr(api.client, "speak", broken)
    status, code, _, told = refusal(api.ask("ሰላም"))
    assert (status, code) == (500, "internal_error")
    assert "secret" not in told
    monkeypatch.undo()
    monkeypatch.setattr(serving_server, "built_in", broken)
    with api.http() as http:
        assert refusal(http.get("/v1/models"))[:2] == (500, "internal_error")
    monkeypatch.undo()
    assert api.ask("ሰላም").status_code == 200


def test_models_voices_and_health(api: Served) -> None:
    with api.http() as http:
        assert http.get("/v1/health").json() == {"status": "ok", "waiting": 0}
        practice = {
            "id": "practice",
            "object": "model",
            "created": 0,
            "owned_by": "amharic-tts",
        }
        assert http.get("/v1/models").json() == {"object": "list", "data": [practice]}
        assert http.get("/v1/models/practice").json() == practice
        assert refusal(http.get("/v1/models/one"))[:2] == (404, "model_not_found")
        known = http.get("/v1/audio/voices").json()["voices"]
        assert [(voice["id"], voice["usable"]) for voice in known] == [
            ("one", False),
            ("practice", True),
        ]
        assert refusal(http.get("/v1/other"))[:2] == (404, "unknown_url")
        assert refusal(http.get("/docs"))[:2] == (404, "unknown_url")
        for method, path in (
            ("GET", "audio/speech"),
            ("OPTIONS", "audio/speech"),
            ("POST", "models"),
        ):
            answer = http.request(method, f"/v1/{path}")
            assert refusal(answer)[:2] == (405, "method_not_allowed")
            assert answer.headers["allow"] in ("GET", "POST")


def test_without_a_key_only_the_machine_itself_may_ask(api: Served) -> None:
    for headers in (
        {"Host": "evil.example"},
        {"Host": "[::1"},
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
    ):
        answer = httpx.get(api.address + "/v1/models", headers=headers)
        assert refusal(answer)[:2] == (403, "key_needed"), headers


def test_a_key_is_asked_for(workspace: Workspace) -> None:
    with served(workspace, Serving(Keys((KEY.encode(),)), voice="practice")) as locked:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {KEY}"}):
            with locked.http(headers=headers) as http:
                answer = http.post("/v1/audio/speech", json=body("ሰላም"))
                assert refusal(answer)[:2] == (401, "invalid_api_key")
                assert answer.headers["www-authenticate"] == "Bearer"
                assert http.get("/v1/health").status_code == 200
        right = {"Authorization": f"Bearer {KEY}", "Host": "voices.example"}
        with locked.http(headers=right) as http:
            answer = http.post("/v1/audio/speech", json={"input": "ሰላም"})  # the server's own voice
            assert answer.status_code == 200


def test_too_many_a_minute(workspace: Workspace) -> None:
    with served(workspace, a_minute=2) as api, api.http() as http:
        assert [http.get("/v1/models").status_code for _ in range(3)] == [200, 200, 429]
        answer = api.ask("ሰላም")
        assert refusal(answer)[:2] == (429, "rate_limit_exceeded")
        assert 1 <= int(answer.headers["retry-after"]) <= 60


def test_a_page_of_an_origin_that_is_allowed_may_ask(workspace: Workspace) -> None:
    there = {"Origin": "https://example.org"}
    with served(workspace, Serving(origins=("https://example.org",))) as api:
        asked = {**there, "Access-Control-Request-Method": "POST"}
        answer = httpx.options(api.address + "/v1/audio/speech", headers=asked)
        assert answer.headers["access-control-allow-origin"] == "https://example.org"
        with api.http(headers=there) as http:
            answer = http.post("/v1/audio/speech", json=body("ሰላም"))
            assert answer.headers["access-control-allow-origin"] == "https://example.org"
            assert "X-Seed" in answer.headers["access-control-expose-headers"]
        other = httpx.get(api.address + "/v1/models", headers={"Origin": "https://other.example"})
        assert other.status_code == 403


def test_a_body_that_never_comes_is_given_up(workspace: Workspace) -> None:
    import socket

    with served(workspace, body_seconds=0.2) as api:
        host, port = api.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as line:
            line.sendall(
                f"POST /v1/audio/speech HTTP/1.1\r\nHost: {host}\r\n"
                "Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{".encode()
            )
            assert b"408" in line.recv(100)


def test_a_server_for_a_voice_that_is_not_there_does_not_begin(workspace: Workspace) -> None:
    with pytest.raises(UserError, match="There is no voice `alloy`"):
        serving_server.build(SpeechClient(workspace), Serving(voice="alloy"))
