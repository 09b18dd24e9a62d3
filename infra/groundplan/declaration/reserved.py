"""Names that are taken: by PostgreSQL, by Python, by RDS, and by what every resource has of itself."""

from __future__ import annotations

import keyword

# PostgreSQL 17, Appendix C, "reserved" and "reserved (can be function or type)": no column or table can be called
# so without quotes. https://www.postgresql.org/docs/17/sql-keywords-appendix.html
POSTGRES_WORDS = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation
    column concurrently constraint create cross current_catalog current_date current_role current_schema current_time
    current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze
    from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit
    localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references
    returning right select session_user similar some symmetric system_user table tablesample then to trailing true union
    unique user using variadic verbose when where window with
    """.split()  # noqa: SIM905  # quotes and commas on a hundred words would say no more
)

# Every table has these already: https://www.postgresql.org/docs/17/ddl-system-columns.html
SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})

OWN_FIELDS = frozenset({"id", "created_at", "updated_at", "version"})
"""Fields that every resource has of itself (D1)."""

QUERY_PARAMETERS = frozenset({"sort", "page", "limit", "cursor"})
"""Query parameters of every list, beside which a field of that name could not be filtered on (R2)."""

OWN_TABLES = frozenset({"outbox", "inbox", "idempotency_keys", "alembic_version"})
"""Tables that every service has of itself."""

PYTHON_WORDS = frozenset(keyword.kwlist)
NO_PYTHON_WORD = "a name that is no keyword of Python, in which the service is written"
"""What can't be an attribute, a module or a class in the services' code."""

# A service's name is also its database's and its database user's. PostgreSQL has `postgres`, `template0` and
# `template1`, and knows `public` and `none` in the place of users; RDS has `rdsadmin` and its helpers, and refuses
# `admin`: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
# `default` is the user that every ElastiCache has:
# https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html
SERVICE_NAMES = frozenset(
    {
        "admin",
        "default",
        "none",
        "postgres",
        "public",
        "rdsadmin",
        "rdsproxyadmin",
        "rdsrepladmin",
        "rdstopmgr",
        "template0",
        "template1",
    }
)
SERVICE_PREFIXES = {
    "pg-": "PostgreSQL keeps users whose names begin with `pg_` for itself",
    "rds-": "RDS keeps users whose names begin with `rds_` for itself",
}

# Where a name leads that of something in AWS.
AWS_PREFIXES = {
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html
    "sg-": "no security group's name may begin so",
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
    "internal-": "no load balancer's name may begin so",
}

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
BUCKET_PREFIXES = {
    "sthree-": "no bucket's name may begin so",
    "amzn-s3-demo-": "no bucket's name may begin so",
}

# The system's name is its namespace in Kubernetes:
# https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/
NAMESPACES = frozenset({"default"})
NAMESPACE_PREFIXES = {"kube-": "Kubernetes keeps namespaces whose names begin so for itself"}
