"""The second way into the simulated cloud: providers that the real engine attaches to (PULUMI_DEBUG_PROVIDERS).

Each package has a server of its own and all share one account, so that any of them can be left to the real provider.
The protocol: proto/pulumi/provider.proto of the Pulumi SDK.
"""

# ruff: noqa: ARG002  the protocol fixes what its methods take

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, NoReturn

import grpc  # type: ignore[import-untyped]
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]
from google.protobuf.struct_pb2 import Struct, Value  # type: ignore[import-untyped]
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from groundplan.cloud import invokes, names, providers, schema, state
from groundplan.cloud.catalogue import kind_of
from groundplan.cloud.catalogue.kind import Kind
from groundplan.cloud.changes import changes
from groundplan.cloud.cloud import Cloud
from groundplan.cloud.deletion import refusal_to_delete, take_away
from groundplan.cloud.faults import Call, Faults, Struck
from groundplan.cloud.item import Item
from groundplan.cloud.refusals import Refusal
from groundplan.cloud.transitions import moved_network, not_upgraded_yet, provider_deletes_first, refused_changes
from groundplan.cloud.windows import waits_for_window
from groundplan.cloud.wire import SIGNATURE, UNKNOWN, Plain, decode, encode, value_of

_AUTONAMED = "pulumi.com/autonamed"
_DEFAULTS = "__defaults"
_FILLED = frozenset({"metadata", "spec", "vpcConfig"})


