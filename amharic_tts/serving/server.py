"""The speech API: `POST /v1/audio/speech` and what belongs to it, alone or beside the page.

It keeps to the OpenAI speech API, so that programs written for that one speak with a voice of the
workspace. Everything it does goes through one `SpeechClient`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import anyio
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from amharic_tts.base_models.catalog import PRACTICE
from amharic_tts.errors import StudioError, UserError
from amharic_tts.serving import delivery, keys
from amharic_tts.serving.call import SpeechCall, parse
from amharic_tts.serving.delivery import Answer, Made, Speaking
from amharic_tts.serving.errors import INTERNAL, ApiError, json_response, of_speech
from amharic_tts.serving.keys import Keys
from amharic_tts.serving.limits import Limits, Line, Rate
from amharic_tts.settings import LOOPBACK, Settings
from amharic_tts.synthesis import voices
from amharic_tts.synthesis.client import SpeechClient
from amharic_tts.synthesis.practice_voice import built_in
from amharic_tts.synthesis.request import Sampling, SpeechRequest
from amharic_tts.synthesis.voices import Voice

logger = logging.getLogger(__name__)

_DRAINED = 4 * 1024 * 1024
"""A body that is too long is read so far, or its sender would never read the answer."""
_FORGOTTEN = 3600.0
"""Seconds after which a file of a server that was killed is removed."""


@dataclass(frozen=True)
class Serving:
    """How the API is served."""

    keys: Keys = field(default_factory=Keys)
    """Without a key only this machine may ask."""
    voice: str = ""
    """The voice of a request that names none."""
    limits: Limits = field(default_factory=Limits)
    origins: tuple[str, ...] = ()
    """Origins of other web pages that may ask, such as ``https://example.org``."""


