"""The declaration: what `system.yaml` says, checked whole."""
