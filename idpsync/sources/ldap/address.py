"""Where one LDAP server listens: a host and a port, or a UNIX socket on this machine."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

SCHEMES = frozenset({"ldap", "ldaps", "ldapi"})


@dataclass(frozen=True, slots=True)
class Address:
    """`ldap://host[:port]`, `ldaps://host[:port]`, or `ldapi://` and a path with each / as %2F."""

    url: str

    @property
    def parts(self) -> SplitResult:
        return urlsplit(self.url)

    @property
    def scheme(self) -> str:
        return self.parts.scheme

    @property
    def host(self) -> str:
        """The host; the path of the socket for ldapi."""
        return unquote(self.parts.netloc) if self.is_local else self.parts.hostname or ""

    @property
    def port(self) -> int:
        """0 for ldapi."""
        if self.is_local:
            return 0
        return self.parts.port or (636 if self.is_encrypted else 389)

    @property
    def is_encrypted(self) -> bool:
        """Whether it is TLS from the first byte."""
        return self.scheme == "ldaps"

    @property
    def is_local(self) -> bool:
        return self.scheme == "ldapi"

    @property
    def stays_here(self) -> bool:
        """Whether nothing leaves this machine."""
        try:
            return self.is_local or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def named(self) -> str:
        """One spelling of the server, for the scope of a read."""
        return self.host if self.is_local else f"{self.host.lower()}:{self.port}"

    def checked(self) -> "Address":
        """Itself; ValueError when it is more or less than a server."""
        if self.scheme not in SCHEMES or not self.host:
            raise ValueError(
                "give the server as ldap://host[:port], ldaps://host[:port] or ldapi://%2Fpath%2Fof%2Fsocket"
            )
        if self.parts.path.strip("/") or self.parts.query or self.parts.username:
            raise ValueError(
                "the URL names the server only; bases, filters and bind DN have their own keys"
            )
        if self.parts.port == 0:
            raise ValueError("port 0 is not a port")
        return self
