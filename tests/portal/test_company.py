"""A company's own house: who may what on every address, whom nobody else reaches, safe ways in."""

import asyncio
import re
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from browsing import Visitor, app, client_of, staff, visitor
from isolation.test_routes import digest, ids_of
from peers.smtp import SmtpPeer
from town import PASSWORD, Cast, add_party

from dilo.buyers import people, seats, tickets
from dilo.buyers.people import InvitationForm, SeatForm
from dilo.buyers.roles import NOT_FOR_ANOTHER, VERBS, WHO_MAY
from dilo.kit import clock, db
from dilo.kit.errors import NotFound, Refusal
from dilo.messaging import channels
from dilo.messaging.email import Email
from dilo.messaging.sending import drain
from dilo.run import events
from tenants.actors import Actor
from tenants.provision import add_identity
from tenants.scope import scope

# Goods, news and the like belong to the seller: any customer may name them.
NOBODYS = {"part", "product_id", "category_id", "file_path", "mark", "news_id"}
ONE_TIME = {"link_code", "reset_code", "invitation_code", "digest"}


def portal_routes() -> list[tuple[str, str, str]]:
    found = set()
    for route in app().routes:
        for handler in getattr(route, "route_handlers", []):
            verb = handler.opt.get("verb")
            path = route.path_format
            if verb not in WHO_MAY or path.startswith(("/office", "/api", "/bots")):
                continue
            found |= {(m, path, verb) for m in handler.http_methods if m in ("GET", "POST")}
    return sorted(found)


def filled(path: str) -> str:
    return re.sub(r"\{[^}]+\}", lambda _: str(uuid4()), path)


async def ask(one: Visitor, method: str, url: str) -> int:
    answer = await (one.get(url) if method == "GET" else one.post(url, {}))
    away = answer.status_code == 303 and "sign-in" in answer.headers["location"]
    return 401 if away else answer.status_code


async def role(town: Cast, name: str) -> None:
    async with scope(town.tenant):
        await db.execute("UPDATE portal_user SET role = :r", r=name)
        await db.execute("UPDATE party SET roles = ARRAY['customer', 'dealer']")


async def admin_of(town: Cast, code: str, name: str) -> Actor:
    party = town.parties[code]
    one = await add_identity(f"{name}@example.com", name.title(), PASSWORD)
    await db.execute(
        "INSERT INTO portal_user (identity_id, party_id, role) VALUES (:i, :p, 'admin')",
        i=one,
        p=party,
    )
    return Actor("portal", one, name.title(), VERBS["admin"], on_behalf_of=party, role="admin")


async def test_every_role_on_every_address(town: Cast) -> None:
    """From the route table itself: whoever lacks the verb is told so, who has it is not."""
    wrong, asked = [], portal_routes()
    assert len(asked) > 60
    async with client_of(town) as one:
        for name, verbs in VERBS.items():
            await role(town, name)
            for method, path, verb in asked:
                if path == "/account/sessions/elsewhere":
                    continue
                status = await ask(one, method, filled(path))
                if (status == 403) != (verb not in verbs) or status in (401, 500):
                    wrong.append(f"{name} {method} {path} ({verb}): {status}")
    assert wrong == []


async def test_another_company_is_reached_by_no_id(town: Cast) -> None:
    """The administrator of another company of the same seller, with true ids of this one."""
    ids = await ids_of(town)
    async with scope(town.tenant):
        await add_party(town, "X", "Інша компанія")
        await admin_of(town, "X", "stranger")
        await db.execute("UPDATE party SET roles = ARRAY['customer', 'dealer']")
    before, wrong = await digest(town), []
    async with client_of(town, "stranger") as one:
        for method, path, _ in portal_routes():
            names = set(re.findall(r"\{([^}:]+)", path))
            if not names or names <= NOBODYS:
                continue
            status = await ask(one, method, path.format(**ids))
            if status not in (403, 404, 405, 422):  # 422: an empty form, refused before its id
                wrong.append(f"{method} {path}: {status}")
        for url in ("/orders?q=SO", "/approvals?q=SO", f"/orders?party={town.parties['D-1']}"):
            assert "SO-0" not in (await one.get(url)).text, url
        for url in ("/company", "/company/addresses", "/company/divisions", "/company/rules"):
            page = (await one.get(url)).text
            assert "petro@example.com" not in page
            assert "Лугова" not in page
            assert "Північ" not in page
    assert wrong == []
    assert await digest(town) == before


