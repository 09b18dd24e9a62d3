"""Which product of AWS's price-list files a rate of the table is.

What isn't quoted in a file that was seen is from memory. That can only lose a price, never falsify one: a selector that
finds no product, or several with different prices, prices nothing, and `groundplan prices` says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from groundplan.pricing.table import Rate


@dataclass(frozen=True, slots=True)
class Selector:
    """A product by attributes that must be equal, and by its usage type without the region's prefix."""

    offer: str
    usage: str = ""
    """A regular expression for the whole usage type."""
    family: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    where: str = "region"
    """`region`, `aws-other` for what is sold once for the world, or `all` for an offer's file of all regions."""
    prefixed: bool = False
    """The usage type is compared with its prefix."""
    counted: float = 1
    """How many of what the table counts one unit of AWS's is."""


_RDS = {"databaseEngine": "PostgreSQL", "licenseModel": "No license required"}
_EC2 = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "licenseModel": "No License required",
}
_ZONES = {"single": "Single-AZ", "multi": "Multi-AZ"}
_GEOGRAPHY = {"us": "US", "europe": "EU"}

_FIXED: Mapping[str, Selector] = {
    "eks.cluster": Selector("AmazonEKS", r"AmazonEKS-Hours:perCluster"),
    "ebs.storage": Selector("AmazonEC2", r"EBS:VolumeUsage\.gp3", "Storage"),
    "ebs.iops": Selector("AmazonEC2", r"EBS:VolumeP-IOPS\.gp3", "System Operation"),
    "ebs.throughput": Selector("AmazonEC2", r"EBS:VolumeP-Throughput\.gp3", "Provisioned Throughput", counted=1024),
    "vpc.address": Selector("AmazonVPC", r"PublicIPv4:InUseAddress"),
    "nat.hour": Selector("AmazonEC2", r"NatGateway-Hours", "NAT Gateway"),
    "nat.processed": Selector("AmazonEC2", r"NatGateway-Bytes", "NAT Gateway"),
    "endpoint.hour": Selector("AmazonVPC", r"VpcEndpoint-Hours"),
    "endpoint.processed": Selector("AmazonVPC", r"VpcEndpoint-Bytes"),
    "firewall.hour": Selector("AWSNetworkFirewall", r"Endpoint-Hour"),
    "firewall.processed": Selector("AWSNetworkFirewall", r"Traffic-GB-Processed"),
    "alb.hour": Selector("AWSELB", r"LoadBalancerUsage", "Load Balancer-Application"),
    "alb.lcu": Selector("AWSELB", r"LCUUsage", "Load Balancer-Application"),
    "transfer.zones": Selector("AWSDataTransfer", r"DataTransfer-Regional-Bytes"),
    "transfer.internet": Selector("AWSDataTransfer", r"DataTransfer-Out-Bytes"),
    "rds.storage.single": Selector(
        "AmazonRDS", r"RDS:GP3-Storage", "Database Storage", {"deploymentOption": "Single-AZ"}
    ),
    "rds.storage.multi": Selector(
        "AmazonRDS", r"RDS:Multi-AZ-GP3-Storage", "Database Storage", {"deploymentOption": "Multi-AZ"}
    ),
    "rds.iops.single": Selector("AmazonRDS", r"RDS:GP3-PIOPS"),
    "rds.iops.multi": Selector("AmazonRDS", r"RDS:Multi-AZ-GP3-PIOPS"),
    "rds.throughput.single": Selector("AmazonRDS", r"RDS:GP3-Throughput"),
    "rds.throughput.multi": Selector("AmazonRDS", r"RDS:Multi-AZ-GP3-Throughput"),
    "rds.backup": Selector("AmazonRDS", r"RDS:ChargedBackupUsage", attributes={"databaseEngine": "PostgreSQL"}),
    "rds.proxy": Selector("AmazonRDS", r"RDS:ProxyUsage"),
    "cache.backup": Selector("AmazonElastiCache", r"BackupUsage"),
    "msk.standard.storage": Selector("AmazonMSK", r"Kafka\.Storage\.GP2"),
    "msk.express.storage": Selector("AmazonMSK", r"Express\.Storage"),
    "msk.express.written": Selector("AmazonMSK", r"Express\.DataIn"),
    "msk.connectivity": Selector("AmazonMSK", r"Kafka\.VpcConnectivity-Hours"),
    "msk.connectivity.processed": Selector("AmazonMSK", r"Kafka\.VpcConnectivity-Bytes"),
    "sns.requests": Selector("AmazonSNS", r"Requests-Tier1"),
    "sns.to-firehose": Selector("AmazonSNS", r"DeliveryAttempts-FIREHOSE"),
    "sqs.requests": Selector("AWSQueueService", r"Requests(-RBP|-Tier1)?", attributes={"queueType": "Standard"}),
    "firehose.put": Selector("AmazonKinesisFirehose", r"BilledBytes"),
    "firehose.msk": Selector("AmazonKinesisFirehose", r"MSKDataIngested-Bytes"),
    "s3.storage": Selector("AmazonS3", r"TimedStorage-ByteHrs", "Storage"),
    "s3.storage.ia": Selector("AmazonS3", r"TimedStorage-SIA-ByteHrs", "Storage"),
    "s3.storage.glacier": Selector("AmazonS3", r"TimedStorage-GIR-ByteHrs", "Storage"),
    "s3.put": Selector("AmazonS3", r"Requests-Tier1"),
    "s3.get": Selector("AmazonS3", r"Requests-Tier2"),
    "s3.to-ia": Selector("AmazonS3", r"Requests-SIA-Tier1", attributes={"operation": "S3-SIATransition"}),
    "s3.to-glacier": Selector("AmazonS3", r"Requests-GIR-Tier1", attributes={"operation": "S3-GIRTransition"}),
    "athena.scanned": Selector("AmazonAthena", r"DataScannedInTB", counted=1024),
    "ecr.storage": Selector("AmazonECR", r"TimedStorage-ByteHrs"),
    "apigateway.rest": Selector("AmazonApiGateway", r"ApiGatewayRequest"),
    "waf.acl": Selector("awswaf", r"WebACLV2"),
    "waf.rule": Selector("awswaf", r"RuleV2"),
    "waf.requests": Selector("awswaf", r"RequestV2-Tier1"),
    "route53.zone": Selector("AmazonRoute53", r"HostedZone", where="aws-other"),
    "route53.check.aws": Selector("AmazonRoute53", r"Health-Check-AWS", where="aws-other"),
    "route53.check.option": Selector("AmazonRoute53", r"Health-Check-Option-AWS", where="aws-other"),
    "kms.key": Selector("awskms", r"KMS-Keys", where="all"),
    "kms.requests": Selector("awskms", r"KMS-Requests", where="all"),
    "secrets.secret": Selector("AWSSecretsManager", r"AWSSecretsManager-Secrets"),
    "secrets.requests": Selector("AWSSecretsManager", r"AWSSecretsManagerAPIRequest"),
    "cloudwatch.logs": Selector("AmazonCloudWatch", r"DataProcessing-Bytes"),
    "cloudwatch.logs.vended": Selector("AmazonCloudWatch", r"VendedLog-Bytes"),
    "cloudwatch.logs.stored": Selector("AmazonCloudWatch", r"TimedStorage-ByteHrs"),
    "cloudwatch.metric": Selector("AmazonCloudWatch", r"CW:MetricMonitorUsage"),
    "cloudwatch.alarm": Selector("AmazonCloudWatch", r"CW:AlarmMonitorUsage"),
    "cloudwatch.alarm.fast": Selector("AmazonCloudWatch", r"CW:HighResAlarmMonitorUsage"),
    "cloudwatch.alarm.composite": Selector("AmazonCloudWatch", r"CW:CompositeAlarmMonitorUsage"),
    "cloudwatch.observations": Selector("AmazonCloudWatch", r"ObservationUsage:CI-EKS"),
    "xray.traces": Selector("AWSXRay", r"XRay-TracesStored"),
    "cognito.essentials": Selector("AmazonCognito", r"CognitoEssentialsMAU"),
    "backup.rds": Selector("AWSBackup", r"WarmStorage-ByteHrs-RDS"),
    "backup.s3": Selector("AWSBackup", r"WarmStorage-ByteHrs-S3"),
    "lambda.requests": Selector("AWSLambda", r"Request"),
    "lambda.x86": Selector("AWSLambda", r"Lambda-GB-Second"),
    "lambda.arm": Selector("AWSLambda", r"Lambda-GB-Second-ARM"),
}


