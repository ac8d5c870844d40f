"""The ground's tables as Piccolo sees them. Keys are composite (tenant_id, id) in the database."""

from piccolo.columns import UUID, Bytea, Integer, Text, Timestamptz, Varchar
from piccolo.table import Table


class Tenant(Table, tablename="tenant"):
    id = UUID(primary_key=True)
    slug = Text()
    name = Text()
    currency = Varchar(length=3)
    language = Text()
    time_zone = Text()
    accent = Text()
    created_at = Timestamptz()


class Identity(Table, tablename="identity"):
    """Somebody who signs in. Belongs to one tenant: a person at two distributors is two
    identities."""

    tenant_id = UUID()
    id = UUID(primary_key=True)
    email = Text()
    name = Text()
    language = Text(null=True)
    theme = Text()
    password_hash = Text(null=True)
    disabled_at = Timestamptz(null=True)
    created_at = Timestamptz()


class Membership(Table, tablename="membership"):
    tenant_id = UUID()
    id = UUID(primary_key=True)
    identity_id = UUID()
    role = Text()
    created_at = Timestamptz()


class Session(Table, tablename="session"):
    tenant_id = UUID()
    id = UUID(primary_key=True)
    door = Text()
    identity_id = UUID()
    token_hash = Bytea()
    created_at = Timestamptz()
    expires_at = Timestamptz()
    user_agent = Text(null=True)


class Throttle(Table, tablename="throttle"):
    tenant_id = UUID()
    key = Text(primary_key=True)
    window_started_at = Timestamptz()
    hits = Integer()
