"""What is wrong with a set-up, before any scenario is told: descriptor, landscape, start, webhooks, credentials, links, writes. Each mistake
comes with its remedy."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from counterfoil import activity as firm
from counterfoil import vocabulary
from counterfoil.bench import Bench, Settings
from counterfoil.client import Broken, Records, Refused
from counterfoil.container import Unrunnable
from counterfoil.descriptor import PLACE, Descriptor, Unreadable, expand
from counterfoil.integration import Integration, resolve
from counterfoil.money import usd
from counterfoil.outcome import BROKEN, HELD, USAGE, VIOLATED
from counterfoil.stories import Story
from counterfoil.world import NotSettled, World

STORY = Story("doctor", "One customer and one deal")
WRITES = ("POST", "PUT", "PATCH", "DELETE")
LINK_REMEDY = (
    "Write `erp.customer: external_id -> crm.customer`, with the field that holds the reference, or leave the link out."
)
IMAGE_REMEDY = "See that `docker info` answers, and that the image of `start` is there or can be pulled."
TRIED = 5.0
"""Seconds that a webhook's address has to take a connection."""


@dataclass(frozen=True)
class Finding:
    """What one check found. sentence: what is so; remedy: what to do about it, empty where nothing is wrong. code: the exit code that
    it means."""

    check: str
    sentence: str
    remedy: str = ""
    code: int = HELD

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.code == HELD


@dataclass
class Diagnosis:
    """All findings, in the order of the checks; a check that presupposes a failed one is not made. done: told of each as it comes."""

    done: Callable[[Finding], object] = lambda finding: None
    findings: list[Finding] = field(default_factory=list)

    def found(self, check: str, sentence: str, remedy: str = "", code: int = HELD) -> None:
        """Add one."""
        self.findings.append(Finding(check, sentence, remedy, code))
        self.done(self.findings[-1])

    @property
    def exit_code(self) -> int:
        """What could not be run wins, then what cannot be understood, then what goes wrong."""
        return max((each.code for each in self.findings), default=HELD)

    def as_data(self) -> dict[str, Any]:
        """For `--json`."""
        items = [{"ok": each.ok, **asdict(each)} for each in self.findings]
        return {
            "verdict": "healthy" if self.exit_code == HELD else "ailing",
            "exit_code": self.exit_code,
            "findings": items,
        }


def diagnose(
    integration: str, landscape: str | None, done: Callable[[Finding], object] = lambda finding: None
) -> Diagnosis:
    """Look at everything that can be looked at. integration, landscape: as `counterfoil run` takes them."""
    case = Diagnosis(done)
    described = descriptor(case, integration)
    ready = ports(case, landscape)
    if described is None or not ready:
        return case
    bench = Bench(Settings(described, landscape))
    try:
        world = awake(case, bench)
        if world is not None:
            webhooks_listen(case, bench)
            live(case, world)
    except Broken as error:
        case.found("run", str(error), "See what the integration wrote last, above; mend it and try again.", BROKEN)
    finally:
        bench.stop()
    return case


def descriptor(case: Diagnosis, name: str) -> Descriptor | None:
    """Whether the descriptor can be understood."""
    try:
        found = resolve(name)
    except Unreadable as error:
        case.found(
            "descriptor", str(error), "Correct the file; contracts/schemas/integration.json describes every key.", USAGE
        )
        return None
    wrong = [said for link, where in found.links.items() if (said := link_mistake(link, where))]
    for said in wrong:
        case.found("links", said, LINK_REMEDY, USAGE)
    if wrong:
        return None
    case.found("descriptor", f"{found.name} is described well")
    return found


def link_mistake(link: str, where: str) -> str:
    """What is wrong with a link of the descriptor, as text; empty where nothing is."""
    if not link.partition(".")[2]:
        return f"links: {link!r} is not `system.entity`"
    if "->" not in where:
        return f"links: {link}: {where!r} does not say what it refers to (`field -> system.entity`)"
    return ""


def ports(case: Diagnosis, landscape: str | None) -> bool:
    """Whether the landscape's file can be understood and its ports are free."""
    if landscape is None or landscape.startswith(("http://", "https://")):
        return True
    from counterfoil_mocks import config

    try:
        wanted = config.understood(config.read(Path(landscape)), landscape)
    except config.Unusable as error:
        case.found("landscape", str(error), "Correct the file; contracts/schemas/landscape.json describes it.", USAGE)
        return False
    named = {"the control plane": wanted.port_base} | {name: wanted.port_of(name) for name in wanted.order}
    taken = [f"{port} ({name})" for name, port in named.items() if port and not free(wanted.host, port)]
    if taken:
        remedy = "Stop what listens there, or choose another `port_base` (0 takes free ports)."
        case.found("ports", f"{landscape}: taken already: {', '.join(taken)}", remedy, BROKEN)
        return False
    case.found("landscape", f"{landscape} can be served")
    return True


