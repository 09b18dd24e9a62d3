"""The system's resources on local servers: secrets, users, topics, queues, and settings.

`Installation` is one such system; several live side by side on the same servers, each by its label.
"""

from __future__ import annotations

from groundplan_devkit.provision.installation import Installation, local_stack

__all__ = ["Installation", "local_stack"]
