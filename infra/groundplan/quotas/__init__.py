"""Quotas of an AWS account: what they are by default, what a stack uses of each, and how to have one raised."""

from groundplan.quotas.table import QUOTAS, Quota

__all__ = ["QUOTAS", "Quota"]
