"""Pulumi components for a defended, observable backend on AWS; one subject a file, each usable alone."""
