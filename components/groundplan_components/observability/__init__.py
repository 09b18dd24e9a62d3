"""Alarms, dashboards and budgets."""

from groundplan_components.observability.alarm_topic import AlarmTopic, AlarmTopicArgs
from groundplan_components.observability.budget import Budget, BudgetArgs
from groundplan_components.observability.edge_alarms import EdgeAlarms, EdgeAlarmsArgs
from groundplan_components.observability.observability import Observability, ObservabilityArgs
from groundplan_components.observability.slo_alarms import SloAlarms, SloAlarmsArgs

__all__ = [
    "AlarmTopic",
    "AlarmTopicArgs",
    "Budget",
    "BudgetArgs",
    "EdgeAlarms",
    "EdgeAlarmsArgs",
    "Observability",
    "ObservabilityArgs",
    "SloAlarms",
    "SloAlarmsArgs",
]
