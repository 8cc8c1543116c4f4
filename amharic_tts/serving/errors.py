"""Errors as clients of the OpenAI API know them: a status, and an object with a reason.

Only what the caller can use leaves the server: never a traceback, never a path of this machine.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from amharic_tts.errors import StudioError, UserError
from amharic_tts.synthesis.client import Busy
from amharic_tts.workspace import Workspace

logger = logging.getLogger(__name__)

TYPES = {429: "rate_limit_error", 500: "server_error", 503: "server_error"}
"""By status; any other is an ``invalid_request_error``."""
_RETRY = "Retry-After"


class ApiError(Exception):
    """An answer that is not what was asked for.

    Args:
        status: HTTP status.
        message: What is wrong and what to do next.
        code: A stable word for programs.
        param: The field of the request that is wrong.
        retry_after: Seconds until it is worth to try again.
        headers: More headers of the answer.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: str,
        param: str | None = None,
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param
        self.headers = dict(headers or {})
        if retry_after is not None:
            self.headers[_RETRY] = str(retry_after)

    def body(self) -> dict[str, Any]:
        """Return the error object."""
        kind = TYPES.get(self.status, "invalid_request_error")
        told = {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        return {"error": told}

    def response(self) -> Response:
        """Return the answer."""
        return json_response(self.body(), self.status, self.headers)


def json_response(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return plain values as JSON, Ethiopic letters as they are."""
    text = json.dumps(body, ensure_ascii=False)
    return Response(text.encode("utf-8"), status, headers, "application/json")


INTERNAL = ApiError(500, "Something went wrong in the server; its log says what", "internal_error")


def of_speech(
    error: StudioError | ApiError, workspace: Workspace, retry_after: int = 1
) -> ApiError:
    """Return what a caller reads of an error that ended a speech; the log keeps the whole.

    What the caller can put right (another text, another voice) is told as it is, without the
    place of the workspace. The rest is the server's trouble.
    """
    if isinstance(error, ApiError):
        return error
    if isinstance(error, Busy):
        return ApiError(429, _words(error), "queue_full", retry_after=retry_after)
    if isinstance(error, UserError):
        text = _words(error).replace(str(workspace.root), "workspace")
        return ApiError(422, text, "cannot_be_spoken")
    logger.error("a speech failed: %s", error)
    told = "The speech could not be made; the log of the server says why. Try again"
    return ApiError(503, told, "speech_failed", retry_after=retry_after)


def _words(error: StudioError) -> str:
    return f"{error.message}. {error.hint}" if error.hint else error.message
