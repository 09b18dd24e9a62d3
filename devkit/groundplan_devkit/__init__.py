"""Development tools of a groundplan project: local servers, an identity provider, `make dev`, test fixtures, benches.

Everything listens on 127.0.0.1 only, and nothing here is part of what is deployed.
"""
