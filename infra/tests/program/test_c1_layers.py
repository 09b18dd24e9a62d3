"""C1: copies of the site at the edge, of responses at the gateway, of rows in Valkey; then the database."""

from __future__ import annotations

from infra.tests.program.graphs import Graph, on

"""CloudFront's managed policy CachingOptimized."""
NOT_CACHED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
"""CloudFront's managed policy CachingDisabled."""
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"


@on("no static site")
def test_c1_without_a_site_everything_leads_to_the_api(graph: Graph) -> None:
    (distribution,) = graph.some(DISTRIBUTION)
    assert distribution.inputs["defaultCacheBehavior"]["targetOriginId"] == "api"
    assert distribution.inputs["defaultCacheBehavior"]["cachePolicyId"] == NOT_CACHED
    assert not distribution.inputs.get("orderedCacheBehaviors")
    assert [each.name for each in graph.some("aws:s3/bucket:Bucket") if "site" in each.name] == []
