"""A loopback stand-in for the part of Modal's control plane that a deploy talks to.

It takes every call of the service and answers with an empty reply, or with the few ids that the SDK
insists on, so that what the SDK would tell Modal about our app can be read.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from google.protobuf.message import Message
from grpclib.const import Cardinality, Handler
from grpclib.server import Server, Stream
from modal_proto import api_pb2
from modal_proto.api_grpc import ModalClientBase

Replies = Mapping[str, Callable[[Message], Message]]


class ControlPlane:
    """Serves on a free port of the loopback, from its own thread, while it is entered."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Message]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def calls_of(self, method: str) -> list[Any]:
        """What came to a method, in order."""
        return [request for name, request in self.calls if name == method]

    def __enter__(self) -> ControlPlane:
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._on_loop(self._start())}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._on_loop(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _on_loop(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _start(self) -> int:
        self._server = Server([_Recorder(self.calls)])
        await self._server.start("127.0.0.1", 0)
        return self._server._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        await self._server.wait_closed()


class _Recorder:
    """The service, all methods of which do the same."""

    def __init__(self, calls: list[tuple[str, Message]]) -> None:
        self._calls = calls

    def __mapping__(self) -> dict[str, Handler]:
        # The table needs an instance to bind to, not one that can do anything.
        bare = type("Bare", (ModalClientBase,), dict.fromkeys(_methods()))
        table = ModalClientBase.__mapping__(bare())
        return {path: self._handler(path, handler) for path, handler in table.items()}

    def _handler(self, path: str, handler: Handler) -> Handler:
        name = path.rpartition("/")[2]

        async def handle(stream: Stream[Message, Message]) -> None:
            request = await stream.recv_message()
            assert request is not None
            self._calls.append((name, request))
            reply = REPLIES.get(name, lambda _: handler.reply_type())
            await stream.send_message(reply(request))

        cardinality = handler.cardinality
        assert isinstance(cardinality, Cardinality)
        return Handler(handle, cardinality, handler.request_type, handler.reply_type)


def _methods() -> frozenset[str]:
    return ModalClientBase.__abstractmethods__


def _function(request: Any) -> Message:
    function = request.function
    ranked = api_pb2.FunctionData.RankedFunction(rank=0, function=function)
    return api_pb2.FunctionCreateResponse(
        function_id="fu-1",
        handle_metadata=api_pb2.FunctionHandleMetadata(function_name=function.function_name),
        function_data=api_pb2.FunctionData(ranked_functions=[ranked]),
    )


REPLIES: Replies = {
    "ClientHello": lambda _: api_pb2.ClientHelloResponse(image_builder_version="2025.06"),
    "EnvironmentGetOrCreate": lambda _: api_pb2.EnvironmentGetOrCreateResponse(
        environment_id="en-1",
        metadata=api_pb2.EnvironmentMetadata(
            name="main", settings=api_pb2.EnvironmentSettings(image_builder_version="2025.06")
        ),
    ),
    "AppGetOrCreate": lambda _: api_pb2.AppGetOrCreateResponse(app_id="ap-1"),
    "AppGetByDeploymentName": lambda _: api_pb2.AppGetByDeploymentNameResponse(app_id=""),
    "AppCreate": lambda _: api_pb2.AppCreateResponse(app_id="ap-1"),
    "AppPublish": lambda _: api_pb2.AppPublishResponse(url="http://127.0.0.1/app"),
    "ImageGetOrCreate": lambda _: api_pb2.ImageGetOrCreateResponse(
        image_id="im-1",
        result=api_pb2.GenericResult(status=api_pb2.GenericResult.GENERIC_STATUS_SUCCESS),
    ),
    "MountPutFile": lambda _: api_pb2.MountPutFileResponse(exists=True),
    "MountGetOrCreate": lambda _: api_pb2.MountGetOrCreateResponse(mount_id="mo-1"),
    "MountBuild": lambda _: api_pb2.MountBuildResponse(mount_id="mo-1"),
    "VolumeGetOrCreate": lambda _: api_pb2.VolumeGetOrCreateResponse(volume_id="vo-1"),
    "SecretGetOrCreate": lambda _: api_pb2.SecretGetOrCreateResponse(secret_id="st-1"),
    "FunctionPrecreate": lambda _: api_pb2.FunctionPrecreateResponse(function_id="fu-1"),
    "FunctionCreate": _function,
    "ClassCreate": lambda _: api_pb2.ClassCreateResponse(class_id="cs-1"),
}
