"""Metrics for autoscaling, and encrypted logs with a retention (P1, S4, S5)."""

import json

import pulumi
import pytest

from components.tests.kubernetes_samples import EXISTING, KEY
from groundplan.cloud import Simulation, simulate
from groundplan_components.cluster import ClusterAddons, ClusterAddonsArgs


def run(given: ClusterAddonsArgs | None = None) -> Simulation:
    whole: ClusterAddonsArgs = given or {"cluster_name": "shop-prod", "kms_key_arn": KEY}
    simulation = simulate(lambda: ClusterAddons("addons", whole), config=EXISTING, strict=False)
    # The cluster exists outside of this program.
    assert {refusal.path for refusal in simulation.refusals} <= {"clusterName"}
    return simulation


def test_p1_the_metrics_server_is_there_for_the_autoscalers() -> None:
    addon = run().named("addons-metrics-server").inputs
    assert (addon["addonName"], addon["clusterName"]) == ("metrics-server", "shop-prod")


def test_s5_container_logs_are_encrypted_and_end() -> None:
    simulation = run({"cluster_name": "shop-prod", "kms_key_arn": KEY, "log_days": 30})
    groups = simulation.of_type("aws:cloudwatch/logGroup:LogGroup")
    assert {group.inputs["name"] for group in groups} == {
        f"/aws/containerinsights/shop-prod/{what}" for what in ("application", "dataplane", "host", "performance")
    }
    assert {group.inputs["kmsKeyId"] for group in groups} == {KEY}
    assert {group.inputs["retentionInDays"] for group in groups} == {30}
    assert {group.urn for group in groups} <= simulation.named("addons-observability").dependencies


def test_s4_only_the_agents_pods_assume_the_agents_role() -> None:
    simulation = run()
    trusted = json.loads(simulation.named("addons-agent").inputs["assumeRolePolicy"])["Statement"][0]
    assert trusted["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert trusted["Condition"]["StringEquals"] == {
        "aws:RequestTag/kubernetes-namespace": "amazon-cloudwatch",
        "aws:RequestTag/kubernetes-service-account": "cloudwatch-agent",
    }
    addon = simulation.named("addons-observability").inputs
    assert addon["addonName"] == "amazon-cloudwatch-observability"
    assert addon["podIdentityAssociations"] == [
        {"roleArn": simulation.named("addons-agent").outputs["arn"], "serviceAccount": "cloudwatch-agent"}
    ]
    assert simulation.named("addons-agent-policy").inputs["policyArn"].endswith("/CloudWatchAgentServerPolicy")


def test_t1_a_pods_line_arrives_as_it_was_written() -> None:
    """Below another key CloudWatch would find neither embedded metrics nor the fields that saved queries ask for."""
    values = json.loads(run().named("addons-observability").inputs["configurationValues"])
    pipeline = values["containerLogs"]["fluentBit"]["config"]["extraFiles"]["application-log.conf"]
    settings = [line.split(maxsplit=1) for line in pipeline.splitlines() if line and not line.startswith("[")]
    assert ["log_key", "log"] in settings
    assert ["log_format", "json/emf"] in settings
    assert "Merge_Log" not in pipeline


def test_t1_the_agent_takes_spans_beside_what_the_chart_has_it_do() -> None:
    """e12: a configuration of one's own takes the place of the chart's, which collects Container Insights."""
    plain = json.loads(run().named("addons-observability").inputs["configurationValues"])
    assert "agent" not in plain
    simulation = run({"cluster_name": "shop-prod", "kms_key_arn": KEY, "spans": True})
    values = json.loads(simulation.named("addons-observability").inputs["configurationValues"])
    config = values.pop("agent")["config"]
    assert values == plain
    assert config["logs"]["metrics_collected"]["kubernetes"] == {"enhanced_container_insights": True}
    assert config["traces"]["traces_collected"]["otlp"]["http_endpoint"] == "0.0.0.0:4318"


def test_versions_can_be_pinned() -> None:
    simulation = run({"cluster_name": "a", "kms_key_arn": KEY, "versions": {"metrics-server": "v0.8.0-eksbuild.2"}})
    assert simulation.named("addons-metrics-server").inputs["addonVersion"] == "v0.8.0-eksbuild.2"
    assert "addonVersion" not in simulation.named("addons-observability").inputs


def test_a_retention_that_cloudwatch_does_not_know_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match="log_days is 2"):
        run({"cluster_name": "shop-prod", "kms_key_arn": KEY, "log_days": 2})


def test_a_version_of_something_that_isnt_installed_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match=r"versions is \['coredns'\]"):
        run({"cluster_name": "shop-prod", "kms_key_arn": KEY, "versions": {"coredns": "v1"}})
