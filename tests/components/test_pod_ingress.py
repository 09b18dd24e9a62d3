"""The opening for requests (S1)."""

import pulumi
import pytest

from components.pod_ingress import PodIngress, PodIngressArgs
from infra.simulation import simulate

PODS = "sg-0123456789abcdef0"
BALANCER = "sg-0123456789abcdef1"


def args() -> PodIngressArgs:
    return {"security_group_id": PODS, "source_security_group_id": BALANCER}


def test_s1_the_load_balancer_reaches_one_port_of_the_pods() -> None:
    # The groups are none of this program's.
    rule = simulate(lambda: PodIngress("requests", args()), strict=False).named("requests-rule").inputs
    assert rule["securityGroupId"] == PODS
    assert rule["referencedSecurityGroupId"] == BALANCER
    assert (rule["ipProtocol"], rule["fromPort"], rule["toPort"]) == ("tcp", 8080, 8080)
    assert "cidrIpv4" not in rule


def test_a_port_that_no_pod_can_open_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match="port is 80"):
        simulate(lambda: PodIngress("requests", {**args(), "port": 80}))
