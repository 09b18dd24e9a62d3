"""ECR repositories of the services' images."""

import json
import re
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from groundplan_components.shared.checks import require

# Actions that a cluster in another account needs.
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policy-examples.html
PULL_ACTIONS = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")

# Retention of interrupted pushes, and of manifests below a removed multi-platform tag.
UNTAGGED_DAYS = 7


class ImagesArgs(TypedDict):
    """The repositories of one system."""

    prefix: str
    """First part of each repository's name, before the slash: the system, and the environment unless it is shared."""
    services: list[str]
    """Services; each gets a repository."""
    kms_key_arn: pulumi.Input[str]
    """Customer key that encrypts the images. ECR can't change it: another key replaces the repository."""
    keep_images: NotRequired[int]
    """Number of images to keep for each service, which bounds roll-backs. The oldest expire, even if they run. Default:
    100."""
    protect: NotRequired[bool]
    """Refuse to delete repositories, including those with images. Default: true."""
    puller_role_arns: NotRequired[list[pulumi.Input[str]]]
    """Roles of other accounts that pull images, for example the node role of a cluster. Nodes of this account need only
    their role's policy. Default: none."""
    continuous_scanning: NotRequired[bool]
    """Let Amazon Inspector scan all repositories of the account and region continuously. It is one setting of the
    registry, so only one stack may declare it. Default: false."""


class Images(pulumi.ComponentResource):
    """An ECR repository for each service: immutable tags, scanned on push, encrypted, pruned (S5, S6)."""

    urls: dict[str, pulumi.Output[str]]
    """By service: repository address; append a tag."""
    arns: dict[str, pulumi.Output[str]]
    """By service."""

    def __init__(self, name: str, args: ImagesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:Images", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)
        protect = args.get("protect", True)

        self.repositories: dict[str, aws.ecr.Repository] = {}
        for service in args["services"]:
            repository = aws.ecr.Repository(
                f"{name}-{service}",
                # A fixed name, because pipelines push to it.
                name=f"{args['prefix']}/{service}",
                # A tag always names the image that was deployed under it.
                image_tag_mutability="IMMUTABLE",
                image_scanning_configuration={"scan_on_push": True},
                encryption_configurations=[{"encryption_type": "KMS", "kms_key": args["kms_key_arn"]}],
                force_delete=not protect,
                tags={"Name": f"{args['prefix']}/{service}"},
                opts=pulumi.ResourceOptions(parent=self, protect=protect),
            )
            aws.ecr.LifecyclePolicy(
                f"{name}-{service}-lifecycle",
                repository=repository.name,
                policy=lifecycle(args.get("keep_images", 100)),
                opts=inside,
            )
            if args.get("puller_role_arns"):
                aws.ecr.RepositoryPolicy(
                    f"{name}-{service}-pull",
                    repository=repository.name,
                    policy=_pull(args["puller_role_arns"]),
                    opts=inside,
                )
            self.repositories[service] = repository
        if args.get("continuous_scanning", False):
            aws.ecr.RegistryScanningConfiguration(
                f"{name}-scanning",
                scan_type="ENHANCED",
                rules=[
                    {
                        "scan_frequency": "CONTINUOUS_SCAN",
                        "repository_filters": [{"filter": "*", "filter_type": "WILDCARD"}],
                    }
                ],
                opts=inside,
            )
        self.urls = {service: repository.repository_url for service, repository in self.repositories.items()}
        self.arns = {service: repository.arn for service, repository in self.repositories.items()}
        self.register_outputs({"urls": self.urls, "arns": self.arns})


def lifecycle(keep_images: int) -> str:
    """A lifecycle policy: untagged images expire after a week, tagged ones when ``keep_images`` newer ones exist."""
    return json.dumps(
        {
            "rules": [
                {
                    "rulePriority": 1,
                    "description": "Untagged images",
                    "selection": {
                        "tagStatus": "untagged",
                        "countType": "sinceImagePushed",
                        "countUnit": "days",
                        "countNumber": UNTAGGED_DAYS,
                    },
                    "action": {"type": "expire"},
                },
                {
                    "rulePriority": 2,
                    "description": "All but the newest",
                    "selection": {
                        "tagStatus": "tagged",
                        "tagPatternList": ["*"],
                        "countType": "imageCountMoreThan",
                        "countNumber": keep_images,
                    },
                    "action": {"type": "expire"},
                },
            ]
        }
    )


def _pull(role_arns: list[pulumi.Input[str]]) -> pulumi.Output[str]:
    return pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Pull",
                    "Effect": "Allow",
                    "Principal": {"AWS": role_arns},
                    "Action": list(PULL_ACTIONS),
                }
            ],
        }
    )


def _check(name: str, args: ImagesArgs) -> None:
    component = f'Images "{name}"'
    part = r"[a-z0-9]+([._-][a-z0-9]+)*"
    require(
        re.fullmatch(f"{part}(/{part})*", args["prefix"]) is not None,
        component,
        "prefix",
        args["prefix"],
        "lower-case letters and digits, joined by single hyphens, points, underscores or slashes",
        "use the system's name",
    )
    services = args["services"]
    require(bool(services), component, "services", services, "at least one service", "name the services")
    require(
        len(services) == len(set(services)),
        component,
        "services",
        services,
        "each service once",
        "remove the repeated name",
    )
    for service in services:
        full = f"{args['prefix']}/{service}"
        require(
            re.fullmatch(part, service) is not None and 2 <= len(full) <= 256,
            component,
            "services",
            service,
            "a repository name: lower-case letters and digits joined by single hyphens, 256 characters with the prefix",
            "rename or shorten the service",
        )
    keep = args.get("keep_images", 100)
    # An ECR repository holds at most 20,000 images. https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html
    require(
        10 <= keep <= 20_000,
        component,
        "keep_images",
        keep,
        "10 to 20000: fewer and a busy day's pushes expire the image that is running",
        "leave it out for 100",
    )
