"""What every role and bucket of a stack has besides what its component says: where its name begins, and its limits.

The grants of a pipeline (`groundplan.permissions`) rest on names where IAM can't rest on tags: paths of roles and
the first words of buckets. A resource that is deployed already keeps its name: changing it would replace it.
"""

from __future__ import annotations

import pulumi

from groundplan.stack.scope import Scope

_ROLE = "aws:iam/role:Role"
_BUCKET = "aws:s3/bucket:Bucket"

# A bucket's name has 63 characters, 26 of which the provider adds to a prefix.
_LONGEST_BUCKET_PREFIX = 37


def mark(scope: Scope, boundary: pulumi.Input[str] | None) -> None:
    """Has all roles and buckets declared from here on carry system and stack, and roles the boundary if there is one.

    A role of another path than `/` is left as it is: its owner said where it belongs.
    """

    def transformed(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if args.type_ == _ROLE:
            return _role(args, scope, boundary)
        if args.type_ == _BUCKET:
            return _bucket(args, scope)
        return None

    pulumi.runtime.register_stack_transformation(transformed)


def _role(
    args: pulumi.ResourceTransformationArgs, scope: Scope, boundary: pulumi.Input[str] | None
) -> pulumi.ResourceTransformationResult | None:
    if args.props.get("path") is not None:
        return None
    limits = {} if boundary is None or args.props.get("permissions_boundary") else {"permissions_boundary": boundary}
    return pulumi.ResourceTransformationResult({**args.props, "path": scope.path, **limits}, _kept(args, "path"))


def _bucket(args: pulumi.ResourceTransformationArgs, scope: Scope) -> pulumi.ResourceTransformationResult | None:
    if args.props.get("bucket") is not None or args.props.get("bucket_prefix") is not None:
        return None
    own = args.name.lower().removeprefix(f"{scope.name}-")
    prefix = f"{bucket_prefix(scope)}{own}"[: _LONGEST_BUCKET_PREFIX - 1].rstrip("-.")
    return pulumi.ResourceTransformationResult(
        {**args.props, "bucket_prefix": f"{prefix}-"}, _kept(args, "bucket", "bucketPrefix")
    )


def bucket_prefix(scope: Scope) -> str:
    """No system's or stack's name holds two hyphens in a row, so that `shop-dev--` begins no other stack's bucket."""
    return f"{scope.name}--"


def _kept(args: pulumi.ResourceTransformationArgs, *properties: str) -> pulumi.ResourceOptions:
    kept = pulumi.ResourceOptions(ignore_changes=[*(args.opts.ignore_changes or []), *properties])
    return pulumi.ResourceOptions.merge(args.opts, kept)
