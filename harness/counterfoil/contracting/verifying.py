"""Verifies pacts one after another, on a landscape that fits each of them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from counterfoil.bench import LandscapeProcess, Settings
from counterfoil.client import Broken, Control, knock
from counterfoil.contracting import verify
from counterfoil.descriptor import Unreadable
from counterfoil.integration import resolve

Record = dict[str, Any]
Landscape = tuple[Control, Record]


@dataclass(frozen=True)
class Order:
    """What to verify, and against what. landscape: address of a control plane that runs; url: a provider that is none of ours."""

    pacts: tuple[Path, ...]
    systems: tuple[str, ...] = ()
    url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    states_url: str | None = None
    landscape: str | None = None
    version: str = "0"


def run(order: Order) -> list[Record]:
    """The verification of each pact; raises Unreadable, or Broken."""
    found = [each for each in verify.read(order.pacts) if not order.systems or each.provider in order.systems]
    if not found:
        raise Unreadable(f"no pact has the provider {', '.join(order.systems)}")
    if order.url is not None and len({each.provider for each in found}) > 1:
        raise Unreadable("--provider-url is the address of one provider: choose it with --system")
    if order.url is not None:
        _find(order.url)
    results = []
    for seed, size in sorted({(each.own.get("seed"), each.own.get("size")) for each in found}, key=str):
        fitting = [each for each in found if (each.own.get("seed"), each.own.get("size")) == (seed, size)]
        with _landscape(order, seed, size) as landscape:
            results += [
                verify.verify(
                    each,
                    landscape=landscape,
                    url=order.url,
                    headers=order.headers,
                    states_url=order.states_url,
                    version=order.version,
                )
                for each in fitting
            ]
    return results


def _find(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise Unreadable(f"--provider-url {url}: is no http or https address")
    try:
        knock(url)
    except OSError as error:
        raise Broken(f"nobody listens at {url}, the --provider-url ({error.strerror or error})") from error


@contextlib.contextmanager
def _landscape(order: Order, seed: int | None, size: str | None) -> Iterator[Landscape | None]:
    """The landscape that states are reached on: none for a provider that is not ours."""
    if order.url is not None and order.landscape is None:
        yield None
        return
    if order.landscape is not None:
        control = Control(order.landscape, os.environ.get("COUNTERFOIL_TOKEN"))
        yield control, control.get("/landscape")
        control.close()
        return
    process = LandscapeProcess(Settings(resolve("noop"), seed=seed, size=size))
    try:
        announced = process.announcement()["control"]
        control = Control(announced["url"], announced.get("token"))
        yield control, control.get("/landscape")
        control.close()
    finally:
        process.stop()
