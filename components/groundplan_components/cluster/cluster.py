"""An EKS cluster in Auto Mode: AWS runs the machines, the load balancer registration, storage, DNS and network policy.

Only the given administrators have access, so the role that runs Pulumi must be one of them. EKS's default, an invisible
and permanent administrator (the principal that creates the cluster), is off.

On the first preview the cluster's address isn't known, so Pulumi shows Kubernetes objects that the cluster has not
validated; the first deployment validates them. `NodeClass`, `NodePool` and `TargetGroupBinding` are definitions of Auto
Mode, so no stack both creates and uses one of them (pulumi-kubernetes#3176).
"""

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from groundplan_components.cluster._cluster_args import ClusterArgs, check_cluster
from groundplan_components.cluster._kubeconfig import dns_address, kubeconfig, service_network
from groundplan_components.cluster._policies import access_entry, attachments, target_group_policy, volume_key_policy
from groundplan_components.shared.arn import region_of
from groundplan_components.shared.cluster_access import ClusterAccess, TargetGroupBindingApi
from groundplan_components.shared.iam import trust

# https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html
CONTROL_PLANE_LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")

# https://docs.aws.amazon.com/eks/latest/userguide/auto-learn-iam.html
CONTROL_PLANE_POLICIES = (
    "AmazonEKSClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
)
NODE_POLICIES = ("AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly")


