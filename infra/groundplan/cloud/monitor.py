"""The in-process way into the simulated cloud: a program runs under Pulumi's own mock monitor, with no engine."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import dataclasses
import gc
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Literal, ParamSpec, TypeVar

from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]
from google.protobuf.struct_pb2 import Struct  # type: ignore[import-untyped]
from pulumi.runtime import mocks, settings
from pulumi.runtime import stack as stacks
from pulumi.runtime.config import set_all_config
from pulumi.runtime.proto import engine_pb2, provider_pb2, resource_pb2

from groundplan.cloud import invokes, providers
from groundplan.cloud.cloud import Cloud, identifiers_in
from groundplan.cloud.deletion import refusal_to_delete, take_away
from groundplan.cloud.item import Item
from groundplan.cloud.model import Message, Resource, Simulation
from groundplan.cloud.refusals import CloudRefused, Refusal
from groundplan.cloud.sdk import shortcuts
from groundplan.cloud.wire import UNKNOWN, Plain, decode, encode, value_of

P = ParamSpec("P")
T = TypeVar("T")
_PROVIDER = "pulumi:providers:"


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
    hosted_zones: Sequence[str] = (),
    given: Iterable[str] = (),
    part: bool | None = None,
    account: Cloud | None = None,
) -> Simulation:
    """Run a Pulumi program in a simulated account: a fresh one, or ``account``, which other stacks may be in.

    ``config`` holds full keys (`shop:domain`), ``secret_keys`` those of them that are secret; ``region`` is that of
    the default provider unless ``config`` says otherwise. With ``preview`` what only a deployment makes known stays
    unknown, as in `pulumi preview`. ``progress`` is called for each resource as it is registered.

    What exists before the program runs: the identifiers and ARNs in ``given`` and in ``config`` (`identifiers_in` finds
    those of a text), and ``hosted_zones`` by name; by default every zone that is asked for exists. With ``part`` the
    program is a component alone, and all that it refers to without creating it is taken to exist; by default that is
    what `parts_alone` says, else False.

    Raises CloudRefused with everything that the cloud would refuse; with ``strict=False`` it is in
    `Simulation.refusals` instead. What the program raises comes out as it is.
    """
    settled = {"aws:region": region, **(config or {})}
    known = {*given, *identifiers_in(" ".join(settled.values()))}
    if account is None:
        cloud = Cloud(known, hosted_zones, surroundings_assumed=_PARTS.get() if part is None else part)
    else:
        cloud = account
        cloud.assume(known)
    refused_before = frozenset(cloud.refusals)
    monitor = SimulatedMonitor(cloud, project, stack, settled["aws:region"], preview, progress)
    engine = _Engine()
    with _uncollected(), shortcuts():
        contextvars.copy_context().run(_run, program, monitor, engine, project, stack, settled, tuple(secret_keys))
    simulation = Simulation(
        project=project,
        stack=stack,
        region=settled["aws:region"],
        resources=tuple(monitor.registered.values()),
        outputs=monitor.stack_outputs,
        secret_outputs=monitor.secret_outputs,
        refusals=tuple(each for each in cloud.refusals if each not in refused_before),
        messages=tuple(engine.messages),
        invoked=frozenset(monitor.invoked),
    )
    if strict and simulation.refusals:
        raise CloudRefused(simulation.refusals)
    return simulation


def destroy(simulation: Simulation, account: Cloud) -> list[Refusal]:
    """Take a stack out of ``account`` in the order in which the engine would; returns what the cloud refuses.

    What is retained stays, and what is deleted with something else is not asked about. Pulumi's own protection is
    taken to be lifted before.
    """
    refused: list[Refusal] = []
    for resource in reversed(simulation.resources):
        for item in [each for each in account.of(resource.type) if each.urn == resource.urn]:
            if resource.retain_on_delete:
                continue
            refusal = None if resource.deleted_with else refusal_to_delete(item, account)
            if refusal is not None:
                refused.append(refusal)
                continue
            take_away(item, account)
    return refused


_PARTS: contextvars.ContextVar[bool] = contextvars.ContextVar("parts", default=False)


@contextlib.contextmanager
def parts_alone() -> Iterator[None]:
    """While it holds, `simulate` takes its programs for parts, as tests of single components do."""
    token = _PARTS.set(True)
    try:
        yield
    finally:
        _PARTS.reset(token)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Without garbage collection: it would look through the SDK's hundreds of megabytes again and again, half of the
    time of a simulation, and find next to nothing."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _run(
    program: Callable[[], object],
    monitor: SimulatedMonitor,
    engine: _Engine,
    project: str,
    stack: str,
    config: Mapping[str, str],
    secret_keys: Sequence[str],
) -> None:
    """Run the program in a context of its own, so that nothing of the SDK's settings stays behind."""
    settings.configure(
        mocks.MockSettings(  # type: ignore[no-untyped-call]
            monitor=monitor,
            monitor_features=set(monitor.GetDeploymentInfo(Empty()).supportedFeatures),  # type: ignore[no-untyped-call]
            engine=engine,
            project=project,
            stack=stack,
            dry_run=monitor.preview,
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

    async def entry() -> None:
        result = program()
        if inspect.isawaitable(result):
            await result
        await _settled()

    loop = asyncio.new_event_loop()
    loop.set_default_executor(_Inline())
    try:
        loop.run_until_complete(stacks.run_in_stack(entry))
    except Exception:
        if monitor.unanswered:
            raise CloudRefused(monitor.cloud.refusals) from None
        raise
    finally:
        _close(loop)
    monitor.cloud.conclude()


async def _settled() -> None:
    """Wait until every resource is registered and every output is there.

    The SDK waits for whichever output comes first, again and again, which is quadratic in the size of the program. It
    is left with the outputs that failed, whose errors it tells.
    """
    outputs = settings.SETTINGS.outputs
    while True:
        await asyncio.sleep(0)  # what was declared last begins
        # Nearly all outputs are there once the resources are.
        pending = _pending(settings._get_rpc_manager().rpcs) or _pending(outputs)
        if not pending:
            outputs.difference_update([each for each in outputs if not each.cancelled() and not each.exception()])
            return
        await asyncio.wait(pending)


def _pending(tasks: Iterable[Any]) -> list[asyncio.Future[Any]]:
    return [task for task in tasks if not task.done()]


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
        self.invoked: set[str] = set()
        self.unanswered = False
        """The program asked for something that the account doesn't know."""
        self._places: dict[str, providers.Place] = {}

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
        self._refuse_unsupported(urn, request)
        if not request.custom:
            self._record(urn, request, inputs, secrets, "", inputs, "")
            self.cloud.order(urn, {*request.dependencies, request.parent})
            return resource_pb2.RegisterResourceResponse(urn=urn, object=request.object)
        if request.type.startswith(_PROVIDER):
            return self._provider(urn, request, inputs, secrets)
        provider = request.provider.rpartition("::")[0]
        place = self._place(request.type, provider, inputs)
        item = Item(
            urn=urn,
            type=request.type,
            name=request.name,
            place=place.name,
            inputs=inputs,
            secret_paths=secrets,
            dependencies=frozenset({*request.dependencies, provider, request.parent} - {"", self.stack_urn}),
            default_tags=place.tags,
            generation=self.cloud.generation(urn) if urn in self.registered else 0,
            id=request.importId,
        )
        self.cloud.create(item)
        outputs = self.cloud.planned(item) if self.preview else item.outputs
        known_id = "" if self.preview else item.id
        self._record(
            urn, request, inputs, secrets, known_id, outputs, place.name if request.type.startswith("aws:") else ""
        )
        answer = _answer(request.object, outputs, request.additionalSecretOutputs)
        return resource_pb2.RegisterResourceResponse(urn=urn, id=known_id, object=answer)

    def ReadResource(self, request: resource_pb2.ReadResourceRequest) -> resource_pb2.ReadResourceResponse:
        """What the program looks up by id is taken to exist."""
        urn = self.make_urn(request.parent, request.type, request.name)
        inputs, secrets = decode(request.properties)
        place = self._place(request.type, request.provider.rpartition("::")[0], inputs)
        item = Item(urn, request.type, request.name, place.name, inputs, secrets, adopted=True, id=request.id)
        self.cloud.create(item, check=False)
        answer = _answer(request.properties, item.outputs, request.additionalSecretOutputs)
        return resource_pb2.ReadResourceResponse(urn=urn, id=request.id, properties=answer)

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> Empty:
        values, secrets = decode(request.outputs)
        if request.urn == self.stack_urn:
            self.stack_outputs, self.secret_outputs = values, secrets
        elif request.urn in self.registered:
            self.registered[request.urn] = dataclasses.replace(self.registered[request.urn], outputs=values)
        return Empty()

    def Invoke(self, request: resource_pb2.ResourceInvokeRequest) -> resource_pb2.ResourceInvokeResponse:
        arguments, _ = decode(request.args)
        self.invoked.add(request.tok)
        place = self._place(request.tok, request.provider.rpartition("::")[0], arguments)
        try:
            answer = invokes.answer(self.cloud, request.tok, arguments, place.name)
        except invokes.Unanswered as reason:
            self.unanswered = True
            self._refuse(
                self.stack_urn, request.tok, "", str(reason), "create it in the program, or pass it by configuration"
            )
            failure = provider_pb2.CheckFailure(property="", reason=str(reason))
            return resource_pb2.ResourceInvokeResponse(failures=[failure])
        return resource_pb2.ResourceInvokeResponse(**{"return": encode(answer)})

    def _provider(
        self,
        urn: str,
        request: resource_pb2.RegisterResourceRequest,
        inputs: Mapping[str, Any],
        secrets: frozenset[str],
    ) -> resource_pb2.RegisterResourceResponse:
        package = request.type.removeprefix(_PROVIDER)
        for each in providers.mismatches(package, inputs, self.cloud):
            shown = "[secret]" if any(each.path.startswith(path) for path in secrets) else repr(each.value)
            self._refuse(urn, each.path, shown, each.expected, each.remedy, f"pulumi_{package}")
        self._places[urn] = providers.place_of(package, inputs, self.region)
        self.cloud.order(urn, {*request.dependencies, request.parent})
        id_ = "" if self.preview else Item(urn, request.type, request.name, "", {}).uuid()
        self._record(urn, request, inputs, secrets, id_, inputs, self._places[urn].name if package == "aws" else "")
        return resource_pb2.RegisterResourceResponse(urn=urn, id=id_, object=request.object)

    def _place(self, token: str, provider: str, inputs: Mapping[str, Any]) -> providers.Place:
        package = token.partition(":")[0]
        place = self._places.get(provider) or providers.place_of(package, {}, self.region)
        own = inputs.get("region")
        if package == "aws" and isinstance(own, str):
            return providers.Place(own, place.tags)
        return place

    def _refuse(self, urn: str, path: str, value: str, expected: str, remedy: str, source: str = "") -> None:
        self.cloud.refusals.append(Refusal(urn, path, value, expected, remedy, source))

    def _refuse_unsupported(self, urn: str, request: resource_pb2.RegisterResourceRequest) -> None:
        if urn in self.registered:
            self._refuse(
                urn,
                "name",
                repr(request.name),
                "a name that no resource of this type under the same parent has",
                "give one of the two another name",
                "Pulumi: URNs are unique in a stack",
            )
        if request.transforms:
            self._refuse(
                urn,
                "transforms",
                "",
                "no transforms: they run in the engine only",
                "rehearse this program with the Pulumi CLI",
            )
        if request.remote:
            self._refuse(
                urn, "type", request.type, "a component in Python", "rehearse this program with the Pulumi CLI"
            )

    def _record(
        self,
        urn: str,
        request: resource_pb2.RegisterResourceRequest,
        inputs: Mapping[str, Any],
        secrets: frozenset[str],
        id_: str,
        outputs: Mapping[str, Any],
        region: str,
    ) -> None:
        timeouts = request.customTimeouts
        given = (("create", timeouts.create), ("update", timeouts.update), ("delete", timeouts.delete))
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
            custom_timeouts={key: value for key, value in given if value},
            secret_paths=secrets,
            additional_secret_outputs=tuple(request.additionalSecretOutputs),
        )
        self.registered[urn] = resource
        if self.progress is not None:
            self.progress(resource)


def _answer(sent: Struct, outputs: Mapping[str, Plain], secret: Sequence[str]) -> Struct:
    """The outputs on the wire: inputs go back exactly as they came, so that what was secret stays secret."""
    answer = Struct(fields=dict(sent.fields))
    marked = frozenset(secret)
    for key, value in outputs.items():
        if key not in sent.fields or key in marked or key in ("metadata", "spec", "vpcConfig"):
            answer.fields[key].CopyFrom(value_of(value, key, marked))
    return answer


__all__ = ["UNKNOWN", "SimulatedMonitor", "destroy", "parts_alone", "simulate"]