async def test_a_role_taken_away_acts_on_the_next_click(town: Cast) -> None:
    await role(town, "admin")
    async with client_of(town) as one:
        assert (await one.get("/company")).status_code == 200
        await role(town, "viewer")
        assert (await one.get("/company")).status_code == 403
        assert (await one.get("/debts")).status_code == 403
        assert (await one.get("/orders")).status_code == 200


async def test_switched_off_means_out_at_once(town: Cast) -> None:
    async with scope(town.tenant):
        boss = await admin_of(town, "D-1", "boss")
        (petro,) = [
            s for s in await seats.seats_of_company(town.parties["D-1"]) if s.name == "Петро"
        ]
    async with client_of(town) as one:
        async with scope(town.tenant):
            await people.set_disabled(boss, town.parties["D-1"], petro.id, True)
        assert await ask(one, "GET", "/orders") == 401
        answer = await one.sign_in("petro@example.com", door="")
        assert answer.status_code == 303
        assert await ask(one, "GET", "/orders") == 401, "he has no seat anywhere"


async def test_two_admins_removing_each_other_leave_one(town: Cast) -> None:
    company = town.parties["D-1"]
    async with scope(town.tenant):
        pair = [await admin_of(town, "D-1", name) for name in ("anna", "boris")]
        by_person = {s.identity_id: s.id for s in await seats.seats_of_company(company)}

    async def remove(n: int) -> str:
        other = by_person[pair[1 - n].id]  # type: ignore[index]
        try:
            async with scope(town.tenant):
                await people.change_seat(pair[n], company, other, SeatForm("viewer"))
        except Refusal as refusal:
            return refusal.code
        return "done"

    assert sorted(await asyncio.gather(remove(0), remove(1))) == ["FORBIDDEN", "done"]
    async with scope(town.tenant):
        left = await db.value(
            "SELECT count(*) FROM portal_user WHERE party_id = :p AND role = 'admin'", p=company
        )
        (last,) = [s for s in await seats.seats_of_company(company) if s.role == "admin"]
        for doing in (
            people.set_disabled(town.olena, company, last.id, True),
            people.change_seat(town.olena, company, last.id, SeatForm("buyer")),
        ):
            with pytest.raises(Refusal, match="LAST_ADMIN"):
                await doing
    assert left == 1


async def test_extra_fields_give_nothing(town: Cast) -> None:
    async with scope(town.tenant):
        await add_party(town, "X", "Other")
    extra = {
        "role": "admin",
        "party_id": str(town.parties["X"]),
        "tenant_id": str(uuid4()),
        "credit_limit": "1000000",
        "is_admin": "1",
        "amount": "0",
        "price": "0",
    }
    place = {"label": "Склад", "city": "Львів", "street": "Городоцька, 1"}
    async with client_of(town) as one:
        assert (await one.post("/company/addresses", place | extra)).status_code == 303
        await one.post("/preferences", {"language": "uk", "next": "/"} | extra)
        assert (
            await one.post("/account/company", {"company": extra["party_id"]})
        ).status_code == 404
    async with scope(town.tenant):
        assert await db.value("SELECT party_id FROM delivery_address") == town.parties["D-1"]
        assert await db.value("SELECT role FROM portal_user") == "buyer"


async def test_a_person_of_two_companies_switches_and_sees_one_at_a_time(town: Cast) -> None:
    async with scope(town.tenant):
        await add_party(town, "X", "Друга компанія")
        await db.execute(
            "INSERT INTO portal_user (identity_id, party_id, role, created_at)"
            " VALUES (:i, :p, 'viewer', now() + interval '1 day')",
            i=town.petro.id,
            p=town.parties["X"],
        )
    async with client_of(town) as one:
        assert (await one.get("/debts")).status_code == 200
        choice = {"company": str(town.parties["X"])}
        assert (await one.post("/account/company", choice)).status_code == 303
        assert "Друга компанія" in (await one.get("/account")).text
        assert (await one.get("/debts")).status_code == 403, "a viewer there"
        async with scope(town.tenant):
            await db.execute(
                "UPDATE portal_user SET disabled_at = now() WHERE party_id = :p",
                p=town.parties["X"],
            )
        assert "Електросвіт" in (await one.get("/account")).text


@pytest_asyncio.fixture
async def post(town: Cast) -> AsyncIterator[SmtpPeer]:
    peer = SmtpPeer().start()
    app()
    events.wire()
    channels.use_channels({"email": Email(peer.url, "dilo@example.com")})
    yield peer
    peer.stop()


