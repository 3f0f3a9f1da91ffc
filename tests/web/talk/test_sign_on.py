"""Sign-on from the county's app: who gets in with what token, as whom, and how often."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import jwt
import pytest
import pytest_asyncio
import socketio
from aiohttp import web as http
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from config.clock import SystemClock
from config.ids import new_id
from tests.support.hub import Caller, InProcessHub
from web.app_sign_on.keys import KeysUnreachable, PublishedKeys
from web.app_sign_on.model import Method, SignOn
from web.app_sign_on.verify import NotTaken, readable_key, verify

pytestmark = [pytest.mark.service, pytest.mark.asyncio(loop_scope="module")]

API = "/api/v1"


class Center:
    """A center whose app signs, with an event on air where only signed-in viewers comment."""

    def __init__(self, hub: InProcessHub, id_: str, admin: Caller, secret: str, event: dict[str, Any]) -> None:
        self.hub, self.id, self.admin, self.secret, self.event = hub, id_, admin, secret, event

    def claims(self, **changes: object) -> dict[str, object]:
        known: dict[str, object] = {
            "iss": "app",
            "aud": self.id,
            "sub": "user-1",
            "name": "灯会迷",
            "avatar": "https://img.example.cn/1.png",
            "phone_verified": True,
            "exp": int(time.time()) + 240,
            "jti": new_id(),
        }
        return {name: value for name, value in (known | changes).items() if value is not None}

    def token(self, **changes: object) -> str:
        return jwt.encode(self.claims(**changes), self.secret, algorithm="HS256")

    async def join(self, token: str, device: str = "device") -> Any:
        body = {"device_id": device, "app_token": token}
        return await self.hub.stranger()("POST", f"{API}/events/{self.event['id']}/join", body)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def center(hub: InProcessHub) -> AsyncIterator[Center]:
    id_ = await hub.center("海盐融媒体中心")
    admin = await hub.crew(id_, "center_admin")
    made = await admin.ok("POST", f"{API}/centers/{id_}/app-sign-on/secret")
    event = await hub.event(admin, rules={"moderation": "post"})
    await admin.ok("POST", f"{API}/events/{event['id']}/start")
    yield Center(hub, id_, admin, made["secret"], event)


async def test_an_account_is_one_viewer_on_every_device(center: Center) -> None:
    first = await center.join(center.token(), "phone")
    second = await center.join(center.token(), "tablet")
    other = await center.join(center.token(sub="user-2"), "phone")
    assert first.status == second.status == 200
    assert first.json["viewer_id"] == second.json["viewer_id"] != other.json["viewer_id"]
    assert (first.json["anonymous"], first.json["nickname"]) == (False, "灯会迷")
    assert first.json["avatar"] == "https://img.example.cn/1.png"


async def test_a_token_is_good_for_one_device_which_may_repeat_itself(center: Center) -> None:
    token = center.token()
    first = await center.join(token, "phone")
    again = await center.join(token, "phone")
    assert again.json["viewer_id"] == first.json["viewer_id"]
    stolen = await center.join(token, "another phone")
    assert (stolen.status, stolen.json["code"]) == (409, "app_token_used")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda c: {"aud": "another center"}, "app_token_other_center"),
        (lambda c: {"exp": int(time.time()) - 60}, "app_token_expired"),
        (lambda c: {"exp": int(time.time()) + 3600}, "app_token_too_long"),
        (lambda c: {"exp": None}, "app_token_invalid"),
        (lambda c: {"jti": None}, "app_token_invalid"),
        (lambda c: {"sub": ""}, "app_token_invalid"),
        (lambda c: {"sub": 5}, "app_token_invalid"),
        (lambda c: {"jti": "x" * 300}, "app_token_invalid"),
    ],
)
async def test_what_is_not_taken(center: Center, change: Callable[[Center], dict[str, object]], code: str) -> None:
    refused = await center.join(center.token(**change(center)))
    assert (refused.status, refused.json["code"]) == (401, code)


async def test_nobody_else_can_sign(center: Center) -> None:
    forged = jwt.encode(center.claims(), "somebody else's secret, long enough", algorithm="HS256")
    nothing = jwt.encode(center.claims(), "", algorithm="none")
    for token in (forged, nothing, "not a token", center.token()[:-2]):
        refused = await center.join(token)
        assert (refused.status, refused.json["code"]) == (401, "app_token_invalid"), token


async def test_a_new_secret_ends_the_old_one(center: Center) -> None:
    made = await center.admin.ok("POST", f"{API}/centers/{center.id}/app-sign-on/secret")
    assert (await center.join(center.token())).status == 401
    center.secret = made["secret"]
    assert (await center.join(center.token())).status == 200
    shown = await center.admin("GET", f"{API}/centers/{center.id}/app-sign-on")
    assert shown.json["has_secret"] and made["secret"].encode() not in shown.body


async def test_a_center_without_sign_on_says_so(hub: InProcessHub) -> None:
    admin = await hub.crew(await hub.center("三门融媒体中心"), "center_admin")
    event = await hub.event(admin)
    await admin.ok("POST", f"{API}/events/{event['id']}/start")
    body = {"device_id": "phone", "app_token": "x.y.z"}
    refused = await hub.stranger()("POST", f"{API}/events/{event['id']}/join", body)
    assert (refused.status, refused.json["code"]) == (422, "app_sign_on_not_set_up")


async def test_a_signed_in_viewer_speaks_where_a_device_may_not(center: Center) -> None:
    hub, event = center.hub, center.event["id"]
    joined = (await center.join(center.token(), "phone")).json["token"]
    device = (await hub.stranger().ok("POST", f"{API}/events/{event}/join", {"device_id": "phone"}))["token"]
    async with socketio.AsyncSimpleClient() as account, socketio.AsyncSimpleClient() as anonymous:
        for client, token in ((account, joined), (anonymous, device)):
            await client.connect(hub.url, namespace="/room", auth={"token": token}, transports=["websocket"])
        said = await account.call("comment", {"text": "灯会真好", "client_id": "1"})
        refused = await anonymous.call("comment", {"text": "灯会真好", "client_id": "1"})
    assert said["ok"] and refused["error"]["code"] == "sign_in_to_comment"
    [comment] = (await hub.stranger().ok("GET", f"{API}/events/{event}/comments"))["items"]
    assert comment["viewer"]["nickname"] == "灯会迷"
    assert comment["viewer"]["avatar"] == "https://img.example.cn/1.png"


# --- the other ways of signing, without a hub around them ---

NOW = 1_790_000_000.0
CLAIMS = {"iss": "app", "aud": "center", "sub": "user", "exp": int(NOW) + 200, "jti": "1", "name": " 灯\u202e会\n迷 "}
EC, RSA = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: Any) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return str(key.public_key().public_bytes(serialization.Encoding.PEM, form).decode())


class Published:
    """Keys as an app's server publishes them."""

    def __init__(self, keys: dict[str, jwt.PyJWK]) -> None:
        self.keys = keys

    async def find(self, url: str, key_id: str | None) -> jwt.PyJWK | None:
        if url != "https://app.example.cn/keys":
            raise KeysUnreachable
        return self.keys.get(key_id or "")


