"""Findings of common benchmarks that the design accepts, with reasons that also stand where the thing is declared."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    finding: str
    reason: str
    declared: str
    """The module of `groundplan_components` that says so beside the declaration."""


ACCEPTED = (
    Accepted(
        "RDS.23: PostgreSQL on its own port, 5432",
        "another port hides nothing from who is in the network; security groups admit pods alone",
        "database/_instance_args.py",
    ),
    Accepted(
        "proxy without IAM: RDS Proxy takes passwords",
        "they are rotated, and the proxy needs them anyway; a token for each connection would add a call to AWS",
        "database/_proxy_args.py",
    ),
    Accepted(
        "APIGateway.2: no client certificate at the gateway",
        "its backend is reached by a VPC link only, and admits nothing else",
        "gateway/gateway.py",
    ),
    Accepted(
        "Cognito.1: no threat protection",
        "it is charged for each user; `infra/__main__.py` turns it on (docs/own-program.md)",
        "identity/_user_pool_args.py",
    ),
    Accepted(
        "S3.14: log buckets keep no versions",
        "logs are written once and expire; versions would keep what was to be gone",
        "edge/log.py",
    ),
    Accepted(
        "CloudWatch.16: logs are kept for 90 days by default",
        "they hold addresses of people; the key `log_days` keeps them for a year",
        "shared/log_days.py",
    ),
    Accepted(
        "HSTS preload: not asked for",
        "browsers would keep the whole domain to HTTPS for years; its owner decides that at hstspreload.org",
        "edge/_behaviours.py",
    ),
    Accepted(
        "ALB to pod over HTTP: no TLS on the last step",
        "it lies inside the VPC between two security groups; AWS encrypts it between Nitro instances",
        "gateway/load_balancer.py",
    ),
    Accepted(
        "no limit of ephemeral storage: pods",
        "their root is read-only, and their scratch volume has a size limit",
        "shared/pod.py",
    ),
)


def accepted() -> str:
    """As lines of the security checklist."""
    lines = [f"- {each.finding}: {each.reason} (`{each.declared}`)" for each in ACCEPTED]
    return "\n".join(["**Accepted, and why**", "", *lines])
