"""What the edge, the web ACL, the gateway and the load balancer have to agree upon."""

STAGE = "api"
"""Name of the gateway's stage, and the first segment of every path.

API Gateway puts the stage's name in front of the path that it sends through a VPC link, and the base path of a domain
name is a client's first segment: with both called `api`, services get `/api/v1/orders`, the path that clients send.
https://docs.aws.amazon.com/apigateway/latest/developerguide/private-integration.html
"""
VERSION = "v1"
HEALTH_PATH = f"/{STAGE}/health"
"""Answered by the load balancer itself: tells whether the way from the internet to there works, services aside."""
ORIGIN_HEADER = "x-origin-verify"
"""By the secret in it the gateway's web ACL knows what came by way of the edge."""
VIEWER_HEADER = "x-viewer-ip"
"""The client's address, written by the edge over whatever the client sent. Behind a web ACL that asks for the origin
secret it can be trusted, which `X-Forwarded-For`, begun by the client, can't."""
EDGE_REGION = "us-east-1"
"""Where CloudFront's certificates, web ACLs and log sources live."""
