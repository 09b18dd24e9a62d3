"""The policy pack that `pulumi up --policy-pack` runs: the controls of the project around it."""

from groundplan.controls.policies import serve

serve()
