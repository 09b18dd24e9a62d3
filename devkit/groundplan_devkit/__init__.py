"""The project on one machine: real servers from packages, a local identity provider, `make dev`, fixtures for tests.

Everything listens on 127.0.0.1 only, and nothing here is part of what is deployed.
"""
