"""What Piccolo's own command line reads: the database as its owner, one app of migrations."""

from piccolo.conf.apps import AppRegistry
from piccolo.engine.postgres import PostgresEngine

from dilo.run.settings import settings

OWNER_URL = settings().database_owner_url
DB = PostgresEngine(config={"dsn": OWNER_URL}, extensions=()) if OWNER_URL else None
APP_REGISTRY = AppRegistry(apps=["dilo.run.piccolo_app"])
