"""From a declaration and a stack's configuration to a plan, and from the plan to a running system."""
