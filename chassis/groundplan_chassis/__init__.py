"""The library that all services of a system run on: HTTP API, events, database, cache, access control, observability,
and the life of a process.

Services import it; it imports none of them. README.md beside this file shows how its pieces fit together.
"""