class SpeechApi:
    """The API as one ASGI application, for a route whose rest is the parameter `path`."""

    def __init__(self, client: SpeechClient, serving: Serving) -> None:
        self.client, self.serving = client, serving
        self.line = Line(serving.limits.most_waiting)
        self._rate = Rate(serving.limits.a_minute)
        self._folder = client.workspace.cache / "serving"
        for file in self._folder.glob("*.wav"):
            if time.time() - file.stat().st_mtime > _FORGOTTEN:
                file.unlink(missing_ok=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer = Answer(send, self.serving.limits.stalled_seconds)
        try:
            await self._answer(scope, receive, answer, send)
        except ApiError as error:
            await error.response()(scope, receive, send)
        except Exception:
            logger.exception("a request failed")
            if not answer.started:
                await INTERNAL.response()(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, answer: Answer, send: Send) -> None:
        path, method = scope["path_params"]["path"].rstrip("/"), scope["method"]
        if path == "health":
            _allow(method, "GET")
            body = {"status": "ok", "waiting": max(0, self.line.held - 1)}
            await json_response(body)(scope, receive, send)
            return
        self._admit(scope)
        if path == "audio/speech":
            _allow(method, "POST")
            await self._speech(Headers(scope=scope), receive, answer)
            return
        if path == "audio/voices":
            _allow(method, "GET")
            known = await asyncio.to_thread(self.voices)
            body = {"voices": [_voice_body(voice) for voice in known]}
            await json_response(body)(scope, receive, send)
            return
        if path == "models" or path.startswith("models/"):
            _allow(method, "GET")
            await json_response(await self._models(path[7:]))(scope, receive, send)
            return
        raise ApiError(404, f"There is no /v1/{path[:100]} here", "unknown_url")

    def _admit(self, scope: Scope) -> None:
        """Let a request in, or say why not.

        Raises:
            ApiError: 401 no or a wrong key, 403 from a web page of another origin or from outside
                without a key, 429 too many a minute.
        """
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        # Whether http or https does not matter: a page of this very host asks.
        own = origin is None or origin.partition("://")[2] == host
        if not own and origin not in self.serving.origins:
            raise ApiError(
                403, "Web pages of other origins may not ask this server", "origin_refused"
            )
        address = (scope.get("client") or ("",))[0]
        if not self.serving.keys:
            # A name that was made to point here, or a proxy: who asks does so from elsewhere.
            outside = _name_of(host) not in LOOPBACK
            if outside or "x-forwarded-for" in headers or "forwarded" in headers:
                raise ApiError(
                    403, "Without a key only the machine itself may ask this server", "key_needed"
                )
            self._rate.take(address)
            return
        number = self.serving.keys.match(headers.get("authorization", "").encode("latin-1"))
        self._rate.take(address if number is None else number)
        if number is None:
            raise ApiError(
                401,
                "This server wants a key: send `Authorization: Bearer KEY`",
                "invalid_api_key",
                headers={"WWW-Authenticate": "Bearer"},
            )

    async def _speech(self, headers: Headers, receive: Receive, answer: Answer) -> None:
        body = await self._body(headers, receive)
        call = parse(body, self.serving.limits.characters)
        request = await asyncio.to_thread(self._request, call)
        async with self.line.place():
            spoken = asyncio.ensure_future(self._deliver(call, request, answer))
            gone = asyncio.ensure_future(_gone(receive))
            try:
                await asyncio.wait((spoken, gone), return_when=asyncio.FIRST_COMPLETED)
                if spoken.done():
                    spoken.result()
            finally:
                for task in (spoken, gone):
                    task.cancel()
                await asyncio.gather(spoken, gone, return_exceptions=True)

    async def _deliver(self, call: SpeechCall, request: SpeechRequest, answer: Answer) -> None:
        """Wait for the turn, speak, and send; cancelled when the caller has gone."""
        await self.line.turn()
        try:
            speaking = Speaking(self.client, request, call.response_format, self.line.done)
        except BaseException:
            self.line.done(self.line.took)
            raise
        try:
            await self._send(call, request, speaking, answer)
        except TimeoutError:
            logger.info("a listener took nothing any more")
        finally:
            speaking.leave()

    async def _send(
        self, call: SpeechCall, request: SpeechRequest, speaking: Speaking, answer: Answer
    ) -> None:
        sse = call.stream_format == "sse"
        told = {"X-Seed": str(request.seed), "X-Accel-Buffering": "no"}
        if call.ignored:
            told["X-Ignored"] = ", ".join(call.ignored)
        try:
            async for item in speaking.pieces():
                if not answer.started:
                    if not call.stream and isinstance(item, bytes):
                        told["Content-Length"] = str(len(item))
                    kind = delivery.media_type(call.response_format, call.stream_format)
                    await answer.start(kind, told)
                if isinstance(item, bytes):
                    await answer.piece(delivery.sound_event(item) if sse else item)
                elif sse and isinstance(item, Made):
                    await answer.piece(delivery.done_event(item, call.ignored))
        except (StudioError, ApiError) as error:
            problem = of_speech(error, self.client.workspace, self.line.retry_after)
            if not answer.started:
                raise problem from error
            if not sse:
                logger.error("a speech broke off in the middle: %s", problem.message)
                return  # without an end: see `Answer`
            await answer.piece(delivery.error_event(problem))
        await answer.end()

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        limits = self.serving.limits
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            # Also what keeps a form of any web page from speaking here.
            raise ApiError(415, "Send the request as application/json", "unsupported_media_type")
        try:
            with anyio.fail_after(limits.body_seconds):
                body = await _read(receive, limits.body)
        except TimeoutError:
            told = f"The request did not arrive within {limits.body_seconds:g} s"
            raise ApiError(408, told, "request_timeout") from None
        if body is None:
            raise ApiError(
                413, f"The request is longer than {limits.body} bytes", "request_too_large"
            )
        return body

    def _request(self, call: SpeechCall) -> SpeechRequest:
        """Return what is asked of the client; looks at the files of voices.

        Raises:
            ApiError: 400 no voice is named, 404 there is no such voice, 503 its files are damaged.
        """
        name, param = call.name()
        name = name or self.serving.voice
        known = {voice.id: voice for voice in self.voices()}
        names = ", ".join(known)
        if not name:
            raise ApiError(400, f"Say which `voice`. There are: {names}", "voice_needed", "voice")
        if name not in known:
            code = "voice_not_found" if param == "voice" else "model_not_found"
            told = f"There is no voice {name[:100]!r}. There are: {names}"
            raise ApiError(404, told, code, param)
        if known[name].problems:
            raise ApiError(503, f"The files of the voice {name} are damaged", "voice_damaged")
        self._folder.mkdir(parents=True, exist_ok=True)
        return SpeechRequest(
            name,
            call.input,
            call.language,
            seed=secrets.randbelow(2**31) if call.seed is None else call.seed,
            sampling=Sampling(speed=call.speed),
            stream=call.stream,
            out=self._folder / f"{secrets.token_hex(8)}.wav",
        )

    def voices(self) -> list[Voice]:
        """Return the voices of the workspace, damaged ones too, and the built-in one."""
        workspace = self.client.workspace
        return [*voices.list_voices(workspace), built_in(workspace)]

    async def _models(self, name: str) -> dict[str, Any]:
        known = await asyncio.to_thread(self.voices)
        models = [
            {
                "id": voice.id,
                "object": "model",
                "created": int(voice.created),
                "owned_by": "amharic-tts" if voice.id == PRACTICE else "workspace",
            }
            for voice in known
            if not voice.problems
        ]
        if not name:
            return {"object": "list", "data": models}
        for model in models:
            if model["id"] == name:
                return model
        raise ApiError(404, f"There is no model {name[:100]!r}", "model_not_found", "model")


def _name_of(host: str) -> str:
    """Return the name in a ``Host`` header, without the port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:  # such as a bracket that is never closed
        return ""


def _allow(method: str, allowed: str) -> None:
    if method != allowed:
        raise ApiError(
            405,
            f"{method} is not answered here, only {allowed}",
            "method_not_allowed",
            headers={"Allow": allowed},
        )


def _voice_body(voice: Voice) -> dict[str, Any]:
    return {
        "id": voice.id,
        "name": voice.id,
        "language": voice.language,
        "note": voice.note,
        "usable": not voice.problems,
    }


async def _read(receive: Receive, most: int) -> bytes | None:
    """Return the body of a request, or None where it is longer than `most` bytes."""
    body, size = bytearray(), 0
    while size <= _DRAINED:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ApiError(400, "The request broke off", "incomplete_request")
        piece = message.get("body", b"")
        size += len(piece)
        if size <= most:
            body += piece
        if not message.get("more_body", False):
            break
    return None if size > most else bytes(body)


async def _gone(receive: Receive) -> None:
    """Return when the caller has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


class _Refusal:
    """An ASGI application that has one answer for all."""

    def __init__(self, error: ApiError) -> None:
        self._error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._error.response()(scope, receive, send)


_NOTHING = ApiError(404, "There is nothing here; the API begins with /v1/", "unknown_url")
_OFF = ApiError(
    503, "The speech API of this studio is off, since it has no key: see docs/serving.md", "api_off"
)


def build(client: SpeechClient, serving: Serving) -> Starlette:
    """Return the API as an application of its own.

    Raises:
        UserError: A limit is no sensible number; there is no such voice.
    """
    serving.limits.check()
    api = SpeechApi(client, serving)
    known = [voice.id for voice in api.voices()]
    if serving.voice and serving.voice not in known:
        raise UserError(f"There is no voice `{serving.voice}`", f"There are: {', '.join(known)}")
    cors = Middleware(
        CORSMiddleware,
        allow_origins=list(serving.origins),
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=["X-Seed", "X-Ignored", "Retry-After"],
    )
    routes = [Route("/v1/{path:path}", api), Route("/{path:path}", _Refusal(_NOTHING))]
    return Starlette(routes=routes, middleware=[cors] if serving.origins else [])


def mount(
    app: Any, client: SpeechClient, settings: Settings, environ: Mapping[str, str] = os.environ
) -> str:
    """Put the API under `/v1` of the studio's own server; return in words where it is, or why not.

    Args:
        app: The FastAPI or Starlette application of the studio.
        client: The speaking process that the page uses too.
        settings: Where there is a login, or the studio is open to others, the API needs a key.
        environ: Where a key may stand.

    Raises:
        UserError: A key is no good, or others can read the file of keys.
    """
    known = keys.read(keys.default_file(client.workspace), environ)
    open_to_all = settings.local and settings.auth is None
    if known or open_to_all:
        app.router.routes.append(Route("/v1/{path:path}", SpeechApi(client, Serving(known))))
        return "The speech API is under /v1" + ("" if known else " (without a key: only here)")
    app.router.routes.append(Route("/v1/{path:path}", _Refusal(_OFF)))
    return "The speech API is off: it needs a key (amharic-tts serve --new-key)"
