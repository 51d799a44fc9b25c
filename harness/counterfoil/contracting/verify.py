"""Provider verification: what a consumer relies on, asked of a live system. The work is Pact's; here are the states, and the verdict."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from counterfoil.client import Broken, Control
from counterfoil.contracting.states import Player, Server
from counterfoil.descriptor import Unreadable
from counterfoil_mocks.kernel.extras import install

Record = dict[str, Any]
ANSWER_MS = 60_000


@dataclass(frozen=True)
class Pact:
    """A pact in its file."""

    place: Path
    content: Record

    @property
    def consumer(self) -> str:
        """Who relies on it."""
        return str(self.content["consumer"]["name"])

    @property
    def provider(self) -> str:
        """Whom it relies on."""
        return str(self.content["provider"]["name"])

    @property
    def own(self) -> Record:
        """What we keep in it: seed, size, versions."""
        found: Record = self.content.get("metadata", {}).get("counterfoil") or {}
        return found

    @property
    def digest(self) -> str:
        """What says that two pacts ask for the same."""
        whole = {name: self.content[name] for name in ("consumer", "provider", "interactions")}
        return hashlib.sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).hexdigest()


def read(places: Sequence[Path]) -> list[Pact]:
    """The pacts in these files and folders; raises Unreadable where there is none, or one cannot be read."""
    files: list[Path] = []
    for place in places:
        if not place.exists():
            raise Unreadable(f"{place}: no such file or folder")
        files += sorted(place.glob("*.json")) if place.is_dir() else [place]
    found = []
    for file in files:
        try:
            content = orjson.loads(file.read_bytes())
        except orjson.JSONDecodeError as error:
            raise Unreadable(f"{file}: is not JSON: {error}") from error
        if isinstance(content, dict) and isinstance(content.get("consumer"), dict) and "interactions" in content:
            found.append(Pact(file, content))
    if not found:
        raise Unreadable(f"{', '.join(map(str, places))}: no pact is there (Pact V4, JSON)")
    return found


def verify(
    pact: Pact,
    *,
    landscape: tuple[Control, Record] | None,
    url: str | None = None,
    headers: Mapping[str, str] | None = None,
    states_url: str | None = None,
    version: str = "0",
) -> Record:
    """Ask a system everything that a pact says. landscape: a control plane and what `/landscape` says, which states are reached with;
    url: another provider, a vendor's sandbox for one. Raises Broken where that cannot be done at all."""
    facts = {} if landscape is None else {each["name"]: each for each in landscape[1]["systems"]}
    target = url or facts.get(pact.provider, {}).get("url")
    if target is None:
        raise Unreadable(f"{pact.place}: the landscape has no system {pact.provider!r}; it has {', '.join(facts)}")
    sent = dict(headers or {})
    if url is None:
        sent.setdefault("authorization", f"Bearer {facts[pact.provider]['native']['credentials']['access_token']}")
    if landscape is None:
        found = _ask(pact, target, sent, states_url, None)
    else:
        player = Player(landscape[0], landscape[1], pact.place.parent / "states")
        with Server(player, pact.provider) as server:
            found = _ask(pact, target, sent, f"http://127.0.0.1:{server.port}/states", server)
    interactions = found["interactions"]
    return {
        "consumer": pact.consumer,
        "consumer_version": str(pact.own.get("consumerVersion", "0")),
        "provider": pact.provider,
        "provider_version": version,
        "pact": pact.digest,
        "success": bool(interactions) and all(each["held"] for each in interactions),
        **found,
    }


def _ask(pact: Pact, target: str, headers: Mapping[str, str], states_url: str | None, server: Server | None) -> Record:
    os.environ.setdefault("PACT_DO_NOT_TRACK", "true")
    try:
        from pact import Verifier
    except ImportError as error:
        raise Broken(f"pact-python is not installed: {install('contracts')}") from error
    parts = urlsplit(target)
    verifier = Verifier(pact.provider, host=parts.hostname).add_transport(url=target.rstrip("/") or target)
    verifier.set_request_timeout(ANSWER_MS)
    verifier.set_coloured_output(enabled=False)
    for name, value in headers.items():
        verifier.add_custom_header(name, value)
    if server is not None:
        verifier.add_transport(protocol="message", port=server.port, path="/messages", scheme="http")
    if states_url is not None:
        verifier.state_handler(states_url, teardown=False, body=True)
    verifier.add_source(pact.place)
    with contextlib.suppress(RuntimeError), silent():
        verifier.verify()
    return outcome(pact, verifier.results, server.failures if server else [])


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Keep what the verifier itself prints, also from below Python, off standard output."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def outcome(pact: Pact, results: Mapping[str, Any], failures: Sequence[str]) -> Record:
    """What held and what did not, by interaction."""
    wrong: dict[str, list[str]] = {}
    for each in results.get("errors", ()):
        wrong.setdefault(description_of(each["interaction"]), []).extend(told(each["mismatch"]))
    asked = [str(each["description"]) for each in pact.content["interactions"]]
    interactions = [
        {"description": name, "held": not broken, **({"mismatches": broken} if broken else {})}
        for name in asked
        for broken in [next((found for title, found in wrong.items() if name in title), [])]
    ]
    if wrong and all(each["held"] for each in interactions):
        interactions.append({"description": "verification", "held": False, "mismatches": [str(wrong)]})
    return {"interactions": interactions, "unreached": list(dict.fromkeys(failures))}


def description_of(text: str) -> str:
    """The interaction that an error is about."""
    return re.sub(r"\s+", " ", text)


def told(mismatch: Mapping[str, Any]) -> list[str]:
    """Mismatches as sentences."""
    found = [
        " ".join(str(each[name]) for name in ("type", "path", "key", "mismatch", "description") if each.get(name))
        for each in mismatch.get("mismatches", ())
    ]
    return found or [str(mismatch.get("message") or mismatch)]
