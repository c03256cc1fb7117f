"""What a webhook may be connected to. A name is resolved once, and what is connected to is what was judged."""

from __future__ import annotations

import ipaddress
import socket
import threading
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

from django.conf import settings

from diagnosis.engine.sentences import Sentence, sentence

Address = IPv4Address | IPv6Address

PORTS = {"https": 443, "http": 80}
#: A name is looked up for so long.
RESOLVE_SECONDS = 5.0
#: Carries an IPv4 address in its last 32 bits.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
#: Of IPv6 this alone is given out for the open internet. Python's own lists, which grow, refuse parts of it.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")


class AddressRefused(Exception):
    """``sentence`` says why this must not be connected to."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True)
class Target:
    """Where to connect, and what was asked for: ``address`` is the one that was judged."""

    scheme: str
    host: str
    port: int
    address: str
    path: str

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def resolve(url: str) -> Target:
    """Return where this leads. Raises AddressRefused where any of the name's addresses must not be connected to."""
    scheme, host, port, path = _parts_of(url)
    found = [_without_zone(each) for each in _look_up(host, port)]
    for address in found:
        _judge(scheme, address)
    return Target(scheme, host, port, str(found[0]), path)


def _parts_of(url: str) -> tuple[str, str, int, str]:
    if any(character <= " " or character == "\x7f" for character in url) or "\\" in url:
        raise AddressRefused(sentence("The address holds a blank or a control character. Write it without."))
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode() if not _is_ip(parts.hostname) else str(parts.hostname)
    except ValueError:
        raise AddressRefused(
            sentence("This is no address of a web server. Write it like https://example.org/hook.")
        ) from None
    if parts.scheme not in PORTS or not host:
        raise AddressRefused(sentence("The address must begin with https:// and the name of a server."))
    if parts.username is not None or parts.password is not None:
        raise AddressRefused(sentence("The address holds a name or a password. Calls are signed; leave it out."))
    if parts.scheme == "http" and not settings.WEBHOOK_PRIVATE_NETWORKS:
        raise AddressRefused(sentence("The address must begin with https://, so that nobody reads what is sent."))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii():
        raise AddressRefused(
            sentence("The address holds characters that must be percent-encoded, such as %C3%A9 for é.")
        )
    return parts.scheme, host, port or PORTS[parts.scheme], path


def _is_ip(host: str | None) -> bool:
    try:
        ipaddress.ip_address(host or "")
    except ValueError:
        return False
    return True


def _look_up(host: str, port: int) -> list[str]:
    """Ask the system's resolver, aside, since it knows no time limit."""
    found: list[str] = []

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        found.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(RESOLVE_SECONDS)
    if not found:
        raise AddressRefused(sentence("No server is known by the name {host}.", host=host))
    return list(found)


def _without_zone(text: str) -> Address:
    return ipaddress.ip_address(text.partition("%")[0])


def _judge(scheme: str, address: Address) -> None:
    if is_public(address):
        if scheme == "http":
            raise AddressRefused(sentence("The address must begin with https://, so that nobody reads what is sent."))
        return
    networks = settings.WEBHOOK_PRIVATE_NETWORKS
    within = [inner for inner in (address, *_carried(address)) if not is_public(inner)]
    if not all(any(inner in network for network in networks) for inner in within):
        raise AddressRefused(
            sentence(
                "{address} is an address within a private network, which webhooks do not reach here.",
                address=str(address),
            )
        )


def is_public(address: Address) -> bool:
    """Whether it, and every IPv4 address that it carries, is one of the open internet."""
    is_given_out = address.version == 4 or address in _GLOBAL_UNICAST or address in _NAT64
    is_open = address.is_global and not address.is_multicast
    return is_given_out and is_open and all(map(is_public, _carried(address)))


def _carried(address: Address) -> list[IPv4Address]:
    if isinstance(address, IPv4Address):
        return []
    carried = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        carried.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [each for each in carried if each is not None]
