"""Addresses that expire, in two forms that caches check by themselves: nginx's `secure_link`, Chinese CDNs' type A.

Theory: the hub signs, the cache in front checks, and the origin sees only what passed. A signature covers a venue's
whole directory (`secure_link`), so that playlist, init section, segments and parts carry the same one and relative
addresses stay what they are; or one path (type A), as the CDN's own rule has it. Both are MD5 because both checkers
are; the key is secret and the lifetime short, and a collision helps nobody who does not have the key.

- nginx: `?md5=base64url(md5("{expires}{directory} {key}"))&expires={expires}`; `deploy/nginx/signing/` checks it.
- type A (Alibaba Cloud, the like at Tencent and others): `?auth_key={expires}-{rand}-{uid}-{md5hex}`, the digest
  over `{path}-{expires}-{rand}-{uid}-{key}`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

RENEW_SHARE = 0.5
"""An address is signed anew when half of its life is over: a list that is a minute old still holds good ones."""

_TYPE_A = re.compile(r"(\d{1,12})-([0-9A-Za-z]{1,64})-([0-9A-Za-z]{1,64})-([0-9a-f]{32})")


def rounded_expiry(now: float, lifetime_seconds: int) -> int:
    """An expiry that all viewers of the same minutes share, so that a cache keeps one copy: Unix seconds, between
    `1 - RENEW_SHARE` and one lifetime ahead."""
    step = max(1, round(lifetime_seconds * RENEW_SHARE))
    return int(now) // step * step + lifetime_seconds


def secure_link(directory: str, key: str, expires: int) -> str:
    """The query for everything under `directory`, which starts and ends with a slash."""
    digest = hashlib.md5(f"{expires}{directory} {key}".encode(), usedforsecurity=False).digest()
    return f"md5={base64.urlsafe_b64encode(digest).decode().rstrip('=')}&expires={expires}"


def secure_link_holds(directory: str, key: str, md5: str, expires: str, now: float) -> bool:
    """What nginx decides, for a hub that is asked directly."""
    if not (expires.isascii() and expires.isdigit() and len(expires) <= 12) or int(expires) < now:
        return False
    expected = secure_link(directory, key, int(expires)).removeprefix("md5=").partition("&")[0]
    return hmac.compare_digest(expected.encode(), md5.encode("utf-8", "replace"))


def type_a(path: str, key: str, expires: int, *, rand: str | None = None, uid: str = "0") -> str:
    """The query for one path, as the CDN's rule of type A has it."""
    salt = rand or secrets.token_hex(8)
    return f"auth_key={expires}-{salt}-{uid}-{_type_a_digest(path, key, expires, salt, uid)}"


def type_a_holds(path: str, key: str, auth_key: str, now: float) -> bool:
    """What the CDN decides: the digest fits this path, and the time is not over."""
    found = _TYPE_A.fullmatch(auth_key)
    if found is None:
        return False
    expires, salt, uid, digest = int(found[1]), found[2], found[3], found[4]
    return expires >= now and hmac.compare_digest(_type_a_digest(path, key, expires, salt, uid), digest)


def _type_a_digest(path: str, key: str, expires: int, salt: str, uid: str) -> str:
    text = f"{path}-{expires}-{salt}-{uid}-{key}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def signed_playlist(playlist: str, query: str) -> str:
    """A playlist whose every relative address (segments, parts, init sections, hints, variants) carries `query`."""
    return "".join(_signed_line(line, query) for line in playlist.splitlines(keepends=True))


_URI = re.compile(r'URI="([^"]+)"')


def _signed_line(line: str, query: str) -> str:
    if line.startswith("#"):
        return _URI.sub(lambda found: f'URI="{_with(found[1], query)}"', line)
    address = line.rstrip("\r\n")
    return _with(address, query) + line[len(address) :] if address else line


def _with(address: str, query: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}{query}"
