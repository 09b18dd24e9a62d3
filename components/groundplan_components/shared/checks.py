"""Refusal of invalid arguments, before any resource exists."""

import pulumi


def require(condition: bool, component: str, argument: str, value: object, expected: str, remedy: str) -> None:
    """Refuse ``value`` unless ``condition`` holds.

    ``component`` is the class and, where it helps, the instance (``Network "shop"``); ``argument`` the argument's
    dotted path; ``expected`` and ``remedy`` are sentences without a full stop. Never pass a secret as ``value``,
    nor a ``pulumi.Output``: its value isn't known when the program runs.

    Raises ``pulumi.RunError``, which Pulumi shows without a traceback.
    """
    if not condition:
        raise pulumi.RunError(f"{component}: {argument} is {value!r}\n    expected: {expected}\n    to do:    {remedy}")
