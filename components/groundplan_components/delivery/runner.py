"""Runners of a GitHub pipeline inside the network: each job gets a machine of its own, for as long as it takes.

A cluster whose API answers inside its network only can't be reached by GitHub's own runners. CodeBuild starts one here
for each job that asks for it: `runs-on: codebuild-<project>-<run id>-<attempt>`.
https://docs.aws.amazon.com/codebuild/latest/userguide/action-runner.html

The machine's role may write its log and join the network, no more: a job signs in to AWS by GitHub's token, as
everywhere.
"""

import re
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from groundplan_components.delivery._pipeline_args import require_repository
from groundplan_components.shared.arn import account_of, partition_of, region_of
from groundplan_components.shared.checks import require
from groundplan_components.shared.iam import policy, trust
from groundplan_components.shared.log_days import require_log_days
from groundplan_components.shared.names import autonamed

# The newest of AWS's own images with Docker: https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-available.html
IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
# 4 cores, 8 GB: images are built there. https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-compute-types.html
SIZE = "BUILD_GENERAL1_MEDIUM"
# Minutes: as long as the workflow's job may last, below CodeBuild's 36 hours.
LONGEST_JOB = 300


class RunnerArgs(TypedDict):
    """The repository whose jobs run here, and the network."""

    project_name: str
    """Name in CodeBuild. Fixed, because workflows name it."""
    repository: str
    """`owner/name` on GitHub."""
    connection_arn: str
    """CodeConnections connection to GitHub; a person has to authorise it once, in the console."""
    vpc_id: pulumi.Input[str]
    """The network."""
    subnet_ids: list[pulumi.Input[str]]
    """Private subnets with a way out: jobs fetch packages and push images."""
    cluster_security_group_id: pulumi.Input[str]
    """The cluster's security group, which is opened to the runners on port 443."""
    kms_key_arn: pulumi.Input[str]
    """Customer key of the log; its policy must let CloudWatch Logs use it."""
    log_days: NotRequired[int]
    """Retention of the log, in days. Default: 90."""


class Runner(pulumi.ComponentResource):
    """Runners of one repository's workflows, inside the network (S1, S4)."""

    label: pulumi.Output[str]
    """For `runs-on`, before the run's id and attempt."""

    def __init__(self, name: str, args: RunnerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:Runner", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)
        group = aws.ec2.SecurityGroup(
            name,
            description="Runners of the pipeline",
            vpc_id=args["vpc_id"],
            tags={"Name": name},
            opts=inside,
        )
        aws.vpc.SecurityGroupEgressRule(
            f"{name}-out",
            security_group_id=group.id,
            description="Package indexes, GitHub and AWS",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            cidr_ipv4="0.0.0.0/0",
            tags={"Name": f"{name}-out"},
            opts=inside,
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-cluster",
            security_group_id=args["cluster_security_group_id"],
            description="The pipeline applies Kubernetes objects",
            referenced_security_group_id=group.id,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            tags={"Name": f"{name}-cluster"},
            opts=inside,
        )
        log = aws.cloudwatch.LogGroup(
            name,
            name=f"/aws/codebuild/{args['project_name']}",
            retention_in_days=args.get("log_days", 90),
            kms_key_id=args["kms_key_arn"],
            tags={"Name": name},
            opts=inside,
        )
        role = aws.iam.Role(
            autonamed(f"{name}-role", 64),
            description=f"Runners of {args['repository']}: their log and their place in the network",
            assume_role_policy=trust("codebuild.amazonaws.com"),
            opts=inside,
        )
        grant = aws.iam.RolePolicy(f"{name}-role", role=role.name, policy=_may(args, log), opts=inside)
        project = aws.codebuild.Project(
            name,
            name=args["project_name"],
            description=f"Runners of {args['repository']}",
            service_role=role.arn,
            build_timeout=LONGEST_JOB,
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "compute_type": SIZE,
                "image": IMAGE,
                # Docker builds the services' images.
                "privileged_mode": True,
            },
            logs_config={"cloudwatch_logs": {"group_name": log.name}},
            source={
                "type": "GITHUB",
                "location": f"https://github.com/{args['repository']}.git",
                "auth": {"type": "CODECONNECTIONS", "resource": args["connection_arn"]},
            },
            vpc_config={
                "vpc_id": args["vpc_id"],
                "subnets": args["subnet_ids"],
                "security_group_ids": [group.id],
            },
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[grant]),
        )
        aws.codebuild.Webhook(
            name,
            project_name=project.name,
            filter_groups=[{"filters": [{"type": "EVENT", "pattern": "WORKFLOW_JOB_QUEUED"}]}],
            opts=inside,
        )
        self.label = pulumi.Output.concat("codebuild-", project.name)
        self.register_outputs({"label": self.label})


def _may(args: RunnerArgs, log: aws.cloudwatch.LogGroup) -> pulumi.Output[str]:
    """https://docs.aws.amazon.com/codebuild/latest/userguide/auth-and-access-control-iam-identity-based-access-control.html#customer-managed-policies-example-create-vpc-network-interface"""
    place = pulumi.Output.concat(
        "arn:", partition_of(log.arn), ":ec2:", region_of(log.arn), ":", account_of(log.arn), ":"
    )
    subnets = [pulumi.Output.concat(place, "subnet/", each) for each in args["subnet_ids"]]
    return policy(
        {
            "sid": "Log",
            "actions": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "resources": [pulumi.Output.concat(log.arn, ":*")],
        },
        {
            "sid": "Look",
            "actions": [
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ],
            # These actions support no resource.
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
            "resources": ["*"],
            "conditions": {"StringEquals": {"aws:RequestedRegion": region_of(log.arn)}},
        },
        {
            "sid": "Join",
            "actions": ["ec2:CreateNetworkInterface"],
            "resources": [
                *subnets,
                pulumi.Output.concat(place, "network-interface/*"),
                pulumi.Output.concat(place, "security-group/*"),
            ],
        },
        {
            "sid": "HandOver",
            "actions": ["ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface"],
            "resources": [pulumi.Output.concat(place, "network-interface/*")],
            "conditions": {"ArnEquals": {"ec2:Subnet": pulumi.Output.all(*subnets)}},
        },
        {
            "sid": "Fetch",
            "actions": ["codeconnections:GetConnectionToken", "codeconnections:GetConnection"],
            "resources": [args["connection_arn"]],
        },
    )


def _check(name: str, args: RunnerArgs) -> None:
    component = f'Runner "{name}"'
    require_log_days(component, args.get("log_days", 90))
    require(
        re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{1,149}", args["project_name"]) is not None,
        component,
        "project_name",
        args["project_name"],
        "2 to 150 letters, digits, hyphens and underscores, a letter or digit first",
        "choose such a name, for example shop-dev-runner",
    )
    require_repository(component, args["repository"])
    form = r"arn:aws[a-z-]*:(codeconnections|codestar-connections):[a-z0-9-]+:\d{12}:connection/[0-9a-f-]{36}"
    require(
        re.fullmatch(form, args["connection_arn"]) is not None,
        component,
        "connection_arn",
        args["connection_arn"],
        "the ARN of a CodeConnections connection",
        "make one in the console (Developer Tools, Connections), authorise it, and copy its ARN",
    )
    require(
        bool(args["subnet_ids"]),
        component,
        "subnet_ids",
        args["subnet_ids"],
        "private subnets with a way out",
        "pass the network's private subnets",
    )
