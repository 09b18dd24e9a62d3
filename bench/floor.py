"""The floor of `planning`: the same SDK modules, and as many plain resources under the SDK's own mock monitor."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys

import pulumi
from pulumi.runtime import mocks, settings
from pulumi.runtime import stack as stacks


class Plain(mocks.Mocks):
    """Answers with the inputs."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, object]]:
        return f"{args.name}-id", args.inputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, object], list[tuple[str, str]] | None]:
        return args.args, None


def main(count: int, modules: list[str]) -> None:
    for module in modules:
        importlib.import_module(module)

    def program() -> None:
        topic = importlib.import_module("pulumi_aws.sns").Topic
        for number in range(count):
            topic(f"topic-{number}", display_name=f"Topic {number}", tags={"Name": f"topic-{number}"})

    asyncio.set_event_loop(asyncio.new_event_loop())
    pulumi.runtime.set_mocks(Plain(), project="floor", stack="floor")
    settings.ROOT.set(None)
    asyncio.get_event_loop().run_until_complete(stacks.run_in_stack(lambda: program()))
    print(json.dumps({"resources": count}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
