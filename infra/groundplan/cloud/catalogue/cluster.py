"""EKS.

Names, endpoints and ARNs: EKS API reference. Replacements: CloudFormation reference.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from groundplan.cloud.catalogue.kind import Kind, Name
from groundplan.cloud.item import Item

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

CLUSTER = "aws:eks/cluster:Cluster"
_CLUSTER_REFERENCE = {"clusterName": CLUSTER}


def _endpoint(item: Item, _: Cloud) -> str:
    return f"https://{item.hex(32).upper()}.gr7.{item.place}.eks.amazonaws.com"


def _authority(item: Item, _: Cloud) -> dict[str, str]:
    text = f"-----BEGIN CERTIFICATE-----\nsimulated {item.hex(32)}\n-----END CERTIFICATE-----\n"
    return {"data": base64.b64encode(text.encode()).decode()}


def _identities(item: Item, _: Cloud) -> list[dict[str, object]]:
    issuer = f"https://oidc.eks.{item.place}.amazonaws.com/id/{item.hex(32).upper()}"
    return [{"oidcs": [{"issuer": issuer}]}]


def _vpc_config(item: Item, cloud: Cloud) -> dict[str, object]:
    given = item.known("vpcConfig")
    given = given if isinstance(given, dict) else {}
    subnet = next((cloud.find("aws:ec2/subnet:Subnet", each) for each in item.each("vpcConfig.subnetIds")), None)
    return {
        **given,
        "clusterSecurityGroupId": f"sg-{item.hex(17, 'cluster')}",
        "vpcId": subnet.known("vpcId") if subnet is not None else "",
    }


KINDS = (
    Kind(
        CLUSTER,
        arn="arn:aws:eks:{region}:{account}:cluster/{name}",
        name=Name(
            longest=100,
            pattern=r"[0-9A-Za-z][A-Za-z0-9\-_]*",
            says="letters, digits, - and _, beginning with a letter or digit",
            source="EKS API: CreateCluster",
        ),
        outputs={
            "endpoint": _endpoint,
            "certificateAuthority": _authority,
            "identities": _identities,
            "vpcConfig": _vpc_config,
            "clusterId": "{uuid}",
            "createdAt": "2026-01-01T00:00:00Z",
            "platformVersion": "eks.1",
            "status": "ACTIVE",
            "version": "1.35",
        },
        references={"resources": (), "provider.keyArn": "aws:kms/key:Key"},
        replaces=(
            "name",
            "roleArn",
            "bootstrapSelfManagedAddons",
            "encryptionConfig",
            "kubernetesNetworkConfig.serviceIpv4Cidr",
            "kubernetesNetworkConfig.ipFamily",
            "accessConfig.bootstrapClusterCreatorAdminPermissions",
        ),
        protection="deletionProtection",
        guarded=True,
    ),
    Kind(
        "aws:eks/accessEntry:AccessEntry",
        id="{clusterName}:{principalArn}",
        outputs={
            "accessEntryArn": "arn:aws:eks:{region}:{account}:access-entry/{clusterName}/role/{account}/{hex8}",
            "createdAt": "2026-01-01T00:00:00Z",
            "modifiedAt": "2026-01-01T00:00:00Z",
            "type": "STANDARD",
            "userName": "{principalArn}",
            "kubernetesGroups": [],
        },
        references={**_CLUSTER_REFERENCE, "principalArn": ()},
        replaces=("clusterName", "principalArn", "type"),
    ),
    Kind(
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        id="{clusterName}#{principalArn}#{policyArn}",
        outputs={"associatedAt": "2026-01-01T00:00:00Z", "modifiedAt": "2026-01-01T00:00:00Z"},
        references={**_CLUSTER_REFERENCE, "principalArn": (), "policyArn": ()},
        replaces=("*",),
    ),
    Kind(
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        id="a-{hex17}",
        form="arn:aws:eks:{region}:{account}:podidentityassociation/{clusterName}/{id}",
        outputs={
            "associationId": "{id}",
            "associationArn": "arn:aws:eks:{region}:{account}:podidentityassociation/{clusterName}/{id}",
            "externalId": "",
        },
        references=_CLUSTER_REFERENCE,
        replaces=("clusterName", "namespace", "serviceAccount"),
        exclusive=(("clusterName", "namespace", "serviceAccount"),),
    ),
    Kind(
        "aws:eks/addon:Addon",
        id="{clusterName}:{addonName}",
        arn="arn:aws:eks:{region}:{account}:addon/{clusterName}/{addonName}/{uuid}",
        outputs={
            "createdAt": "2026-01-01T00:00:00Z",
            "modifiedAt": "2026-01-01T00:00:00Z",
            "addonVersion": "v1.0.0-eksbuild.1",
        },
        references=_CLUSTER_REFERENCE,
        replaces=("clusterName", "addonName"),
    ),
    Kind(
        "aws:eks/nodeGroup:NodeGroup",
        id="{clusterName}:{nodeGroupName}",
        arn="arn:aws:eks:{region}:{account}:nodegroup/{clusterName}/{nodeGroupName}/{uuid}",
        outputs={"status": "ACTIVE"},
        references={**_CLUSTER_REFERENCE, "nodeRoleArn": "aws:iam/role:Role"},
        replaces=("clusterName", "nodeGroupName", "nodeRoleArn", "subnetIds", "amiType", "capacityType", "diskSize"),
    ),
)
