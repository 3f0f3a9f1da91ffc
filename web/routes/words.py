"""Word lists of the platform and of centers, and the service that a center asks for its opinion."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from config.clock import Clock
from interaction.moderation.guard import Guard, from_row, to_row
from interaction.moderation.matcher import Folded, Matcher
from interaction.moderation.words import MAX_WORDS, BadLine, Ear, Level, Word, read_words, write_words
from interaction.store.talk_rules import OutsideReview
from interaction.store.words import PLATFORM
from web.access import access_center
from web.accounts.model import Permission
from web.auth.audit import Audit
from web.field_words import FieldError
from web.identity import address_of, caller
from web.problems import Problem
from web.routing import Access, Endpoint, answer, body_of
from web.schemas.moderation import (
    ImportQuery,
    OutsideReviewBody,
    OutsideReviewView,
    TriedView,
    TryBody,
    WordPage,
    WordsBody,
    WordsImported,
    WordsQuery,
    WordsRemove,
    WordView,
)

MAX_IMPORT_BYTES = 4 * 1024 * 1024
"""50,000 words with their notes."""
MAX_BAD_SHOWN = 100
MEDIA_TYPES = ("text/csv", "text/plain")

_BAD = {
    "empty_word": ("没有词", "no word"),
    "word_too_long": ("超过 40 个字", "more than 40 characters"),
    "no_such_level": ("处理方式应为 hold、refuse 或 allow", "the level is hold, refuse or allow"),
    "no_such_ear": ("谐音应为 auto、yes 或 no", "homophones are auto, yes or no"),
    "too_many_words": ("超过 50000 个词", "more than 50,000 words"),
}


def word_endpoints(guard: Guard, audit: Audit, clock: Clock) -> list[Endpoint]:
    store = guard.words

    async def _owner(request: web.Request) -> str:
        """Whose list: the platform's administrators keep `platform`, a center's moderators their own."""
        owner = request.match_info["owner"]
        if owner == PLATFORM:
            if not caller(request).platform_admin:
                raise Problem(403, "forbidden")
            return PLATFORM
        return (await access_center(request, owner, Permission.MODERATE)).id

    async def _change(request: web.Request, change: Callable[[dict[str, Word]], None]) -> WordsImported:
        owner = await _owner(request)
        version, rows = await store.rows(owner)
        words = {row[0]: from_row(row) for row in rows}
        before = len(words)
        change(words)
        if len(words) > MAX_WORDS:
            raise Problem(422, "too_many_words")
        if await store.replace(owner, [to_row(word) for word in words.values()], version=version) is None:
            raise Problem(409, "words_changed")
        await audit.write(
            "change_words",
            by=caller(request).id,
            address=address_of(request),
            center_id=None if owner == PLATFORM else owner,
            target=f"{before} -> {len(words)}",
        )
        return WordsImported(total=len(words), added=len(words) - before)

    async def listed(request: web.Request) -> web.StreamResponse:
        _, rows = await store.rows(await _owner(request))
        query = WordsQuery.model_validate(dict(request.query))
        found = [row for row in rows if query.q is None or query.q.lower() in row[0].lower()][::-1]
        start = int(query.cursor) if query.cursor is not None else 0
        page = found[start : start + query.limit]
        more = start + query.limit < len(found)
        return answer(
            WordPage(
                items=[_view(from_row(row)) for row in page],
                next_cursor=str(start + query.limit) if more else None,
                total=len(found),
            )
        )

    async def add(request: web.Request) -> web.StreamResponse:
        body = body_of(request, WordsBody)

        def change(words: dict[str, Word]) -> None:
            for one in body.words:
                words.pop(one.word, None)  # the newest stands last, whatever it was before
                words[one.word] = Word(one.word, one.level, one.homophones, one.note)

        return answer(await _change(request, change))

    async def take(request: web.Request) -> web.StreamResponse:
        body = body_of(request, WordsRemove)

        def change(words: dict[str, Word]) -> None:
            for word in body.words:
                words.pop(word, None)

        return answer(await _change(request, change))

    async def imported(request: web.Request) -> web.StreamResponse:
        await _owner(request)
        query = ImportQuery.model_validate(dict(request.query))
        if (request.content_length or 0) > MAX_IMPORT_BYTES:
            raise Problem(413, "too_large")
        content = await request.content.read(MAX_IMPORT_BYTES + 1)
        while len(content) <= MAX_IMPORT_BYTES and (more := await request.content.read(MAX_IMPORT_BYTES)):
            content += more
        if len(content) > MAX_IMPORT_BYTES:
            raise Problem(413, "too_large")
        read, bad = read_words(_text(content))
        if bad:
            raise Problem(422, "bad_words", errors=[_bad(line) for line in bad[:MAX_BAD_SHOWN]])

        def change(words: dict[str, Word]) -> None:
            if query.mode == "replace":
                words.clear()
            words.update({word.text: word for word in read})

        return answer(await _change(request, change))

    async def exported(request: web.Request) -> web.StreamResponse:
        _, rows = await store.rows(await _owner(request))
        return web.Response(
            text=write_words(map(from_row, rows)),
            content_type="text/csv",
            charset="utf-8",
            headers={
                "Content-Disposition": 'attachment; filename="words.csv"',
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
            },
        )

    async def tried(request: web.Request) -> web.StreamResponse:
        """What the list says of a text: for those who write lists."""
        _, rows = await store.rows(await _owner(request))
        words = {row[0]: from_row(row) for row in rows}
        text = Folded(body_of(request, TryBody).text)
        # compiled anew: the stored list may be younger than what this process runs
        matcher = await asyncio.to_thread(Matcher, list(words.values()))
        hits = matcher.find(text)
        return answer(TriedView(words=[_view(words[hit.word]) for hit in hits]))

    async def review(request: web.Request) -> web.StreamResponse:
        center = await access_center(request, request.match_info["center_id"], Permission.MANAGE_CREW)
        return answer(_review_view(await guard.rules.center(center.id)))

    async def change_review(request: web.Request) -> web.StreamResponse:
        body = body_of(request, OutsideReviewBody)
        center = await access_center(request, request.match_info["center_id"], Permission.SEE_EVENTS)
        if not caller(request).platform_admin:
            raise Problem(403, "forbidden")  # the hub asks that address from inside the house
        before = await guard.rules.center(center.id)
        token = before.token if "token" not in body.model_fields_set else body.token
        changed = OutsideReview(body.url, token, body.seconds)
        await guard.rules.set_center(center.id, changed, clock.utc())
        guard.learn_review(center.id, changed)
        await audit.write(
            "change_outside_review",
            by=caller(request).id,
            address=address_of(request),
            center_id=center.id,
            target=body.url or "",
        )
        return answer(_review_view(changed))

    words, crew = "/api/v1/words/{owner}", Access.CREW
    outside = "/api/v1/centers/{center_id}/outside-review"
    return [
        Endpoint("GET", words, listed, crew, "A word list", query=WordsQuery, returns=WordPage),
        Endpoint("POST", words, add, crew, "Add or change words", body=WordsBody, returns=WordsImported),
        Endpoint("POST", f"{words}/remove", take, crew, "Remove words", body=WordsRemove, returns=WordsImported),
        Endpoint(
            "POST", f"{words}/import", imported, crew, "Import a list (lines or CSV)",
            query=ImportQuery, returns=WordsImported, upload=MEDIA_TYPES,
        ),
        Endpoint("GET", f"{words}/export", exported, crew, "The list as CSV", download="text/csv"),
        Endpoint("POST", f"{words}/try", tried, crew, "What a list says of a text", body=TryBody, returns=TriedView),
        Endpoint("GET", outside, review, crew, "The service that is asked", returns=OutsideReviewView),
        Endpoint(
            "PUT", outside, change_review, crew, "Change it (the platform's administrator)",
            body=OutsideReviewBody, returns=OutsideReviewView,
        ),
    ]  # fmt: skip


def _text(content: bytes) -> str:
    """UTF-8, or what spreadsheets of Chinese offices write."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030", "replace")


def _view(word: Word) -> WordView:
    return WordView(word=word.text, level=Level(word.level), homophones=Ear(word.ear), note=word.note)


def _bad(line: BadLine) -> FieldError:
    chinese, english = _BAD[line.code]
    return FieldError(str(line.line), f"第 {line.line} 行：{chinese}", f"Line {line.line}: {english}")


def _review_view(review: OutsideReview) -> OutsideReviewView:
    return OutsideReviewView(url=review.url, has_token=review.token is not None, seconds=review.seconds)
