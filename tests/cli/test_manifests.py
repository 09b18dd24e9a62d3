"""The Kubernetes half of a stack can be tried on any API server, without AWS (U5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from groundplan.cli.manifests import main
from groundplan.cloud import simulate
from groundplan.cloud.manifests import built_in, manifests
from groundplan.project import load_program
from infra.tests.samples import ROOT, WAITING_MS, changed, shop, stack, with_images, with_statements_of

REFERENCES = {
    "configMapRef": "ConfigMap",
    "configMap": "ConfigMap",
    "secret": "Secret",
    "serviceRef": "Service",
    "scaleTargetRef": "Deployment",
    "nodeClassRef": "NodeClass",
}


def pooled() -> list[dict[str, Any]]:
    """Shop with so much load that PgBouncer stands before its replicas: it has every kind that the program declares."""
    system = with_statements_of(changed(shop(), requirements={"requests_per_second": 50_000}), WAITING_MS)
    environment = with_images(stack("prod"), system)
    return manifests(simulate(lambda: load_program(ROOT)(system, environment), stack="prod", region=environment.region))


def referred(value: Any) -> Iterator[tuple[str, str]]:
    """Kind and name of everything that an object refers to."""
    if isinstance(value, list):
        for each in value:
            yield from referred(each)
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in REFERENCES:
                yield REFERENCES[key], inner["name"]
            elif key == "serviceAccountName":
                yield "ServiceAccount", inner
            else:
                yield from referred(inner)


def test_objects_can_be_applied_one_after_the_other() -> None:
    seen: set[tuple[str, str]] = set()
    followed = set()
    for each in pooled():
        metadata = each["metadata"]
        for reference in referred(each["spec"]) if "spec" in each else ():
            assert reference in seen, (each["kind"], metadata["name"])
            followed.add(reference[0])
        if metadata.get("namespace", "kube-system") != "kube-system":
            assert ("Namespace", metadata["namespace"]) in seen
        identity = (each["kind"], metadata["name"])
        if each["kind"] != "NetworkPolicy":
            assert identity not in seen, "named twice"
        seen.add(identity)
    assert followed == {*REFERENCES.values(), "ServiceAccount"}
    assert {kind for kind, _ in seen} == {
        *("Namespace", "ResourceQuota", "LimitRange", "NetworkPolicy", "ServiceAccount", "ConfigMap", "Secret"),
        *("Service", "TargetGroupBinding", "Deployment", "Job", "HorizontalPodAutoscaler", "PodDisruptionBudget"),
        *("NodeClass", "NodePool"),
    }


def test_names_that_pulumi_gives_are_filled_in() -> None:
    (secret,) = [each for each in pooled() if each["kind"] == "Secret"]
    assert secret["metadata"]["name"].startswith("db-user-readers-users-")


@pytest.mark.parametrize(
    ("api_version", "known"),
    [
        *(("v1", True), ("apps/v1", True), ("networking.k8s.io/v1", True), ("policy/v1", True)),
        *(("eks.amazonaws.com/v1", False), ("karpenter.sh/v1", False), ("elbv2.k8s.aws/v1beta1", False)),
    ],
)
def test_what_every_api_server_knows_is_told_from_what_others_bring(api_version: str, known: bool) -> None:
    assert built_in({"apiVersion": api_version}) is known


def test_the_command_prints_yaml_and_says_what_it_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["--stack", "dev", "--custom"]) == 0
    everything, nothing = capsys.readouterr()
    assert nothing == ""
    assert main(["--stack", "dev"]) == 0
    printed, said = capsys.readouterr()
    assert said.rstrip().endswith("NodeClass, NodePool, TargetGroupBinding")
    objects = list(yaml.safe_load_all(printed))
    assert objects == [each for each in yaml.safe_load_all(everything) if built_in(each)]
    deployments = [each["metadata"]["name"] for each in objects if each["kind"] == "Deployment"]
    assert {"user-api", "order-command", "order-query", "payment-api"} <= set(deployments)
    assert "&id" not in printed, "kubectl reads aliases, people don't"


def test_a_stack_that_is_not_there_is_said_without_a_traceback_u5(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["--stack", "nowhere"]) == 1
    printed, said = capsys.readouterr()
    assert printed == ""
    assert "one of dev, staging, prod" in said


def test_a_stack_on_a_cluster_of_its_owner_needs_no_way_to_decrypt_its_kubeconfig(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "system.yaml").write_bytes((ROOT / "system.yaml").read_bytes())
    cluster = {
        "context": "company",
        "security_group_id": "sg-0123456789abcdef0",
        "vpc_id": "vpc-0123456789abcdef0",
        "private_subnet_ids": [f"subnet-0123456789abcdef{zone}" for zone in (0, 1, 2)],
        "data_subnet_ids": [f"subnet-0123456789abcdef{zone}" for zone in (3, 4, 5)],
        "vpc_cidr": "10.60.0.0/16",
        "cluster_name": "company",
    }
    config = {
        "aws:region": "eu-central-1",
        "shop:require_domain": False,
        "shop:existing_cluster": cluster,
        "shop:kubeconfig": {"secure": "v1:bm9uY2U=:Y2lwaGVydGV4dA=="},
    }
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "__main__.py").write_bytes((ROOT / "infra" / "__main__.py").read_bytes())
    (tmp_path / "Pulumi.own.yaml").write_text(yaml.safe_dump({"config": config}))
    monkeypatch.chdir(tmp_path)
    assert main(["--stack", "own"]) == 0
    objects = list(yaml.safe_load_all(capsys.readouterr().out))
    assert "Deployment" in {each["kind"] for each in objects}
    assert "ConfigMap/amazon-vpc-cni" not in {f"{each['kind']}/{each['metadata']['name']}" for each in objects}
