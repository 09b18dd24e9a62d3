"""Following (U7): an existing service's code, migrations and documents come after its declaration (ADR 14)."""
