"""How a project gets its libraries, and its images theirs (docs/adr/0010-libraries-by-commit.md)."""
