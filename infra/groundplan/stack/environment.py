"""What one stack's configuration may say. Defaults are the safe ones: what is left out never weakens a stack.

Shapes and bounds of single values live here and in `values.py`; what ties several together, in
`contradictions.py`.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from groundplan.quotas import QUOTAS
from groundplan.stack.remembered import Remembered
from groundplan.stack.restored import Restored
from groundplan.stack.values import (
    AccountNumber,
    Address,
    BackupVaultArn,
    Budget,
    ClusterName,
    ConnectionArn,
    CostTag,
    Distinct,
    Domain,
    EmailAddress,
    Filled,
    ImageReference,
    KubernetesVersion,
    Network,
    OidcProviderArn,
    PublicNetwork,
    Region,
    Repository,
    RoleArn,
    SecurityGroupId,
    SesIdentityArn,
    StackName,
    SubnetId,
    VpcId,
    VpcNetwork,
    ZoneId,
)


class ExistingCluster(BaseModel):
    """A cluster that the user already runs; the program then creates no EKS cluster."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)

    context: Filled
    """The kubeconfig context to use."""
    security_group_id: SecurityGroupId
    """The pods' security group, to be opened to the load balancer and let into the data stores."""
    vpc_id: VpcId
    """The network that the cluster is in."""
    private_subnet_ids: Annotated[list[SubnetId], Field(min_length=2), Distinct]
    """Subnets of functions, of the gateway's link and, without `ingress_subnets`, of the load balancer, in at least two
    zones."""
    ingress_subnets: Annotated[dict[SubnetId, Network], Field(max_length=6)] = {}
    """Subnets of the load balancer alone, each with its range, in two zones or more: pods admit requests from these.
    Without them they admit the whole network, other namespaces' pods included."""
    data_subnet_ids: Annotated[list[SubnetId], Field(min_length=2), Distinct]
    """Subnets of the data stores, in at least two zones."""
    vpc_cidr: Network
    """The address space of that network: where pods find the data stores."""
    cluster_name: ClusterName
    """The EKS cluster's name: Pod Identity hands out the pods' roles there."""
    target_group_binding: Literal["eks.amazonaws.com/v1", "elbv2.k8s.aws/v1beta1"] = "eks.amazonaws.com/v1"
    """What registers pods in target groups: EKS Auto Mode, or the AWS Load Balancer Controller."""
    dns_addresses: Annotated[list[Address], Distinct] = []
    """Addresses of DNS servers that are not pods labelled `k8s-app: kube-dns`."""


