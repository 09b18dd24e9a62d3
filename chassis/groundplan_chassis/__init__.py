"""What all services of a project share: HTTP, events, database, cache, access, observation, the life of a process.

Services import it; it imports none of them. README.md beside this file shows how its pieces fit together.
"""
