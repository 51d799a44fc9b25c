"""The Bulk API 1.0: jobs of batches, each done as it comes. Infos in JSON or XML, rows in JSON, CSV or XML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import orjson

from counterfoil_mocks.crm.salesforce import batch_wire, errors, loading, several
from counterfoil_mocks.crm.salesforce.errors import Refused
from counterfoil_mocks.crm.salesforce.ids import is_id, long_id, made
from counterfoil_mocks.crm.salesforce.loading import CSV, OPERATIONS, Unreadable
from counterfoil_mocks.crm.salesforce.soap import Raw
from counterfoil_mocks.crm.salesforce.spelling import is_version, offset
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.kept import Kept
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation
from counterfoil_mocks.protocols import soql_answer

if TYPE_CHECKING:
    from counterfoil_mocks.crm.salesforce.api import SalesforceFace
    from counterfoil_mocks.kernel.face import Request

ROOT = b"/services/async/"
XML = (("content-type", "application/xml"),)
QUERIES = ("query", "queryAll")
MODES = {"0": "Parallel", "1": "Serial", "parallel": "Parallel", "serial": "Serial"}
"""How the batches of a job may run, by name and as simple-salesforce numbers them."""
MOST_ROWS = 10_000
NOTHING_FOUND = "Records not found for this query"
TIMES = {"totalProcessingTime": 0, "apiActiveProcessingTime": 0, "apexProcessingTime": 0}
WORDS = {
    "INVALID_SESSION_ID": (400, "InvalidSessionId", "Invalid session id"),
    "REQUEST_LIMIT_EXCEEDED": (400, "ExceededQuota", "ApiRequests Limit exceeded."),
    "NOT_FOUND": (404, "InvalidUrl", "Destination URL not valid"),
    "METHOD_NOT_ALLOWED": (405, "InvalidUrl", "Destination URL not valid"),
    "SERVER_UNAVAILABLE": (503, "Unknown", "The server is temporarily unavailable."),
}
"""What refusals of the other APIs are here."""


@dataclass
class Batch:
    """A batch. number: in the order of all that the org has had. request: as it was sent, a character a byte; outcome: the state that the next
    look finds; rows: what became of each; found: answer of a query, as records in JSON, else as header and rows of CSV."""

    shown: Record
    number: int
    request: str
    media: str
    outcome: Record = field(default_factory=dict)
    rows: list[Record] = field(default_factory=list)
    found: list[Any] | None = None
    result: str = ""


@dataclass
class Job:
    """A job with its batches, which have been looked at."""

    shown: Record
    batches: list[Batch]


class Batches:
    """The jobs of an org."""

    def __init__(self, face: SalesforceFace) -> None:
        self.face = face
        self._jobs = Kept(face.system, "batch job")
        self._batches = Kept(face.system, "batch")

    def operations(self) -> Iterable[Operation]:
        """Its routes."""
        job = "/services/async/{version}/job"
        batch = f"{job}/{{job}}/batch"
        routes: list[tuple[str, str, str, Callable[[Ask], Answer], str]] = [
            ("batch_job_create", "POST", job, self._create, "A new job"),
            ("batch_job_get", "GET", f"{job}/{{job}}", self._get, "A job"),
            ("batch_job_close", "POST", f"{job}/{{job}}", self._close, "Close or abort a job"),
            ("batch_add", "POST", batch, self._add, "Rows, or a query, for a job"),
            ("batch_list", "GET", batch, self._list, "The batches of a job"),
            ("batch_get", "GET", f"{batch}/{{batch}}", self._batch_info, "A batch"),
            ("batch_request", "GET", f"{batch}/{{batch}}/request", self._request, "What a batch was sent as"),
            ("batch_results", "GET", f"{batch}/{{batch}}/result", self._results, "What became of a batch"),
            ("batch_rows", "GET", f"{batch}/{{batch}}/result/{{result}}", self._rows, "Rows of an answer"),
        ]
        for name, method, path, run, summary in routes:
            yield Operation(name, method, path, self._versioned(run), summary, write=name == "batch_add")

    @staticmethod
    def _versioned(run: Callable[[Ask], Answer]) -> Callable[[Ask], Answer]:
        def checked(ask: Ask) -> Answer:
            if not is_version(f"v{ask.params['version']}"):
                raise errors.not_found()
            return run(ask)

        return checked

    # jobs

    def _new_id(self, prefix: str) -> tuple[str, int]:
        """A new id, and its number."""
        system, number = self.face.system, self._jobs.count("number")
        return made(prefix, system.world.seed, system.world.epoch, system.name, "batches", number), number

    def _said(self, ask: Ask) -> Mapping[str, Any]:
        """The members of a job that a call gives, in JSON or XML."""
        body = ask.request.body
        try:
            if body.lstrip().startswith(b"{"):
                found: Mapping[str, Any] = orjson.loads(body)
                return found
            return {batch_wire.local(each): (each.text or "").strip() for each in batch_wire.parsed(body)}
        except (orjson.JSONDecodeError, ElementTree.ParseError):
            raise Refused(400, "InvalidJob", "InvalidJob : The job is neither JSON nor well-formed XML") from None

    def _create(self, ask: Ask) -> Answer:
        said = self._said(ask)
        operation = str(said.get("operation") or "")
        content, mode = str(said.get("contentType") or "XML").upper(), str(said.get("concurrencyMode") or "0").lower()
        external = said.get("externalIdFieldName")
        if operation not in (*OPERATIONS, *QUERIES):
            raise Refused(400, "InvalidJob", f"InvalidJob : operation {operation} is not supported")
        if content not in batch_wire.CONTENTS:
            known = ", ".join(batch_wire.CONTENTS)
            raise Refused(400, "InvalidJob", f"InvalidJob : contentType {content} is not supported; use one of {known}")
        if mode not in MODES:
            raise Refused(400, "InvalidJob", f"InvalidJob : concurrencyMode {mode} is not supported")
        try:
            each = loading.object_of(self.face.at(ask), said.get("object"))
            external = loading.external_id(each, external) if operation == "upsert" else None
        except Unreadable as why:
            raise Refused(400, "InvalidJob", f"InvalidJob : {why}") from None
        now = offset(self.face.system.clock.now)
        shown: Record = {
            "id": self._new_id("750")[0],
            "operation": operation,
            "object": each.name,
            "createdById": self.face.org.user,
            "createdDate": now,
            "systemModstamp": now,
            "state": "Open",
            "externalIdFieldName": external,
            "concurrencyMode": MODES[mode],
            "contentType": content,
            "apiVersion": float(ask.params["version"]),
        }
        self._jobs.put(shown["id"], shown)
        job = Job(shown, [])
        return self._told(ask, "jobInfo", self._counted(job), job, 201)

    @staticmethod
    def _counted(job: Job) -> Record:
        """A job with the sums of its batches."""
        batches = [each.shown for each in job.batches]
        states = {
            f"numberBatches{state}": sum(each["state"] == state for each in batches)
            for state in ("Queued", "InProgress", "Completed", "Failed")
        }
        sums = {name: sum(each[name] for each in batches) for name in ("numberRecordsProcessed", "numberRecordsFailed")}
        return {**job.shown, **states, "numberBatchesTotal": len(batches), **sums, "numberRetries": 0, **TIMES}

    def _job(self, ask: Ask, *, look: bool = False) -> Job:
        """The job that a call names. look: as far as its batches are done, that is seen from now on."""
        named = ask.params["job"]
        shown = self._jobs.get(long_id(named)) if is_id(named) else None
        if shown is None or not loading.remembered(shown, self.face.system.clock.now):
            raise Refused(400, "InvalidJob", f"Unable to find job with id: {named}")
        kept = self._batches.all(f"{shown['id']} ").values()
        job = Job(shown, sorted((Batch(**each) for each in kept), key=lambda each: each.number))
        for batch in job.batches if look else ():
            self._look(batch)
        return job

    def _look(self, batch: Batch) -> None:
        if batch.shown["state"] == "Queued":
            batch.shown |= batch.outcome
            self._keep(batch)

    def _keep(self, batch: Batch) -> None:
        self._batches.put(f"{batch.shown['jobId']} {batch.shown['id']}", vars(batch))

    def _get(self, ask: Ask) -> Answer:
        job = self._job(ask, look=True)
        return self._told(ask, "jobInfo", self._counted(job), job)

    def _close(self, ask: Ask) -> Answer:
        job, wanted = self._job(ask), self._said(ask).get("state")
        if wanted not in ("Closed", "Aborted"):
            raise Refused(400, "InvalidJobState", f"InvalidJobState : A job cannot be put into state {wanted}")
        if job.shown["state"] == "Aborted":
            raise Refused(400, "InvalidJobState", "InvalidJobState : The job has been aborted")
        job.shown |= {"state": wanted, "systemModstamp": offset(self.face.system.clock.now)}
        self._jobs.put(job.shown["id"], job.shown)
        return self._told(ask, "jobInfo", self._counted(job), job)

    # batches

    def _add(self, ask: Ask) -> Answer:
        job = self._job(ask)
        if job.shown["state"] != "Open":
            raise Refused(400, "InvalidJobState", f"InvalidJobState : The job is {job.shown['state']}")
        now = offset(self.face.system.clock.now)
        counts = {"numberRecordsProcessed": 0, "numberRecordsFailed": 0}
        batch_id, number = self._new_id("751")
        shown = {"id": batch_id, "jobId": job.shown["id"], "state": "Queued", "stateMessage": None}
        shown |= {"createdDate": now, "systemModstamp": now, **counts, **TIMES}
        media = ask.request.header(b"content-type") or "text/csv"
        batch = Batch(shown, number, bytes(ask.request.body).decode("latin-1"), media)
        try:
            asks = job.shown["operation"] in QUERIES
            done = self._queried(ask, job, batch) if asks else self._loaded(ask, job, batch)
            batch.outcome = {"state": "Completed", **done}
        except Unreadable as why:
            batch.outcome = {"state": "Failed", "stateMessage": str(why)}
        self._keep(batch)
        return self._told(ask, "batchInfo", dict(shown), job, 201)

    def _queried(self, ask: Ask, job: Job, batch: Batch) -> Record:
        try:
            text = bytes(ask.request.body).decode()
            found = self.face.queries.answer(text, deleted=job.shown["operation"] == "queryAll", manner="bulk")
        except UnicodeDecodeError:
            raise Unreadable("InvalidBatch : The query is not UTF-8") from None
        except Refused as refused:
            raise Unreadable(f"InvalidBatch : Failed to process query: {refused.code}: {refused.detail}") from None
        kind, wanted = found.plan.view.name, job.shown["object"]
        if kind != wanted:
            message = f"The root entity of the requested query ({kind}) does not match the entity of the requested Bulk API Job ({wanted})."
            raise Unreadable(f"InvalidBatch : Failed to process query: INVALID_TYPE_FOR_OPERATION: {message}")
        if job.shown["contentType"] == "JSON":
            batch.found = batch_wire.timed(found, self._records(found, ask.params["version"]))
        elif job.shown["contentType"] == "XML":
            batch.found = self._records(found, ask.params["version"])
        else:
            batch.found = [loading.columns(found), *loading.cells(found)] if found.total else []
        batch.result, _ = self._new_id("752")
        return {"numberRecordsProcessed": found.total}

    def _loaded(self, ask: Ask, job: Job, batch: Batch) -> Record:
        desk = self.face.at(ask)
        each = desk.object(job.shown["object"])
        header, rows = batch_wire.read(job.shown["contentType"], bytes(ask.request.body))
        if len(rows) > MOST_ROWS:
            raise Unreadable(f"InvalidBatch : Records greater than {MOST_ROWS}")
        loading.check_columns(self.face, each, header)
        for at, row in enumerate(rows):
            try:
                several.failed_by_plan(desk, at, ask.fail_item)
                record_id, given = batch_wire.meant(each, header, row)
                operation, external = job.shown["operation"], job.shown["externalIdFieldName"]
                record_id, created = loading.written(desk, each, operation, external, record_id, given)
                batch.rows.append({"success": True, "created": created, "id": record_id, "errors": []})
            except Refused as refused:
                shown = {"success": False, "created": False, "id": None, "errors": [refused.row()]}
                batch.rows.append({**shown, "told": loading.told(refused)})
        return {
            "numberRecordsProcessed": len(rows),
            "numberRecordsFailed": sum(not each["success"] for each in batch.rows),
        }

    def _list(self, ask: Ask) -> Answer:
        job = self._job(ask, look=True)
        return self._told(ask, "batchInfoList", {"batchInfo": [each.shown for each in job.batches]}, job)

    def _found(self, ask: Ask) -> tuple[Job, Batch]:
        job, named = self._job(ask), ask.params["batch"]
        for batch in job.batches:
            name = batch.shown["id"]
            if named in (name, name[:15]):
                self._look(batch)
                return job, batch
        raise Refused(400, "InvalidBatch", f"Unable to find batch with id: {named}")

    def _batch_info(self, ask: Ask) -> Answer:
        job, batch = self._found(ask)
        return self._told(ask, "batchInfo", batch.shown, job)

    def _request(self, ask: Ask) -> Answer:
        _, batch = self._found(ask)
        return Answer(200, Raw(batch.request.encode("latin-1")), headers=(("content-type", batch.media),))

    # results

    def _results(self, ask: Ask) -> Answer:
        job, batch = self._found(ask)
        if batch.shown["state"] == "Failed":
            raise Refused(400, "InvalidBatch", "Records not processed")
        as_json = job.shown["contentType"] == "JSON"
        if batch.found is not None:
            if as_json:
                return Answer(200, [batch.result])
            return self._told(ask, "result-list", {"result": [batch.result]}, job)
        if as_json:
            return Answer(200, [{name: each[name] for name in each if name != "told"} for each in batch.rows])
        if job.shown["contentType"] == "XML":
            return Answer(200, batch_wire.results(batch.rows), headers=XML)
        rows = [
            [each["id"] or "", *(str(each[name]).lower() for name in ("success", "created")), each.get("told", "")]
            for each in batch.rows
        ]
        return Answer(200, loading.as_csv(["Id", "Success", "Created", "Error"], rows), headers=CSV)

    def _rows(self, ask: Ask) -> Answer:
        job, batch = self._found(ask)
        if batch.found is None or ask.params["result"] != batch.result:
            raise Refused(400, "InvalidBatch", f"Unable to find result with id: {ask.params['result']}")
        if job.shown["contentType"] == "JSON":
            return Answer(200, batch.found)
        if job.shown["contentType"] == "XML":
            return Answer(200, batch_wire.records(batch.found), headers=XML)
        if not batch.found:
            return Answer(200, Raw(NOTHING_FOUND.encode()), headers=CSV)
        header, *rows = batch.found
        return Answer(200, loading.as_csv(header, rows), headers=CSV)

    def _records(self, found: soql_answer.Answer, version: str) -> list[Record]:
        """The records of an answer."""
        return found.records(
            0, found.total, lambda name, record_id: self.face.url_of(version, name, record_id), lambda rest, at: "", 1
        )

    def _told(self, ask: Ask, name: str, shown: Record, job: Job, status: int = 200) -> Answer:
        """A job or batch in the language that the job or the call speaks."""
        if job.shown["contentType"] == "JSON" or wants_json(ask.request):
            return Answer(status, shown)
        return Answer(status, batch_wire.as_xml(name, shown), headers=XML)


def refused(request: Request, refused: Refused) -> tuple[int, bytes, str]:
    """Status, body and type of a refusal as this API writes it."""
    status, code, message = WORDS.get(refused.code, (refused.status, refused.code, refused.detail))
    code = code if code[:1].isupper() and not code.isupper() else "Unknown"
    shown = {"exceptionCode": code, "exceptionMessage": message}
    if wants_json(request):
        return status, orjson.dumps(shown), "application/json;charset=UTF-8"
    return status, bytes(batch_wire.as_xml("error", shown)), XML[0][1]


def wants_json(request: Request) -> bool:
    """Whether a call speaks JSON."""
    said = (request.header(name) or "" for name in (b"content-type", b"accept"))
    return any("application/json" in each.lower() for each in said)
