"""Signing in at an OpenID Connect provider, and every lie that such a provider or a browser could tell."""

import base64
import hmac
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jws, jwt
from joserfc.jwk import OctKey, RSAKey

from tests.console.browser import served
from tests.console.conftest import ORIGIN, Visitor
from tests.console.issuer import CLIENT_ID, CLIENT_SECRET, Issuer
from writeback.console import create_console
from writeback.core.clock import FakeClock
from writeback.core.settings import ConsoleSettings, OidcSettings, Settings
from writeback.domain.staff import Person, Role
from writeback.store.people.audit import AuditFilter
from writeback.wiring import Services, open_services


@dataclass
class Scene:
    """The console, a browser, and the provider."""

    services: Services
    issuer: Issuer
    visitor: Visitor

    async def at_provider(self) -> httpx.Response:
        """Begin, and go to the provider; return its way back."""
        begun = await self.visitor.get("/sign-in/openid?next=/reports")
        assert begun.status_code == 303, begun.text
        async with httpx.AsyncClient() as there:
            return await there.get(begun.headers["location"])

    async def sign_in(self) -> httpx.Response:
        return await self.visitor.http.get((await self.at_provider()).headers["location"])

    async def failures(self) -> list[str]:
        person = Person("stf_1", "somebody", Role.ADMIN)
        wanted = AuditFilter(action="staff.sign_in_failed")
        page = await self.services.corrections.audit.list(person.caller, wanted, limit=50)
        return [entry.changed["reason"] for entry in page.items]


@pytest.fixture
async def scene(settings: Settings, fake_clock: FakeClock) -> AsyncIterator[Scene]:
    issuer = Issuer(fake_clock)
    async with served(issuer.app()) as issuer.origin:
        oidc = OidcSettings(
            issuer=issuer.origin,
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            roles={"writeback-support": "support", "writeback-admin": "admin"},
        )
        with_oidc = settings.model_copy(update={"console": ConsoleSettings(oidc=oidc)})
        async with open_services(with_oidc, clock=fake_clock) as services:
            transport = httpx.ASGITransport(create_console(services))
            async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
                yield Scene(services, issuer, Visitor(http))


async def test_somebody_with_a_role_there_is_let_in_with_it(scene: Scene) -> None:
    answer = await scene.sign_in()
    page = await scene.visitor.get("/account")

    assert answer.headers["location"] == "/console/reports"
    assert "ann@example.org" in page.text
    assert "Support" in page.text
    account = (await scene.services.staff.accounts.list())[0]
    assert (account.name, account.role, account.signs_in_with) == ("ann@example.org", "support", "openid")


async def test_the_provider_is_asked_for_a_code_with_state_nonce_and_proof(scene: Scene) -> None:
    begun = await scene.visitor.get("/sign-in/openid")

    query = {name: values[0] for name, values in parse_qs(urlsplit(begun.headers["location"]).query).items()}

    assert query["response_type"] == "code"
    assert query["code_challenge_method"] == "S256"
    assert query["redirect_uri"] == f"{ORIGIN}/console/sign-in/openid/callback"
    assert len(query["state"]) >= 32
    assert len(query["nonce"]) >= 32
    cookie = next(one for one in begun.headers.get_list("set-cookie") if one.startswith("wb_console_oidc"))
    assert query["state"] not in cookie, "it is sealed"
    assert "HttpOnly" in cookie


@pytest.mark.parametrize(
    "spoil",
    [lambda honest: honest + b" " * 20_000_000, lambda honest: b"[" * 500_000],
    ids=["too large", "nested without end"],
)
async def test_a_provider_that_answers_without_end_lets_nobody_in_and_breaks_nothing(
    scene: Scene, spoil: Callable[[bytes], bytes]
) -> None:
    scene.issuer.spoil = spoil
    assert (await scene.visitor.get("/sign-in/openid")).status_code == 401

    scene.issuer.spoil = lambda honest: honest
    assert (await scene.sign_in()).headers["location"] == "/console/reports"


