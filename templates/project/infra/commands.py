"""Ends what an update from copied libraries still starts of them; `make setup` removes it when the project has moved."""

import sys

# `make update` of a project with copied libraries fills in ARCHITECTURE.md by code that has just left. The new set-up does it.
sys.exit(0)
