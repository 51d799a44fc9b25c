"""Puts a landscape where a contract needs it: a server that a verifier asks for provider states and for messages.

A recorded state is a snapshot by name, so many deeds of a story, and is reached by doing these deeds again. The states of contracts that
were written by hand are in `givens`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import orjson

from counterfoil.client import Broken, Control, Refused
from counterfoil.contracting import givens

Record = dict[str, Any]


class Unreached(Exception):
    """A provider state that the landscape could not be put into. The text says why."""


@dataclass
class Story:
    """Deeds in order, read from a file beside the pacts."""

    about: Record
    deeds: list[Record]

    @classmethod
    def read(cls, place: Path) -> Story:
        """From its file; raises Unreached."""
        try:
            about, *deeds = map(orjson.loads, place.read_bytes().splitlines())
        except (OSError, orjson.JSONDecodeError, ValueError) as error:
            raise Unreached(f"the story {place} cannot be read: {error}") from error
        return cls(about, deeds)


@dataclass
class Player:
    """Brings a landscape to provider states. folder: where the stories lie. Not safe to share between threads."""

    control: Control
    landscape: Record
    folder: Path
    _stories: dict[str, Story] = field(default_factory=dict)
    _natives: dict[str, Control] = field(default_factory=dict)
    _place: tuple[str, int, str] | None = None

    def reach(self, story: str, step: int, at: str) -> None:
        """Put the landscape where it was after so many deeds of a story; raises Unreached where it does not come out as it was."""
        told = self._stories.get(story) or self._stories.setdefault(story, Story.read(self.folder / f"{story}.ndjson"))
        if self._place is None or self._place[0] != story or self._place[1] > step:
            self._begin(story, told.about)
        else:
            self._back(told.about)
        assert self._place is not None
        for number, deed in enumerate(told.deeds[self._place[1] : step], self._place[1] + 1):
            self._until(deed["at"])
            self._do(deed, number)
        self._until(at)
        self._keep(story, step)

    def _begin(self, story: str, about: Record) -> None:
        """The first morning, with the ids that this story has."""
        seeded = next(each["id"] for each in self.control.get("/snapshots")["items"] if each["label"] == "seeded")
        if self._place is not None:
            self.control.delete(f"/snapshots/{self._place[2]}")
        self.control.delete("/faults")
        self.control.post(f"/snapshots/{seeded}/restore", {"label": about["story"], "nth": about["nth"]})
        self._place = (story, 0, "")

    def _back(self, about: Record) -> None:
        """Undo what was asked of the landscape in the last state."""
        assert self._place is not None
        if self._place[2]:
            again = {"label": about["story"], "nth": about["nth"]}
            self.control.post(f"/snapshots/{self._place[2]}/restore", again)

    def _keep(self, story: str, step: int) -> None:
        assert self._place is not None
        old = self._place[2]
        name = str(self.control.post("/snapshots", {"label": f"{story} after {step} deeds"})["id"])
        if old:
            self.control.delete(f"/snapshots/{old}")
        self._place = (story, step, name)

    def _until(self, at: str) -> None:
        if str(self.control.get("/clock")["now"]) < at:
            self.control.post("/clock/advance", {"to": at})

    def _do(self, deed: Mapping[str, Any], number: int) -> None:
        try:
            if deed["by"] == "person":
                answer = self.control.send(deed["method"], f"/systems/{deed['system']}{deed['path']}", deed["body"])
            else:
                answer = self.system(deed["system"]).send(
                    deed["method"], deed["path"], deed["body"], headers=deed["trail"]
                )
        except Refused as error:
            raise Unreached(f"deed {number} of the story is refused: {error}") from error
        about = answer.get("record", answer) if isinstance(answer, dict) else None
        made = about.get("id") if isinstance(about, dict) else None
        if deed["made"] is not None and made != deed["made"]:
            raise Unreached(
                f"deed {number} of the story ({deed['method']} {deed['path']}) made {made}, where {deed['made']} was recorded: "
                "the landscape has another seed, size or version"
            )

    def system(self, name: str) -> Control:
        """A system's own address, with its ready token; blind changes."""
        if name not in self._natives:
            facts = next((each for each in self.landscape["systems"] if each["name"] == name), None)
            if facts is None:
                raise Unreached(f"the landscape has no system {name!r}")
            token = facts["native"]["credentials"]["access_token"]
            self._natives[name] = Control(facts["url"], token, peer=f"the system {name}", headers={"if-match": "*"})
        return self._natives[name]

    def give(self, name: str, params: Mapping[str, Any]) -> Record:
        """Reach a state by its name; returns the values that requests take from it. Raises Unreached."""
        if "story" in params:
            self.reach(params["story"], int(params["step"]), params["at"])
            return {}
        given: Callable[..., Record] | None = givens.GIVEN.get(name)
        if given is None:
            known = ", ".join(sorted(givens.GIVEN))
            raise Unreached(f"no way is known to the provider state {name!r}; known: {known}")
        self._afresh()
        wanted = {key: value for key, value in params.items() if key != "event"}
        try:
            return given(givens.Hands(self.control), **wanted)
        except (Refused, TypeError) as error:
            raise Unreached(f"{name}: {error}") from error

    def _afresh(self) -> None:
        self._place = None
        self.control.post("/reset", None)

    def message(self, system: str, type_: str) -> Record:
        """The newest event of a type that a system has announced; raises Unreached."""
        found: Record | None = None
        after = ""
        while True:
            page = self.system(system).get(f"/native/v1/events{after}")
            for each in page["items"]:
                if each["type"] == type_:
                    found = each
            if page["next"] is None:
                break
            after = f"?after={quote(page['next'])}"
        if found is None:
            raise Unreached(f"{system} has announced no {type_}")
        return found


class Server:
    """Answers a verifier: `POST /states` and `POST /messages`. One request at a time. failures: why states were not reached."""

    def __init__(self, player: Player, system: str) -> None:
        self.failures: list[str] = []
        turn = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            """One request."""

            def do_POST(self) -> None:
                body = orjson.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
                with turn:
                    try:
                        answer = server.answer(player, system, self.path, body)
                        self._reply(200, answer)
                    except (Unreached, Broken, Refused, StopIteration, KeyError) as error:
                        server.failures.append(str(error))
                        self._reply(422, {"error": str(error)})

            def _reply(self, status: int, answer: Record) -> None:
                payload = orjson.dumps(answer)
                media = "application/cloudevents+json" if "specversion" in answer else "application/json"
                self.send_response(status)
                self.send_header("content-type", media)
                self.send_header("content-length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @staticmethod
    def answer(player: Player, system: str, path: str, body: Mapping[str, Any]) -> Record:
        """Reach a state, or give the message that was announced in it."""
        if path.startswith("/states"):
            if body.get("action") == "teardown":
                return {}
            return player.give(body.get("state", ""), body.get("params") or {})
        wanted = [each.get("params", {}).get("event") for each in body.get("providerStates", ())]
        type_ = next((each for each in wanted if each), None)
        if type_ is None:
            raise Unreached(f"{body.get('description')}: the provider state names no `event`")
        return player.message(system, type_)

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
