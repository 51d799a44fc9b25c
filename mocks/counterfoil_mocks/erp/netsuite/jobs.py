"""Asynchronous calls: `Prefer: respond-async` makes a job, whose task has the answer that the call would have had.

The work is done before the job is told of, so that the first look finds it finished.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import orjson

from counterfoil_mocks.erp.netsuite import errors
from counterfoil_mocks.erp.netsuite.errors import Refused
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.face import Request
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation
from counterfoil_mocks.kernel.tx import Tx

if TYPE_CHECKING:
    from counterfoil_mocks.erp.netsuite.api import NetSuiteFace

PATH = "/services/rest/async/v1/job"
KIND = "asyncJob"
SUBMITTED = 'A request with the same idempotency key is already submitted. See the "Location" header for a link to the previously submitted job'
KEY = b"x-netsuite-idempotency-key"


class Jobs:
    """Jobs are kept as objects that only the vendor knows."""

    def __init__(self, face: NetSuiteFace) -> None:
        self.face = face

    def operations(self) -> Iterable[Operation]:
        """The routes."""
        yield Operation("get_async_job", "GET", f"{PATH}/{{id}}", self._get, "How far a job is")
        yield Operation("list_async_job_task", "GET", f"{PATH}/{{id}}/task", self._tasks, "The tasks of a job")
        yield Operation("get_async_job_task", "GET", f"{PATH}/{{id}}/task/{{task}}", self._task, "How far a task is")
        yield Operation(
            "get_async_job_result", "GET", f"{PATH}/{{id}}/task/{{task}}/result", self._result, "The answer of a task"
        )

    @staticmethod
    def wanted(request: Request, operation: Operation) -> bool:
        """Whether a call is to be answered by a job."""
        wish = (request.header(b"prefer") or "").lower()
        return "respond-async" in wish and isinstance(operation.about, dict) and "type" in operation.about

    @staticmethod
    def many(request: Request) -> bool:
        """Whether a call brings a collection of records."""
        return "type=collection" in (request.header(b"content-type") or "").replace(" ", "").lower()

    def take(self, request: Request, operation: Operation, works: Iterable[Callable[[], Answer]]) -> Answer:
        """Do a call's work, each part a task of its own, and answer with its job. Raises Refused 400, which names the first call's job, where
        its idempotency key is known."""
        key = request.header(KEY)
        known = [] if key is None else self._found(key[:500])
        if known:
            headers = self._told(request, known[0]["name_id"]).headers
            raise Refused(400, "IDEMPOTENCY_ERROR", SUBMITTED, title="Conflict", headers=headers)
        tasks = [self._done(work) for work in works]
        system = self.face.system
        with Tx(system, self.face.origin(request, operation)) as tx:
            number = str(tx.number("netsuite:job"))
            tx.insert(
                system.role.by_name["vendor_object"],
                {
                    "vendor": self.face.vendor,
                    "kind": KIND,
                    "owner": number,
                    "name": (key or "")[:500],
                    "custom": {"tasks": tasks},
                },
            )
        return self._told(request, number)

    def _done(self, work: Callable[[], Answer]) -> Record:
        """What came of a task."""
        try:
            answer = work()
        except Problem as problem:
            refused = errors.of(problem, self.face.sessions.account)
            return {"status": refused.status, "error": refused.shown()}
        said: Record = {"status": answer.status, "headers": [list(each) for each in answer.headers]}
        if answer.payload is None:
            return said
        kind = "collection" if isinstance(answer.payload, dict) and "items" in answer.payload else "singular"
        said["headers"].append(["content-type", f"application/vnd.oracle.resource+json; type={kind}"])
        return {**said, "payload": self.face.dumped(answer.payload).decode()}

    def _told(self, request: Request, number: str) -> Answer:
        where = f"{self.face.base(request)}{PATH}/{number}"
        return Answer(202, None, headers=(("location", where), ("preference-applied", "respond-async")))

    def _found(self, key: str) -> list[Record]:
        rows = self.face.system.table("vendor_object").select(
            self.face.system.name, {"kind": KIND, "name": key}, order=("created_at", "id"), limit=1
        )
        return [{**row, "name_id": row["owner"]} for row in rows]

    def _tasks_of(self, ask: Ask) -> list[Record]:
        """The tasks of the job that is asked for, or the one of them; raises Refused 404."""
        rows = self.face.system.table("vendor_object").select(
            self.face.system.name, {"kind": KIND, "owner": ask.subject}, order=("created_at", "id"), limit=1
        )
        tasks: list[Record] = rows[0]["custom"]["tasks"] if rows else []
        wanted = ask.params.get("task")
        if wanted is not None:
            tasks = [each for number, each in enumerate(tasks, 1) if str(number) == wanted]
        if not tasks:
            raise Refused(404, "NONEXISTENT_ID", "The job does not exist.", url=ask.request.path.decode("latin-1"))
        return tasks

    def _link(self, ask: Ask, rel: str, *steps: str) -> Record:
        return {"rel": rel, "href": "/".join([self.face.base(ask.request) + PATH, ask.subject, *steps])}

    def _shown(self, ask: Ask, record_id: str) -> Record:
        failed = any("error" in each for each in self._tasks_of(ask))
        return {"completed": True, "id": record_id, "progress": "failed" if failed else "succeeded"}

    def _get(self, ask: Ask) -> Answer:
        shown = self._shown(ask, ask.subject)
        links = [self._link(ask, "self")]
        return Answer(200, {"links": links, **shown, "task": {"links": [self._link(ask, "self", "task")]}})

    def _tasks(self, ask: Ask) -> Answer:
        count = len(self._tasks_of(ask))
        items = [{"links": [self._link(ask, "self", "task", str(at))], "id": str(at)} for at in range(1, count + 1)]
        links = [self._link(ask, "self", "task")]
        return Answer(
            200,
            {"links": links, "items": items, "count": count, "hasMore": False, "offset": 0, "totalResults": count},
        )

    def _task(self, ask: Ask) -> Answer:
        number = ask.params["task"]
        links = [self._link(ask, "self", "task", number), self._link(ask, "result", "task", number, "result")]
        return Answer(200, {"links": links, **self._shown(ask, number)})

    def _result(self, ask: Ask) -> Answer:
        (said,) = self._tasks_of(ask)
        if "error" in said:
            kind = ("content-type", "application/vnd.oracle.resource+json; type=error")
            return Answer(said["status"], said["error"], headers=(kind,))
        payload = orjson.Fragment(said["payload"]) if "payload" in said else None
        return Answer(said["status"], payload, headers=tuple((name, value) for name, value in said["headers"]))
