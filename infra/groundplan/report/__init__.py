"""One HTML page of a stack: sizes, limits, budgets, cost, data, security and a rehearsed year. It loads nothing."""

from groundplan.report.page import Contents, page

__all__ = ["Contents", "page"]
