"""The edge: CloudFront distribution, static site, certificates and web ACLs."""

from groundplan_components.edge._distribution_args import EdgeArgs, EdgeSite, PriceClass
from groundplan_components.edge.certificate import Certificate, CertificateArgs
from groundplan_components.edge.distribution import Edge
from groundplan_components.edge.log import EdgeLog, EdgeLogArgs
from groundplan_components.edge.static_site import StaticSite, StaticSiteArgs
from groundplan_components.edge.web_acl import WebAcl, WebAclArgs, WebAclScope

__all__ = [
    "Certificate",
    "CertificateArgs",
    "Edge",
    "EdgeArgs",
    "EdgeLog",
    "EdgeLogArgs",
    "EdgeSite",
    "PriceClass",
    "StaticSite",
    "StaticSiteArgs",
    "WebAcl",
    "WebAclArgs",
    "WebAclScope",
]
