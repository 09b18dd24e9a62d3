"""A monthly budget for the account or for a cost allocation tag, with early notifications."""

from typing import NotRequired, TypedDict

import pulumi
from pulumi_aws import budgets

from groundplan_components.shared.checks import require

SPENT_PERCENT = (50, 80, 100)
FORECAST_PERCENT = 100


class BudgetArgs(TypedDict):
    monthly_usd: float
    """Budget of a month, in US dollars."""
    tag: NotRequired[str]
    """`Key=value` of a cost allocation tag that is activated in the payer's account. Default: the whole account."""
    alarm_topic_arn: pulumi.Input[str]
    """A topic that lets budgets.amazonaws.com publish, as `AlarmTopic` does."""


class Budget(pulumi.ComponentResource):
    """Notifies at half, four fifths and all of a month's budget, and when the forecast exceeds it."""

    def __init__(self, name: str, args: BudgetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        where = f'Budget "{name}"'
        require(
            args["monthly_usd"] > 0, where, "monthly_usd", args["monthly_usd"], "more than 0 US dollars", "raise it"
        )
        tag = args.get("tag", "Key=value")
        key, _, value = tag.partition("=")
        require(bool(key and value), where, "tag", tag, "a tag's key and value", "write it as Project=shop")
        super().__init__("groundplan:index:Budget", name, {}, opts)

        budgets.Budget(
            name,
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=f"{args['monthly_usd']:.2f}",
            limit_unit="USD",
            cost_filters=[budgets.BudgetCostFilterArgs(name="TagKeyValue", values=[f"user:{key}${value}"])]
            if "tag" in args
            else None,
            notifications=[
                budgets.BudgetNotificationArgs(
                    comparison_operator="GREATER_THAN",
                    notification_type=kind,
                    threshold=percent,
                    threshold_type="PERCENTAGE",
                    subscriber_sns_topic_arns=[args["alarm_topic_arn"]],
                )
                for kind, percent in (
                    *(("ACTUAL", percent) for percent in SPENT_PERCENT),
                    ("FORECASTED", FORECAST_PERCENT),
                )
            ],
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
