"""The Bulk API 2.0: jobs that load CSV row by row, and jobs that answer a query as CSV."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from counterfoil_mocks.crm.salesforce import errors, loading, several
from counterfoil_mocks.crm.salesforce.errors import Refused
from counterfoil_mocks.crm.salesforce.ids import is_id, long_id, made
from counterfoil_mocks.crm.salesforce.loading import CSV, OPERATIONS, Unreadable
from counterfoil_mocks.crm.salesforce.soap import Raw
from counterfoil_mocks.crm.salesforce.spelling import offset
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.kept import Kept
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation

if TYPE_CHECKING:
    from counterfoil_mocks.crm.salesforce.api import SalesforceFace

BASE = "/services/data/{version}/jobs"
DELIMITERS = {"COMMA": ",", "TAB": "\t", "SEMICOLON": ";", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
PAGE = 50_000
COUNTS = (
    "numberRecordsProcessed",
    "numberRecordsFailed",
    "retries",
    "totalProcessingTime",
    "apiActiveProcessingTime",
    "apexProcessingTime",
)
FINISHED = ("JobComplete", "Failed", "Aborted")


@dataclass
class Job:
    """A job. shown: as the API shows it; results: rows that went well and those that did not; query results as records."""

    shown: Record
    uploaded: str | None = None
    header: list[str] = field(default_factory=list)
    good: list[list[str]] = field(default_factory=list)
    bad: list[list[str]] = field(default_factory=list)
    unprocessed: list[list[str]] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    outcome: str = ""
    number: int = 0


class Bulk:
    """The jobs of an org."""

    def __init__(self, face: SalesforceFace) -> None:
        self.face = face
        self._jobs = Kept(face.system, "bulk job")

    def operations(self) -> Iterable[Operation]:
        """Its routes."""
        for kind in ("ingest", "query"):
            base = f"{BASE}/{kind}"
            start = self._start_ingest if kind == "ingest" else self._start_query
            yield Operation(
                f"bulk_{kind}_create", "POST", base, start, "A new job", write=kind == "ingest", kind="json"
            )
            yield Operation(f"bulk_{kind}_list", "GET", base, lambda ask, kind=kind: self._list(kind), "All jobs")  # type: ignore[misc]
            yield Operation(f"bulk_{kind}_get", "GET", f"{base}/{{job}}", self._get, "A job")
            yield Operation(
                f"bulk_{kind}_close",
                "PATCH",
                f"{base}/{{job}}",
                self._close,
                "Close or abort a job",
                write=True,
                kind="json",
            )
            yield Operation(f"bulk_{kind}_delete", "DELETE", f"{base}/{{job}}", self._delete, "Forget a job")
        yield Operation(
            "bulk_upload", "PUT", f"{BASE}/ingest/{{job}}/batches", self._upload, "Rows for a job", write=True
        )
        yield Operation(
            "bulk_results", "GET", f"{BASE}/ingest/{{job}}/{{which}}", self._results, "What became of the rows"
        )
        yield Operation(
            "bulk_query_results", "GET", f"{BASE}/query/{{job}}/results", self._query_results, "Rows of an answer"
        )

    def _new(self, ask: Ask, shown: Record, kind: str) -> Job:
        system = self.face.system
        number = self._jobs.count("number")
        job_id = made("750", system.world.seed, system.world.epoch, system.name, system.clock.now, number)
        now = offset(system.clock.now)
        job = Job(
            {
                "id": job_id,
                "operation": shown["operation"],
                "object": shown["object"],
                "createdById": self.face.org.user,
                "createdDate": now,
                "systemModstamp": now,
                "state": shown["state"],
                **({"externalIdFieldName": shown["externalIdFieldName"]} if shown.get("externalIdFieldName") else {}),
                "concurrencyMode": "Parallel",
                "contentType": "CSV",
                "apiVersion": float(ask.params["version"][1:]),
                "jobType": kind,
                "lineEnding": shown["lineEnding"],
                "columnDelimiter": shown["columnDelimiter"],
            }
        )
        job.number = number
        return job

    def _keep(self, job: Job) -> None:
        self._jobs.put(job.shown["id"], vars(job))

    @staticmethod
    def _format(body: Any) -> Record:
        delimiter, ending = (
            str(body.get("columnDelimiter") or "COMMA").upper(),
            str(body.get("lineEnding") or "LF").upper(),
        )
        if delimiter not in DELIMITERS or ending not in ENDINGS:
            raise Refused(
                400, "INVALIDJOB", f"InvalidJob : columnDelimiter {delimiter} or lineEnding {ending} is not supported"
            )
        if str(body.get("contentType") or "CSV").upper() != "CSV":
            raise Refused(400, "INVALIDJOB", "InvalidJob : Unsupported content type; only CSV is supported")
        return {"columnDelimiter": delimiter, "lineEnding": ending}

    def _start_ingest(self, ask: Ask) -> Answer:
        body = ask.body
        if not isinstance(body, dict) or not body.get("object"):
            raise Refused(400, "INVALIDJOB", "InvalidJob : Object is required")
        operation = next((one for one in OPERATIONS if one.lower() == str(body.get("operation")).lower()), None)
        if operation is None:
            raise Refused(400, "INVALIDJOB", f"InvalidJob : operation {body.get('operation')} is not supported")
        external = body.get("externalIdFieldName")
        try:
            each = loading.object_of(self.face.at(ask), body["object"])
            if operation == "upsert":
                external = loading.external_id(each, external)
        except Unreadable as why:
            raise Refused(400, "INVALIDJOB", f"InvalidJob : {why}") from None
        shown = {
            "operation": operation,
            "object": each.name,
            "externalIdFieldName": external,
            "state": "Open",
            **self._format(body),
        }
        job = self._new(ask, shown, "V2Ingest")
        job.shown["contentUrl"] = f"services/data/{ask.params['version']}/jobs/ingest/{job.shown['id']}/batches"
        self._keep(job)
        return Answer(200, job.shown)

    def _start_query(self, ask: Ask) -> Answer:
        body = ask.body
        if not isinstance(body, dict) or not body.get("query"):
            raise Refused(400, "INVALIDJOB", "InvalidJob : query is required")
        answer = self.face.queries.answer(
            str(body["query"]), deleted=body.get("operation") == "queryAll", manner="bulk"
        )
        shown = {
            "operation": body.get("operation") or "query",
            "object": answer.plan.view.name,
            "state": "UploadComplete",
            **self._format(body),
        }
        job = self._new(ask, shown, "V2Query")
        job.columns, job.rows = loading.columns(answer), loading.cells(answer)
        job.outcome = "JobComplete"
        self._keep(job)
        return Answer(200, dict(job.shown))

    def _list(self, kind: str) -> Answer:
        wanted = {"ingest": "V2Ingest", "query": "V2Query"}[kind]
        jobs = sorted(self._jobs.all("750").values(), key=lambda each: each["number"])
        now = self.face.system.clock.now
        found = [
            each["shown"]
            for each in jobs
            if each["shown"]["jobType"] == wanted and loading.remembered(each["shown"], now)
        ]
        return Answer(200, {"done": True, "records": found, "nextRecordsUrl": None})

    def _job(self, ask: Ask) -> Job:
        named = ask.params["job"]
        found = self._jobs.get(long_id(named)) if is_id(named) else None
        if found is None or not loading.remembered(found["shown"], self.face.system.clock.now):
            raise errors.not_found()
        return Job(**found)

    def _get(self, ask: Ask) -> Answer:
        job = self._job(ask)
        if job.outcome and job.shown["state"] not in FINISHED:
            self._finish(job)
        return Answer(200, {**dict.fromkeys(COUNTS, 0), **job.shown})

    def _finish(self, job: Job) -> None:
        job.shown["state"] = job.outcome
        done = len(job.rows) if job.shown["jobType"] == "V2Query" else len(job.good) + len(job.bad)
        job.shown |= {
            "numberRecordsProcessed": done,
            "numberRecordsFailed": len(job.bad),
            "retries": 0,
            "totalProcessingTime": 100,
            "apiActiveProcessingTime": 80,
            "apexProcessingTime": 0,
        }
        self._keep(job)

    def _upload(self, ask: Ask) -> Answer:
        job = self._job(ask)
        if job.shown["state"] != "Open" or job.uploaded is not None:
            raise Refused(
                400, "INVALIDJOBSTATE", "InvalidJobState : Job is not open, or data has been uploaded already"
            )
        try:
            job.uploaded = bytes(ask.request.body).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Refused(400, "INVALIDBATCH", "InvalidBatch : The data is not UTF-8") from None
        self._keep(job)
        return Answer(201, None)

    def _close(self, ask: Ask) -> Answer:
        job = self._job(ask)
        wanted = ask.body.get("state") if isinstance(ask.body, dict) else None
        if wanted == "Aborted":
            if job.shown["state"] in FINISHED:
                raise Refused(400, "INVALIDJOBSTATE", f"InvalidJobState : Job is already {job.shown['state']}")
            job.shown["state"], job.outcome = "Aborted", ""
            self._keep(job)
            return Answer(200, dict(job.shown))
        if wanted != "UploadComplete" or job.shown["state"] != "Open":
            raise Refused(400, "INVALIDJOBSTATE", "InvalidJobState : Closing Job not supported in this state")
        if job.uploaded is None:
            raise Refused(400, "INVALIDJOBSTATE", "InvalidJobState : No data has been uploaded")
        job.shown["state"] = "UploadComplete"
        self._keep(job)
        shown = dict(job.shown)
        self._process(ask, job)
        self._keep(job)
        return Answer(200, shown)

    def _delete(self, ask: Ask) -> Answer:
        job = self._job(ask)
        if job.shown["state"] == "Open":
            raise Refused(400, "INVALIDJOBSTATE", "InvalidJobState : Only finished jobs can be deleted")
        self._jobs.take(job.shown["id"])
        return Answer(204, None)

    # rows

    def _process(self, ask: Ask, job: Job) -> None:
        desk = self.face.at(ask)
        each = desk.object(job.shown["object"])
        data = job.uploaded or ""
        ending = job.shown["lineEnding"]
        first = data.partition("\n")[0]
        if (ending == "LF" and first.endswith("\r")) or (
            ending == "CRLF" and "\n" in data and not first.endswith("\r")
        ):
            self._fail(job, f"LineEnding is invalid on user data. Current LineEnding setting is {ending}")
            return
        try:
            header, rows = loading.table(data, DELIMITERS[job.shown["columnDelimiter"]])
            job.header, job.unprocessed = header, rows
            loading.check_columns(self.face, each, header)
        except Unreadable as why:
            self._fail(job, str(why))
            return
        job.unprocessed = []
        operation, external = job.shown["operation"], job.shown.get("externalIdFieldName")
        for at, row in enumerate(rows):
            record_id = ""
            try:
                several.failed_by_plan(desk, at, ask.fail_item)
                record_id, given = loading.from_cells(each, header, row)
                record_id, created = loading.written(desk, each, operation, external, record_id, given)
                job.good.append([record_id, str(created).lower(), *row])
            except Refused as refused:
                job.bad.append([record_id, loading.told(refused), *row])
        job.outcome = "JobComplete"

    @staticmethod
    def _fail(job: Job, message: str) -> None:
        job.outcome = "Failed"
        job.shown["errorMessage"] = message

    def _results(self, ask: Ask) -> Answer:
        job, which = self._job(ask), ask.params["which"].lower()
        found = {
            "successfulresults": (["sf__Id", "sf__Created"], job.good),
            "failedresults": (["sf__Id", "sf__Error"], job.bad),
            "unprocessedrecords": ([], job.unprocessed),
        }.get(which)
        if found is None:
            raise errors.not_found()
        columns, rows = found
        return Answer(200, self._table(job, [*columns, *job.header], rows), headers=CSV)

    def _query_results(self, ask: Ask) -> Answer:
        job = self._job(ask)
        if job.outcome and job.shown["state"] not in FINISHED:
            self._finish(job)
        asked = dict(ask.query)
        most = asked.get("maxRecords", "")
        size = max(1, int(most)) if most.isdigit() else PAGE
        locator = asked.get("locator", "")
        start = _position(locator)
        rows = job.rows[start : start + size]
        following = "null" if start + size >= len(job.rows) else _locator(start + size)
        headers = (*CSV, ("sforce-locator", following), ("sforce-numberofrecords", str(len(rows))))
        return Answer(200, self._table(job, job.columns, rows), headers=headers)

    @staticmethod
    def _table(job: Job, header: list[str], rows: list[list[str]]) -> Raw:
        delimiter, ending = DELIMITERS[job.shown["columnDelimiter"]], ENDINGS[job.shown["lineEnding"]]
        return loading.as_csv(header, rows, delimiter, ending)


def _locator(position: int) -> str:
    return base64.urlsafe_b64encode(str(position).encode()).decode().rstrip("=")


def _position(locator: str) -> int:
    if locator in ("", "null"):
        return 0
    try:
        return int(base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)))
    except ValueError:
        raise Refused(400, "INVALID_QUERY_LOCATOR", "invalid query locator") from None
