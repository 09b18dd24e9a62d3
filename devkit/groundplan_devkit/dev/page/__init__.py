"""The page of `make dev`: what runs, what was logged, where requests went, what events wait, tokens, the APIs.

`app` has its routes, `guard` who may ask; `lines` reads logs, `spans` and `traces` hold what services export by OTLP,
`brokers` tells of topics and dead letters, `apis` of OpenAPI documents. `static/` is what a browser loads.
"""
