"""REST over ASGI: five operations a resource, envelopes, conditional requests, and the OpenAPI document of them."""
