"""What comes back: claimed once, judged by line, made good in one transaction; figures add up."""

import asyncio
import io
import re
from decimal import Decimal as D
from typing import Any
from uuid import UUID

import pytest
from browsing import client_of, staff
from counting import counted
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from town import Cast, add_party, order_of

from dilo.books.queries import broken
from dilo.claims import actions, queries, told
from dilo.claims.actions import ClaimRequest, Inspected
from dilo.kit import db
from dilo.kit.errors import Forbidden, NotFound, Refusal
from dilo.kit.images import reencoded
from dilo.messaging.channels import Ready
from dilo.orders import actions as orders
from dilo.orders.commands import Dispatch, LineAsked
from dilo.orders.queries import order, order_lines
from dilo.parties.talks import kept_file
from tenants.actors import Actor
from tenants.scope import scope


async def shipped(town: Cast, quantity: int = 10, *, invoice: bool = True) -> tuple[UUID, UUID]:
    """An order of lamps that has left. Returns it and its line."""
    placed = await orders.place_order(town.max, order_of(town, "D-1", ("LAMP-1", quantity)))
    await orders.dispatch_order(
        town.ivan, Dispatch(order_id=placed.id, key=f"s{placed.id}", invoice=invoice)
    )
    return placed.id, (await order_lines(placed.id))[0].id


def asked(
    order_id: UUID, line: UUID, quantity: object, key: str = "k", **more: Any
) -> ClaimRequest:
    return ClaimRequest(
        **{
            "order_id": order_id,
            "lines": [LineAsked(line, D(str(quantity)))],
            "reason": "damaged",
            "wanted": "refund",
            "door": "portal",
            "key": key,
        }
        | more
    )


def picture(size: tuple[int, int] = (40, 30), note: str = "") -> bytes:
    body, info = io.BytesIO(), PngInfo()
    info.add_text("comment", note or "home address")
    Image.new("RGB", size, "red").save(body, "PNG", pnginfo=info)
    return body.getvalue()


async def figures() -> tuple[D, D, D]:
    row = await db.one("SELECT receivable, credit, confirmed FROM party_balance")
    return row["receivable"], row["credit"], row["confirmed"]


async def test_from_a_photograph_to_a_credit_note_the_balance_changes_by_what_was_accepted(
    town: Cast,
) -> None:
    """S44, U32."""
    async with scope(town.tenant):
        order_id, line = await shipped(town)
        claim = await actions.request_claim(
            town.petro, asked(order_id, line, 4, files=[("бите скло.png", picture())])
        )
        await actions.approve(town.max, claim, "Надішліть НП", goods_back=True)
        [one] = await queries.claim_lines(claim)
        with pytest.raises(Refusal, match="WRONG_STATE"):
            await actions.inspect(town.maria, claim, "refund", [Inspected(one.id, D(1))])
        await actions.receive(town.ivan, claim, [LineAsked(one.id, D(3))])
        assert await figures() == (D(1000), D(0), D(0))
        with pytest.raises(Refusal, match="QUANTITY_TOO_MUCH"):
            await actions.inspect(town.maria, claim, "refund", [Inspected(one.id, D(4))])
        with pytest.raises(Forbidden):
            await actions.inspect(town.max, claim, "refund", [Inspected(one.id, D(2))])
        await actions.inspect(town.maria, claim, "refund", [Inspected(one.id, D(2), "бите")])
        assert await figures() == (D(800), D(0), D(0))
        found = await order(order_id)
        assert found.lines[0].returned_quantity == 2
        assert (
            await db.value(
                "SELECT on_hand FROM stock_level WHERE product_id = :p", p=town.products["LAMP-1"]
            )
            == 992
        )
        head = await queries.claim(claim)
        assert (head.state, head.note_number) == ("refund", found.returns[0]["note_number"])
        said = await told.compose({"claim_id": str(claim), "state": "refund"}, "email", None)
        assert isinstance(said, Ready)
        assert str(head.note_number) in said.text
        await actions.close(town.max, claim)
        verbs = await db.rows("SELECT verb FROM audit_event WHERE subject_id = :c", c=claim)
        assert len(verbs) == 5
        assert await broken() == []


async def test_a_replacement_costs_the_client_nothing_and_the_books_add_up(town: Cast) -> None:
    async with scope(town.tenant):
        order_id, line = await shipped(town, invoice=False)
        claim = await actions.request_claim(town.petro, asked(order_id, line, 4))
        await db.execute("UPDATE price_item SET price = 500")
        await actions.approve(town.max, claim, "", goods_back=False)
        [one] = await queries.claim_lines(claim)
        await actions.inspect(town.maria, claim, "replace", [Inspected(one.id, D(4))])
        head = await queries.claim(claim)
        assert head.replacement_order_id is not None
        again = await order(head.replacement_order_id)
        assert (again.head.state, again.head.total) == ("confirmed", D("400.00"))
        assert again.lines[0].price_source["promise"] == head.number
        assert await figures() == (D(600), D(0), D(400))
        assert await broken() == []


