"""Dilo as one Piccolo app: every migration in one history."""

from pathlib import Path

from piccolo.conf.apps import AppConfig
from piccolo.table import Table

HERE = Path(__file__).resolve()
IN_WHEEL = HERE.parents[1] / "migrations"
IN_TREE = HERE.parents[3] / "migrations"
MIGRATIONS = IN_WHEEL if IN_WHEEL.is_dir() else IN_TREE
TABLES: list[type[Table]] = []

APP_CONFIG = AppConfig(
    app_name="dilo", migrations_folder_path=str(MIGRATIONS), table_classes=TABLES
)
