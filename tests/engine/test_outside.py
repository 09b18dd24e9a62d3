"""All but the Kubernetes half, from where the cluster's API can't be reached (e4)."""

from __future__ import annotations

from pathlib import Path

from groundplan.cli.up import KUBERNETES
from groundplan.cloud.provider import ProviderServers
from groundplan.rehearsal.engine import Stack

PROGRAM = """
import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_aws import sqs


class Part(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("groundplan:index:Part", name, {}, opts)
        queue = sqs.Queue(f"{name}-queue", opts=pulumi.ResourceOptions(parent=self))
        inside = kubernetes.core.v1.ConfigMap(
            f"{name}-told", data={"queue": queue.url}, opts=pulumi.ResourceOptions(parent=self)
        )
        sqs.Queue(f"{name}-after", opts=pulumi.ResourceOptions(parent=self, depends_on=[inside]))


Part("part")
"""


def test_what_is_inside_of_the_cluster_comes_later(cli: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "home").mkdir()
    (project / "Pulumi.yaml").write_text("name: halves\nruntime: python\n")
    (project / "Pulumi.dev.yaml").write_text("config: {'aws:region': eu-central-1}\n")
    (project / "__main__.py").write_text(PROGRAM)
    with ProviderServers() as servers:
        engine = Stack(cli, project, "dev", tmp_path / "home", servers.attachment)
        engine.create()
        engine._step("up", "--yes", "--skip-preview", "--exclude", KUBERNETES, "--exclude-dependents")
        assert sorted(item.name for item in servers.cloud.items.values()) == ["part-queue"]
        engine.up()
        assert sorted(item.name for item in servers.cloud.items.values()) == ["part-after", "part-queue", "part-told"]
        assert engine.up().done.nothing