class SimulatedProvider(provider_pb2_grpc.ResourceProviderServicer):
    """One package of the simulated cloud."""

    def __init__(self, package: str, cloud: Cloud, faults: Faults, lock: threading.RLock, region: str) -> None:
        self.package = package
        self.cloud = cloud
        self.faults = faults
        self._lock = lock
        self._region = region
        self._places: dict[str, providers.Place] = {}
        """By connection: the engine opens one for each provider instance, and says what it is only once."""

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:  # noqa: ANN401
        return plugin_pb2.PluginInfo(version=version(f"pulumi-{self.package}"))

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Empty:  # noqa: ANN401
        return Empty()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Empty:  # noqa: ANN401
        return Empty()

    def GetSchema(
        self, request: provider_pb2.GetSchemaRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetSchemaResponse:
        return provider_pb2.GetSchemaResponse(schema=f'{{"name": "{self.package}", "version": "0.0.0"}}')

    def GetMapping(
        self, request: provider_pb2.GetMappingRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetMappingResponse:
        return provider_pb2.GetMappingResponse()

    def GetMappings(
        self, request: provider_pb2.GetMappingsRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetMappingsResponse:
        return provider_pb2.GetMappingsResponse()

    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        inputs, _ = decode(request.news)
        with self._lock:
            found = list(providers.mismatches(self.package, inputs, self.cloud))
        return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(found))

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        olds, news = decode(request.old_inputs)[0], decode(request.news)[0]
        kind = providers.kind_of_provider(f"pulumi:providers:{self.package}")
        return _difference(kind, olds, news, in_place=False)

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        arguments, _ = decode(request.args)
        self._places[context.peer()] = providers.place_of(self.package, arguments, self._region)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:
        """Give the name that Pulumi makes, and refuse what the SDK's types don't allow."""
        inputs, _ = decode(request.news)
        olds, _ = decode(request.olds)
        with self._lock:
            item = self._item(request.urn, inputs, context, self.cloud.generation(request.urn))
        checked = Struct(fields=dict(request.news.fields))
        _name(item, kind_of(item.type), olds, checked)
        known = schema.schema_of(item.type)
        found = known.mismatches(inputs) if known is not None else []
        return provider_pb2.CheckResponse(inputs=checked, failures=_failures(found))

    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        kind = kind_of(_token(request.urn))
        olds, news = decode(request.old_inputs)[0], decode(request.news)[0]
        in_place = provider_deletes_first(kind, news, _made_names(news))
        return _difference(kind, olds, news, in_place=in_place)

    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:
        inputs, secrets = decode(request.properties)
        with self._lock:
            item = self._item(request.urn, inputs, context, self.cloud.generation(request.urn), secrets)
            if request.preview:
                item.physical_name = names.physical_name(item, kind_of(item.type))
                self.cloud.identify(item, kind_of(item.type))
                return provider_pb2.CreateResponse(
                    properties=_answer(request.properties, self._answered(self.cloud.planned(item), UNKNOWN))
                )
            made = self.cloud.unanswered(request.urn)
            if made is not None:
                made.unanswered, item = False, made
            else:
                lost = self._strike("create", item.type, request.urn, context)
                _stop(context, self.cloud.admit(item))
                self.cloud.enter(item)
                item.unanswered = lost is not None and self.faults.retried
                _lose(lost, context)
            return provider_pb2.CreateResponse(
                id=item.id, properties=_answer(request.properties, self._answered(item.outputs, item.id))
            )

    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> provider_pb2.ReadResponse:
        """The state of what exists; what the program looks up and never made is taken to exist."""
        token = _token(request.urn)
        with self._lock:
            _lose(self._strike("read", token, request.urn, context), context)
            item = self.cloud.held(request.urn, token, request.id)
            if item is None and not request.properties.fields:
                item = self.cloud.imported(token, request.id)
            if item is None and (request.properties.fields or request.inputs.fields):
                # A program that looks something up has told neither.
                return provider_pb2.ReadResponse()
            if item is None:
                item = self._item(request.urn, {}, context, 0)
                item.id, item.adopted = request.id, True
                self.cloud.enter(item)
            inputs = encode(_own(item.inputs), item.secret_paths)
            kept = {key: value for key, value in request.inputs.fields.items() if key.startswith("__")}
            for key, value in kept.items():
                inputs.fields[key].CopyFrom(value)
            answered = _answer(inputs, self._answered(item.outputs, item.id), item.waiting)
            return provider_pb2.ReadResponse(id=item.id, properties=answered, inputs=inputs)

    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> provider_pb2.UpdateResponse:
        inputs, secrets = decode(request.news)
        token = _token(request.urn)
        with self._lock:
            old = self.cloud.held(request.urn, token, request.id)
            if old is None:
                _abort(
                    context, grpc.StatusCode.NOT_FOUND, f"{request.id} is no longer in the simulated account; refresh"
                )
            item = self._item(request.urn, inputs, context, old.generation, secrets)
            item.id, item.filled = old.id, old.filled
            if request.preview:
                item.physical_name = old.physical_name
                self.cloud.identify(item, kind_of(token))
                return provider_pb2.UpdateResponse(
                    properties=_answer(request.news, self._answered(_after_update(old, item), old.id))
                )
            lost = self._strike("update", token, request.urn, context)
            self.cloud.remove(old)
            refusals = [
                *refused_changes(old, item),
                *moved_network(old, item, self.cloud),
                *not_upgraded_yet(old, item, self.cloud),
                *self.cloud.admit(item),
            ]
            if refusals:
                self.cloud.add(old)
            _stop(context, refusals)
            self.cloud.enter(item)
            _wait_for_window(old, item)
            _lose(lost, context)
            answered = _answer(request.news, self._answered(item.outputs, item.id), item.waiting)
            return provider_pb2.UpdateResponse(properties=answered)

    def _answered(self, outputs: Mapping[str, Plain], identifier: Plain) -> Mapping[str, Plain]:
        """Providers that are made of Terraform's keep an id among the outputs too, where policies find it."""
        return outputs if self.package == "kubernetes" else {**outputs, "id": identifier}

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> Empty:
        token = _token(request.urn)
        with self._lock:
            lost = self._strike("delete", token, request.urn, context)
            item = self.cloud.held(request.urn, token, request.id)
            if item is None:
                return Empty()
            refusal = refusal_to_delete(item, self.cloud)
            if refusal is not None:
                _stop(context, [refusal])
            take_away(item, self.cloud)
            _lose(lost, context)
        return Empty()

    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> provider_pb2.InvokeResponse:
        arguments, _ = decode(request.args)
        place = self._place(context, arguments)
        with self._lock:
            try:
                found = invokes.answer(self.cloud, request.tok, arguments, place.name)
            except invokes.Unanswered as reason:
                failure = provider_pb2.CheckFailure(property="", reason=str(reason))
                return provider_pb2.InvokeResponse(failures=[failure])
        return provider_pb2.InvokeResponse(**{"return": encode(found)})

    def _place(self, context: grpc.ServicerContext, inputs: Mapping[str, Plain]) -> providers.Place:
        place = self._places.get(context.peer()) or providers.place_of(self.package, {}, self._region)
        own = inputs.get("region")
        return providers.Place(own, place.tags) if self.package == "aws" and isinstance(own, str) else place

    def _item(
        self,
        urn: str,
        inputs: dict[str, Plain],
        context: grpc.ServicerContext,
        generation: int,
        secrets: frozenset[str] = frozenset(),
    ) -> Item:
        place = self._place(context, inputs)
        return Item(
            urn=urn,
            type=_token(urn),
            name=urn.split("::")[-1],
            place=place.name,
            inputs=_own(inputs),
            secret_paths=secrets,
            default_tags=place.tags,
            generation=generation,
        )

    def _strike(self, call: Call, token: str, urn: str, context: grpc.ServicerContext) -> Struck | None:
        """What to say once the work is done, when its answer is to be lost."""
        try:
            return self.faults.strike(call, token, urn)
        except Struck as struck:
            codes = {"throttle": grpc.StatusCode.RESOURCE_EXHAUSTED, "hang": grpc.StatusCode.DEADLINE_EXCEEDED}
            _abort(context, codes.get(struck.fault.kind, grpc.StatusCode.UNKNOWN), str(struck))


class ProviderServers:
    """The simulated cloud's providers, listening on this machine only, for one run of the engine or several."""

    def __init__(
        self,
        packages: Iterable[str] = ("aws", "kubernetes", "random"),
        *,
        region: str = "eu-central-1",
        given: Iterable[str] = (),
        hosted_zones: Iterable[str] = (),
        state_file: Path | None = None,
    ) -> None:
        self.cloud = Cloud(given, hosted_zones)
        self.faults = Faults()
        self._state_file = state_file
        self._lock = threading.RLock()
        if state_file is not None:
            state.load(self.cloud, state_file)
        self._servers: dict[str, tuple[grpc.Server, int]] = {}
        for package in packages:
            server = grpc.server(ThreadPoolExecutor(max_workers=8, thread_name_prefix=f"simulated-{package}"))
            servicer = SimulatedProvider(package, self.cloud, self.faults, self._lock, region)
            provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
            self._servers[package] = (server, server.add_insecure_port("127.0.0.1:0"))

    @property
    def ports(self) -> dict[str, int]:
        return {package: port for package, (_, port) in self._servers.items()}

    @property
    def attachment(self) -> str:
        """The value of PULUMI_DEBUG_PROVIDERS."""
        return ",".join(f"{package}:{port}" for package, port in self.ports.items())

    def pass_windows(self) -> None:
        """Lets all maintenance windows pass: what waited takes effect, and a refresh tells of it."""
        with self._lock:
            for item in list(self.cloud.items.values()):
                if item.waiting:
                    item.waiting = {}
                    self.cloud.identify(item, kind_of(item.type))

    def drift(self, identifier: str, change: Callable[[Item], None]) -> None:
        """Change something behind the engine's back: ``change`` may alter the item's inputs."""
        with self._lock:
            for item in self.cloud.named(identifier):
                self.cloud.remove(item)
                change(item)
                self.cloud.identify(item, kind_of(item.type))
                self.cloud.add(item)

    def lose(self, identifier: str) -> None:
        """Delete something behind the engine's back."""
        with self._lock:
            for item in self.cloud.named(identifier):
                self.cloud.remove(item)

    def __enter__(self) -> ProviderServers:
        for server, _ in self._servers.values():
            server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server, _ in self._servers.values():
            server.stop(grace=1).wait()
        if self._state_file is not None:
            state.save(self.cloud, self._state_file)


def _wait_for_window(old: Item, new: Item) -> None:
    """What was asked for in a window is told as it still is, as a refresh finds it."""
    new.waiting = {
        path: value
        for path, value in {**old.inputs, **old.waiting}.items()
        if waits_for_window(new.type, path, new.inputs) and new.inputs.get(path) != value
    }
    for path, value in new.waiting.items():
        new.outputs[path] = value
        if path == "engineVersion":
            new.outputs["engineVersionActual"] = value


def _lose(lost: Struck | None, context: grpc.ServicerContext) -> None:
    if lost is not None:
        _abort(context, grpc.StatusCode.UNAVAILABLE, str(lost))


def _token(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _own(inputs: Mapping[str, Plain]) -> dict[str, Plain]:
    return {key: value for key, value in inputs.items() if not key.startswith("__")}


def _made_names(inputs: Mapping[str, Plain]) -> list[str]:
    """Properties whose names Pulumi made; the Kubernetes provider notes that in an annotation."""
    made = list(inputs.get(_DEFAULTS) or [])
    metadata = inputs.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(annotations, dict) and annotations.get(_AUTONAMED) == "true":
        made.append("metadata.name")
    return made


def _name(item: Item, kind: Kind, olds: Mapping[str, Plain], checked: Struct) -> None:
    """Keep the name that was made before, or make one, and note that it was made."""
    if item.type.startswith("kubernetes:"):
        _name_object(item, olds, checked)
        return
    rule = kind.name
    if rule is None or not rule.auto or item.get(rule.property) is not None:
        return
    made_before = rule.property in (olds.get(_DEFAULTS) or [])
    name = olds[rule.property] if made_before else names.made_name(item, rule)
    checked.fields[rule.property].CopyFrom(value_of(name))
    checked.fields[_DEFAULTS].CopyFrom(value_of([rule.property]))


def _name_object(item: Item, olds: Mapping[str, Plain], checked: Struct) -> None:
    metadata = item.get("metadata", {})
    if not isinstance(metadata, dict) or metadata.get("name") is not None or metadata.get("generateName") is not None:
        return
    before = olds.get("metadata")
    before = before if isinstance(before, dict) else {}
    made_before = (before.get("annotations") or {}).get(_AUTONAMED) == "true"
    name = before["name"] if made_before else names.physical_name(item, kind_of(item.type))
    target = checked.fields["metadata"].struct_value
    target.fields["name"].CopyFrom(value_of(name))
    target.fields["annotations"].struct_value.fields[_AUTONAMED].CopyFrom(value_of("true"))


def _difference(
    kind: Kind, olds: Mapping[str, Plain], news: Mapping[str, Plain], *, in_place: bool
) -> provider_pb2.DiffResponse:
    """``in_place``: the old one has to go first, as both would have the same name."""
    found = changes(kind, olds, news)
    kinds = provider_pb2.PropertyDiff.Kind
    detailed = {}
    for change in found:
        name = f"{change.kind}_REPLACE" if change.replaces else change.kind
        detailed[change.path] = provider_pb2.PropertyDiff(kind=kinds.Value(name.upper()), inputDiff=True)
    replaces = sorted({change.path.partition(".")[0].partition("[")[0] for change in found if change.replaces})
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE,
        diffs=sorted({change.path.partition(".")[0].partition("[")[0] for change in found}),
        replaces=replaces,
        deleteBeforeReplace=bool(replaces) and in_place,
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )


def _answer(sent: Struct, outputs: Mapping[str, Plain], waiting: Mapping[str, Plain] = MappingProxyType({})) -> Struct:
    """Inputs go back as they came, so that what was secret stays secret; those that wait for a window as they still
    are."""
    answer = Struct(fields={key: value for key, value in sent.fields.items() if not key.startswith("__")})
    for key, value in outputs.items():
        if key not in sent.fields or key in waiting or (key in _FILLED and not _secret(sent.fields[key])):
            answer.fields[key].CopyFrom(value_of(value, key))
    return answer


def _secret(value: Value) -> bool:
    return value.WhichOneof("kind") == "struct_value" and SIGNATURE in value.struct_value.fields


def _after_update(old: Item, new: Item) -> dict[str, Plain]:
    """What a preview can say of an update: outputs that don't follow from changed inputs stay what they are."""
    return {
        key: value if key in new.inputs or old.outputs.get(key) == value else UNKNOWN
        for key, value in new.outputs.items()
    }


def _failures(found: Iterable[schema.Mismatch]) -> Iterator[provider_pb2.CheckFailure]:
    for each in found:
        yield provider_pb2.CheckFailure(property=each.path, reason=f"expected {each.expected}; {each.remedy}")


def _stop(context: grpc.ServicerContext, refusals: Iterable[Refusal]) -> None:
    texts = [
        f"{each.path} is {each.value or 'not set'}: expected {each.as_problem().expected}; {each.remedy}"
        for each in refusals
    ]
    if texts:
        _abort(context, grpc.StatusCode.INVALID_ARGUMENT, "\n".join(texts))


def _abort(context: grpc.ServicerContext, code: grpc.StatusCode, text: str) -> NoReturn:
    context.abort(code, text)
    raise AssertionError("abort raises")
