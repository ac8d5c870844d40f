"""Import in the office: upload, map the columns, look at what would happen, run, report."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile

from dilo.imports import jobs, queries
from dilo.imports.mapping import ATTRIBUTE, FIELDS, REQUIRED, missing
from dilo.imports.rows import Counts
from dilo.kit import files, i18n, web
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.export import table_file
from dilo.kit.paging import Paging
from dilo.kit.reading import Sheet, read_sheet
from dilo.kit.visit import visit
from dilo.people.roles import may
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]
UPLOAD_MAX = 60 * 1024 * 1024
PREVIEWED = 500
SAMPLES = 5
MAY = may("imports.run")


@get("/office/imports", opt=MAY)
async def index() -> Response[str]:
    return web.page("imports/index.html", page=await queries.jobs(Paging.of(visit().query)))


@get("/office/imports/new", opt=MAY)
async def new(kind: str = "parties") -> Response[str]:
    return web.page(
        "imports/new.html",
        kinds=list(FIELDS),
        kind=kind,
        form=web.EMPTY,
        fields=FIELDS,
        required=REQUIRED,
    )


@post("/office/imports", opt=may("imports.run", body_max=UPLOAD_MAX), status_code=200)
async def create(request: Req) -> Response[Any]:
    posted = await request.form()
    kind, upload = str(posted.get("kind", "")), posted.get("file")
    form: web.Filled[Any] = web.Filled(values={"kind": kind})
    try:
        if kind not in FIELDS or not isinstance(upload, UploadFile) or not upload.filename:
            raise Refusal("FILE_MISSING", status=422)
        with tempfile.NamedTemporaryFile() as kept:
            kept.write(await upload.read())
            kept.flush()
            job_id = await jobs.new_job(visit().actor, kind, Path(kept.name), upload.filename)
    except Refusal as refusal:
        form.errors["_"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return web.page(
            "imports/new.html",
            status=422,
            kinds=list(FIELDS),
            kind=kind,
            form=form,
            fields=FIELDS,
            required=REQUIRED,
        )
    return web.redirect(f"/office/imports/{job_id}")


def _sheet(job: queries.Job) -> Sheet:
    return read_sheet(files.path_of(current_tenant().id, jobs.ROOM, job.file_key))


@get("/office/imports/{job_id:uuid}", opt=MAY)
async def show(job_id: UUID) -> Response[str]:
    job = await queries.job(job_id)
    if job.state != "uploaded":
        faults = await queries.faults_of(job_id, 50) if job.failed else []
        return web.page("imports/show.html", block="progress", job=job, faults=faults)
    return await _mapping(job, job.mapping)


async def _mapping(job: queries.Job, mapping: dict[str, int], status: int = 200) -> Response[str]:
    sheet = _sheet(job)
    lacking = missing(job.kind, mapping)
    preview = await _preview(job, sheet, mapping) if not lacking else None
    return web.page(
        "imports/mapping.html",
        status=status,
        job=job,
        head=sheet.head,
        mapping=mapping,
        fields=list(FIELDS[job.kind]),
        required=REQUIRED[job.kind],
        spare=_spare(sheet.head, mapping) if job.kind == "products" else [],
        attribute=ATTRIBUTE,
        lacking=lacking,
        samples=[cells for _, cells in sheet.rows[:SAMPLES]],
        total=len(sheet.rows),
        preview=preview,
        previewed=min(PREVIEWED, len(sheet.rows)),
    )


def _spare(head: Sequence[str], mapping: dict[str, int]) -> list[tuple[int, str]]:
    """Named columns that are no field: each may be an attribute of its own."""
    used = {at for name, at in mapping.items() if not name.startswith(ATTRIBUTE)}
    return [(at, name) for at, name in enumerate(head) if name and at not in used]


async def _preview(job: queries.Job, sheet: Sheet, mapping: dict[str, int]) -> Counts:
    part = Sheet(sheet.head, sheet.rows[:PREVIEWED])
    return await jobs.rehearse(current_tenant().id, job.kind, part, mapping)


def _column(text: Any, head: Sequence[str]) -> int | None:
    plain = str(text or "")
    fits = plain.isascii() and plain.isdigit() and len(plain) < 4 and int(plain) < len(head)
    return int(plain) if fits else None


@post("/office/imports/{job_id:uuid}/mapping", opt=MAY, status_code=200)
async def mapping_update(request: Req, job_id: UUID) -> Response[Any]:
    job = await queries.job(job_id)
    if job.state != "uploaded":
        raise NotFound
    posted = await request.form()
    head = _sheet(job).head
    chosen = {name: _column(posted.get(f"column-{name}"), head) for name in FIELDS[job.kind]}
    mapping = {name: at for name, at in chosen.items() if at is not None}
    if job.kind == "products":
        own = (_column(one, head) for one in posted.getall("attribute", []))
        own = (at for at in own if at is not None and head[at] and at not in mapping.values())
        mapping |= {f"{ATTRIBUTE}{head[at]}": at for at in own}
    if not posted.get("run"):
        return await _mapping(job, mapping)
    try:
        await jobs.queue_job(visit().actor, job_id, mapping)
    except Refusal:
        return await _mapping(job, mapping, 422)
    return web.redirect(f"/office/imports/{job_id}")


@get("/office/imports/{job_id:uuid}/faults", opt=MAY)
async def faults(job_id: UUID) -> Response[Any]:
    """The bad rows as a file, with what is wrong in a column of its own."""
    job = await queries.job(job_id)
    sheet = _sheet(job)
    lines = dict(sheet.rows)
    told: dict[int, list[str]] = {}
    for fault in await queries.faults_of(job_id):
        told.setdefault(fault["line_no"], []).append(
            f"{fault['column_name']}: " + i18n.say(f"import:{fault['reason']}")
        )
    head = [i18n.say("column:line"), *sheet.head, i18n.say("column:error")]
    width = len(sheet.head)
    rows = [
        [line_no, *(lines.get(line_no, []) + [""] * width)[:width], "; ".join(reasons)]
        for line_no, reasons in told.items()
    ]
    return table_file(f"faults-{job.kind}", visit().query.get("as", "xlsx"), head, rows)


routes = [index, new, create, show, mapping_update, faults]