class Environment(BaseModel):
    """One stack: where it is, how large a part of the load it carries, how safe it is."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)

    name: StackName
    """The stack's name."""
    region: Region
    """AWS region (`aws:region`)."""
    account: AccountNumber | None = None
    """Number of the AWS account, in quotes. Credentials of another one are refused then, and `groundplan quotas` sums
    up stacks that name the same; those that name none count as one account's."""

    domain: Domain | None = None
    """Public host name, for example `shop.example.com`; the API answers below `/api/v1` there."""
    hosted_zone: Domain | None = None
    """Name of the Route 53 zone that holds the domain."""
    require_domain: bool = True
    """Refuse to plan without a domain (the default certificate can't insist on TLS 1.3)."""

    load_share: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0
    """Part of the declared load that this stack is sized for."""
    multi_zone: bool = True
    """Databases and caches fail over to another zone, and pods spread over zones."""
    read_replicas: bool = True
    """Read-heavy services get read replicas (D3)."""
    shared_database: bool = False
    """One database instance holds every service's own database and user (cheap; A2 by permission only)."""
    database_proxy: bool = True
    """RDS Proxy in front of each writer that high concurrency asks pooling for (D3)."""
    protect: bool = True
    """Deletion protection, final snapshots, and Pulumi's own protection of all that holds data."""
    backup_days: Annotated[int, Field(ge=1, le=35)] = 14
    """Days of point-in-time recovery."""
    backup_copy_region: Region | None = None
    """Another region, in which a second vault gets a copy of every backup: what is left when this region is lost."""
    backup_copy_vault_arn: BackupVaultArn | None = None
    """A vault of another account in the stack's region, which gets a copy of every backup too: what is left when this
    account is lost, or its administrator deletes them. `foundation/copies.yaml` makes one. That account may then read
    what the keys of databases and backups encrypt. Both must be of one organization, whose management account allows
    copies across accounts, and this stack says its own `account`."""
    backup_restore_test: bool = False
    """Restore a database from its newest backup every Monday, for an hour, to prove that it can be read."""
    backup_compliance_after_days: Annotated[int, Field(ge=3, le=36_500)] | None = None
    """Days after which no one can lift the lock of the backup vaults any more, AWS and you included: backups then live,
    and cost, until their retention ends, and a vault can't be deleted before. Until then it is governance mode."""
    backup_opt_in: bool = False
    """Opt in databases and buckets to AWS Backup, which selects by tag only what its region opts in. The setting is the
    account's: true in one stack at most of those that share account and region."""
    trace_share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.01
    """Part of the requests that is followed through the services, in X-Ray, which takes $5 for a million; 0: none. An
    existing cluster's collector isn't known, so services send it nothing."""
    log_days: Literal[1, 3, 5, 7, 14, 30, 60, 90, 180, 365] = 90
    """Days that logs are kept."""

    vpc_cidr: VpcNetwork = IPv4Network("10.0.0.0/16")
    """The stack's own address space, private and from /16 to /20. The cluster's service addresses evade it."""
    zones: Annotated[list[ZoneId], Field(max_length=3), Distinct] = []
    """Ids of the three zones (`use1-az4`), the same place in every account. Default: the first that have every service;
    subnets that exist keep theirs."""
    nat: Literal["none", "single", "per_zone", "regional"] = "per_zone"
    """How private subnets reach the internet. `none` is refused but beside `existing_cluster`, where it says nothing:
    services fetch Cognito's signing keys, which no interface endpoint gives for a user pool with a domain."""
    interface_endpoints: bool = True
    """Reach AWS services inside the network rather than through NAT."""
    network_firewall: bool = False
    """Inspect what leaves the network with AWS Network Firewall."""

    kafka: Literal["standard", "express"] = "express"
    """MSK broker type."""
    kubernetes_version: KubernetesVersion = "1.35"
    """Minor version of the cluster."""
    postgres_version: Literal["15", "16", "17"] = "17"
    """Major version of the databases."""
    cluster_endpoint_cidrs: Annotated[list[PublicNetwork], Field(max_length=40), Distinct] = []
    """Networks from which the cluster's API may be reached; empty: from inside the network only."""
    cluster_admin_role_arns: Annotated[list[RoleArn], Distinct] = []
    """IAM roles that administer the cluster, beside the pipeline's; empty: the administrators' role that
    `foundation/pipeline.<stack>.json` makes. A person deploys as one of them."""
    cluster_viewer_role_arns: Annotated[list[RoleArn], Distinct] = []
    """IAM roles of people who may look at all of the cluster but its secrets, and change nothing."""
    existing_cluster: ExistingCluster | None = None
    """A cluster that is there already; its kubeconfig is the secret `kubeconfig`."""

    quotas: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = {}
    """What the account has instead of AWS's defaults, or what of it is left to this stack: `quota: number`, by the
    names that `groundplan quotas` prints. Stacks that share an account name the same number."""
    email_identity_arn: SesIdentityArn | None = None
    """The verified SES identity that sends the user pool's mails. Default: Cognito sends them, at most 50 a day."""
    email_from: Filled | None = None
    """Who those mails come from: `Shop <no-reply@example.com>`, of that identity."""

    restored: Restored = Restored()
    """Databases that are made from copies of another stack, whose region is lost: `groundplan recover` writes it. It
    acts when an instance is created, and may go once all are there."""
    remembered: Remembered = Remembered()
    """What is deployed and AWS only makes larger: no plan goes below it. `make up` writes it; it isn't for hand."""
    images: dict[str, ImageReference] = {}
    """Service to image reference; a service without one is left out until its image is pushed."""
    alarm_emails: Annotated[list[EmailAddress], Distinct] = []
    """Addresses that alarms are sent to."""
    budget: Budget | None = None
    """US dollars a month: alarms are sent when half, four fifths and all of it is spent or forecast."""
    budget_tag: CostTag | None = None
    """`key=value` of a cost allocation tag, activated by the account's payer, that the budget counts alone (resources
    carry `environment` and `system`); without one it counts the whole account."""
    repository: Repository | None = None
    """GitHub repository (`owner/name`) whose pipeline may push images and deploy this stack."""
    gateway_account_role: bool = False
    """Make the role by which API Gateway writes logs here rather than in `foundation/account.yaml`. A region of an
    account has one: true in one stack at most of those that share it."""
    oidc_provider: bool = False
    """Make GitHub's identity provider here rather than in `foundation/account.yaml`. An account has one: true in one
    stack at most."""
    runner_connection_arn: ConnectionArn | None = None
    """CodeConnections connection to GitHub: the pipeline's jobs then run inside the network, where a cluster's private
    API answers (`RUNNER` in README.md, Pipeline). Default: jobs run on GitHub's machines, or on your own."""
    delivery_role: bool = False
    """Keep the pipeline's role that an earlier deployment of this stack made: true until the pipeline takes on the
    one of `foundation/pipeline.<stack>.json`, whose permissions are no wider than the deployment needs."""
    oidc_provider_arn: OidcProviderArn | None = None
    """ARN of GitHub's identity provider. Default: the account's, as `foundation/account.yaml` makes it."""

    @property
    def backup_copy_account(self) -> str | None:
        """The number of the other account that gets copies of backups."""
        return self.backup_copy_vault_arn.split(":")[4] if self.backup_copy_vault_arn is not None else None

    def quota(self, key: str) -> float:
        """The account's: as configured, else AWS's default in the stack's region."""
        return self.quotas.get(key, QUOTAS[key].default_in(self.region))
