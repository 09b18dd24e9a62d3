"""Questions to logs and buckets: Athena, Glue, CloudWatch Logs Insights, and the delivery of logs to buckets.

Names: Athena, Glue and CloudWatch Logs API references. Replacements: CloudFormation reference.
"""

from __future__ import annotations

from infra.simulation.catalogue.kind import Kind, Name

_GLUE_NAME = r"[a-z0-9_.-]+"
_GLUE_SAYS = "lower-case letters, digits, _, . and -"
_DELIVERY_NAME = Name(
    longest=60,
    pattern=r"[\w-]+",
    says="letters, digits, _ and -",
    source="CloudWatch Logs API: PutDeliverySource, PutDeliveryDestination",
)

KINDS = (
    Kind(
        "aws:athena/workgroup:Workgroup",
        arn="arn:aws:athena:{region}:{account}:workgroup/{name}",
        name=Name(
            longest=128,
            pattern=r"[a-zA-Z0-9._-]+",
            says="letters, digits, ., _ and -",
            source="Athena API: CreateWorkGroup",
        ),
        replaces=("name",),
    ),
    Kind(
        "aws:athena/namedQuery:NamedQuery",
        id="{uuid}",
        name=Name(longest=128, unique_in="", source="Athena API: CreateNamedQuery"),
        replaces=("*",),
    ),
    Kind(
        "aws:glue/catalogDatabase:CatalogDatabase",
        id="{account}:{name}",
        arn="arn:aws:glue:{region}:{account}:database/{name}",
        name=Name(pattern=_GLUE_NAME, says=_GLUE_SAYS, lower=True, source="Glue API: CreateDatabase"),
        replaces=("name", "catalogId"),
    ),
    Kind(
        "aws:glue/catalogTable:CatalogTable",
        id="{account}:{databaseName}:{name}",
        arn="arn:aws:glue:{region}:{account}:table/{databaseName}/{name}",
        name=Name(
            pattern=_GLUE_NAME,
            says=_GLUE_SAYS,
            lower=True,
            unique_in="parent",
            parent="databaseName",
            source="Glue API: CreateTable",
        ),
        references={"databaseName": "aws:glue/catalogDatabase:CatalogDatabase"},
        replaces=("name", "catalogId", "databaseName"),
    ),
    Kind(
        "aws:cloudwatch/logDeliverySource:LogDeliverySource",
        arn="arn:aws:logs:{region}:{account}:delivery-source:{name}",
        name=_DELIVERY_NAME,
        replaces=("name", "resourceArn", "logType"),
        guarded=True,
    ),
    Kind(
        "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination",
        arn="arn:aws:logs:{region}:{account}:delivery-destination:{name}",
        name=_DELIVERY_NAME,
        replaces=("name",),
        guarded=True,
    ),
    Kind(
        "aws:cloudwatch/logDelivery:LogDelivery",
        id="{hex16}",
        arn="arn:aws:logs:{region}:{account}:delivery:{id}",
        references={"deliverySourceName": "aws:cloudwatch/logDeliverySource:LogDeliverySource"},
        replaces=("deliverySourceName", "deliveryDestinationArn"),
    ),
    Kind(
        "aws:cloudwatch/queryDefinition:QueryDefinition",
        id="{uuid}",
        name=Name(unique_in="", source="CloudWatch Logs API: PutQueryDefinition"),
    ),
)
