"""The in-process way into the simulated cloud: a program runs under Pulumi's own mock monitor, with no engine."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Literal, ParamSpec, TypeVar

from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]
from google.protobuf.struct_pb2 import Struct  # type: ignore[import-untyped]
from pulumi.runtime import mocks, settings
from pulumi.runtime import stack as stacks
from pulumi.runtime.config import set_all_config
from pulumi.runtime.proto import engine_pb2, resource_pb2

from infra.simulation.cloud import Cloud, Item
from infra.simulation.model import Message, Resource, Simulation
from infra.simulation.refusals import CloudRefused, Refusal
from infra.simulation.wire import decode, encode, value_of

P = ParamSpec("P")
T = TypeVar("T")


def simulate(
    program: Callable[[], object],
    *,
    project: str = "shop",
    stack: str = "dev",
    region: str = "eu-central-1",
    config: Mapping[str, str] | None = None,
    secret_keys: Sequence[str] = (),
    preview: bool = False,
    progress: Callable[[Resource], None] | None = None,
    strict: bool = True,
) -> Simulation:
    """Run a Pulumi program in a fresh simulated account.

    ``config`` holds full keys (`shop:domain`), ``secret_keys`` those of them that are secret; ``region`` is that of
    the default provider unless ``config`` says otherwise. With ``preview`` what only a deployment makes known stays
    unknown, as in `pulumi preview`. ``progress`` is called for each resource as it is registered.

    Raises CloudRefused with everything that the cloud would refuse; with ``strict=False`` it is in
    `Simulation.refusals` instead. What the program raises comes out as it is.
    """
    settled = {"aws:region": region, **(config or {})}
    context = contextvars.copy_context()
    simulation = context.run(_run, program, project, stack, settled, tuple(secret_keys), preview, progress)
    if strict and simulation.refusals:
        raise CloudRefused(simulation.refusals)
    return simulation


def _run(
    program: Callable[[], object],
    project: str,
    stack: str,
    config: Mapping[str, str],
    secret_keys: Sequence[str],
    preview: bool,
    progress: Callable[[Resource], None] | None,
) -> Simulation:
    engine = _Engine()
    monitor = SimulatedMonitor(Cloud(), project, stack, config["aws:region"], preview, progress)
    settings.configure(
        mocks.MockSettings(  # type: ignore[no-untyped-call]
            monitor=monitor,
            monitor_features=set(monitor.GetDeploymentInfo(Empty()).supportedFeatures),  # type: ignore[no-untyped-call]
            engine=engine,
            project=project,
            stack=stack,
            dry_run=preview,
            organization="organization",
            root_directory=".",
            callbacks=None,
            outputs=set(),
            package_refs={},
            base_providers_by_ref={},
        )
    )
    settings.ROOT.set(None)
    set_all_config(dict(config), list(secret_keys))

    def entry() -> Any:  # noqa: ANN401  the SDK awaits whatever awaitable a program returns
        return program()

    loop = asyncio.new_event_loop()
    loop.set_default_executor(_Inline())
    try:
        loop.run_until_complete(stacks.run_in_stack(entry))
    finally:
        _close(loop)
    return Simulation(
        project=project,
        stack=stack,
        region=config["aws:region"],
        resources=tuple(monitor.registered.values()),
        outputs=monitor.stack_outputs,
        secret_outputs=monitor.secret_outputs,
        refusals=tuple(monitor.cloud.refusals),
        messages=tuple(engine.messages),
    )


def _close(loop: asyncio.AbstractEventLoop) -> None:
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


class _Inline(ThreadPoolExecutor):
    """Runs the SDK's calls where they are made.

    Calls handed to threads would be registered in an order that differs from run to run.
    """

    def __init__(self) -> None:
        super().__init__(max_workers=1)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as raised:  # the caller gets it from the future, as from a thread
            future.set_exception(raised)
        return future


_SEVERITIES: dict[int, Literal["debug", "info", "warning", "error"]] = {
    engine_pb2.INFO: "info",
    engine_pb2.WARNING: "warning",
    engine_pb2.ERROR: "error",
}


class _Engine:
    """Keeps what the program logs; the SDK's own debug log is dropped."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def Log(self, request: engine_pb2.LogRequest) -> Empty:
        severity = _SEVERITIES.get(request.severity)
        if severity is not None:
            self.messages.append(Message(severity, request.message, request.urn))
        return Empty()

    def RequirePulumiVersion(self, _: object) -> Empty:
        return Empty()


class _NoMocks(mocks.Mocks):
    """The base class wants mocks; every call that would reach them is overridden."""

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, object], list[tuple[str, str]] | None]:
        raise NotImplementedError(args.token)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, object]]:
        raise NotImplementedError(args.typ)


