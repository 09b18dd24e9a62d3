"""S2: TLS 1.3 wherever AWS can insist on it, TLS everywhere."""

from __future__ import annotations

from infra.tests.program.graphs import Graph, on

DISTRIBUTION = "aws:cloudfront/distribution:Distribution"


@on("dev")
def test_s2_without_a_domain_the_user_is_told_what_is_missing(graph: Graph) -> None:
    (distribution,) = graph.some(DISTRIBUTION)
    assert distribution.inputs["viewerCertificate"] == {"cloudfrontDefaultCertificate": True}
    told = [message.text for message in graph.simulation.messages]
    assert any("no domain" in text and "TLS 1.3" in text for text in told)
    assert any("no certificate" in text and "plain HTTP" in text for text in told)
