"""Running an import in batches, each one transaction with its progress: a kill loses no batch.

Whoever takes a job holds a lease; a dead holder's job is taken up again where its last batch ended.
"""

import asyncio
import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from dilo.imports import history, lists, queries
from dilo.imports.mapping import auto_map, missing
from dilo.imports.rows import Counts, Fault, Row
from dilo.kit import db, files
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.ids import uuid7
from dilo.kit.reading import Sheet, read_sheet
from tenants.actors import Actor
from tenants.scope import current_tenant, scope

ROOM = "imports"
ROWS_AT_ONCE = 2000
DOCUMENTS_AT_ONCE = 400
LEASE_SECONDS = 120
NEW = """
INSERT INTO import_job (id, kind, file_name, file_key, file_sha256, mapping, dry_run, state,
  started_by)
VALUES (:id, :kind, :file_name, :file_key, :sha, :mapping, :dry_run, :state, :started_by)
"""
MAP = """
UPDATE import_job SET mapping = :mapping, state = 'queued' WHERE id = :id AND state = 'uploaded'
"""
TAKE = """
UPDATE import_job SET state = 'running', lease_until = now() + make_interval(secs => :seconds),
  lease_token = gen_random_uuid(), started_at = coalesce(started_at, now())
WHERE id = (SELECT id FROM import_job
  WHERE (state = 'queued' OR state = 'running' AND lease_until < now())
    AND (CAST(:id AS uuid) IS NULL OR id = :id)
  ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, lease_token
"""
ADVANCE = """
UPDATE import_job SET done_rows = :done_rows, total_rows = :total_rows,
  inserted = inserted + :inserted, updated = updated + :updated,
  unchanged = unchanged + :unchanged, failed = failed + :failed,
  lease_until = now() + make_interval(secs => :seconds)
WHERE id = :id AND lease_token = :token
"""
FAULT = """
INSERT INTO import_error (job_id, line_no, column_name, value, reason)
SELECT :id, * FROM unnest(:lines::bigint[], :columns::text[], :values::text[], :reasons::text[])
"""
FINISH = """
UPDATE import_job SET state = :state, error = :error, finished_at = now(), lease_until = NULL,
  lease_token = NULL WHERE id = :id
"""
Progress = Callable[[int, int], None]


class Undone(Exception):
    """Ends a dry run's transaction."""


async def new_job(
    actor: Actor, kind: str, path: Path, file_name: str, *, state: str = "uploaded"
) -> UUID:
    """Keeps the file under a name of our own. Raises FORBIDDEN and what reading says."""
    actor.require("imports.run")
    sheet = await asyncio.to_thread(read_sheet, path)
    job_id = uuid7()
    await asyncio.to_thread(
        shutil.copyfile, path, files.folder(current_tenant().id, ROOM) / job_id.hex
    )
    await db.execute(
        NEW,
        id=job_id,
        kind=kind,
        file_name=file_name[:200],
        file_key=job_id.hex,
        sha=await asyncio.to_thread(_digest, path),
        mapping=auto_map(kind, sheet.head),
        dry_run=False,
        state=state,
        started_by=actor.name,
    )
    return job_id


def _digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


async def queue_job(actor: Actor, job_id: UUID, mapping: dict[str, int]) -> None:
    """Raises FORBIDDEN, COLUMNS_MISSING, WRONG_STATE."""
    actor.require("imports.run")
    job = await queries.job(job_id)
    lacking = missing(job.kind, mapping)
    if lacking:
        raise Refusal("COLUMNS_MISSING", status=422, columns=", ".join(lacking))
    if not await db.execute(MAP, id=job_id, mapping=mapping):
        raise Refusal("WRONG_STATE", number=job.file_name, state=job.state)


async def run_waiting_imports(tenant_id: UUID) -> int:
    """One waiting or abandoned job of the tenant. Returns how many were run."""
    async with scope(tenant_id):
        taken = await db.one_or_none(TAKE, id=None, seconds=LEASE_SECONDS)
    if taken is None:
        return 0
    await run_job(tenant_id, taken["id"], taken["lease_token"])
    return 1


async def take_job(tenant_id: UUID, job_id: UUID) -> UUID:
    async with scope(tenant_id):
        taken = await db.one_or_none(TAKE, id=job_id, seconds=LEASE_SECONDS)
    if taken is None:
        raise NotFound
    return taken["lease_token"]


