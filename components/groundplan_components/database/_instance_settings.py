"""Settings that a primary and its replicas share."""

from pulumi_aws import ec2, iam, rds

from groundplan_components.database._checks import storage_performance
from groundplan_components.database._instance_args import DatabaseArgs, DatabaseInsights, insights_mode

LOG_TYPES = ("postgresql", "upgrade")

# The newest authority that all Regions have, valid until 2061. Set explicitly, so that a change of the account's
# default never restarts a database.
CERTIFICATE_AUTHORITY = "rds-ca-rsa2048-g1"
MONITORING_SECONDS = 60
# Performance Insights' free retention, and the one that the advanced mode of Database Insights requires.
STANDARD_INSIGHTS_DAYS = 7
ADVANCED_INSIGHTS_DAYS = 465


def shared_settings(
    args: DatabaseArgs, settings: rds.ParameterGroup, group: ec2.SecurityGroup, monitoring: iam.Role
) -> dict[str, object]:
    """Arguments of `rds.Instance` that a primary and its replicas share."""
    insights = insights_mode("Database", args)
    iops, throughput = storage_performance(args["storage_gib"], args.get("iops"), args.get("throughput_mibps"))
    return {
        "storage_type": "gp3",
        "storage_encrypted": True,
        "max_allocated_storage": args["max_storage_gib"],
        "iops": iops,
        "storage_throughput": throughput,
        "parameter_group_name": settings.name,
        "vpc_security_group_ids": [group.id],
        "publicly_accessible": False,
        "iam_database_authentication_enabled": True,
        "ca_cert_identifier": CERTIFICATE_AUTHORITY,
        "auto_minor_version_upgrade": True,
        "apply_immediately": not args.get("protect", True),
        "copy_tags_to_snapshot": True,
        "enabled_cloudwatch_logs_exports": list(LOG_TYPES),
        "monitoring_interval": MONITORING_SECONDS,
        "monitoring_role_arn": monitoring.arn,
        "database_insights_mode": insights.value,
        "performance_insights_enabled": True,
        "performance_insights_kms_key_id": args["kms_key_arn"],
        "performance_insights_retention_period": (
            ADVANCED_INSIGHTS_DAYS if insights is DatabaseInsights.ADVANCED else STANDARD_INSIGHTS_DAYS
        ),
    }
