"""The methods of a served class over HTTP (SPEC M5 to M7): ``POST /METHOD``, CBOR in, CBOR out.

Who may call is not decided here: Modal's proxy asks for a token before a request gets this far.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NoReturn

import cbor2
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from .arguments import BadArgument
from .batcher import Closed, Overloaded
from .frames import NoFrameDecodable

CBOR = "application/cbor"
RETRY_AFTER_S = 1
MAX_DEPTH = 64
"""Of lists and maps in one another; a JSON schema goes deepest."""
GIVEN_UP = 499
"""Told to nobody, as who asked is gone; the log shows it."""

BUILT_IN_TAGS = (
    *range(6),
    25,
    28,
    29,
    30,
    35,
    36,
    37,
    52,
    54,
    100,
    256,
    258,
    260,
    261,
    1004,
    43000,
)
"""What cbor2 makes objects of. Arguments are plain: no dates, no patterns, no references."""

log = logging.getLogger(__name__)

Method = Callable[..., Awaitable[Any]]


class Refused(Exception):
    """A request that gets no answer: the status says why."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.name = name


def create_endpoint(
    methods: Sequence[Method],
    *,
    max_body_bytes: int,
    refusals: tuple[type[Exception], ...] = (),
) -> Starlette:
    """An ASGI application that serves the methods by their names.

    Args:
        methods: what may be called; arguments go by name.
        max_body_bytes: a longer request is refused before it is read to its end.
        refusals: what the methods raise, beside what is known here, for arguments that are no good.
    """
    refused = (BadArgument, NoFrameDecodable, *refusals)

    def route(method: Method) -> Route:
        async def serve(request: Request) -> Response:
            arguments = await read_arguments(request, method, max_body_bytes)
            return await answer(request, method(**arguments), refused)

        return Route(f"/{method.__name__}", serve, methods=["POST"])

    app = Starlette(
        routes=[route(method) for method in methods],
        exception_handlers={
            Refused: tell_refusal,
            HTTPException: tell_http,
            ClientDisconnect: gone,
        },
    )
    app.router.redirect_slashes = False
    return app


async def read_arguments(request: Request, method: Method, most_bytes: int) -> dict[str, Any]:
    """The arguments of a call, by name. Raises :class:`Refused`."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != CBOR:
        raise Refused(415, "UnsupportedMediaType", f"The body must be {CBOR}")
    body = await read_body(request, most_bytes)
    try:
        arguments = cbor2.loads(
            body,
            max_depth=MAX_DEPTH,
            strict_hashable_types=True,
            semantic_decoders=dict.fromkeys(BUILT_IN_TAGS, refuse_tag),
            tag_hook=refuse_tag,
        )
    except (cbor2.CBORDecodeError, BadArgument) as error:
        why = error.__cause__ or error
        raise bad_argument(f"Cannot answer as the body must be plain CBOR: {why}") from error
    if not isinstance(arguments, dict):
        raise bad_argument("Cannot answer as the body must be a map of arguments by their names")
    try:
        inspect.signature(method).bind(**arguments)
    except TypeError as error:
        raise bad_argument(
            f"Cannot answer as the arguments must be those of {method.__name__}: {error}"
        ) from error
    return arguments


async def read_body(request: Request, most_bytes: int) -> bytearray:
    """The body, of at most so many bytes, whatever its header says."""
    body = bytearray()
    declared = request.headers.get("content-length", "0")
    async for part in request.stream():
        body += part
        if len(body) > most_bytes or (declared.isdecimal() and int(declared) > most_bytes):
            raise Refused(413, "BodyTooLarge", f"The body must be at most {most_bytes} bytes")
    return body


async def answer(
    request: Request, method: Awaitable[Any], refused: tuple[type[Exception], ...]
) -> Response:
    """Runs the call while its caller is there: who hangs up, or is cancelled, ends it."""
    call = asyncio.ensure_future(method)
    leaving = asyncio.ensure_future(caller_left(request))
    try:
        await asyncio.wait({call, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not call.done():
            return await gone(request, ClientDisconnect())
        return Response(cbor2.dumps(call.result()), media_type=CBOR)
    except refused as error:
        return told(422, type(error).__name__, str(error))
    except (Overloaded, Closed) as error:
        return told(503, type(error).__name__, str(error), {"retry-after": str(RETRY_AFTER_S)})
    except Exception as error:  # whatever the class raises is the caller's to hear
        log.exception("The call failed")
        return told(500, type(error).__name__, str(error))
    finally:
        call.cancel()
        leaving.cancel()
        await asyncio.gather(call, leaving, return_exceptions=True)


async def caller_left(request: Request) -> None:
    """Returns when the connection is gone. The body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def tell_refusal(_request: Request, error: Exception) -> Response:
    """A request that was not understood."""
    assert isinstance(error, Refused)
    return told(error.status, error.name, str(error))


async def tell_http(_request: Request, error: Exception) -> Response:
    """No such method, or not POST."""
    assert isinstance(error, HTTPException)
    return told(error.status_code, "NotServed", error.detail, error.headers)


async def gone(_request: Request, _error: Exception) -> Response:
    """Nobody is there to be told."""
    return Response(status_code=GIVEN_UP)


def told(status: int, name: str, message: str, headers: Any = None) -> Response:
    """An error as callers read it."""
    body = cbor2.dumps({"error": {"name": name, "message": message}})
    return Response(body, status, headers, media_type=CBOR)


def bad_argument(message: str) -> Refused:
    """The same name as the class gives to an argument that it cannot use."""
    return Refused(422, BadArgument.__name__, message)


def refuse_tag(*_: object) -> NoReturn:
    """A value that means more than it says."""
    raise BadArgument("it has a tag")
