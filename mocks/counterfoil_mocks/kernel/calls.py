"""Calls that a landscape makes itself, to subscribers and to what is under test. Most of what makes them is loaded at the first: it takes 8 MiB
and a tenth of a second, which a landscape without subscribers need not pay."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import aiohttp


class Calls:
    """Connections to others, on the event loop. seconds: the longest that a call may take. most: connections at a time. unpack: answers that
    are packed."""

    def __init__(self, seconds: float, most: int = 100, *, unpack: bool = True) -> None:
        self.seconds = seconds
        self.most = most
        self.unpack = unpack
        self.open = False
        self._session: aiohttp.ClientSession | None = None

    def start(self) -> None:
        """Calls may be made."""
        self.open = True

    @property
    def session(self) -> aiohttp.ClientSession:
        """What makes the calls."""
        if self._session is None:
            import aiohttp

            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self.seconds),
                connector=aiohttp.TCPConnector(limit=self.most),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=self.unpack,
            )
        return self._session

    async def stop(self) -> None:
        """Hang up; no more calls are made."""
        self.open = False
        if self._session is not None:
            await self._session.close()
            self._session = None
