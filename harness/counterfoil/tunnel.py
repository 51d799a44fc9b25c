"""A forward proxy for clients that insist on their vendor's own https address: what they mean for the vendor reaches the landscape.

It answers CONNECT, shows a certificate that its own throw-away authority has signed for the host, and carries what is said to the system that
wears the vendor's face.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Record = dict[str, Any]
DAYS = 30
HEAD_BYTES = 16_384
HEAD_SECONDS = 10
CHUNK = 65_536
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


def routes(systems: Iterable[Record]) -> dict[str, str]:
    """Which hosts lead where: patterns of vendors' hosts → addresses of systems. systems: as `/landscape` tells of them."""
    from counterfoil_mocks.vendors import face_of

    found: dict[str, str] = {}
    for each in systems:
        face = face_of(each["role"], each["vendor"])
        for pattern in face.hosts if face is not None else ():
            found.setdefault(pattern, each["url"])
    return found


class Authority:
    """A certificate authority that lives as long as the proxy. pem: its certificate, which clients have to trust."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Counterfoil, for tests only")])
        self._certificate = self._signed(name, name, self._key.public_key(), x509.BasicConstraints(True, 0))
        self._contexts: dict[str, ssl.SSLContext] = {}

    @property
    def pem(self) -> bytes:
        """The authority's certificate."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def context(self, host: str) -> ssl.SSLContext:
        """What to greet a client with that wants to speak to a host."""
        if host not in self._contexts:
            key = ec.generate_private_key(ec.SECP256R1())
            name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
            names = x509.SubjectAlternativeName([x509.DNSName(host)])
            leaf = self._signed(name, self._certificate.subject, key.public_key(), names)
            plain = serialization.NoEncryption()
            secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            with tempfile.TemporaryDirectory() as folder:
                chain = Path(folder, "chain.pem")
                chain.write_bytes(secret + leaf.public_bytes(serialization.Encoding.PEM) + self.pem)
                context.load_cert_chain(chain)
            self._contexts[host] = context
        return self._contexts[host]

    def _signed(
        self, name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        made = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key)
        made = made.serial_number(x509.random_serial_number())
        made = made.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=DAYS))
        made = made.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        own = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return made.add_extension(own, critical=False).sign(self._key, hashes.SHA256())


class Tunnel:
    """The proxy. routes: as `routes` gives them."""

    def __init__(self, routes: Mapping[str, str]) -> None:
        self.routes = routes
        self.authority = Authority()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port. Raises OSError where it is taken."""
        self._server = await asyncio.start_server(self._served, host, port, limit=HEAD_BYTES)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Take no more."""
        if self._server is not None:
            self._server.close()

    def target(self, host: str) -> str | None:
        """The system that a host stands for, or None."""
        return next((url for pattern, url in self.routes.items() if fnmatch(host, pattern)), None)

    async def _served(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await self._tunnelled(reader, writer)
        with suppress(OSError, ssl.SSLError):
            writer.close()

    async def _tunnelled(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HEAD_SECONDS)
        method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
        host = rest.partition(" ")[0].rpartition(":")[0].lower()
        url = self.target(host) if method == "CONNECT" else None
        if url is None:
            known = ", ".join(self.routes)
            what = f"{host} is none of them" if method == "CONNECT" else f"{method} is not CONNECT"
            body = f"This proxy carries CONNECT to {known}; {what}.\n".encode()
            status = b"403 Forbidden" if method == "CONNECT" else b"405 Method Not Allowed"
            writer.write(b"HTTP/1.1 %s\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n" % (status, len(body)))
            writer.write(body)
            await writer.drain()
            return
        writer.write(ESTABLISHED)
        await writer.drain()
        await writer.start_tls(self.authority.context(host))
        parts = urlsplit(url)
        inward, outward = await asyncio.open_connection(parts.hostname, parts.port)
        ways = [asyncio.create_task(_carry(*way)) for way in ((reader, outward), (inward, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            outward.close()


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Carry bytes until there are no more."""
    with suppress(OSError, ssl.SSLError):
        while data := await source.read(CHUNK):
            target.write(data)
            await target.drain()
