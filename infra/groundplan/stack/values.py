"""What a single value of a stack's configuration must be, beyond its type."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from groundplan.declaration.shapes import said
from groundplan.declaration.words import HYPHENATED, refused_prefix_word
from groundplan.problems import did_you_mean, printable

# The commercial partition (`aws`) in 2026: Pulumi's `aws.Region` names the same. Everywhere but in us-west-1 a new
# account gets three zones. China, GovCloud and the European Sovereign Cloud are other partitions: CloudFront, its
# WAF and Cognito are missing there, or have other names and limits than this design counts on.
REGIONS = frozenset(
    """
    af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1
    ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1
    eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1
    me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2 us-west-2
    """.split()  # noqa: SIM905  # quotes and commas on thirty lines would say no more
)
_TWO_ZONES = frozenset({"us-west-1"})

# RFC 1918, and the shared address space of RFC 6598, which VPCs may use too:
# https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
_PRIVATE = tuple(IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
_SHARED = IPv4Network("100.64.0.0/10")

# AWS makes no VPC larger than a /16; below a /20 the subnets of three zones get too small for nodes and firewall.
_LARGEST_VPC, _SMALLEST_VPC = 16, 20

# A certificate's common name has at most 64 characters, and `api.` takes four:
# https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html
_LONGEST_DOMAIN = 60
# RFC 2606 and RFC 6761, the names that no public certificate is issued for; `example.com` stays usable in examples.
_NOT_PUBLIC = frozenset(
    "alt arpa corp example home internal invalid lan local localhost mail onion test".split()  # noqa: SIM905
)

# https://docs.aws.amazon.com/eks/latest/userguide/automode.html: Auto Mode needs Kubernetes 1.29 or later.
_FIRST_AUTO_MODE = 29

_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"({_LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])")
_EMAIL = re.compile(rf"[A-Za-z0-9._%+-]{{1,64}}@({_LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])")
# https://github.com/distribution/reference: host[:port]/path[:tag][@digest]
_IMAGE = re.compile(
    r"(?P<repository>[a-z0-9]+([.-][a-z0-9]+)*(:[0-9]{1,5})?(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*)"
    r"(:(?P<tag>\w[\w.-]{0,127}))?(@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)


def _stack_name(name: str) -> str:
    if word := refused_prefix_word(name):
        expected = f"a name without `{word}`: it becomes part of the sign-in domain, where Cognito refuses the word"
        raise said(expected, "name the stack differently: `pulumi stack init <name>`")
    return name


def _region(name: str) -> str:
    if name in _TWO_ZONES:
        raise said("a region with three availability zones; new accounts get two there", "choose us-west-2")
    if name not in REGIONS:
        otherwise = "choose one such as eu-central-1 or us-east-1"
        raise said("a region of AWS's commercial partition", did_you_mean(name, REGIONS, otherwise))
    return name


def _domain(name: str) -> str:
    expected = f"a public host name of at most {_LONGEST_DOMAIN} characters such as shop.example.com"
    if not _HOST.fullmatch(name) or len(name) > _LONGEST_DOMAIN:
        bare = re.sub("^[a-z]+://", "", name.strip().lower()).split("/")[0].split(":")[0].rstrip(".")
        usable = _HOST.fullmatch(bare) and len(bare) <= _LONGEST_DOMAIN and bare != name
        remedy = f"write {bare}" if usable else "write lower-case letters, digits, hyphens and dots only, no scheme"
        raise said(expected, remedy)
    if (last := name.rpartition(".")[2]) in _NOT_PUBLIC:
        raise said(
            f"{expected}; no public certificate is issued under .{last}", "use a domain that you have registered"
        )
    return name


def _vpc(network: IPv4Network) -> IPv4Network:
    if not _LARGEST_VPC <= network.prefixlen <= _SMALLEST_VPC:
        expected = (
            f"a range from /{_LARGEST_VPC} (AWS's largest) to /{_SMALLEST_VPC} (room for the subnets of three zones)"
        )
        raise said(expected, f"write {IPv4Network((network.network_address, 16), strict=False)}, for example")
    if not any(network.subnet_of(each) for each in (*_PRIVATE, _SHARED)):
        ranges = ", ".join(map(str, (*_PRIVATE, _SHARED)))
        raise said(f"a range inside one of {ranges}", "write 10.0.0.0/16, for example")
    return network


def _public(network: IPv4Network) -> IPv4Network:
    if any(network.overlaps(each) for each in (*_PRIVATE, _SHARED)) and network.prefixlen >= 8:
        raise said(
            "public addresses; from inside the network the cluster's API can always be reached",
            "write the public address of your office or VPN, or remove this one",
        )
    return network


def _network(value: object) -> object:
    """YAML and the engine know addresses as text."""
    if isinstance(value, IPv4Network):
        return value
    if not isinstance(value, str):
        raise said("an address range in quotes such as 10.0.0.0/16", "write address/bits")
    try:
        return IPv4Network(value)
    except ValueError:
        pass
    try:
        exact = IPv4Network(value, strict=False)
    except ValueError:
        raise said(
            "an address range such as 10.0.0.0/16", "write four numbers up to 255, a slash and the bits"
        ) from None
    raise said("the first address of a range", f"write {exact}")


def _address(text: str) -> str:
    try:
        IPv4Address(text)
    except ValueError:
        raise said("an IPv4 address such as 10.0.0.2", "correct the address") from None
    return text


def _image(reference: str) -> str:
    parts = _IMAGE.fullmatch(reference)
    if parts is None:
        raise said(
            "an image reference: registry/repository:tag or registry/repository@sha256:…", "correct the reference"
        )
    if parts["digest"] is None and parts["tag"] in (None, "latest"):
        raise said(
            "an image that is always the same one: a tag other than `latest`, or a digest",
            f"write {parts['repository'][:80]}:<tag> or {parts['repository'][:80]}@sha256:<digest>",
        )
    return reference


def _email(address: str) -> str:
    if not _EMAIL.fullmatch(address) or len(address) > 254:
        raise said("an e-mail address such as oncall@example.com", "correct the address")
    return address


def _kubernetes(version: str) -> str:
    if not re.fullmatch("1[.][0-9]{2}", version):
        raise said('a minor version of Kubernetes in quotes such as "1.35"', "write it as EKS lists it")
    if int(version.partition(".")[2]) < _FIRST_AUTO_MODE:
        raise said(f"1.{_FIRST_AUTO_MODE} or later, as EKS Auto Mode demands", "write a version that EKS supports")
    return version


def _filled(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise said("one line of text", "write it, or remove the key")
    return text


def _distinct(values: list[object]) -> list[object]:
    for position, value in enumerate(values):
        if value in values[:position]:
            raise said(f"each entry once; {printable(str(value))} is there twice", "remove one of the two")
    return values


def _like(pattern: str, expected: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise said(expected, "correct it")
        return text

    return AfterValidator(check)


ConnectionArn = Annotated[
    str,
    _like(
        r"arn:aws[a-z-]*:(codeconnections|codestar-connections):[a-z0-9-]+:\d{12}:connection/[0-9a-f-]{36}",
        "the ARN of a CodeConnections connection to GitHub, which a person has authorised",
    ),
]
StackName = Annotated[str, Field(pattern=HYPHENATED, max_length=12), AfterValidator(_stack_name)]
Region = Annotated[str, AfterValidator(_region)]
Domain = Annotated[str, AfterValidator(_domain)]
Address = Annotated[str, AfterValidator(_address)]
Network = Annotated[IPv4Network, BeforeValidator(_network)]
VpcNetwork = Annotated[Network, AfterValidator(_vpc)]
PublicNetwork = Annotated[Network, AfterValidator(_public)]
ImageReference = Annotated[str, AfterValidator(_image)]
EmailAddress = Annotated[str, AfterValidator(_email)]
KubernetesVersion = Annotated[str, AfterValidator(_kubernetes)]
Filled = Annotated[str, AfterValidator(_filled)]
Distinct = AfterValidator(_distinct)
SecurityGroupId = Annotated[
    str, _like("sg-[0-9a-f]{8,17}", "a security group's id: sg- and 8 to 17 hexadecimal digits")
]
VpcId = Annotated[str, _like("vpc-[0-9a-f]{8,17}", "a VPC's id: vpc- and 8 to 17 hexadecimal digits")]
SubnetId = Annotated[str, _like("subnet-[0-9a-f]{8,17}", "a subnet's id: subnet- and 8 to 17 hexadecimal digits")]
RoleArn = Annotated[
    str, _like("arn:aws:iam::[0-9]{12}:role/[!-~]{1,576}", "a role's ARN such as arn:aws:iam::111122223333:role/Admin")
]
AccountNumber = Annotated[str, _like("[0-9]{12}", 'an AWS account\'s number in quotes such as "111122223333"')]
ZoneId = Annotated[str, _like("[a-z]{3,5}[0-9]-az[0-9]", "a zone's id such as euc1-az1")]
# AWS Backup API, BackupVaultName.
BackupVaultArn = Annotated[
    str,
    _like(
        "arn:aws:backup:[a-z0-9-]{4,20}:[0-9]{12}:backup-vault:[A-Za-z0-9_-]{2,50}",
        "a backup vault's ARN such as arn:aws:backup:eu-central-1:111122223333:backup-vault:copies",
    ),
]
SesIdentityArn = Annotated[
    str,
    _like(
        "arn:aws:ses:[a-z0-9-]{4,20}:[0-9]{12}:identity/[A-Za-z0-9._%+@-]{3,254}",
        "an SES identity's ARN such as arn:aws:ses:eu-central-1:111122223333:identity/example.com",
    ),
]
OidcProviderArn = Annotated[
    str,
    _like(
        "arn:aws:iam::[0-9]{12}:oidc-provider/[!-~]{1,255}",
        "an identity provider's ARN: arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com",
    ),
]
# https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html
ClusterName = Annotated[
    str,
    _like("[0-9A-Za-z][0-9A-Za-z_-]{0,99}", "an EKS cluster's name: up to 100 letters, digits, hyphens, underscores"),
]
Budget = Annotated[float, Field(gt=0, le=100_000_000, allow_inf_nan=False)]
CostTag = Annotated[
    str, _like(r"[\w.:/+@-][\w.:/+@ -]{0,126}=[\w.:/+@ -]{1,255}", "a tag's key and value such as environment=prod")
]
Repository = Annotated[str, _like("[A-Za-z0-9_.-]{1,39}/[A-Za-z0-9_.-]{1,100}", "a GitHub repository: owner/name")]
