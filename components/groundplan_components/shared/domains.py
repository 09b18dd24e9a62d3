"""Custom domain names: arguments that belong together."""

from collections.abc import Mapping

from groundplan_components.shared.checks import require


def require_domain(component: str, args: Mapping[str, object]) -> None:
    """Require ``domain``, ``certificate_arn`` and ``hosted_zone_id`` together, or none of them.

    Raises ``pulumi.RunError``.
    """
    for needed in ("certificate_arn", "hosted_zone_id"):
        require(
            "domain" not in args or needed in args,
            component,
            needed,
            None,
            "a value beside domain",
            "give certificate_arn and hosted_zone_id, or no domain",
        )
        require(
            "domain" in args or needed not in args,
            component,
            "domain",
            None,
            f"the host name that {needed} is for",
            f"give domain, or remove {needed}",
        )