class Cluster(pulumi.ComponentResource):
    """An EKS Auto Mode cluster with its roles, log group and access entries (S1, S4, S5)."""

    cluster_name: pulumi.Output[str]
    arn: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    """Secret. It gets a token from the AWS CLI, so it holds no credential."""
    security_group_id: pulumi.Output[str]
    """The security group of control plane, nodes and pods."""
    node_role_name: pulumi.Output[str]
    node_role_arn: pulumi.Output[str]
    dns_address: pulumi.Output[str]

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        check_cluster(name, args)
        super().__init__("groundplan:index:Cluster", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)
        cluster_name = args["cluster_name"]
        protect = args.get("protect", True)
        endpoint_cidrs = args.get("endpoint_cidrs", [])
        service_cidr = args.get("service_cidr") or service_network(args["vpc_cidr"])

        # EKS writes to the log group of this name; it would create the group without retention and key.
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/eks/{cluster_name}/cluster",
            retention_in_days=args.get("log_days", 90),
            kms_key_id=args["kms_key_arn"],
            opts=inside,
        )
        role = aws.iam.Role(
            f"{name}-role",
            description=f"What the control plane of {cluster_name} may do in the account",
            # Auto Mode tags its sessions with the cluster's name, and the managed policies' conditions read that tag.
            assume_role_policy=trust("eks.amazonaws.com", ("sts:AssumeRole", "sts:TagSession")),
            opts=inside,
        )
        grants = [
            *attachments(name, "role", role, CONTROL_PLANE_POLICIES, inside),
            aws.iam.RolePolicy(
                f"{name}-targets", role=role.name, policy=target_group_policy(role.arn, cluster_name), opts=inside
            ),
            aws.iam.RolePolicy(
                f"{name}-key", role=role.name, policy=volume_key_policy(args["kms_key_arn"]), opts=inside
            ),
        ]
        node_role = aws.iam.Role(
            f"{name}-node-role",
            description=f"What the nodes of {cluster_name} may do in the account",
            assume_role_policy=trust("ec2.amazonaws.com"),
            opts=inside,
        )
        node_grants = attachments(name, "node-role", node_role, NODE_POLICIES, inside)

        self.cluster = aws.eks.Cluster(
            f"{name}-cluster",
            name=cluster_name,
            version=args["kubernetes_version"],
            role_arn=role.arn,
            vpc_config={
                "subnet_ids": args["subnet_ids"],
                "endpoint_private_access": True,
                "endpoint_public_access": bool(endpoint_cidrs),
                **({"public_access_cidrs": endpoint_cidrs} if endpoint_cidrs else {}),
            },
            # The three switches of Auto Mode are on together or off together. Without node role and built-in node
            # pools, every node comes from the stack's own NodePool and NodeClass, with this key and network policy.
            compute_config={"enabled": True},
            kubernetes_network_config={
                "elastic_load_balancing": {"enabled": True},
                "ip_family": "ipv4",
                "service_ipv4_cidr": service_cidr,
            },
            storage_config={"block_storage": {"enabled": True}},
            bootstrap_self_managed_addons=False,
            access_config={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": False},
            encryption_config={"provider": {"key_arn": args["kms_key_arn"]}, "resources": ["secrets"]},
            enabled_cluster_log_types=list(CONTROL_PLANE_LOGS),
            upgrade_policy={"support_type": "STANDARD"},
            zonal_shift_config={"enabled": True},
            deletion_protection=protect,
            tags={"Name": cluster_name},
            # Deleted in the reverse order: without its grants EKS can't remove the machines it started.
            opts=pulumi.ResourceOptions(parent=self, protect=protect, depends_on=[logs, *grants]),
        )
        self.cluster_name = self.cluster.name
        self.arn = self.cluster.arn
        self.endpoint = self.cluster.endpoint
        self.security_group_id = self.cluster.vpc_config.apply(lambda network: network.cluster_security_group_id)
        self.node_role_name = node_role.name
        self.node_role_arn = node_role.arn
        self.dns_address = pulumi.Output.from_input(dns_address(service_cidr))

        # The load balancing of Auto Mode changes only what carries this tag.
        aws.ec2.Tag(
            f"{name}-security-group-tag",
            resource_id=self.security_group_id,
            key="eks:eks-cluster-name",
            value=self.cluster_name,
            opts=inside,
        )
        entries = [
            access_entry(
                self,
                name,
                self.arn,
                self.cluster_name,
                "node",
                self.node_role_arn,
                "AmazonEKSAutoNodePolicy",
                "EC2",
                node_grants,
            ),
            *(
                access_entry(
                    self,
                    name,
                    self.arn,
                    self.cluster_name,
                    f"admin-{who}",
                    arn,
                    "AmazonEKSClusterAdminPolicy",
                    "STANDARD",
                    # Earlier versions made an entry of the deployer: the first administrator takes its place, as
                    # EKS allows one entry for a principal.
                    aliases=[f"{name}-admin-deployer"] if position == 0 and who != "deployer" else [],
                )
                for position, (who, arn) in enumerate(args["administrators"].items())
            ),
            *(
                access_entry(
                    self,
                    name,
                    self.arn,
                    self.cluster_name,
                    f"viewer-{who}",
                    arn,
                    "AmazonEKSAdminViewPolicy",
                    "STANDARD",
                )
                for who, arn in args.get("viewers", {}).items()
            ),
        ]

        self.kubeconfig = pulumi.Output.secret(
            pulumi.Output.all(
                name=self.cluster_name,
                endpoint=self.endpoint,
                authority=self.cluster.certificate_authority.apply(lambda authority: authority.data),
                region=region_of(self.arn),
            ).apply(lambda known: kubeconfig(known["name"], known["endpoint"], known["authority"], known["region"]))
        )
        self.access = ClusterAccess(
            provider=kubernetes.Provider(
                f"{name}-kubernetes",
                kubeconfig=self.kubeconfig,
                # Another endpoint is another cluster; other parts of the kubeconfig may change in place.
                cluster_identifier=self.endpoint,
                enable_server_side_apply=True,
                # `deleted_with` deletes objects with their cluster. Dropping objects of an unreachable cluster from the
                # state would orphan them (pulumi-kubernetes#1013), and so would skipping updates.
                delete_unreachable=False,
                skip_update_unreachable=False,
                opts=pulumi.ResourceOptions(parent=self, depends_on=entries),
            ),
            security_group_id=self.security_group_id,
            cluster_name=self.cluster_name,
            binding=TargetGroupBindingApi.AUTO_MODE,
            dns_addresses=(dns_address(service_cidr),),
            dies_with=self.cluster,
        )
        self.register_outputs(
            {
                "cluster_name": self.cluster_name,
                "arn": self.arn,
                "endpoint": self.endpoint,
                "kubeconfig": self.kubeconfig,
                "security_group_id": self.security_group_id,
                "node_role_name": self.node_role_name,
                "node_role_arn": self.node_role_arn,
                "dns_address": self.dns_address,
            }
        )