async def test_ten_claims_at_once_never_ask_for_more_than_was_shipped(town: Cast) -> None:
    async with scope(town.tenant):
        order_id, line = await shipped(town)

    async def claim(n: int) -> UUID:
        async with scope(town.tenant):
            return await actions.request_claim(town.petro, asked(order_id, line, 3, key=str(n)))

    told_them = await asyncio.gather(*(claim(n) for n in range(10)), return_exceptions=True)
    assert sum(isinstance(one, UUID) for one in told_them) == 3
    assert {one.code for one in told_them if isinstance(one, Refusal)} == {"QUANTITY_TOO_MUCH"}
    async with scope(town.tenant):
        assert (await queries.claimable(order_id))[0].left_quantity == 1
        first = next(one for one in told_them if isinstance(one, UUID))
        await actions.call_off(town.petro, first)
        assert (await queries.claimable(order_id))[0].left_quantity == 4


async def test_the_same_key_is_one_claim(town: Cast) -> None:
    async with scope(town.tenant):
        order_id, line = await shipped(town)
        first = await actions.request_claim(town.petro, asked(order_id, line, 2))
        assert await actions.request_claim(town.petro, asked(order_id, line, 2)) == first


@pytest.mark.parametrize("quantity", ["NaN", "-1", "11", "Infinity", "1.00001"])
async def test_quantities_nobody_was_shipped_are_refused(town: Cast, quantity: str) -> None:
    async with scope(town.tenant):
        order_id, line = await shipped(town)
        with pytest.raises(Refusal, match="QUANTITY_TOO_MUCH"):
            await actions.request_claim(town.petro, asked(order_id, line, quantity))


async def test_nothing_unshipped_is_claimed_and_no_line_of_another_order(town: Cast) -> None:
    async with scope(town.tenant):
        order_id, _ = await shipped(town)
        waiting = await orders.place_order(town.max, order_of(town, "D-1", ("LAMP-1", 5)))
        foreign = (await order_lines(waiting.id))[0].id
        with pytest.raises(NotFound):
            await actions.request_claim(town.petro, asked(order_id, foreign, 1))
        with pytest.raises(Refusal, match="QUANTITY_TOO_MUCH"):
            await actions.request_claim(town.petro, asked(waiting.id, foreign, 1))


async def test_another_company_reaches_no_claim_and_no_photograph(town: Cast) -> None:
    async with scope(town.tenant):
        await add_party(town, "X", "Інший")
        order_id, line = await shipped(town)
        claim = await actions.request_claim(
            town.petro, asked(order_id, line, 1, files=[("a.png", picture())])
        )
        [photo] = (await queries.case(claim, town.petro)).files
        x = Actor("portal", town.petro.id, "X", town.petro.verbs, on_behalf_of=town.parties["X"])
        for attempt in (
            queries.case(claim, x),
            kept_file(x, photo.id),
            actions.call_off(x, claim),
            actions.say(x, claim, "x"),
            actions.request_claim(x, asked(order_id, line, 1, key="x")),
        ):
            with pytest.raises(NotFound):
                await attempt
        kept = await kept_file(town.petro, photo.id)
        body = kept.path.read_bytes()
        assert body.startswith(b"\xff\xd8\xff")
        assert b"home address" not in body


async def test_a_picture_is_written_anew_within_limits() -> None:
    turned = Image.open(io.BytesIO(await reencoded(picture((3000, 1000)))))
    assert turned.size == (1800, 600)
    assert turned.format == "JPEG"
    bomb = io.BytesIO()
    Image.new("1", (12000, 12000)).save(bomb, "PNG")
    for body, code in (
        (bomb.getvalue(), "IMAGE_TOO_LARGE"),
        (b"\x89PNG\r\n\x1a\nnothing", "IMAGE_BAD"),
        (picture()[:60], "IMAGE_BAD"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "IMAGE_BAD"),
    ):
        with pytest.raises(Refusal, match=code):
            await reencoded(body)


