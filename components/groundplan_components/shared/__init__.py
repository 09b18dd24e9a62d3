"""Helpers that components of several subjects use. Programs need those that this package lists."""

from groundplan_components.shared.api_contract import VIEWER_HEADER
from groundplan_components.shared.iam import Statement, policies, policy
from groundplan_components.shared.metrics import namespace
from groundplan_components.shared.private_bucket import private_bucket

__all__ = ["VIEWER_HEADER", "Statement", "namespace", "policies", "policy", "private_bucket"]
