"""The gateway's own error responses, in the error envelope (R4); pure."""

from groundplan_components.shared.error_envelope import error_body

# Response type → status (None: the one AWS has for it), code, message.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
RESPONSES: dict[str, tuple[int | None, str, str]] = {
    "ACCESS_DENIED": (403, "FORBIDDEN", "Not allowed"),
    "API_CONFIGURATION_ERROR": (500, "INTERNAL_ERROR", "Something went wrong"),
    "AUTHORIZER_CONFIGURATION_ERROR": (500, "INTERNAL_ERROR", "Something went wrong"),
    "AUTHORIZER_FAILURE": (500, "INTERNAL_ERROR", "Something went wrong"),
    "BAD_REQUEST_BODY": (400, "VALIDATION_ERROR", "The body does not match the schema of the resource"),
    "BAD_REQUEST_PARAMETERS": (400, "VALIDATION_ERROR", "A required parameter is missing"),
    "DEFAULT_4XX": (None, "REQUEST_REFUSED", "The request was refused"),
    "DEFAULT_5XX": (None, "INTERNAL_ERROR", "Something went wrong"),
    "EXPIRED_TOKEN": (401, "UNAUTHORIZED", "The token has expired"),
    "INTEGRATION_FAILURE": (502, "BAD_GATEWAY", "The service could not be reached"),
    "INTEGRATION_TIMEOUT": (504, "GATEWAY_TIMEOUT", "The service did not answer in time"),
    "INVALID_API_KEY": (403, "FORBIDDEN", "The API key is missing or not valid"),
    # Unknown path or method. AWS's default is 403 and `Missing Authentication Token`.
    "MISSING_AUTHENTICATION_TOKEN": (404, "NOT_FOUND", "Not found"),
    "QUOTA_EXCEEDED": (429, "RATE_LIMITED", "Too many requests"),
    "REQUEST_TOO_LARGE": (413, "PAYLOAD_TOO_LARGE", "The body is too large"),
    "RESOURCE_NOT_FOUND": (404, "NOT_FOUND", "Not found"),
    "THROTTLED": (429, "RATE_LIMITED", "Too many requests"),
    "UNAUTHORIZED": (401, "UNAUTHORIZED", "A valid token is needed"),
    "UNSUPPORTED_MEDIA_TYPE": (415, "UNSUPPORTED_MEDIA_TYPE", "Only application/json is accepted"),
    "WAF_FILTERED": (403, "FORBIDDEN", "Not allowed"),
}
RETRY_AFTER_SECONDS = 1
"""`Retry-After` of throttled requests: the gateway's token bucket fills every second."""


def gateway_responses(origin: str | None) -> dict[str, object]:
    """The `x-amazon-apigateway-gateway-responses` object. ``origin`` may read the responses in a browser."""
    answers: dict[str, object] = {}
    for kind, (status, code, message) in RESPONSES.items():
        headers = {}
        if origin is not None:
            headers["gatewayresponse.header.Access-Control-Allow-Origin"] = f"'{origin}'"
        if kind == "THROTTLED":
            headers["gatewayresponse.header.Retry-After"] = f"'{RETRY_AFTER_SECONDS}'"
        if status == 401:
            headers["gatewayresponse.header.WWW-Authenticate"] = "'Bearer'"
        answers[kind] = {
            **({"statusCode": str(status)} if status is not None else {}),
            **({"responseParameters": headers} if headers else {}),
            "responseTemplates": {"application/json": error_body(code, message)},
        }
    return answers
