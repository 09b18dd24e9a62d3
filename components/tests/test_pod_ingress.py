"""Ingress to the pods (S1)."""

import pulumi
import pytest

from components.tests.kubernetes_samples import OTHER_SECURITY_GROUP, SECURITY_GROUP, simulated
from groundplan_components.workload import PodIngress, PodIngressArgs


def args() -> PodIngressArgs:
    return {"security_group_id": SECURITY_GROUP, "source_security_group_id": OTHER_SECURITY_GROUP}


def test_s1_the_load_balancer_reaches_one_port_of_the_pods() -> None:
    rule = simulated(lambda: PodIngress("requests", args())).named("requests-rule").inputs
    assert rule["securityGroupId"] == SECURITY_GROUP
    assert rule["referencedSecurityGroupId"] == OTHER_SECURITY_GROUP
    assert (rule["ipProtocol"], rule["fromPort"], rule["toPort"]) == ("tcp", 8080, 8080)
    assert "cidrIpv4" not in rule


def test_a_port_that_no_pod_can_open_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match="port is 80"):
        simulated(lambda: PodIngress("requests", {**args(), "port": 80}))
