"""REST over ASGI: five operations for each resource, envelopes, conditional requests, and the OpenAPI document."""