NONE = Published({})


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256")])
async def test_a_public_key_checks_what_its_private_one_signed(key: Any, algorithm: str) -> None:
    settings = SignOn("center", Method.KEY, public_key=pem(key))
    account = await verify(jwt.encode(CLAIMS, key, algorithm=algorithm), settings, NONE, NOW)
    assert (account.subject, account.name, account.avatar, account.phone_verified) == ("user", "灯会 迷", None, False)


async def test_a_public_key_is_no_secret() -> None:
    """The oldest trick: the public key, which everybody has, as an HS256 secret."""
    settings = SignOn("center", Method.KEY, public_key=pem(RSA))
    with pytest.raises(NotTaken, match="app_token_invalid"):
        await verify(_hs256(pem(RSA).encode()), settings, NONE, NOW)


def _hs256(secret: bytes) -> str:
    def part(content: bytes) -> bytes:
        return base64.urlsafe_b64encode(content).rstrip(b"=")

    head = part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode()) + b"." + part(json.dumps(CLAIMS).encode())
    return (head + b"." + part(hmac.new(secret, head, hashlib.sha256).digest())).decode()


async def test_published_keys_are_found_by_their_id() -> None:
    jwk = jwt.PyJWK.from_json(jwt.algorithms.ECAlgorithm.to_jwk(EC.public_key()), algorithm="ES256")
    settings = SignOn("center", Method.JWKS, jwks_url="https://app.example.cn/keys", issuer="app")
    known = Published({"k1": jwk})
    token = jwt.encode(CLAIMS, EC, algorithm="ES256", headers={"kid": "k1"})
    assert (await verify(token, settings, known, NOW)).subject == "user"
    with pytest.raises(NotTaken, match="app_token_unknown_key"):
        await verify(jwt.encode(CLAIMS, EC, algorithm="ES256", headers={"kid": "k2"}), settings, known, NOW)
    with pytest.raises(NotTaken, match="app_token_other_issuer"):
        await verify(
            jwt.encode(CLAIMS | {"iss": "else"}, EC, algorithm="ES256", headers={"kid": "k1"}), settings, known, NOW
        )


async def test_keys_that_are_too_weak_or_no_keys_are_refused() -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    other = ec.generate_private_key(ec.SECP384R1())
    assert [readable_key(text) for text in (pem(RSA), pem(EC), pem(weak), pem(other), "nothing", "")] == [
        True, True, False, False, False, False,
    ]  # fmt: skip


async def test_published_keys_come_over_http(center: Center) -> None:
    """Fetched once and kept; what is no key for signing stands beside; an address without keys is said."""
    fetched = []
    listed = jwt.algorithms.ECAlgorithm.to_jwk(EC.public_key(), as_dict=True) | {"kid": "k1", "alg": "ES256"}

    async def keys(request: http.Request) -> http.StreamResponse:
        fetched.append(request.path)
        return http.json_response({"keys": [listed, {"kty": "oct", "k": "AA", "kid": "x"}, "rubbish"]})

    app = http.Application()
    app.router.add_get("/keys", keys)
    runner = http.AppRunner(app)
    await runner.setup()
    await http.TCPSite(runner, "127.0.0.1", 0).start()
    published = PublishedKeys(SystemClock().monotonic)
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/keys"
        for _ in range(3):
            assert (await published.find(url, "k1")) is not None
            assert (await published.find(url, "x")) is None
        assert fetched == ["/keys"]
        with pytest.raises(KeysUnreachable):
            await published.find(url + "-not", "k1")
    finally:
        await published.close()
        await runner.cleanup()
