"""What Piccolo's own command line reads: the database as its owner, one app of migrations."""

from piccolo.conf.apps import AppRegistry
from piccolo.engine.postgres import PostgresEngine

from dilo.run.settings import settings

DB = PostgresEngine(config={"dsn": settings().database_owner_url or "postgresql:///dilo"})
APP_REGISTRY = AppRegistry(apps=["dilo.run.piccolo_app"])
