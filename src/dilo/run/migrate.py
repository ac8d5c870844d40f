"""Bringing the database to the newest migration, as its owner, one starter at a time."""

from typing import Any

import asyncpg
from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.apps.migrations.commands.base import BaseMigrationManager
from piccolo.apps.migrations.tables import Migration
from piccolo.engine.postgres import PostgresEngine

from dilo.run import piccolo_conf
from dilo.run.piccolo_app import APP_CONFIG

TURN = 7_316_445  # advisory lock: two starts at once must not migrate twice
APP_MAY = "GRANT USAGE ON SCHEMA public TO dilo_app"


def _modules() -> dict[str, Any]:
    folder = str(APP_CONFIG.migrations_folder_path)
    return dict(BaseMigrationManager().get_migration_modules(folder))


async def pending(owner_url: str) -> list[str]:
    """Ids of migrations that have not run, oldest first."""
    connection = await asyncpg.connect(owner_url)
    try:
        if not await connection.fetchval("SELECT to_regclass('public.migration')"):
            return sorted(_modules())
        ran = {row["name"] for row in await connection.fetch("SELECT name FROM migration")}
        return sorted(set(_modules()) - ran)
    finally:
        await connection.close()


async def migrate(owner_url: str) -> list[str]:
    """Runs what has not run, each migration in one transaction. Returns their ids."""
    turn = await asyncpg.connect(owner_url)
    try:
        await turn.execute("SELECT pg_advisory_lock($1)", TURN)
        todo = await pending(owner_url)
        if todo:
            await _run(owner_url, todo)
            await turn.execute(APP_MAY)
        return todo
    finally:
        await turn.close()


async def _run(owner_url: str, todo: list[str]) -> None:
    patience = {"lock_timeout": "5s", "client_min_messages": "error"}
    engine = PostgresEngine(config={"dsn": owner_url, "server_settings": patience}, extensions=())
    piccolo_conf.DB = engine
    Migration._meta._db = engine  # noqa: SLF001 - Piccolo finds its engine by module otherwise
    await Migration.create_table(if_not_exists=True).run()
    modules = _modules()
    for migration_id in todo:
        manager = await modules[migration_id].forwards()  # type: ignore[attr-defined]
        assert isinstance(manager, MigrationManager)
        async with engine.transaction():
            for step in manager.raw:
                await step()
            await Migration.insert(Migration(name=migration_id, app_name="dilo")).run()
