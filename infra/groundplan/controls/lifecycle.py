"""U3: what belongs together ends together."""

from __future__ import annotations

from groundplan.controls.captured import CapturedProgram
from groundplan.controls.model import Check, NotApplicable, control
from groundplan.controls.network import CLUSTER


@control(
    "U3.cluster-objects",
    "Objects on the stack's own cluster end with it; on another's they are deleted one by one",
    "shared.cluster_access",
    remedy="declare the object with the options of `object_options` of groundplan_components (`deleted_with`)",
    not_in_policies="Pulumi doesn't tell policies of `deleted_with`",
)
def cluster_objects(program: CapturedProgram, check: Check) -> None:
    clusters = {cluster.urn for cluster in program.of(CLUSTER)} or {""}
    objects = [each for each in program.resources if each.custom and each.type.startswith("kubernetes:")]
    if not objects:
        raise NotApplicable("the program declares no object on a cluster")
    for each in objects:
        if each.deleted_with in clusters:
            check.shown(each)
        else:
            expected = "deleted with its cluster" if clusters != {""} else "deleted by itself"
            check.missing(expected, each, "", "deleted by itself" if clusters != {""} else "deleted with a cluster")