async def link_in(town: Cast, post: SmtpPeer, address: str) -> str:
    await drain(town.tenant.id)
    text = next(m.get_content() for to, m in reversed(post.accepted) if to == address)
    found = re.search(r"https?://[^/\s]+(/\S+)", text)
    assert found is not None
    return found[1]


async def test_an_invitation_is_for_once_and_dies_with_its_successor(
    town: Cast, post: SmtpPeer
) -> None:
    await role(town, "admin")
    async with client_of(town) as one, visitor(town.host) as guest:
        form = {"name": "Ганна", "email": "hanna@example.com", "role": "approver"}
        assert (await one.post("/company/invitations", form)).status_code == 303
        first = await link_in(town, post, "hanna@example.com")
        async with scope(town.tenant):
            (pending,) = await seats.invitations(town.parties["D-1"], clock.now())
            kept = await db.rows("SELECT body FROM delivery_attempt")
        assert first.rsplit("/", 1)[1] not in str([k["body"] for k in kept])
        await one.post(f"/company/invitations/{pending['id']}/resending")
        second = await link_in(town, post, "hanna@example.com")
        assert (await guest.get(first)).status_code == 404
        page = await guest.open(second)
        assert "Електросвіт" in page.text
        assert (await guest.post(second, {"password": "short"})).status_code == 422
        extra = {"password": "a long password", "role": "admin", "party_id": str(uuid4())}
        assert (await guest.post(second, extra)).status_code == 303
        assert (await guest.get("/approvals")).status_code == 200
        assert (await guest.get("/company")).status_code == 403, "the role is the invitation's"
        assert (await guest.get(second)).status_code == 404
        assert (await guest.post(second, extra)).status_code == 404
        assert (await guest.get("/invitations/" + "A" * 32)).status_code == 404


async def test_a_withdrawn_or_old_invitation_opens_nothing(town: Cast, post: SmtpPeer) -> None:
    async with scope(town.tenant):
        form = InvitationForm("new@example.com", "New", "buyer")
        made = await people.invite(town.olena, town.parties["D-1"], form)
    link = await link_in(town, post, "new@example.com")
    async with visitor(town.host) as guest:
        async with scope(town.tenant):
            await db.execute("UPDATE invitation SET expires_at = now() - interval '1 second'")
        assert (await guest.get(link)).status_code == 404
        async with scope(town.tenant):
            await people.invite_again(town.olena, town.parties["D-1"], made)
            await people.revoke(town.olena, town.parties["D-1"], made)
        assert await drain(town.tenant.id)
        assert len(post.accepted) == 1, "a letter of a withdrawn invitation is not sent"


async def test_where_no_letters_leave_the_link_is_shown_once(town: Cast) -> None:
    channels.use_channels({})
    await role(town, "admin")
    form = {"name": "Ганна", "email": "hanna@example.com", "role": "buyer"}
    async with client_of(town) as one, visitor(town.host) as guest, staff(town) as office:
        await one.post("/company/invitations", form)
        async with scope(town.tenant):
            (pending,) = await seats.invitations(town.parties["D-1"], clock.now())
        page = await one.post(f"/company/invitations/{pending['id']}/link")
        first = re.search(r'value="https?://[^/"]+(/invitations/[^"]+)"', page.text)
        assert first is not None
        assert first[1] not in (await one.get("/company")).text
        page = await office.post(f"/office/portal-users/invitations/{pending['id']}/link")
        second = re.search(r'value="https?://[^/"]+(/invitations/[^"]+)"', page.text)
        assert second is not None
        assert (await guest.get(first[1])).status_code == 404, "the one before is dead"
        await guest.open(second[1])
        assert (await guest.post(second[1], {"password": "a long one"})).status_code == 303
        assert (await guest.get("/orders")).status_code == 200


async def test_where_letters_go_nobody_sees_the_link(town: Cast, post: SmtpPeer) -> None:
    del post
    await role(town, "admin")
    async with client_of(town) as one:
        form = {"name": "Ганна", "email": "hanna@example.com", "role": "buyer"}
        await one.post("/company/invitations", form)
        async with scope(town.tenant):
            (pending,) = await seats.invitations(town.parties["D-1"], clock.now())
        answer = await one.post(
            f"/company/invitations/{pending['id']}/link", headers={"accept": "application/json"}
        )
        assert answer.json()["code"] == "LETTERS_GO"


