"""An encrypted SNS topic for alarms, and its e-mail subscriptions."""

import re
from typing import NotRequired, TypedDict

import pulumi
from pulumi_aws import sns

from groundplan_components.shared.alarm_publishers import PUBLISHERS
from groundplan_components.shared.arn import account_of
from groundplan_components.shared.checks import require
from groundplan_components.shared.resource_policy import allow_service, document, tls_only


class AlarmTopicArgs(TypedDict):
    kms_key_arn: pulumi.Input[str]
    """A key of the same region, whose policy admits `groundplan_components.shared.alarm_publishers.PUBLISHERS`."""
    emails: NotRequired[list[str]]
    """E-mail addresses; each must confirm its subscription. Default: none."""


class AlarmTopic(pulumi.ComponentResource):
    """An SNS topic that CloudWatch, EventBridge and Budgets of this account may publish to.

    An alarm reaches only topics of its own region: alarms in us-east-1 (CloudFront, health checks) need a second one.
    """

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: AlarmTopicArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        emails = args.get("emails", [])
        for email in emails:
            require(
                re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email) is not None,
                f'AlarmTopic "{name}"',
                "emails",
                email,
                "an e-mail address",
                "write it like on-call@example.com",
            )
        super().__init__("groundplan:index:AlarmTopic", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)
        account = account_of(args["kms_key_arn"])

        topic = sns.Topic(
            name,
            display_name="Alarms",
            kms_master_key_id=args["kms_key_arn"],
            tags={"Name": name},
            opts=inside,
        )
        sns.TopicPolicy(
            name,
            arn=topic.arn,
            policy=document(
                allow_service(
                    "Alarms",
                    PUBLISHERS,
                    ["sns:Publish"],
                    [topic.arn],
                    {"StringEquals": {"aws:SourceAccount": account}},
                ),
                tls_only(["sns:Publish"], [topic.arn]),
            ),
            opts=inside,
        )
        for email in sorted(set(emails)):
            sns.TopicSubscription(f"{name}-{email}", topic=topic.arn, protocol="email", endpoint=email, opts=inside)

        self.arn = topic.arn
        self.register_outputs({"arn": self.arn})
