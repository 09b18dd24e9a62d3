"""AWS services that publish alarms to an encrypted topic."""

PUBLISHERS = (
    "cloudwatch.amazonaws.com",
    "events.amazonaws.com",
    "budgets.amazonaws.com",
    "events.rds.amazonaws.com",
    "backup.amazonaws.com",
)
"""Services that publish to the topic. The key's policy must let each of them decrypt and generate data keys; otherwise
AWS drops alarms silently: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"""
PUBLISHER_KEY_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey*")
