"""The loss of a region: what has a copy elsewhere, the runbook that rebuilds a stack there, and how long that takes.

The runbook is a table (`runbook.STEPS`). The document that people follow is written from it, and the rehearsal executes
its commands (docs/adr/0016-loss-of-a-region.md).
"""