async def test_the_same_person_has_the_same_account_and_the_role_of_today(scene: Scene) -> None:
    await scene.sign_in()
    scene.issuer.claims["groups"] = ["writeback-admin", "writeback-support"]

    await scene.sign_in()

    accounts = await scene.services.staff.accounts.list()
    assert [(one.name, one.role) for one in accounts] == [("ann@example.org", "admin")]


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"groups": ["everybody"]}, "no_role"),
        ({"groups": None}, "no_role"),
        ({"nonce": "another"}, "nonce_wrong"),
        ({"nonce": None}, "nonce_wrong"),
        ({"aud": "another-client"}, "token_wrong"),
        ({"aud": [CLIENT_ID, "another"], "azp": "another"}, "token_wrong"),
        ({"iss": "https://evil.example"}, "token_wrong"),
        ({"exp": 1_000}, "token_wrong"),
        ({"exp": None}, "token_wrong"),
        ({"iat": None}, "token_wrong"),
        ({"sub": None}, "token_wrong"),
        ({"sub": {"a": 1}}, "token_wrong"),
        ({"sub": ""}, "token_wrong"),
        ({"sub": "x" * 300}, "token_wrong"),
        ({"aud": 17}, "token_wrong"),
        ({"aud": []}, "token_wrong"),
        ({"exp": "soon"}, "token_wrong"),
        ({"nbf": 9_999_999_999}, "token_wrong"),
        ({"iat": 9_999_999_990}, "token_wrong"),
        ({"nonce": ["another"]}, "nonce_wrong"),
        ({"groups": {"writeback-admin": True}}, "no_role"),
        ({"groups": [["writeback-admin"]]}, "no_role"),
        ({"preferred_username": {"a": "b"}, "email": None}, "no_name"),
        ({"preferred_username": "a\nb"}, "no_name"),
    ],
    ids=str,
)
async def test_a_token_that_is_not_for_us_lets_nobody_in(scene: Scene, claims: dict[str, Any], reason: str) -> None:
    scene.issuer.claims = claims

    answer = await scene.sign_in()

    assert answer.status_code == 401
    assert await scene.failures() == [reason]
    assert (await scene.visitor.get("/account")).status_code == 303


async def test_a_token_that_another_key_has_signed_lets_nobody_in(scene: Scene) -> None:
    scene.issuer.published = [RSAKey.generate_key(2048, {"kid": "one"})]

    assert (await scene.sign_in()).status_code == 401


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _unsigned(issuer: Issuer, claims: dict[str, Any]) -> str:
    return f"{_part({'alg': 'none', 'kid': 'one'})}.{_part(claims)}."


def _signed_with_the_public_key_as_a_secret(issuer: Issuer, claims: dict[str, Any]) -> str:
    public = issuer.key.as_pem(private=False)
    signed = f"{_part({'alg': 'HS256', 'kid': 'one'})}.{_part(claims)}"
    digest = hmac.digest(public, signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def _signed_with_our_own_secret(issuer: Issuer, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "HS256", "kid": "one"}, claims, OctKey.import_key(CLIENT_SECRET * 3))


def _with_a_key_that_it_brings(issuer: Issuer, claims: dict[str, Any]) -> str:
    mine = RSAKey.generate_key(2048, {"kid": "mine"})
    header = {"alg": "RS256", "kid": "one", "jwk": mine.as_dict(private=False), "jku": "https://evil.example/keys"}
    return jwt.encode(header, claims, mine)


def _changed_after_it_was_signed(issuer: Issuer, claims: dict[str, Any]) -> str:
    header, _, signature = jwt.encode({"alg": "RS256", "kid": "one"}, claims, issuer.key).split(".")
    return f"{header}.{_part({**claims, 'groups': ['writeback-admin']})}.{signature}"


def _signed_with_a_weak_hash(issuer: Issuer, claims: dict[str, Any]) -> str:
    header, payload = _part({"alg": "RS1", "kid": "one"}), _part(claims)
    return f"{header}.{payload}.{_part('x')}"


def _with_a_header_that_must_be_understood(issuer: Issuer, claims: dict[str, Any]) -> str:
    header = _part({"alg": "RS256", "kid": "one", "crit": ["b64"], "b64": False})
    return f"{header}.{_part(claims)}.{_part('x')}"


_FORGERS: dict[str, Callable[[Issuer, dict[str, Any]], Any]] = {
    "unsigned": _unsigned,
    "with the public key as a secret": _signed_with_the_public_key_as_a_secret,
    "with our own secret": _signed_with_our_own_secret,
    "with a key that it brings": _with_a_key_that_it_brings,
    "changed after it was signed": _changed_after_it_was_signed,
    "by an algorithm that is too weak": _signed_with_a_weak_hash,
    "with a header that must be understood": _with_a_header_that_must_be_understood,
    "no token": lambda issuer, claims: None,
    "a number": lambda issuer, claims: 17,
    "an object": lambda issuer, claims: {"alg": "RS256"},
    "nothing in it": lambda issuer, claims: "..",
    "a million dots": lambda issuer, claims: "." * 900_000,
    "claims that are a list": lambda issuer, claims: _signed_list(issuer),
}


def _signed_list(issuer: Issuer) -> str:
    return jws.serialize_compact({"alg": "RS256", "kid": "one"}, b'["sub"]', issuer.key)


