"""How versions, times and tags are spelt in paths, headers and answers."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from urllib.parse import unquote_plus

from counterfoil_mocks.crm.salesforce.desk import dumped
from counterfoil_mocks.crm.salesforce.errors import Refused
from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.face import Request
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Answer, Ask

VERSIONS = tuple(range(38, 67))
SPELT = frozenset(f"v{version}.0" for version in VERSIONS)
DATA = "/services/data/{version}"
Run = Callable[[Ask], Answer]


def unblank(request: Request) -> None:
    """An external id in a path: a bare plus is a blank, as some clients encode it."""
    if b"+" in request.path and "value" in request.params:
        value = unquote_plus(request.path.rstrip(b"/").rsplit(b"/", 1)[1].decode("latin-1"))
        request.params = {**request.params, "value": value}


def unpacked(body: bytes, most: int) -> bytes:
    """A body that came in gzip, `most` bytes of it; as it is where it is no gzip."""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(body, most)
    except zlib.error:
        return body


def version_of(said: str) -> str:
    """The version that a path names."""
    return said.removeprefix("v")


def is_version(said: str) -> bool:
    """Whether there is such a version."""
    return said in SPELT


def tag(record: Record) -> str:
    """The ETag of a record."""
    return tag_of(dumped(record))


def tag_of(body: bytes) -> str:
    """The ETag of a record as it goes out."""
    return f'"{zlib.crc32(body):08x}"'


def offset(instant: str) -> str:
    """An instant as answers write it, in whole seconds."""
    return f"{instant[:19]}.000+0000"


def moment(text: str) -> str:
    """An ISO instant out of a query string, where a plus may have become a blank."""
    text = text.strip().replace(" ", "+")
    return re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", text)


def later(shown: str | None, header: str) -> bool:
    """Whether a record's time is later than an HTTP date says; raises Refused 400."""
    try:
        wanted = parsedate_to_datetime(header)
    except ValueError:
        raise Refused(400, "INVALID_REQUEST", f"{header} is no HTTP date") from None
    return bool(shown) and clock.parse(str(shown).replace("+0000", "Z")) > wanted
