"""Checks of the code as it stands, besides what formatter, linter and type checker find."""
