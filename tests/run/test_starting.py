"""Starting on a fresh machine, twice, beside another, and on a broken one: a clear word each time."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from dilo.run import embedded
from dilo.run.migrate import migrate, pending
from dilo.run.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def dilo(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {
        k: v
        for k, v in os.environ.items()
        if k not in ("DATABASE_URL", "DATABASE_OWNER_URL", "VALKEY_URL")
    }
    return subprocess.run(
        [sys.executable, "-m", "dilo.run.cli", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env=clean | {"PYTHONPATH": "src:.", "DILO_LANGUAGE": "en"} | env,
    )


@pytest.fixture
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path("/tmp") / f"dilo-run-{os.getpid()}-{tmp_path_factory.mktemp('v').name}"


def test_two_copies_stand_side_by_side_and_a_second_start_keeps_data(var: Path) -> None:
    other = Path(f"{var}-b")
    try:
        first, second = embedded.start(var, fast=True), embedded.start(other, fast=True)
        assert first.database_url != second.database_url
        ran = asyncio.run(migrate(first.database_owner_url))
        assert len(ran) >= 6
        assert embedded.start(var, fast=True).database_url == first.database_url
        embedded.stop(var)
        assert not embedded.is_up(var)
        again = embedded.start(var, fast=True)
        assert asyncio.run(pending(again.database_owner_url)) == []

        async def roles() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(again.superuser_url)
            found = await connection.fetch(
                "SELECT rolsuper OR rolbypassrls OR rolcreatedb AS strong FROM pg_roles WHERE rolname LIKE 'dilo%'"
            )
            await connection.close()
            return found

        assert [row["strong"] for row in asyncio.run(roles())] == [False, False]
        for secret in (var / "secrets").iterdir():
            assert secret.stat().st_mode & 0o077 == 0
    finally:
        for folder in (var, other):
            embedded.stop(folder)


def test_a_folder_that_is_no_data_folder_is_named(var: Path) -> None:
    (var / "postgres").mkdir(parents=True)
    (var / "postgres" / "something").write_text("x")
    said = dilo("books", DILO_VAR=str(var))
    assert said.returncode == 1
    assert f"{var}/postgres is not a PostgreSQL data folder" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_data_folder_of_another_age_is_named(var: Path) -> None:
    (var / "postgres").mkdir(parents=True)
    (var / "postgres" / "PG_VERSION").write_text("15\n")
    said = dilo("books", DILO_VAR=str(var))
    assert "was made by PostgreSQL 15" in said.stderr


def test_a_bad_setting_is_named_before_anything_starts() -> None:
    said = dilo("settings", DILO_PORT="seventy", DATABASE_URL="mysql://x")
    assert said.returncode == 2
    assert "DILO_PORT" in said.stderr
    assert "DATABASE_URL" in said.stderr


def test_settings_show_no_secret() -> None:
    shown = Settings(
        database_url="postgresql://dilo_app:hush@h/d",
        dilo_secret="hush",
        dilo_sms_token="hush",
        dilo_smtp_url="smtp://me:hush@h:25",
        valkey_url="redis://:hush@h:1/0",
    ).public()  # type: ignore[call-arg]
    assert "hush" not in str(shown)
    assert "dilo_app" in str(shown)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--help"], "dilo up"),
        (["tenant", "--help"], "companies"),
        (["import", "--help"], "Good rows go in"),
        (["report", "--help"], "Who owes what"),
        (["dun", "--help"], "--dry-run"),
        (["books", "--help"], "add up"),
    ],
)
def test_help_teaches(words: list[str], said: str) -> None:
    answer = dilo(*words)
    assert answer.returncode == 0
    assert said in answer.stdout


def test_help_lists_every_command_by_its_name() -> None:
    listed = re.findall(r"^│ (\w+)", dilo("--help").stdout, re.M)
    files = (ROOT / "src/dilo/run/commands").glob("[!_]*.py")
    assert set(listed) >= {file.stem.strip("_") for file in files}


def test_a_tenant_is_made_imported_and_reported_by_hand(var: Path, tmp_path: Path) -> None:
    history = tmp_path / "h.csv"
    history.write_text(
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "1,85123A,X,3,2011-01-01T10:00,2.55,7,France\n"
    )
    try:
        made = dilo(
            "tenant", "new", "Acme Ltd", "--currency", "GBP", "--language", "en", DILO_VAR=str(var)
        )
        assert "http://acme-ltd.localhost" in made.stdout
        twice = dilo("tenant", "new", "Acme Ltd", "--currency", "GBP", DILO_VAR=str(var))
        assert (twice.returncode, "is taken" in twice.stderr) == (1, True)
        dry = dilo(
            "import",
            "sales-history",
            str(history),
            "--tenant",
            "acme-ltd",
            "--dry-run",
            DILO_VAR=str(var),
        )
        assert "Added: 1" in dry.stdout
        dilo("import", "sales-history", str(history), "--tenant", "acme-ltd", DILO_VAR=str(var))
        report = dilo(
            "report",
            "receivables",
            "--tenant",
            "acme-ltd",
            "--as-of",
            "2011-06-26",
            "--json",
            DILO_VAR=str(var),
        )
        assert report.stdout.strip() == (
            '{"as_of":"2011-06-26","currency":"GBP","total":"7.65",'
            '"rows":[{"code":"7","name":"7","balance":"7.65"}]}'
        )
        assert "acme-ltd: clean" in dilo("books", "--tenant", "acme-ltd", DILO_VAR=str(var)).stdout
        assert dilo("books", "--tenant", "nobody", DILO_VAR=str(var)).returncode == 1
    finally:
        embedded.stop(var)
