# ruff: noqa: N802, D102 - the methods are Pulumi's, documented in its protocol
"""The gRPC side of a plugin: Pulumi's `ResourceProvider` service in front of a `resource.Provider`.

A plugin's process prints its port and serves until the engine ends it. Protocol:
https://github.com/pulumi/pulumi/blob/v3.259.0/proto/pulumi/provider.proto
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import grpc
import grpc.aio
from google.protobuf.empty_pb2 import Empty

from lab.plugins.resource import Diff, InitFailedError, Operation, PluginError, Provider, Resource, Severity
from lab.plugins.responses import check_response, diff_response, partial_state
from lab.plugins.stubs import engine_pb2, engine_pb2_grpc, plugin_pb2, provider_pb2, provider_pb2_grpc
from lab.plugins.values import from_struct, to_struct

if TYPE_CHECKING:
    from collections.abc import Awaitable

    Context = grpc.aio.ServicerContext[Any, Any]

T = TypeVar("T")

_OPTIONS = [("grpc.max_receive_message_length", 400 << 20), ("grpc.max_send_message_length", 400 << 20)]
_THREADS = 64  # as many as the engine works in parallel (PULUMI_PARALLEL)
_PARENT_POLL_S = 2.0
_NOTICE = "offline plugin for {0.name} {0.version}: only what this project uses (docs/decisions/0002)"


class Server(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one provider to the engine at `engine_address` (host:port; empty: nobody takes the logs)."""

    def __init__(self, provider: Provider, engine_address: str) -> None:
        self._provider = provider
        self._cancelled = threading.Event()
        self._running: set[asyncio.Future[Any]] = set()
        self._engine: Any = None
        if engine_address:
            self._engine = engine_pb2_grpc.EngineStub(grpc.aio.insecure_channel(engine_address, _OPTIONS))

    async def GetPluginInfo(self, request: Empty, context: Context) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=self._provider.version)

    async def Handshake(self, request: Any, context: Context) -> provider_pb2.ProviderHandshakeResponse:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    async def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: Context
    ) -> provider_pb2.CheckResponse:
        news, check = from_struct(request.news), self._provider.check_config
        return check_response(*(check(news) if check else (news, [])))

    async def DiffConfig(
        self, request: provider_pb2.DiffRequest, context: Context
    ) -> provider_pb2.DiffResponse:
        olds, news, diff = (
            from_struct(request.old_inputs),
            from_struct(request.news),
            self._provider.diff_config,
        )
        return diff_response(diff(olds, news) if diff else Diff())

    async def Configure(
        self, request: provider_pb2.ConfigureRequest, context: Context
    ) -> provider_pb2.ConfigureResponse:
        await self._log("info", _NOTICE.format(self._provider), "", False)
        if self._provider.configure:
            await self._run(context, self._provider.configure(from_struct(request.args)))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    async def Check(self, request: provider_pb2.CheckRequest, context: Context) -> provider_pb2.CheckResponse:
        resource, operation = await self._resource(request, context)
        work = resource.check(operation, from_struct(request.olds), from_struct(request.news))
        return check_response(*await self._run(context, work))

    async def Diff(self, request: provider_pb2.DiffRequest, context: Context) -> provider_pb2.DiffResponse:
        resource, operation = await self._resource(request, context)
        old_inputs, state, news = (from_struct(s) for s in (request.old_inputs, request.olds, request.news))
        work = resource.diff(operation, old_inputs, state, news, list(request.ignoreChanges))
        return diff_response(await self._run(context, work))

    async def Create(
        self, request: provider_pb2.CreateRequest, context: Context
    ) -> provider_pb2.CreateResponse:
        resource, operation = await self._resource(request, context)
        work = resource.create(operation, from_struct(request.properties), request.preview)
        id, outputs = await self._run(context, work)
        return provider_pb2.CreateResponse(id=id, properties=to_struct(outputs))

    async def Read(self, request: provider_pb2.ReadRequest, context: Context) -> provider_pb2.ReadResponse:
        resource, operation = await self._resource(request, context)
        inputs, state = from_struct(request.inputs), from_struct(request.properties)
        id, inputs, state = await self._run(context, resource.read(operation, request.id, inputs, state))
        if not id:  # gone: empty property maps would say that it is there, without properties
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=id, inputs=to_struct(inputs), properties=to_struct(state))

    async def Update(
        self, request: provider_pb2.UpdateRequest, context: Context
    ) -> provider_pb2.UpdateResponse:
        resource, operation = await self._resource(request, context)
        state, news = from_struct(request.olds), from_struct(request.news)
        ignore = list(request.ignoreChanges)
        work = resource.update(operation, request.id, state, news, ignore, request.preview)
        return provider_pb2.UpdateResponse(properties=to_struct(await self._run(context, work)))

    async def Delete(self, request: provider_pb2.DeleteRequest, context: Context) -> Empty:
        resource, operation = await self._resource(request, context)
        await self._run(context, resource.delete(operation, request.id, from_struct(request.properties)))
        return Empty()

    async def Cancel(self, request: Empty, context: Context) -> Empty:
        self._cancelled.set()
        for task in self._running:
            task.cancel()
        return Empty()

    async def _unimplemented(self, request: Any, context: Context) -> NoReturn:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "the offline plugin does not implement this call")

    GetSchema = Parameterize = GetMapping = GetMappings = Attach = _unimplemented
    Invoke = Call = Construct = _unimplemented

    async def _resource(self, request: Any, context: Context) -> tuple[Resource, Operation]:
        operation = Operation(request.urn, getattr(request, "timeout", 0.0), self._cancelled, self._log)
        resource = self._provider.resources.get(operation.type)
        if resource is None:
            known = ", ".join(self._provider.resources)
            await context.abort(
                grpc.StatusCode.UNKNOWN,
                f"{operation.type}: the offline plugin knows only {known}; use the official plugin",
            )
        return resource, operation

    async def _run(self, context: Context, work: Awaitable[T]) -> T:
        """Run one operation so that Cancel reaches it; turn its errors into the engine's."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        if self._cancelled.is_set():
            task.cancel()
        try:
            return await task
        except InitFailedError as error:
            context.set_trailing_metadata((("grpc-status-details-bin", partial_state(error)),))
            await context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except PluginError as error:
            await context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except asyncio.CancelledError:
            await context.abort(grpc.StatusCode.UNKNOWN, "context canceled")
        finally:
            self._running.discard(task)

    async def _log(self, severity: Severity, text: str, urn: str, ephemeral: bool) -> None:
        if self._engine is None:
            return
        level = engine_pb2.LogSeverity.Value(severity.upper())
        message = engine_pb2.LogRequest(severity=level, message=text, urn=urn, ephemeral=ephemeral)
        try:
            await self._engine.Log(message)
        except grpc.aio.AioRpcError as error:
            print(f"{text}\n(the engine did not take this line: {error.details()})", file=sys.stderr)


async def _serve(provider: Provider, engine_address: str) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
    parent = os.getppid()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):  # how the engine ends a plugin; after 5 s it kills
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = grpc.aio.server(options=_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Server(provider, engine_address), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    while os.getppid() == parent and not stop.is_set():  # an engine that was killed could not end its plugins
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _PARENT_POLL_S)
    await server.stop(grace=None)


def main(provider: Provider) -> None:
    """Serve the provider; the engine gives its own address as the first argument."""
    addresses = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    asyncio.run(_serve(provider, addresses[0] if addresses else ""))
