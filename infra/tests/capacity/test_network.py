"""Subnets: where they are for ever, and when a range is too small (P1, S1)."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundplan.capacity import plan
from groundplan.capacity.network import addresses, node_addresses, subnets
from groundplan.declaration.model import System
from groundplan.problems import ProblemsFound
from groundplan.stack.environment import Environment, ExistingCluster
from infra.tests.capacity.stacks import PROD, one_service

# A change of any of these replaces every subnet of every deployed stack, with all that lives in it.
GOLDEN = {
    "10.0.0.0/16": {
        "private": ["10.0.0.0/18", "10.0.64.0/18", "10.0.128.0/18"],
        "public": ["10.0.192.0/22", "10.0.196.0/22", "10.0.200.0/22"],
        "data": ["10.0.204.0/22", "10.0.208.0/22", "10.0.212.0/22"],
        "firewall": ["10.0.216.0/28", "10.0.216.16/28", "10.0.216.32/28"],
        "ingress": ["10.0.220.0/22", "10.0.224.0/22", "10.0.228.0/22"],
    },
    "172.20.0.0/18": {
        "private": ["172.20.0.0/20", "172.20.16.0/20", "172.20.32.0/20"],
        "public": ["172.20.48.0/24", "172.20.49.0/24", "172.20.50.0/24"],
        "data": ["172.20.51.0/24", "172.20.52.0/24", "172.20.53.0/24"],
        "firewall": ["172.20.54.0/28", "172.20.54.16/28", "172.20.54.32/28"],
        "ingress": ["172.20.55.0/24", "172.20.56.0/24", "172.20.57.0/24"],
    },
    "192.168.16.0/20": {
        "private": ["192.168.16.0/22", "192.168.20.0/22", "192.168.24.0/22"],
        "public": ["192.168.28.0/26", "192.168.28.64/26", "192.168.28.128/26"],
        "data": ["192.168.28.192/26", "192.168.29.0/26", "192.168.29.64/26"],
        "firewall": ["192.168.29.128/28", "192.168.29.144/28", "192.168.29.160/28"],
        "ingress": ["192.168.29.192/26", "192.168.30.0/26", "192.168.30.64/26"],
    },
}


@pytest.mark.parametrize("cidr", GOLDEN)
def test_subnets_stay_where_they_are(cidr: str) -> None:
    layout = subnets(IPv4Network(cidr))
    for kind, golden in GOLDEN[cidr].items():
        assert [str(subnet) for subnet in getattr(layout, kind)] == golden


@st.composite
def ranges(draw: st.DrawFn) -> IPv4Network:
    prefix = draw(st.integers(16, 20))
    return IPv4Network((draw(st.integers(0, 2**prefix - 1)) << (32 - prefix), prefix))


@given(ranges())
def test_subnets_are_apart_and_inside(cidr: IPv4Network) -> None:
    """S1: nothing overlaps, nothing leaves the range, and AWS's smallest subnet is kept."""
    layout = subnets(cidr)
    every = [*layout.private, *layout.public, *layout.data, *layout.firewall, *layout.ingress]
    assert len(every) == 15
    assert all(subnet.subnet_of(cidr) for subnet in every)
    assert all(subnet.prefixlen <= 28 for subnet in every)
    assert all(subnet.prefixlen <= 27 for subnet in layout.ingress), "a load balancer needs a /27"
    assert not any(one.overlaps(other) for index, one in enumerate(every) for other in every[index + 1 :])
    assert addresses(layout.private[0]) > 4 * addresses(layout.data[0])


@pytest.mark.parametrize("cidr", ["10.0.0.0/15", "10.0.0.0/21", "10.0.0.0/28"])
def test_a_range_of_another_size_is_refused(cidr: str) -> None:
    with pytest.raises(ValueError, match="not between /16 and /20"):
        subnets(IPv4Network(cidr))
    with pytest.raises(ProblemsFound) as found:
        plan(one_service(), PROD.model_copy(update={"vpc_cidr": IPv4Network(cidr)}))
    (problem,) = found.value.problems
    assert problem.where == "Pulumi.prod.yaml"
    assert problem.path == "vpc_cidr"
    assert problem.value == cidr
    assert "between /16" in problem.expected


def test_a_node_takes_its_pods_prefixes_and_a_warm_one() -> None:
    """EKS Auto Mode: /28 prefixes. One address of its own, one prefix in use, one warm: 33; for 17 pods 49."""
    assert node_addresses(1) == 33
    assert node_addresses(16) == 33
    assert node_addresses(17) == 49


def heavy(requests: float) -> System:
    return one_service({"requests_per_second": requests, "growth_factor": 10}, read_share=0.9)


def test_a_range_too_small_for_ten_times_says_which_would_do() -> None:
    """P1: the remedy's range is really enough, and one smaller is not."""
    system = heavy(40_000)
    small = PROD.model_copy(update={"vpc_cidr": IPv4Network("10.9.0.0/20")})
    with pytest.raises(ProblemsFound) as found:
        plan(system, small)
    (problem,) = found.value.problems
    assert problem.path == "vpc_cidr"
    assert "1,019 are there" in problem.expected
    prefix = int(problem.remedy.partition("at least /")[2].partition(";")[0])
    assert 16 <= prefix < 20
    plan(system, PROD.model_copy(update={"vpc_cidr": IPv4Network((10 << 24, prefix))}))
    with pytest.raises(ProblemsFound):
        plan(system, PROD.model_copy(update={"vpc_cidr": IPv4Network((10 << 24, prefix + 1))}))


def test_a_load_no_range_holds_says_so() -> None:
    services = {f"part-{n}": heavy(1).services["thing"] for n in range(60)}
    system = heavy(1_000_000).model_copy(update={"services": services})
    with pytest.raises(ProblemsFound, match="even a /16"):
        plan(system, PROD)


def test_the_range_of_a_cluster_that_is_there_is_its_owners() -> None:
    existing = ExistingCluster(
        context="other",
        security_group_id="sg-0123456789abcdef0",
        vpc_id="vpc-0123456789abcdef0",
        private_subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        data_subnet_ids=["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"],
        vpc_cidr=IPv4Network("10.8.0.0/16"),
        cluster_name="other",
    )
    environment = PROD.model_copy(update={"vpc_cidr": IPv4Network("10.9.0.0/20"), "existing_cluster": existing})
    sized = plan(heavy(40_000), environment)
    assert not any(tier.subject == "network.addresses" for tier in sized.tiers)


def test_options_move_no_subnet() -> None:
    """What can be switched later leaves every subnet in its place."""
    layouts = {
        plan(one_service(), environment).network.private + plan(one_service(), environment).network.firewall
        for environment in (
            PROD,
            PROD.model_copy(update={"network_firewall": True}),
            PROD.model_copy(update={"nat": "none", "multi_zone": False}),
            Environment(name="x", region="us-east-1", require_domain=False),
        )
    }
    assert len(layouts) == 1
