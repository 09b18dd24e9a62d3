"""Checks of IPv4 addresses and networks that are known before deployment."""

from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError

import pulumi

from groundplan_components.shared.checks import require


def check_address(component: str, argument: str, address: pulumi.Input[str]) -> None:
    """Refuse anything but an IPv4 address. An output isn't known yet and passes."""
    if isinstance(address, str):
        try:
            IPv4Address(address)
            known = True
        except AddressValueError:
            known = False
        require(known, component, argument, address, "an IPv4 address such as 172.20.0.10", "correct the address")


def check_cidr(component: str, argument: str, cidr: pulumi.Input[str]) -> None:
    """Refuse anything but an IPv4 network without host bits. An output isn't known yet and passes."""
    if isinstance(cidr, str):
        try:
            IPv4Network(cidr)
            known = True
        except (AddressValueError, NetmaskValueError, ValueError):
            known = False
        require(
            known,
            component,
            argument,
            cidr,
            "an IPv4 network such as 10.0.0.0/16, without host bits",
            "correct the address or the prefix",
        )