async def run_job(
    tenant_id: UUID, job_id: UUID, token: UUID, progress: Progress | None = None
) -> queries.Job:
    async with scope(tenant_id):
        job = await queries.job(job_id)
    try:
        path = files.path_of(tenant_id, ROOM, job.file_key)
        sheet = await asyncio.to_thread(read_sheet, path)
        await _run(tenant_id, job, token, sheet, progress)
    except Refusal as refusal:
        await _finish(tenant_id, job_id, "failed", f"{refusal.code} {refusal.figures}"[:500])
    else:
        await _finish(tenant_id, job_id, "done", None)
    async with scope(tenant_id):
        return await queries.job(job_id)


async def _finish(tenant_id: UUID, job_id: UUID, state: str, error: str | None) -> None:
    async with scope(tenant_id):
        await db.execute(FINISH, id=job_id, state=state, error=error)


async def _run(
    tenant_id: UUID, job: queries.Job, token: UUID, sheet: Sheet, progress: Progress | None
) -> None:
    done, total = 0, len(sheet.rows)
    for rows, faults, take in batches(job.kind, sheet, job.mapping):
        done += rows
        if done <= job.done_rows:
            continue
        async with scope(tenant_id):
            counts = Counts(faults=faults)
            await take(counts, job.id)
            await _note(job.id, counts.faults)
            ours = await db.execute(
                ADVANCE,
                id=job.id,
                token=token,
                done_rows=done,
                total_rows=total,
                inserted=counts.inserted,
                updated=counts.updated,
                unchanged=counts.unchanged,
                failed=len({fault.line_no for fault in counts.faults}),
                seconds=LEASE_SECONDS,
            )
            if not ours:
                raise Refusal("LEASE_LOST")
        if progress:
            progress(done, total)


Take = Callable[[Counts, UUID | None], Any]


def batches(
    kind: str, sheet: Sheet, mapping: dict[str, int]
) -> Iterator[tuple[int, list[Fault], Take]]:
    """(rows covered, faults so far of them, what to do in a transaction); the same cuts every
    time."""
    if kind == "sales-history":
        yield from _history_batches(sheet, mapping)
        return
    for start in range(0, len(sheet.rows), ROWS_AT_ONCE):
        part = sheet.rows[start : start + ROWS_AT_ONCE]
        faults: list[Fault] = []
        rows = [Row(line_no, cells, mapping, faults) for line_no, cells in part]

        async def take(counts: Counts, _: UUID | None, rows: Sequence[Row] = rows) -> None:
            await lists.TAKERS[kind](rows, counts)

        yield len(part), faults, take


def _history_batches(
    sheet: Sheet, mapping: dict[str, int]
) -> Iterator[tuple[int, list[Fault], Take]]:
    faults: list[Fault] = []
    past = history.gather(Row(line_no, cells, mapping, faults) for line_no, cells in sheet.rows)
    skipped = len(sheet.rows) - sum(document.rows for document in past)
    for start in range(0, max(len(past), 1), DOCUMENTS_AT_ONCE):
        part = past[start : start + DOCUMENTS_AT_ONCE]

        async def take(
            counts: Counts, import_id: UUID | None, part: Sequence[history.Past] = part
        ) -> None:
            await history.post_batch(part, counts, import_id)

        first = start == 0
        covered = sum(document.rows for document in part) + (skipped if first else 0)
        yield covered, faults if first else [], take


async def _note(job_id: UUID, faults: Sequence[Fault]) -> None:
    if faults:
        await db.execute(
            FAULT,
            id=job_id,
            lines=[f.line_no for f in faults],
            columns=[f.column for f in faults],
            values=[f.value for f in faults],
            reasons=[f.reason for f in faults],
        )


async def rehearse(
    tenant_id: UUID,
    kind: str,
    sheet: Sheet,
    mapping: dict[str, int],
    progress: Progress | None = None,
) -> Counts:
    """What would happen, row by row, in transactions that are undone. Writes nothing."""
    whole, done = Counts(), 0
    for rows, faults, take in batches(kind, sheet, mapping):
        counts = Counts(faults=faults)
        try:
            async with scope(tenant_id), db.savepoint():
                await take(counts, None)
                raise Undone
        except Undone:
            pass
        whole.inserted += counts.inserted
        whole.updated += counts.updated
        whole.unchanged += counts.unchanged
        whole.faults += counts.faults
        done += rows
        if progress:
            progress(done, len(sheet.rows))
    return whole