class SimulatedMonitor(mocks.MockMonitor):
    """Pulumi's mock monitor with the simulated cloud behind it, and the whole request kept."""

    def __init__(
        self,
        cloud: Cloud,
        project: str,
        stack: str,
        region: str,
        preview: bool,
        progress: Callable[[Resource], None] | None,
    ) -> None:
        super().__init__(_NoMocks())
        self.cloud = cloud
        self.region = region
        self.preview = preview
        self.progress = progress
        self.registered: dict[str, Resource] = {}
        self.stack_urn = f"urn:pulumi:{stack}::{project}::pulumi:pulumi:Stack::{project}-{stack}"
        self.stack_outputs: Mapping[str, Any] = {}
        self.secret_outputs: frozenset[str] = frozenset()

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """The URN that the engine gives (the mock monitor's own forgets all but one parent)."""
        stack, project = self.stack_urn.split("::")[:2]
        if parent and parent != self.stack_urn:
            type_ = f"{parent.split('::')[2]}${type_}"
        return f"{stack}::{project}::{type_}::{name}"

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> resource_pb2.RegisterResourceResponse:
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == "pulumi:pulumi:Stack":
            return resource_pb2.RegisterResourceResponse(urn=urn)
        inputs, secrets = decode(request.object)
        if not request.custom:
            resource = self._record(urn, request, inputs, secrets, "", inputs, "")
            return resource_pb2.RegisterResourceResponse(urn=resource.urn, object=request.object)
        region = self._region_of(request.provider, inputs)
        item = self.cloud.create(Item(urn, request.type, request.name, region, inputs))
        self._record(urn, request, inputs, secrets, item.id, item.outputs, region)
        return resource_pb2.RegisterResourceResponse(
            urn=urn, id=item.id, object=_answer(request.object, item.outputs, request.additionalSecretOutputs)
        )

    def ReadResource(self, request: resource_pb2.ReadResourceRequest) -> resource_pb2.ReadResourceResponse:
        urn = self.make_urn(request.parent, request.type, request.name)
        inputs, _ = decode(request.properties)
        item = self.cloud.create(
            Item(urn, request.type, request.name, self._region_of(request.provider, inputs), inputs)
        )
        return resource_pb2.ReadResourceResponse(urn=urn, id=request.id, properties=encode(item.outputs))

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> Empty:
        values, secrets = decode(request.outputs)
        if request.urn == self.stack_urn:
            self.stack_outputs, self.secret_outputs = values, secrets
        elif request.urn in self.registered:
            self.registered[request.urn] = dataclasses.replace(self.registered[request.urn], outputs=values)
        return Empty()

    def Invoke(self, request: resource_pb2.ResourceInvokeRequest) -> resource_pb2.ResourceInvokeResponse:
        arguments, _ = decode(request.args)
        answer = self.cloud.invoke(request.tok, arguments, self._region_of(request.provider, arguments))
        return resource_pb2.ResourceInvokeResponse(**{"return": encode(answer)})

    def _region_of(self, provider: str, inputs: Mapping[str, Any]) -> str:
        own = inputs.get("region")
        if isinstance(own, str):
            return own
        urn = provider.rpartition("::")[0]
        explicit = self.registered.get(urn)
        if explicit is not None and isinstance(explicit.inputs.get("region"), str):
            return str(explicit.inputs["region"])
        return self.region

    def _record(
        self,
        urn: str,
        request: resource_pb2.RegisterResourceRequest,
        inputs: Mapping[str, Any],
        secrets: frozenset[str],
        id_: str,
        outputs: Mapping[str, Any],
        region: str,
    ) -> Resource:
        if urn in self.registered:
            self.cloud.refusals.append(
                Refusal(
                    urn,
                    "name",
                    request.name,
                    "a name that no resource of this type under the same parent has",
                    "give one of the two another name",
                    "Pulumi: URNs are unique in a stack",
                )
            )
        timeouts = request.customTimeouts
        resource = Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            id=id_,
            inputs=inputs,
            outputs=outputs,
            parent=request.parent or self.stack_urn,
            custom=request.custom,
            provider=request.provider.rpartition("::")[0],
            region=region,
            protect=request.protect,
            retain_on_delete=request.retainOnDelete,
            delete_before_replace=request.deleteBeforeReplace,
            deleted_with=request.deletedWith,
            dependencies=frozenset(request.dependencies),
            property_dependencies={
                key: frozenset(each.urns) for key, each in request.propertyDependencies.items() if each.urns
            },
            ignore_changes=tuple(request.ignoreChanges),
            replace_on_changes=tuple(request.replaceOnChanges),
            aliases=tuple(alias.urn or alias.spec.name for alias in request.aliases),
            custom_timeouts={
                key: value
                for key, value in (
                    ("create", timeouts.create),
                    ("update", timeouts.update),
                    ("delete", timeouts.delete),
                )
                if value
            },
            secret_paths=secrets,
            additional_secret_outputs=tuple(request.additionalSecretOutputs),
        )
        self.registered[urn] = resource
        if self.progress is not None:
            self.progress(resource)
        return resource


def _answer(sent: Struct, outputs: Mapping[str, Any], secret: Sequence[str]) -> Struct:
    """The outputs on the wire: inputs go back exactly as they came, so that what was secret stays secret."""
    answer = Struct(fields=dict(sent.fields))
    marked = frozenset(secret)
    for key, value in outputs.items():
        if key not in sent.fields or key in marked:
            answer.fields[key].CopyFrom(value_of(value, key, marked))
    return answer