def selector_for(rate: Rate) -> Selector | None:
    """None for a rate that isn't read: a ratio, or one whose product isn't known."""
    key = rate.key
    if key in _FIXED:
        return _FIXED[key]
    if found := re.fullmatch(r"ec2\.(.+)", key):
        return Selector("AmazonEC2", "BoxUsage:.*", "Compute Instance", {**_EC2, "instanceType": found[1]})
    if found := re.fullmatch(r"rds\.(db\..+)\.(single|multi)", key):
        attributes = {**_RDS, "instanceType": found[1], "deploymentOption": _ZONES[found[2]]}
        return Selector("AmazonRDS", "", "Database Instance", attributes)
    if found := re.fullmatch(r"cache\.[a-z0-9]+\.[a-z0-9]+", key):
        return Selector("AmazonElastiCache", "", "Cache Instance", {"cacheEngine": "Valkey", "instanceType": key})
    # Brokers have no instance type of their own: the usage type names it.
    if found := re.fullmatch(r"msk\.(kafka|express)\.(.+)", key):
        return Selector("AmazonMSK", f"{found[1].capitalize()}\\.{re.escape(found[2])}")
    if found := re.fullmatch(r"apigateway\.cache\.(.+)", key):
        return Selector("AmazonApiGateway", f"ApiGatewayCacheUsage:{re.escape(found[1])}GB")
    if found := re.fullmatch(r"cloudfront\.(us|europe)\.(out|requests|origin)", key):
        usage = {
            "out": "DataTransfer-Out-Bytes",
            "requests": "Requests-Tier2-HTTPS",
            "origin": "DataTransfer-Out-OBytes",
        }
        name = f"{_GEOGRAPHY[found[1]]}-{usage[found[2]]}"
        return Selector("AmazonCloudFront", name, where="aws-other", prefixed=True)
    if key == "cloudfront.functions":
        return Selector("AmazonCloudFront", "Executions-CloudFrontFunctions", where="aws-other")
    return None
