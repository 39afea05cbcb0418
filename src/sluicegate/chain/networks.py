"""A set of IP addresses and networks, asked with the text of an address (IP allow and block lists, contract 06.4)."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from sluicegate.errors import ConfigError

REMEMBERED_ADDRESSES = 4096
IPV4_IN_IPV6_BITS = 96


class Networks:
    """Addresses and networks. Those of IPv4 are the same in their IPv6 form (`::ffff:192.0.2.1`)."""

    __slots__ = ("_addresses", "_networks", "_remembered")

    def __init__(self, texts: Iterable[str], where: str) -> None:
        """Read addresses (`192.0.2.1`) and networks (`10.0.0.0/8`). Raises ConfigError, which names `where`."""
        self._addresses: set[IPv4Address | IPv6Address] = set()
        self._networks: list[IPv4Network | IPv6Network] = []
        self._remembered: dict[str, bool] = {}
        for text in texts:
            try:
                if "/" in text:
                    self._networks.append(_network_of(text))
                else:
                    self._addresses.add(_without_mapping(ip_address(text)))
            except ValueError:
                hint = "write an address such as 192.0.2.1 or a network such as 10.0.0.0/8"
                raise ConfigError(where, f'invalid IP/CIDR "{text}"', hint) from None

    def has(self, text: str) -> bool:
        """Return whether the address lies in the set; a text that is no address never does."""
        known = self._remembered.get(text)
        if known is None:
            if len(self._remembered) >= REMEMBERED_ADDRESSES:
                self._remembered.clear()
            known = self._remembered[text] = self._look_up(text)
        return known

    def _look_up(self, text: str) -> bool:
        try:
            address = _without_mapping(ip_address(text))
        except ValueError:
            return False
        return address in self._addresses or any(address in network for network in self._networks)


def _network_of(text: str) -> IPv4Network | IPv6Network:
    network = ip_network(text, strict=False)
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < IPV4_IN_IPV6_BITS:
        return network
    return IPv4Network((mapped, network.prefixlen - IPV4_IN_IPV6_BITS))


def _without_mapping(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    return getattr(address, "ipv4_mapped", None) or address
