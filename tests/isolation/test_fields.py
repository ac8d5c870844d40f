"""What a company does not tell its clients, planted and then looked for in everything they can open:
cost, another client's price, a supplier, how the client is classed, remarks among colleagues."""

import io
import re
import zipfile
from decimal import Decimal as D

from browsing import Visitor, client_of, staff, visitor
from isolation.test_routes import ids_of, routes
from town import Cast, add_party

from dilo.kit import db
from dilo.payables.actions import BillForm, record_bill
from tenants.scope import scope

SECRETS = {
    "cost": "98765432",
    "price of another": "3133737",
    "supplier": "ТаємнийПостачальник",
    "segment": "СегментСкупий",
    "remark": "МіжНамиКажучи",
}
COST = "UPDATE product SET cost = 987654.32"
SEGMENT = "UPDATE party SET segment = :segment WHERE code = 'D-1'"
REMARKS = """
INSERT INTO remark (matter, matter_id, party_id, text, from_client, internal, written_by, written_by_id)
SELECT 'claim', id, party_id, :text, false, true, 'Max', CAST(NULL AS uuid)
FROM claim
UNION ALL SELECT 'rfq', id, party_id, :text, false, true, 'Max', NULL
FROM rfq
"""
THEIR_PRICE = """
WITH l AS (
  INSERT INTO price_list (code, name, currency) VALUES ('VIP', 'VIP', 'UAH') RETURNING id),
a AS (INSERT INTO price_assignment (price_list_id, scope, party_id) SELECT id, 'party', :party FROM l)
INSERT INTO price_item (price_list_id, product_id, price)
SELECT l.id, p.id, 31337.37 FROM l, product p
"""


async def plant(town: Cast) -> None:
    async with scope(town.tenant):
        await db.execute(COST)
        await db.execute(SEGMENT, segment=SECRETS["segment"])
        await db.execute(REMARKS, text=SECRETS["remark"])
        other = await add_party(town, "OTHER", "Інший", limit=D(10))
        await db.execute(THEIR_PRICE, party=other)
        supplier = await add_party(town, "SUP", SECRETS["supplier"], limit=D(0))
        day = town.tenant.today()
        await record_bill(town.nina, BillForm(supplier, "B-9", day, day, D(5), "secret"))


async def told(one: Visitor, url: str) -> set[str]:
    """Which of the secrets an answer tells, also inside a workbook."""
    answer = await one.get(url)
    body = answer.content
    if body[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(body)) as book:
            body = b"".join(book.read(name) for name in book.namelist())
    text = re.sub(r"[\s,.\u00a0\u202f]|&nbsp;", "", body.decode("utf-8", "replace"))
    return {what for what, secret in SECRETS.items() if secret in text}


async def test_what_is_not_for_clients_is_in_nothing_they_can_open(town: Cast) -> None:
    ids = await ids_of(town)
    await plant(town)
    pages = [path.format(**ids) for method, path in routes() if method == "GET"]
    outside = [url for url in pages if not url.startswith(("/office", "/api"))]
    assert len(outside) > 60
    found: list[str] = []
    async with client_of(town) as buyer, visitor(town.host) as guest:
        for url in outside:
            for more in ("", "?as=csv", "?as=xlsx"):
                for who, one in (("buyer", buyer), ("guest", guest)):
                    found += [f"{who} {url}{more}: {what}" for what in await told(one, url + more)]
    assert found == []
    async with staff(town) as owner:
        office = [url for url in pages if url.startswith("/office")]
        seen = {what for url in office for what in await told(owner, url)}
    assert seen == set(SECRETS), "what no colleague is shown was not really looked for"
