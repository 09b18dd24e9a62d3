"""Every accepted region plans and declares, or is refused naming what it lacks; zones by their ids (e6, e7)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import botocore
import cfnlint
import pytest

from groundplan.cloud.zones import lacks
from groundplan.declaration.model import System
from groundplan.program import ingress, platform
from groundplan.stack.contradictions import contradictions
from groundplan.stack.environment import Environment
from groundplan.stack.regions import CODES, CONTROL_PLANES, LACKS, LINKS, lacking_zones
from groundplan.stack.values import REGIONS
from infra.tests.program.following import followed, problems_of
from infra.tests.program.graphs import Graph, few, simulated
from infra.tests.samples import WAITING_MS, shop, stack, with_images, with_statements_of

PROVING = bool(os.environ.get("REGIONS"))
ODD = ("ap-east-1", "ap-east-2", "ap-northeast-1", "ap-southeast-7", "ca-central-1", "eu-west-3", "us-east-1")
"""With a zone or a service less than others, or newer than the library's root certificates."""
DECLARED = sorted(REGIONS) if PROVING else ODD

SERVICES = """
    acm apigateway athena backup cognito-idp ec2 api.ecr eks elasticache elasticloadbalancing events firehose glue
    kafka kms lambda logs monitoring network-firewall rds s3 secretsmanager sns sqs sts wafv2 xray
""".split()  # noqa: SIM905  quotes and commas would say no more
TYPES = """
    ApiGateway::RestApi ApiGateway::DomainName ApiGatewayV2::VpcLink Athena::WorkGroup Backup::BackupVault
    Cognito::UserPool Cognito::ManagedLoginBranding EC2::NatGateway EC2::VPCEndpoint ECR::Repository EKS::Cluster
    EKS::PodIdentityAssociation ElastiCache::ReplicationGroup ElastiCache::User ElasticLoadBalancingV2::LoadBalancer
    Events::Rule Glue::Database KinesisFirehose::DeliveryStream KMS::Key Lambda::Function Logs::Delivery
    MSK::Cluster MSK::ClusterPolicy MSK::Topic NetworkFirewall::Firewall RDS::DBInstance RDS::DBProxy
    RDS::EventSubscription S3::Bucket SecretsManager::RotationSchedule SES::EmailIdentity SNS::Topic SQS::Queue
    WAFv2::WebACL CloudWatch::Alarm CloudWatch::CompositeAlarm
""".split()  # noqa: SIM905  quotes and commas would say no more
"""CloudFormation's types of what stacks declare."""


def test_the_table_is_what_cloudformations_schemas_say() -> None:
    folder = Path(cfnlint.__file__).parent / "data" / "schemas" / "providers"
    schemas = {region: folder / f"{region}.json" for region in REGIONS if (folder / f"{region}.json").is_file()}
    assert len(schemas) >= 32
    known = {region: json.loads(path.read_text()) for region, path in schemas.items()}
    lacking = {
        f"AWS::{each}": {region for region, types in known.items() if f"AWS::{each}" not in types} for each in TYPES
    }
    assert {each: regions for each, regions in lacking.items() if regions} == {
        kind: set(lack.regions) for lack in LACKS for kind in lack.types
    }


def test_every_service_has_an_endpoint_in_every_region() -> None:
    """botocore's endpoints: of what stacks need, nothing is missing; the Serverless Application Repository was."""
    endpoints = json.loads((Path(botocore.__file__).parent / "data" / "endpoints.json").read_text())
    (aws,) = [each for each in endpoints["partitions"] if each["partition"] == "aws"]
    missing = {name: REGIONS - aws["services"][name]["endpoints"].keys() for name in SERVICES}
    assert not {name: regions for name, regions in missing.items() if regions}
    assert len(REGIONS - aws["services"]["serverlessrepo"]["endpoints"].keys()) >= 16
    assert CODES.keys() == REGIONS