async def test_the_whole_road_by_forms(town: Cast) -> None:
    async with scope(town.tenant):
        order_id, line = await shipped(town)
    async with client_of(town) as petro, staff(town, "maria") as maria:
        page = await petro.open(f"/orders/{order_id}/claims/new")
        assert "LAMP-1" in page.text
        made = await petro.client.post(
            f"/orders/{order_id}/claims",
            data={
                "_csrf_token": petro.token,
                "key": "1",
                "line": str(line),
                "quantity": "2",
                "reason": "defective",
                "wanted": "refund",
                "text": "не світить",
            },
            files={"files": ("лампа.png", picture(), "image/png")},
        )
        url = made.headers["location"]
        assert url.startswith("/claims/")
        page = await petro.get(url)
        photo = page.text.split('src="/files/')[1].split('"')[0]
        shown = await petro.get(f"/files/{photo}")
        assert shown.headers["content-type"] == "image/jpeg"
        assert "sandbox" in shown.headers["content-security-policy"]
        assert "CL-000001" in (await maria.open("/office/claims?state=waiting")).text
        await maria.post(f"/office{url}/approval", {"goods_back": "1", "answer": "НП 5"})
        desk = await maria.get(f"/office{url}")
        row = desk.text.split('name="line" value="')[1].split('"')[0]
        await maria.post(f"/office{url}/receipt", {"line": row, "quantity": "2"})
        await maria.post(
            f"/office{url}/inspection",
            {"line": row, "quantity": "1", "verdict": "одна справна", "outcome": "refund"},
        )
        assert "одна справна" in (await petro.get(url)).text
        whole = (await petro.get(f"/orders/{order_id}")).text
        for told_there in ("CL-000001", "CN-000001", "INV-"):
            assert told_there in whole
        office = (await maria.get(f"/office/orders/{order_id}")).text
        assert "CL-000001" in office


async def test_the_spoiled_is_credited_and_goes_on_no_shelf(town: Cast) -> None:
    async with scope(town.tenant):
        order_id, line = await shipped(town)
        claim = await actions.request_claim(town.petro, asked(order_id, line, 4))
        await actions.approve(town.max, claim, "", goods_back=False)
        [one] = await queries.claim_lines(claim)
    async with staff(town, "maria") as office:
        page = await office.open(f"/office/claims/{claim}")
        assert re.search(r'value="scrap"\s+selected', page.text), (
            "damaged goods are offered as spoiled"
        )
        form = {"outcome": "refund", "line": str(one.id), "quantity": "4", "verdict": "бите"}
        await office.post(f"/office/claims/{claim}/inspection", form | {"goes_to": "scrap"})
        assert "зіпсоване" in (await office.get(f"/office/claims/{claim}")).text
    async with scope(town.tenant):
        assert await figures() == (D(600), D(0), D(0))
        lamps = "SELECT on_hand FROM stock_level WHERE product_id = :p"
        assert await db.value(lamps, p=town.products["LAMP-1"]) == 990
        assert await db.value("SELECT bool_or(restocked) FROM sales_return_line") is False
        assert await broken() == []


async def test_the_office_counts_what_waits_exports_it_and_the_colleague_in_charge_is_told(
    town: Cast,
) -> None:
    async with scope(town.tenant):
        await link_staff(town)
        order_id, line = await shipped(town)
        claim = await actions.request_claim(town.petro, asked(order_id, line, 1))
        [sent] = await db.rows("SELECT payload FROM outbox WHERE kind = 'claim_came'")
        assert sent["payload"]["address"] == "777", "who is in charge, not everybody"
        said = await told.compose_came(sent["payload"], "telegram", None)
        assert isinstance(said, Ready)
        number = (await queries.claim(claim)).number
        assert number in said.text
    async with staff(town) as office:
        with counted() as asked_of_db:
            page = await office.get("/office/claims")
        assert len({sql for sql in asked_of_db if "FROM rfq WHERE" in sql}) == 1
        assert '<span class="count hot">1</span>' in page.text
        book = await office.get("/office/claims?as=csv&state=requested")
        assert number in book.text
        async with scope(town.tenant):
            await db.execute("UPDATE claim SET waiting_since = now() - interval '5 hours'")
        assert number not in (await office.get("/office/claims?late=1")).text
        for hours, answer in (("0", 422), ("4", 303)):
            rules = {"answer_hours": hours}
            assert (await office.post("/office/claims/settings", rules)).status_code == answer
        assert number in (await office.get("/office/claims?late=1")).text
        assert number not in (await office.get("/office/claims?as=csv&state=closed")).text


async def link_staff(town: Cast) -> None:
    """max and maria in Telegram; D-1 is max's."""
    for person, chat in (("max", "777"), ("maria", "888")):
        await db.execute(
            "INSERT INTO staff_chat (identity_id, chat_id, linked_at) VALUES (:i, :c, now())",
            i=getattr(town, person).id,
            c=chat,
        )
    await db.execute("UPDATE party SET owner_id = :i", i=town.max.id)
