"""Beside tables and routes: files, jobs, caches, the pool after a failure."""

import asyncio
from pathlib import Path

import pytest
from town import Cast

from dilo.imports import jobs
from dilo.kit import db, files
from dilo.kit.errors import NotFound, OutsideScope
from dilo.messaging.sending import drain
from tenants.actors import SYSTEM
from tenants.scope import current_tenant, forget_cached, scope, tenant_of_host


async def test_a_query_outside_a_scope_is_refused(town: Cast) -> None:
    with pytest.raises(OutsideScope):
        await db.rows("SELECT 1")
    with pytest.raises(OutsideScope):
        current_tenant()


async def test_a_scope_inside_anothers_is_refused(town: Cast, rival: Cast) -> None:
    async with scope(town.tenant):
        with pytest.raises(OutsideScope):
            async with scope(rival.tenant):
                pass
        assert current_tenant().id == town.tenant.id


async def test_interleaved_tenants_see_their_own_even_after_failures(
    town: Cast, rival: Cast
) -> None:
    async def look(cast: Cast, fail: bool) -> None:
        try:
            async with scope(cast.tenant):
                names = {row["tenant_id"] for row in await db.rows("SELECT tenant_id FROM party")}
                assert names == {cast.tenant.id}
                if fail:
                    await db.rows("SELECT 1 / 0")
        except Exception as error:
            assert fail, error

    await asyncio.gather(*(look(town if n % 2 else rival, n % 5 == 0) for n in range(200)))


@pytest.mark.parametrize("key", ["../x", "/etc/passwd", "..", "", "nope"])
async def test_a_file_is_reached_only_by_a_name_of_our_own(town: Cast, key: str) -> None:
    with pytest.raises(NotFound):
        files.path_of(town.tenant.id, "imports", key)


async def test_a_file_of_another_tenant_is_not_there(
    town: Cast, rival: Cast, tmp_path: Path
) -> None:
    path = tmp_path / "p.csv"
    path.write_text("code,name\n1,A\n")
    async with scope(town.tenant):
        job_id = await jobs.new_job(SYSTEM, "parties", path, "p.csv", state="queued")
    assert files.path_of(town.tenant.id, "imports", job_id.hex).exists()
    with pytest.raises(NotFound):
        files.path_of(rival.tenant.id, "imports", job_id.hex)
    with pytest.raises(NotFound):
        await jobs.take_job(rival.tenant.id, job_id)
    assert await jobs.run_waiting_imports(rival.tenant.id) == 0


async def test_a_job_drains_its_own_tenant_only(town: Cast, rival: Cast) -> None:
    async with scope(town.tenant):
        await db.execute(
            "INSERT INTO outbox (channel, kind, dedupe_key, payload)"
            " VALUES ('sms', 'x', 'x', '{\"text\": \"x\"}')"
        )
    assert await drain(rival.tenant.id) == 0
    async with scope(town.tenant):
        assert await db.value("SELECT state FROM outbox") == "queued"


async def test_cached_hosts_and_tenants_are_told_apart(town: Cast, rival: Cast) -> None:
    for _ in range(2):
        assert (await tenant_of_host(town.host)).id == town.tenant.id
        assert (await tenant_of_host(rival.host.upper() + ".")).id == rival.tenant.id
        forget_cached()