def free(host: str, port: int) -> bool:
    """Whether nobody listens on a port."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def awake(case: Diagnosis, bench: Bench) -> World | None:
    """Start landscape and integration."""
    try:
        control = bench.serve()
    except Unrunnable as error:
        case.found("start", str(error), IMAGE_REMEDY, BROKEN)
        return None
    except Broken as error:
        case.found("landscape", str(error), "Start it by itself to see more: counterfoil up", BROKEN)
        return None
    candidate = Integration(bench.settings.integration, control)
    wrong = list(unknown_places(candidate))
    for said in wrong:
        facts = "`counterfoil up --json` prints the facts of `systems`; besides there are `port`, `webhooks.<system>.secret`, `control.url`."
        remedy = "Name systems as the landscape does." if "no such system" in said else facts
        case.found("references", said, remedy, USAGE)
    if wrong:
        return None
    try:
        world = bench.world(STORY)
    except Unreadable as error:
        case.found("descriptor", str(error), "Name systems as the landscape does.", USAGE)
        return None
    except Unrunnable as error:
        case.found("start", str(error), IMAGE_REMEDY, BROKEN)
        return None
    except Broken as error:
        case.found("start", str(error), start_remedy(str(error)), BROKEN)
        return None
    case.found("start", f"{candidate.name} starts and is ready")
    try:
        world.invariants(["INV-01"])
    except Refused as refused:
        case.found("links", refused.detail, LINK_REMEDY, USAGE)
        return None
    return world


def start_remedy(said: str) -> str:
    """What to do about an integration that does not come up."""
    if "was not ready" in said:
        return (
            "Have `ready.url` answer 2xx as soon as it takes requests, listen on `${port}`, or raise `ready.timeout`."
        )
    if "ended with code" in said:
        return "Run `start.command` by hand with the variables of `env`; its last words are above."
    if "does not run" in said:
        return "Start it before, or correct `start.url`; or let Counterfoil start it: `start: {command: [...]}`."
    return "See that `start` names a program that exists, seen from the descriptor's folder."


def unknown_places(candidate: Integration) -> Iterator[str]:
    """Every `${…}` of the descriptor that names no fact, and system names that there are not."""
    told, systems = candidate.descriptor, candidate.facts["systems"]
    texts = {f"env.{name}": text for name, text in told.env.items()}
    texts |= {f"start.env.{name}": text for name, text in told.start.env.items()}
    texts |= {f"webhooks.{name}": text for name, text in told.webhooks.items()}
    texts |= {f"start.command[{number}]": text for number, text in enumerate(told.start.command or ())}
    texts |= {"ready.url": told.ready.url} if told.ready else {}
    for where, text in texts.items():
        for place in PLACE.finditer(text):
            try:
                expand(place[0], candidate.facts, where)
            except Unreadable as error:
                yield str(error)
    for name in told.webhooks:
        if name not in systems:
            yield f"webhooks.{name}: the landscape has no such system (it has: {', '.join(systems)})"


def webhooks_listen(case: Diagnosis, bench: Bench) -> None:
    """Whether the addresses that events go to take connections at all."""
    assert bench.integration is not None
    hooks = bench.integration.hooks()
    if not hooks:
        if not bench.settings.integration.declares.count("polling"):
            remedy = "Name an address for each system under `webhooks`, or declare `polling`."
            case.found("webhooks", "no system tells it of anything, and it does not poll", remedy, VIOLATED)
        return
    for name, url in hooks.items():
        parts = urlsplit(url)
        try:
            socket.create_connection((str(parts.hostname), parts.port or 80), TRIED).close()
        except OSError as error:
            sentence = f"webhooks.{name}: nobody listens at {url} ({error.strerror or error})"
            case.found(
                "webhooks", sentence, "Use the port that it listens on: `${port}` is the one it was given.", VIOLATED
            )


def live(case: Diagnosis, world: World) -> None:
    """Enter a customer, win a deal, and look at what came of it; raises Broken where the integration ends over it."""
    customer = firm.add_customer(world, name="Aldergate Logistics Inc.", invoice_ccy="USD")
    line = firm.fixed_fee(usd("10,000"), hours=100, cost=usd("5,000"), tax_code="NT", service_item="CONSULTING-FF")
    stones = [firm.milestone("M1", usd("10,000"))]
    firm.sell(world, customer=customer, lines=[line], milestones=stones, rate_card="US-STD/1", settle=False)
    try:
        world.settle(timeout=20)
    except NotSettled as restless:
        remedy = "Answer webhooks with 2xx within a few seconds; have `idle` say true when there is nothing to do."
        case.found("rest", str(restless), remedy, VIOLATED)
    if world.integration is not None:
        world.integration.check_alive()  # of one that has died, all else that is wrong would only say so at length
    calls = world.journal(kind="request", since=world.journal_start)
    credentials(case, calls)
    delivered(case, world.journal(kind="delivery", since=world.journal_start))
    writes(case, calls)
    linked(case, world, str(customer["id"]), str(customer["customer_no"]))


def credentials(case: Diagnosis, calls: Records) -> None:
    """Whether the systems know whom they talk to."""
    refused: dict[str, list[dict[str, Any]]] = {}
    for each in calls:
        if each["status"] in (401, 403) or (each["status"] == 400 and "token" in str(each["path"])):
            refused.setdefault(each["system"], []).append(each)
    for system, several in refused.items():
        first = several[0]
        sentence = (
            f"{system} refused {len(several)} calls with {first['status']}, first {first['method']} {first['path']}"
        )
        remedy = f"Use ${{systems.{system}.credentials.access_token}}, or client_id and client_secret at token_url, of this very system."
        case.found("credentials", sentence, remedy, VIOLATED)
    if calls and not refused:
        case.found("credentials", "the systems take its credentials")


def delivered(case: Diagnosis, attempts: Records) -> None:
    """Whether events arrive and are taken. attempts: entries of the journal, one for each attempt to hand an event over."""
    wrong: dict[tuple[str, str], set[str]] = {}
    taken = {each["event_id"] for each in attempts if 200 <= (each["status"] or 0) < 300}
    for each in attempts:
        if each["event_id"] not in taken:
            said = f"status {each['status']}" if each["status"] else str(each["response"] or "no answer")
            wrong.setdefault((each["system"], said), set()).add(each["event_id"])
    for (system, said), events in wrong.items():
        sentence = f"{len(events)} events of {system} were not taken: {said}"
        case.found("webhooks", sentence, hook_remedy(system, said), VIOLATED)
    if taken and not wrong:
        case.found("webhooks", f"{len(taken)} events arrived and were taken")


def hook_remedy(system: str, said: str) -> str:
    """What to do about events that are not taken."""
    if said in ("status 404", "status 405"):
        return f"Have `webhooks.{system}` name the path that takes POST."
    if said in ("status 401", "status 403", "status 400"):
        return f"Check signatures with ${{webhooks.{system}.secret}} (Standard Webhooks: HMAC-SHA256 over id.timestamp.body)."
    if said.startswith("status"):
        return "See what it wrote on its error channel; a webhook answers 2xx once the event is safe."
    return f"Have it listen at `webhooks.{system}`, on an interface that this machine reaches, and answer in time."


def times(count: int) -> str:
    """How often, in words."""
    return "once" if count == 1 else f"{count} times"


def writes(case: Diagnosis, calls: Records) -> None:
    """Whether it does anything about a won deal."""
    written = [each for each in calls if each["method"] in WRITES and "token" not in str(each["path"])]
    good = [each for each in written if each["status"] < 400]
    if good:
        names = sorted({str(each["system"]) for each in good})
        case.found("writes", f"it wrote {times(len(good))}, to {', '.join(names)}")
    elif written:
        first = written[0]
        sentence = f"all its {len(written)} writes were refused, first {first['method']} {first['path']} at {first['system']} with {first['status']}"
        case.found(
            "writes", sentence, "Read the answer's `detail` and `remedy` in the journal (GET /journal).", VIOLATED
        )
    else:
        seen = f"it read {times(len(calls))}" if calls else "it called no system"
        remedy = "See that it takes crm.account.created and crm.opportunity.closed_won; with no `idle`, raise `quiet` above its longest pause."
        case.found("writes", f"a deal was won and it wrote nothing ({seen})", remedy, VIOLATED)


def linked(case: Diagnosis, world: World, customer_id: str, number: str) -> None:
    """Whether the copies of the customer refer to it where the descriptor says."""
    assert world.integration is not None
    for system in world.systems.values():
        if system.role not in vocabulary.ROLES_OF_COPIES:
            continue
        where = world.integration.descriptor.links.get(f"{system.role}.customer", vocabulary.DEFAULT_LINK)
        column, _, within = where.split("->", maxsplit=1)[0].strip().partition(".")
        for copy in copies(world, system.name, customer_id, number):
            said = (copy.get(column) or {}).get(within) if within else copy.get(column)
            if said == customer_id:
                case.found("links", f"{system.name}: the customer's copy refers to it")
                continue
            field_name = where.split("->", maxsplit=1)[0].strip()
            sentence = f"links: {system.role}.customer: {field_name} of the copy {copy['customer_no']} is {said!r}, not the CRM's id {customer_id!r}"
            remedy = f"Write the id of the CRM's customer there, or say under `links` where it is: `{system.role}.customer: FIELD -> crm.customer`."
            case.found("links", sentence, remedy, VIOLATED)


def copies(world: World, system: str, customer_id: str, number: str) -> Records:
    """Customers of a system that are plainly copies of one in the CRM: its id or its number stands in them."""
    found = world.systems[system].list("customer", name="Aldergate Logistics Inc.")
    return [each for each in found if number == each["customer_no"] or customer_id in str(each)] or found[-1:]
