"""Load balancers.

Names and identifiers: Elastic Load Balancing API. Hosted zones of load balancers: AWS General Reference, "Elastic Load
Balancing endpoints". Replacements: CloudFormation reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundplan.cloud.catalogue.kind import Kind, Name
from groundplan.cloud.item import ACCOUNT, Item

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

_NAME = Name(
    longest=32,
    pattern=r"(?!internal-)[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?",
    says="letters, digits and hyphens, no hyphen at either end, not beginning with internal-",
    source="Elastic Load Balancing API: CreateLoadBalancer, CreateTargetGroup",
)
_ELB = "arn:aws:elasticloadbalancing:{region}:{account}"
_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
_ZONES = {
    "us-east-1": "Z35SXDOTRQ7X7K",
    "us-east-2": "Z3AADJGX6KTTL2",
    "us-west-2": "Z1H1FL5HABSF5",
    "eu-west-1": "Z32O12XQLNTSW2",
    "eu-central-1": "Z215JYRZR1TBD5",
}


def _kind_of_balancer(item: Item) -> str:
    return {"network": "net", "gateway": "gwy"}.get(str(item.get("loadBalancerType", "application")), "app")


def _suffix(item: Item, _: Cloud) -> str:
    return f"{_kind_of_balancer(item)}/{item.physical_name}/{item.hex(16)}"


def _host(item: Item, _: Cloud) -> str:
    inside = "internal-" if item.get("internal", False) is True else ""
    return f"{inside}{item.physical_name}-{int(item.hex(8), 16)}.{item.place}.elb.amazonaws.com"


def _network_of(item: Item, cloud: Cloud) -> str:
    for each in item.each("subnets") or [one.get("subnetId") for one in item.objects("subnetMappings")]:
        subnet = cloud.find("aws:ec2/subnet:Subnet", each)
        if subnet is not None and isinstance(subnet.known("vpcId"), str):
            return str(subnet.known("vpcId"))
    return ""


def _listener_arn(item: Item, cloud: Cloud) -> str:
    balancer = cloud.referred(item, "loadBalancerArn")
    suffix = balancer.outputs.get("arnSuffix", "") if balancer is not None else "app/unknown"
    return f"arn:aws:elasticloadbalancing:{item.place}:{ACCOUNT}:listener/{suffix}/{item.hex(16)}"


def _rule_arn(item: Item, _: Cloud) -> str:
    listener = str(item.known("listenerArn") or "")
    return f"{listener.replace(':listener/', ':listener-rule/')}/{item.hex(16)}"


KINDS = (
    Kind(
        _BALANCER,
        id="{arn}",
        arn=lambda item, cloud: (
            f"arn:aws:elasticloadbalancing:{item.place}:{ACCOUNT}:loadbalancer/{_suffix(item, cloud)}"
        ),
        form=f"{_ELB}:loadbalancer/{{kind}}/{{name}}/{{hex16}}",
        name=_NAME,
        outputs={
            "arnSuffix": _suffix,
            "dnsName": _host,
            "zoneId": lambda item, _: _ZONES.get(item.place, "Z215JYRZR1TBD5"),
            "vpcId": _network_of,
            "ipAddressType": "ipv4",
            "loadBalancerType": "application",
            "internal": False,
        },
        replaces=("internal", "loadBalancerType", "name", "namePrefix", "customerOwnedIpv4Pool"),
        protection="enableDeletionProtection",
        guarded=True,
    ),
    Kind(
        "aws:lb/targetGroup:TargetGroup",
        id="{arn}",
        arn=f"{_ELB}:targetgroup/{{name}}/{{hex16}}",
        name=_NAME,
        outputs={
            "arnSuffix": "targetgroup/{name}/{hex16}",
            "loadBalancerArns": [],
            "targetType": "instance",
            "deregistrationDelay": 300,
        },
        replaces=("name", "namePrefix", "port", "protocol", "protocolVersion", "targetType", "vpcId", "ipAddressType"),
        guarded=True,
    ),
    Kind(
        "aws:lb/listener:Listener",
        id="{arn}",
        arn=_listener_arn,
        form=f"{_ELB}:listener/{{kind}}/{{balancer}}/{{hex16}}/{{hex17}}",
        outputs={"protocol": "HTTP", "sslPolicy": ""},
        replaces=("loadBalancerArn",),
    ),
    Kind(
        "aws:lb/listenerRule:ListenerRule",
        id="{arn}",
        arn=_rule_arn,
        form=f"{_ELB}:listener-rule/{{kind}}/{{balancer}}/{{hex16}}/{{hex17}}/{{hex18}}",
        outputs={"priority": lambda item, _: 1 + int(item.hex(4), 16) % 49000},
        references={"listenerArn": "aws:lb/listener:Listener"},
        replaces=("listenerArn",),
    ),
    Kind(
        "aws:lb/targetGroupAttachment:TargetGroupAttachment",
        id="{targetGroupArn}-{hex16}",
        replaces=("*",),
    ),
    Kind(
        "aws:lb/listenerCertificate:ListenerCertificate",
        id="{listenerArn}_{certificateArn}",
        references={"listenerArn": "aws:lb/listener:Listener"},
        replaces=("*",),
    ),
)