@pytest.mark.parametrize("forge", _FORGERS.values(), ids=list(_FORGERS))
async def test_a_forged_token_lets_nobody_in(scene: Scene, forge: Callable[[Issuer, dict[str, Any]], Any]) -> None:
    scene.issuer.forge = forge

    answer = await scene.sign_in()

    assert answer.status_code == 401
    assert await scene.failures() == ["token_wrong"]
    assert (await scene.visitor.get("/account")).status_code == 303


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"keys": "one"},
        {"keys": [17]},
        {"keys": [{"kid": "one"}]},
        {"keys": [{"kty": "RSA", "kid": "one"}]},
        {"keys": [{"kty": "RSA", "kid": "one", "n": "AQAB", "e": "AQAB"}]},
        {"keys": [{"kty": "oct", "kid": "one", "k": "c2VjcmV0"}]},
        {"keys": []},
    ],
    ids=str,
)
async def test_keys_that_are_none_let_nobody_in(scene: Scene, document: Any) -> None:
    scene.issuer.key_document = document

    answer = await scene.sign_in()

    assert answer.status_code == 401
    assert await scene.failures() == ["token_wrong"]


async def test_a_key_that_the_provider_has_withdrawn_is_soon_believed_no_more(
    scene: Scene, fake_clock: FakeClock
) -> None:
    """It was stolen: whoever has it signs tokens with it, and names it."""
    stolen = scene.issuer.key
    await scene.sign_in()
    scene.issuer.published = [RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})]
    fake_clock.advance(timedelta(minutes=5, seconds=1))

    scene.issuer.key = stolen

    assert (await scene.sign_in()).status_code == 401


async def test_names_of_keys_that_are_made_up_have_the_keys_fetched_once_more_and_no_oftener(scene: Scene) -> None:
    await scene.sign_in()
    asked = scene.issuer.keys_asked
    scene.issuer.forge = lambda issuer, claims: jwt.encode({"alg": "RS256", "kid": "made up"}, claims, issuer.key)

    assert (await scene.sign_in()).status_code == 401

    assert scene.issuer.keys_asked == asked + 1


async def test_keys_that_the_provider_has_changed_are_fetched_again(scene: Scene) -> None:
    await scene.sign_in()
    scene.issuer.key = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})

    assert (await scene.sign_in()).status_code == 303


async def test_another_browser_s_answer_is_refused(scene: Scene) -> None:
    back = (await scene.at_provider()).headers["location"]
    await scene.visitor.get("/sign-in/openid")  # begins again, with another state

    answer = await scene.visitor.http.get(back)

    assert answer.status_code == 401
    assert await scene.failures() == ["state_wrong"]
    assert scene.issuer.tokens == 0, "the code was not even tried"


async def test_an_answer_that_nobody_waits_for_is_refused(scene: Scene, fake_clock: FakeClock) -> None:
    back = (await scene.at_provider()).headers["location"]
    scene.visitor.http.cookies.clear()

    assert (await scene.visitor.http.get(back)).status_code == 401


async def test_a_refusal_there_is_shown_in_words(scene: Scene) -> None:
    back = (await scene.at_provider()).headers["location"]
    state = parse_qs(urlsplit(back).query)["state"][0]

    answer = await scene.visitor.get(f"/sign-in/openid/callback?error=access_denied&state={state}")

    assert answer.status_code == 401
    assert "Sign in there, and allow it." in answer.text


async def test_a_name_that_an_account_with_a_password_has_is_not_taken_over(scene: Scene) -> None:
    await scene.services.staff.accounts.add("ann@example.org", Role.ADMIN, password="four words make sense")

    answer = await scene.sign_in()

    assert answer.status_code == 401
    assert await scene.failures() == ["name_taken"]


async def test_an_account_that_is_disabled_here_stays_out(scene: Scene) -> None:
    await scene.sign_in()
    await scene.services.staff.accounts.disable("ann@example.org")

    assert (await scene.sign_in()).status_code == 401


@pytest.mark.parametrize(
    "discovery",
    [{"issuer": "https://evil.example"}, {"token_endpoint": "http://login.example.org/token"}, {"jwks_uri": None}],
    ids=str,
)
async def test_a_discovery_document_that_leads_elsewhere_is_not_followed(
    scene: Scene, discovery: dict[str, Any]
) -> None:
    scene.issuer.discovery = discovery

    begun = await scene.visitor.get("/sign-in/openid")

    if begun.status_code == 303:  # the way there is right, the way to the token is not
        async with httpx.AsyncClient() as there:
            begun = await scene.visitor.http.get((await there.get(begun.headers["location"])).headers["location"])
    assert begun.status_code == 401
    assert scene.issuer.tokens == 0


async def test_without_a_provider_there_is_no_such_page(visit: Any) -> None:
    assert (await visit().get("/sign-in/openid")).status_code == 404