async def test_a_link_signs_in_once_in_the_browser_that_asked(town: Cast, post: SmtpPeer) -> None:
    async with visitor(town.host) as one, visitor(town.host) as thief:
        await one.open("/sign-in")
        asked = await one.post("/sign-in/link", {"email": "Petro@example.com"})
        assert asked.status_code == 200
        link = await link_in(town, post, "petro@example.com")
        assert link.startswith("/sign-in/link/")
        assert (await thief.get(link)).status_code == 403
        assert (await thief.post(link)).status_code == 404
        assert (await one.get(link)).status_code == 200, "looking uses nothing up"
        assert (await one.post(link)).status_code == 303
        assert (await one.get("/orders")).status_code == 200
        assert (await one.post(link)).status_code == 404


async def test_an_unknown_address_is_told_the_same_and_asked_too_often_is_slowed(
    town: Cast, post: SmtpPeer
) -> None:
    async with visitor(town.host) as one:
        await one.open("/sign-in")

        async def told(email: str) -> tuple[int, str]:
            answer = await one.post("/sign-in/link", {"email": email})
            text = re.sub(r"nonce[=-][^ ';>]+|" + re.escape(email), "", answer.text)
            return answer.status_code, re.sub(r'_csrf_token" value="[^"]+|nonce="[^"]+', "", text)

        assert await told("petro@example.com") == await told("nobody@example.com")
        await drain(town.tenant.id)
        assert [to for to, _ in post.accepted] == ["petro@example.com"]
        codes = [(await told("petro@example.com"))[0] for _ in range(tickets.PER_ADDRESS)]
    assert codes[-1] == 429


async def test_a_new_password_ends_every_session(town: Cast, post: SmtpPeer) -> None:
    async with client_of(town) as old, visitor(town.host) as one:
        await one.open("/sign-in")
        await one.post("/password-reset", {"email": "petro@example.com"})
        link = await link_in(town, post, "petro@example.com")
        assert (await one.open(link)).status_code == 200
        assert (await one.post(link, {"password": "x"})).status_code == 422
        assert (await one.post(link, {"password": "brand new one"})).status_code == 303
        assert await ask(old, "GET", "/orders") == 401
        assert (await one.post(link, {"password": "another one"})).status_code == 404
        assert (await one.sign_in("petro@example.com", door="")).status_code == 401
        answer = await one.sign_in("petro@example.com", door="", password="brand new one")
        assert answer.status_code == 303


async def test_changing_the_password_ends_the_other_sessions_only(town: Cast) -> None:
    async with client_of(town) as here, client_of(town) as there:
        assert "/account/sessions/elsewhere" in (await here.get("/account")).text
        form = {"password": "brand new one", "former": "not his"}
        for former in ("not his", ""):
            refused = await here.post("/account/password", form | {"former": former})
            assert refused.status_code == 422
        assert (await there.get("/orders")).status_code == 200
        assert (
            await here.post("/account/password", form | {"former": PASSWORD})
        ).status_code == 303
        assert (await here.get("/orders")).status_code == 200
        assert await ask(there, "GET", "/orders") == 401


async def test_telegram_lets_in_the_browser_that_asked_and_nobody_else(town: Cast) -> None:
    browser = tickets.Browser("secret-of-his-browser", "127.0.0.1", "Firefox", town.host)
    code = await tickets.begin_telegram(town.tenant, browser)
    async with scope(town.tenant):
        assert await tickets.use_telegram(browser.secret) is None
        heard = await tickets.heard_in_chat(code, town.petro.id)
        with pytest.raises(Refusal, match="LINK_CODE_BAD"):
            await tickets.heard_in_chat(code, town.max.id)
        with pytest.raises(Refusal, match="LINK_CODE_BAD"):
            await tickets.confirm_in_chat(heard["id"], town.max.id, True)
        await tickets.confirm_in_chat(heard["id"], town.petro.id, True)
    async with visitor(town.host) as one, visitor(town.host) as thief:
        thief.client.cookies.set("dilo_try", "another-secret")
        await thief.post("/sign-in/telegram/session")
        assert await ask(thief, "GET", "/orders") == 401
        one.client.cookies.set("dilo_try", browser.secret)
        assert (await one.post("/sign-in/telegram/session")).status_code == 303
        assert (await one.get("/orders")).status_code == 200
    async with scope(town.tenant):
        assert await tickets.use_telegram(browser.secret) is None, "a code is for once"


