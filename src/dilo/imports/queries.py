"""Import jobs and their faults."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from dilo.kit import db
from dilo.kit.paging import Page, Paging

JOB = """
SELECT id, kind, file_name, file_key, mapping, options, dry_run, state, total_rows, done_rows,
  inserted, updated, unchanged, failed, error, started_by, created_at, started_at, finished_at
FROM import_job
"""
FAULTS = """
SELECT line_no, column_name, value, reason FROM import_error WHERE job_id = :id
ORDER BY line_no, column_name LIMIT :most
"""


@dataclass(frozen=True, slots=True)
class Job:
    id: UUID
    kind: str
    file_name: str
    file_key: str
    mapping: dict[str, int]
    options: dict[str, Any]
    dry_run: bool
    state: str
    total_rows: int
    done_rows: int
    inserted: int
    updated: int
    unchanged: int
    failed: int
    error: str | None
    started_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


async def job(job_id: UUID) -> Job:
    return await db.one_as(Job, f"{JOB} WHERE id = :id", id=job_id)


async def jobs(paging: Paging) -> Page[Job]:
    total = await db.value("SELECT count(*) FROM import_job")
    found = await db.rows_as(
        Job,
        f"{JOB} ORDER BY created_at DESC LIMIT :size OFFSET :offset",
        size=paging.size,
        offset=paging.offset,
    )
    return Page(found, total, paging)


async def faults_of(job_id: UUID, most: int = 100_000) -> list[db.Row]:
    return await db.rows(FAULTS, id=job_id, most=most)
