"""An IAM role for a GitHub pipeline, without stored keys.

GitHub signs the identity of a run. AWS trusts that signature for one repository, and in it for one branch or one
environment.

Permissions: pushing images needs few. `pulumi up` must create, change and delete all declared resources, so a deploying
pipeline is powerful: AWS's `PowerUserAccess` (all services, no IAM), and IAM for roles and policies whose names begin
with the system's. It can grant itself further permissions through such roles, so the branch is the real control:
protect it, or use an environment with reviewers. `permissions_boundary_arn` limits the pipeline itself, for example by
denying regions and services that the system never uses. Its own role has a path that it can't write to, so a person
must deploy changes of it.
"""

import pulumi
import pulumi_aws as aws

from groundplan_components.delivery._pipeline_args import DeliveryArgs, check_delivery
from groundplan_components.delivery._policies import AUDIENCE, ISSUER, PATH, deployment_policy, github_trust, subject
from groundplan_components.shared.arn import managed_policy
from groundplan_components.shared.iam import policy
from groundplan_components.shared.names import autonamed

PUSH_ACTIONS = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImages",
    "ecr:GetDownloadUrlForLayer",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)


class Delivery(pulumi.ComponentResource):
    """The role that one GitHub pipeline assumes (S3, S4)."""

    role_arn: pulumi.Output[str]
    """For the pipeline's `role-to-assume`. A deploying role is also an administrator of the cluster."""
    provider_arn: pulumi.Output[str]

    def __init__(self, name: str, args: DeliveryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        check_delivery(name, args)
        super().__init__("groundplan:index:Delivery", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)

        if "provider_arn" in args:
            self.provider_arn = pulumi.Output.from_input(args["provider_arn"])
        else:
            # AWS checks GitHub's certificate against its own trust store and ignores thumbprints.
            # Pipelines of other stacks sign in by the same provider, so it stays when this stack is destroyed.
            self.provider_arn = aws.iam.OpenIdConnectProvider(
                f"{name}-github",
                url=f"https://{ISSUER}",
                client_id_lists=[AUDIENCE],
                opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
            ).arn
        claim = subject(args)
        role = aws.iam.Role(
            autonamed(f"{name}-role", 64),
            description=f"Pipeline of {args['repository']}",
            path=PATH,
            assume_role_policy=self.provider_arn.apply(lambda provider: github_trust(provider, claim)),
            permissions_boundary=args.get("permissions_boundary_arn"),
            # One hour: a first deployment with databases needs most of it.
            max_session_duration=3600,
            opts=inside,
        )
        aws.iam.RolePolicy(
            f"{name}-push",
            role=role.name,
            policy=policy(
                {
                    "sid": "SignIn",
                    "actions": ["ecr:GetAuthorizationToken"],
                    # The token is for the whole registry: the action supports no resource.
                    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
                    "resources": ["*"],
                },
                {"sid": "Push", "actions": list(PUSH_ACTIONS), "resources": args["image_repository_arns"]},
            ),
            opts=inside,
        )
        if "deployment" in args:
            deployment = args["deployment"]
            aws.iam.RolePolicy(
                f"{name}-deploy", role=role.name, policy=deployment_policy(role, deployment), opts=inside
            )
            granted = deployment.get("policy_arns", [managed_policy(role.arn, "PowerUserAccess")])
            for index, arn in enumerate(granted):
                aws.iam.RolePolicyAttachment(f"{name}-deploy-{index}", role=role.name, policy_arn=arn, opts=inside)
        self.role_arn = role.arn
        self.register_outputs({"role_arn": self.role_arn, "provider_arn": self.provider_arn})