def at(name: str, region: str, **settings: object) -> Environment:
    given = {**stack(name).model_dump(exclude_unset=True), "region": region, **settings}
    return Environment.model_validate(given)


def test_at_least_28_regions_plan_and_the_others_are_refused_by_name() -> None:
    refused = {}
    of = with_statements_of(shop(), WAITING_MS)
    for region in sorted(REGIONS):
        said = [each for name in ("dev", "staging", "prod") for each in problems_of(of, at(name, region))]
        if said:
            refused[region] = said
    assert len(REGIONS) - len(refused) >= 28
    assert refused.keys() == {"ap-east-2"}
    assert all("RDS Proxy" in each.expected and "ap-east-2" in each.expected for each in refused["ap-east-2"])
    (_, there), _ = followed(of, at("prod", "ap-east-2"))
    assert not problems_of(of, there)


def declared(region: str, name: str = "prod", system: System | None = None, **settings: object) -> Graph:
    of = system or few("order")
    (after, environment), _ = followed(of, at(name, region, **settings))
    return simulated(region, after, with_images(environment, after))


@pytest.mark.parametrize("region", DECLARED)
def test_a_region_declares_without_a_refusal(region: str) -> None:
    graph = declared(region, "prod" if PROVING else "dev")
    assert not graph.simulation.refusals
    (link,) = graph.of("aws:apigatewayv2/vpcLink:VpcLink")
    assert len(link.inputs["subnetIds"]) >= 2
    zones = {each.inputs["availabilityZone"] for each in graph.of("aws:ec2/subnet:Subnet")}
    assert len(zones) == 3
    assert not [zone for zone in zones if lacks(zone, CONTROL_PLANES.service)]


def _type(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def test_the_first_three_zones_are_refused_where_they_lack_a_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """e6: as the program was, us-east-1 in half of all accounts, and eu-west-3."""
    monkeypatch.setattr(platform, "lacking_zones", lambda _: ())
    monkeypatch.setattr(ingress, "whole_zones", lambda _: 3)
    america, france = declared("us-east-1", "dev"), declared("eu-west-3", "dev")
    said = {_type(each.urn): each.expected for each in america.simulation.refusals}
    assert "VPC links" in said["aws:apigatewayv2/vpcLink:VpcLink"]
    assert "control planes" in said["aws:eks/cluster:Cluster"]
    assert [_type(each.urn) for each in france.simulation.refusals] == ["aws:apigatewayv2/vpcLink:VpcLink"]


def test_chosen_zones_are_used_in_their_order() -> None:
    graph = declared("us-east-1", "dev", zones=["use1-az6", "use1-az2", "use1-az4"])
    assert not graph.simulation.refusals
    zones = [each.inputs["availabilityZone"] for each in graph.of("aws:ec2/subnet:Subnet") if "private" in each.name]
    assert zones == ["us-east-1f", "us-east-1c", "us-east-1d"]


@pytest.mark.parametrize(
    ("region", "zones", "said"),
    [
        ("us-east-1", ["use1-az1", "use1-az2", "use1-az3"], "VPC links"),
        ("us-east-1", ["use1-az1", "use1-az2"], "3 zones of us-east-1"),
        ("us-east-1", ["euc1-az1", "euc1-az2", "euc1-az3"], "begin with use1-"),
        ("eu-west-3", ["euw3-az2", "euw3-az1", "euw3-az3"], "VPC links"),
    ],
)
def test_zones_that_lack_a_service_or_lie_elsewhere_are_refused(region: str, zones: list[str], said: str) -> None:
    (finding,) = contradictions(at("dev", region, zones=zones), shop())
    assert said in finding.expected


def test_a_region_of_three_zones_names_the_lacking_one_last() -> None:
    assert lacking_zones("eu-west-3") == ("euw3-az2",)
    assert LINKS.zones >= {"euw3-az2"}
    assert not contradictions(at("dev", "eu-west-3", zones=["euw3-az1", "euw3-az3", "euw3-az2"]), shop())
