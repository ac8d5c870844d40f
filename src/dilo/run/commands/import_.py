"""``dilo import``."""

import asyncio
from pathlib import Path

import rich_click as click
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from dilo.imports import jobs
from dilo.imports.mapping import FIELDS, auto_map, missing
from dilo.imports.queries import faults_of
from dilo.imports.rows import Counts
from dilo.kit.errors import Refusal
from dilo.kit.i18n import say
from dilo.kit.reading import read_sheet
from dilo.run import servers
from tenants.actors import SYSTEM
from tenants.provision import tenant_of_slug
from tenants.scope import scope

FAULTS_SHOWN = 10


@click.command("import")
@click.argument("kind", type=click.Choice(list(FIELDS)))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--tenant", required=True, help="Short name of the company.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
def command(kind: str, file: Path, tenant: str, dry_run: bool) -> None:
    """Bring a file in: CSV (any delimiter and encoding, .gz too) or XLSX.

    Good rows go in, bad ones are named. The same file again adds nothing; a killed import goes on.
    """
    counts = servers.run(lambda: _import(kind, file, tenant, dry_run))
    bad = len({fault.line_no for fault in counts.faults})
    click.echo(
        say(
            "import:summary",
            inserted=counts.inserted,
            updated=counts.updated,
            unchanged=counts.unchanged,
            failed=bad,
        )
    )
    for fault in counts.faults[:FAULTS_SHOWN]:
        click.echo(
            f"  {fault.line_no}: {fault.column} = {fault.value!r}: " + say(f"import:{fault.reason}")
        )
    if bad > FAULTS_SHOWN:
        click.echo(f"  … {bad - FAULTS_SHOWN}")


async def _import(kind: str, file: Path, slug: str, dry_run: bool) -> Counts:
    tenant_id = await tenant_of_slug(slug)
    sheet = await asyncio.to_thread(read_sheet, file)
    mapping = auto_map(kind, sheet.head)
    if lacking := missing(kind, mapping):
        raise Refusal("COLUMNS_MISSING", status=422, columns=", ".join(lacking))
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]} rows/s"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as shown:
        task = shown.add_task(kind, total=len(sheet.rows), speed=0)

        def progress(done: int, total: int) -> None:
            elapsed = shown.tasks[task].elapsed or 0.001
            shown.update(task, completed=done, total=total, speed=int(done / elapsed))

        if dry_run:
            return await jobs.rehearse(tenant_id, kind, sheet, mapping, progress)
        async with scope(tenant_id):
            job_id = await jobs.new_job(SYSTEM, kind, file, file.name, state="queued")
        job = await jobs.run_job(
            tenant_id, job_id, await jobs.take_job(tenant_id, job_id), progress
        )
    if job.state == "failed":
        raise Refusal("IMPORT_FAILED", why=job.error)
    async with scope(tenant_id):
        faults = [
            jobs.Fault(f["line_no"], f["column_name"], f["value"], f["reason"])
            for f in await faults_of(job_id)
        ]
    return Counts(job.inserted, job.updated, job.unchanged, faults)
