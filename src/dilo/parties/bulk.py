"""Many parties in a few statements: what an import brings."""

from collections.abc import Sequence
from typing import Any

from dilo.kit import db

UPSERT = """
WITH given AS (
  SELECT * FROM unnest(:codes::text[], :names::text[], :tax_ids::text[], :cities::text[],
    :addresses::text[], :countries::text[], :segments::text[])
    AS g(code, name, tax_id, city, address, country, segment)),
written AS (
  INSERT INTO party AS p (code, name, tax_id, city, address, country, segment, currency)
  SELECT code, name, nullif(tax_id, ''), nullif(city, ''), nullif(address, ''),
    nullif(country, ''), nullif(segment, ''), :currency FROM given
  ON CONFLICT (tenant_id, code) DO UPDATE SET name = excluded.name,
    tax_id = coalesce(excluded.tax_id, p.tax_id), city = coalesce(excluded.city, p.city),
    address = coalesce(excluded.address, p.address),
    country = coalesce(excluded.country, p.country), segment = coalesce(excluded.segment, p.segment)
  WHERE (p.name, p.tax_id, p.city, p.address, p.country, p.segment) IS DISTINCT FROM
    (excluded.name, coalesce(excluded.tax_id, p.tax_id), coalesce(excluded.city, p.city),
     coalesce(excluded.address, p.address), coalesce(excluded.country, p.country),
     coalesce(excluded.segment, p.segment))
  RETURNING xmax = 0 AS fresh)
SELECT count(*) FILTER (WHERE fresh) AS inserted, count(*) FILTER (WHERE NOT fresh) AS updated
FROM written
"""
POLICIES = """
INSERT INTO credit_policy AS c (party_id, limit_amount, depth_days)
SELECT p.id, g.limit_amount, coalesce(g.depth_days, 0)
FROM unnest(:codes::text[], :limits::numeric[], :depths::int[]) AS g(code, limit_amount, depth_days)
JOIN party p ON p.code = g.code WHERE g.limit_amount IS NOT NULL
ON CONFLICT (tenant_id, party_id) DO UPDATE
SET limit_amount = excluded.limit_amount, depth_days = excluded.depth_days, updated_at = now()
WHERE (c.limit_amount, c.depth_days) IS DISTINCT FROM (excluded.limit_amount, excluded.depth_days)
"""
CHANNELS = """
INSERT INTO contact_channel (party_id, channel, address)
SELECT p.id, g.channel, g.address
FROM unnest(:codes::text[], :channels::text[], :addresses::text[]) AS g(code, channel, address)
JOIN party p ON p.code = g.code ON CONFLICT DO NOTHING
"""
ENSURE = """
INSERT INTO party (code, name, country, currency)
SELECT code, name, country, :currency
FROM unnest(:codes::text[], :names::text[], :countries::text[]) AS g(code, name, country)
ON CONFLICT (tenant_id, code) DO NOTHING
"""
TERMS = """
SELECT p.code, p.id, coalesce(c.depth_days, :days) AS days FROM party p
LEFT JOIN credit_policy c ON c.party_id = p.id WHERE p.code = ANY(:codes)
"""


async def upsert_parties(rows: Sequence[dict[str, Any]], currency: str) -> tuple[int, int]:
    """Returns (inserted, updated); an empty cell leaves what is there."""
    columns = {
        name: [row[name] for row in rows]
        for name in ("code", "name", "tax_id", "city", "address", "country", "segment")
    }
    found = await db.one(
        UPSERT,
        codes=columns["code"],
        names=columns["name"],
        tax_ids=columns["tax_id"],
        cities=columns["city"],
        addresses=columns["address"],
        countries=columns["country"],
        segments=columns["segment"],
        currency=currency,
    )
    await db.execute(
        POLICIES,
        codes=columns["code"],
        limits=[r["limit_amount"] for r in rows],
        depths=[r["depth_days"] for r in rows],
    )
    ways = [
        (r["code"], channel, r[field])
        for r in rows
        for channel, field in (("sms", "phone"), ("email", "email"))
        if r[field]
    ]
    if ways:
        await db.execute(
            CHANNELS,
            codes=[w[0] for w in ways],
            channels=[w[1] for w in ways],
            addresses=[w[2] for w in ways],
        )
    return found["inserted"], found["updated"]


async def ensure_parties(parties: Sequence[tuple[str, str, str]], currency: str) -> None:
    """(code, name, country) of parties that may be new; the known ones are left alone."""
    ordered = sorted(parties)
    await db.execute(
        ENSURE,
        codes=[p[0] for p in ordered],
        names=[p[1] for p in ordered],
        countries=[p[2] for p in ordered],
        currency=currency,
    )


async def terms_of_codes(codes: Sequence[str], days: int) -> dict[str, db.Row]:
    return {row["code"]: row for row in await db.rows(TERMS, codes=list(codes), days=days)}