async def test_a_colleague_looks_as_the_customer_and_is_named(town: Cast) -> None:
    await role(town, "admin")
    async with staff(town) as office, staff(town, "max") as seller, client_of(town):
        async with scope(town.tenant):
            (petro,) = await seats.seats_of_company(town.parties["D-1"])
        url = f"/office/portal-users/{petro.id}/impersonation"
        assert (await seller.post(url)).status_code == 403
        began: httpx.Response = await office.post(url)
        assert (began.status_code, began.headers["location"]) == (303, "/")
        page = (await office.open("/company/addresses")).text
        assert "Петро" in page
        assert "acting" in page
        for method, path, verb in portal_routes():
            if verb in NOT_FOR_ANOTHER:
                assert await ask(office, method, filled(path)) == 403, path
        place = {"label": "Склад", "city": "Львів", "street": "Городоцька, 1"}
        assert (await office.post("/company/addresses", place)).status_code == 303
        await office.post("/preferences", {"language": "en", "next": "/"})
        ended = await office.post("/sign-out")
        assert ended.headers["location"] == f"/office/parties/{town.parties['D-1']}"
        assert await ask(office, "GET", "/orders") == 401
    async with scope(town.tenant):
        notes = await db.rows(
            "SELECT verb, actor_name FROM audit_event WHERE verb LIKE 'portal.imp%'"
            " OR verb = 'buyers.address' ORDER BY at, id"
        )
        own = await db.value("SELECT language FROM identity WHERE id = :i", i=town.petro.id)
    assert [n["verb"] for n in notes] == [
        "portal.impersonation_began",
        "buyers.address",
        "portal.impersonation_ended",
    ]
    owner = town.tenant.name  # the first owner bears the company's name
    assert all(owner in n["actor_name"] for n in notes)
    assert own is None, "his own choice of language is not touched"


async def test_a_dismissed_colleagues_visit_ends(town: Cast) -> None:
    async with staff(town, "maria") as office:
        async with scope(town.tenant):
            (petro,) = await seats.seats_of_company(town.parties["D-1"])
        await office.post(f"/office/portal-users/{petro.id}/impersonation")
        assert (await office.get("/orders")).status_code == 200
        async with scope(town.tenant):
            await db.execute(
                "UPDATE membership SET role = 'sales' WHERE identity_id = :i", i=town.maria.id
            )
        assert await ask(office, "GET", "/orders") == 401


async def test_the_office_finds_invites_and_switches_off(town: Cast, post: SmtpPeer) -> None:
    async with staff(town) as office:
        page = await office.open("/office/portal-users?q=petro&role=buyer&state=active")
        assert "petro@example.com" in page.text
        assert "petro@example.com" not in (await office.get("/office/portal-users?q=zzz")).text
        book = await office.get("/office/portal-users?as=csv")
        assert "petro@example.com" in book.text
        company = f"/office/parties/{town.parties['D-1']}"
        chosen = await office.get("/office/portal-users/new?q=D-1")
        link = f"/office/portal-users/new?party={town.parties['D-1']}"
        assert link in chosen.text
        assert (await office.get(link)).headers["location"] == f"{company}/company#invite"
        form = {"name": "Iван", "email": "ivan@elektro.example", "role": "admin"}
        assert (await office.post(f"{company}/invitations", form)).status_code == 303
        assert "ivan@elektro.example" in (await office.get(f"{company}/company")).text
        assert await link_in(town, post, "ivan@elektro.example")
        assert "UAH" not in (await office.get("/office/portal-approvals?as=csv")).text
        async with scope(town.tenant):
            (petro,) = await seats.seats_of_company(town.parties["D-1"])
        await office.post(f"/office/portal-users/{petro.id}/disabling")
        found = await office.get("/office/portal-users?state=disabled")
        assert "petro@example.com" in found.text


async def test_a_division_of_another_company_is_not_found(town: Cast) -> None:
    async with scope(town.tenant):
        boss = await admin_of(town, "D-1", "boss")
        await add_party(town, "X", "Other")
        foreign = await db.value(
            "INSERT INTO division (party_id, name) VALUES (:p, 'x') RETURNING id",
            p=town.parties["X"],
        )
        form = InvitationForm("a@b.example", "A", "buyer", foreign)
        with pytest.raises(NotFound):
            await people.invite(boss, town.parties["D-1"], form)


async def test_no_next_leads_away_and_private_pages_are_not_kept(town: Cast) -> None:
    async with visitor(town.host) as one:
        await one.open("/sign-in")
        for away in ("https://evil.example", "//evil.example", "/\\evil.example"):
            form = {"email": "petro@example.com", "password": PASSWORD, "next": away}
            assert (await one.post("/sign-in", form)).headers["location"] == "/"
        page = await one.get("/company/addresses", headers={"origin": "https://evil.example"})
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-frame-options"] == "DENY"
        assert "access-control-allow-origin" not in page.headers
