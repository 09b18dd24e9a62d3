"""Names that the edge, the web ACL, the gateway and the load balancer share."""

STAGE = "api"
"""Name of the gateway's stage, and the first segment of every path.

API Gateway puts the stage's name in front of the path that it sends through a VPC link, and the base path of a domain
name is a client's first segment: with both called `api`, services get `/api/v1/orders`, the path that clients send.
https://docs.aws.amazon.com/apigateway/latest/developerguide/private-integration.html
"""
HEALTH_PATH = f"/{STAGE}/health"
"""The load balancer itself answers it: shows whether requests reach it from the internet, independent of services."""
ORIGIN_HEADER = "x-origin-verify"
"""Carries the origin secret, by which the gateway's web ACL recognises requests that came through the edge."""
VIEWER_HEADER = "x-viewer-ip"
"""The client's address. The edge overwrites any value that the client sent, so behind a web ACL that requires the
origin secret it can be trusted. `X-Forwarded-For` can't: clients write its beginning."""
EDGE_REGION = "us-east-1"
"""Region of CloudFront's certificates, web ACLs and log sources."""
