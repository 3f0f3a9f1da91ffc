"""Points and the mall: a center's rules, items and orders; a viewer's balance."""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import hdrs, web

from config.clock import Clock
from config.ids import new_id
from interaction.points.earning import Earning
from interaction.points.mall import Mall
from interaction.store.mall import Item, MallStore, Order, PointsRules
from streaming.events.model import EventState
from streaming.events.store import EventStore
from web.accounts.model import Permission
from web.auth.audit import Audit
from web.identity import address_of, caller
from web.problems import Problem
from web.realtime.viewers import ViewerTokens
from web.routing import Access, Endpoint, answer, body_of
from web.schemas.points import (
    ItemBody,
    ItemPatch,
    MallItemPage,
    MallItemView,
    MallView,
    OrderPage,
    OrderView,
    PointsRulesBody,
    PointsRulesView,
)


def points_endpoints(
    store: MallStore,
    mall: Mall,
    earning: Earning,
    events: EventStore,
    tokens: ViewerTokens,
    audit: Audit,
    clock: Clock,
) -> list[Endpoint]:
    def center(request: web.Request, permission: Permission) -> str:
        """The center in the path, if the caller acts in it. Raises Problem."""
        center_id, crew = request.match_info["center_id"], caller(request)
        if not crew.may(Permission.SEE_EVENTS, center_id):
            raise Problem(404, "not_found")
        if not crew.may(permission, center_id):
            raise Problem(403, "forbidden")
        return center_id

    async def rules(request: web.Request) -> web.StreamResponse:
        found = await store.rules(center(request, Permission.SEE_EVENTS))
        return answer(_rules(found))

    async def keep_rules(request: web.Request) -> web.StreamResponse:
        center_id = center(request, Permission.MANAGE_MALL)
        kept = PointsRules(center_id, **body_of(request, PointsRulesBody).model_dump())
        await store.keep_rules(kept)
        earning.forget_rules(center_id)
        await _audited(request, "points_rules", center_id, center_id)
        return answer(_rules(kept))

    async def items(request: web.Request) -> web.StreamResponse:
        found = await store.items(center(request, Permission.SEE_EVENTS), shown_only=False)
        return answer(MallItemPage(items=[_item(item) for item in found], next_cursor=None))

    async def add_item(request: web.Request) -> web.StreamResponse:
        center_id = center(request, Permission.MANAGE_MALL)
        fields = body_of(request, ItemBody).model_dump()
        item = Item(id=new_id(), center_id=center_id, created_at=clock.utc(), **fields)
        await store.add_item(item)
        await _audited(request, "add_mall_item", center_id, item.id)
        return answer(_item(item), status=201)

    async def change_item(request: web.Request) -> web.StreamResponse:
        item = await store.item(request.match_info["mall_item_id"])
        _allowed(request, item.center_id if item else None)
        assert item is not None
        changes = body_of(request, ItemPatch).model_dump(exclude_unset=True)
        changed = await store.change_item(item.id, changes) if changes else item
        if changed is None:
            raise Problem(404, "not_found")
        await _audited(request, "change_mall_item", item.center_id, item.id)
        return answer(_item(changed))

    async def orders(request: web.Request) -> web.StreamResponse:
        found = await store.orders(center(request, Permission.MANAGE_MALL))
        return answer(OrderPage(items=[_order(order) for order in found], next_cursor=None))

    async def collect(request: web.Request) -> web.StreamResponse:
        order = await _order_of(request)
        changed = await mall.collected(order, caller(request).id)
        await _audited(request, "hand_out_order", order.center_id, order.id)
        return answer(_order(changed))

    async def cancel(request: web.Request) -> web.StreamResponse:
        order = await _order_of(request)
        changed = await mall.cancelled(order, caller(request).id)
        await _audited(request, "cancel_order", order.center_id, order.id)
        return answer(_order(changed))

    async def of_viewer(request: web.Request) -> web.StreamResponse:
        event = await events.get(request.match_info["event_id"])
        if event is None or event.state is EventState.DRAFT:
            raise Problem(404, "not_found")
        viewer = tokens.read(request.headers.get(hdrs.AUTHORIZATION, "").removeprefix("Bearer ").strip())
        if viewer is None or viewer.event_id != event.id:
            raise Problem(401, "join_again")
        shown = await store.items(event.center_id, shown_only=True)
        own = await store.orders(event.center_id, viewer_id=viewer.id, limit=50)
        return answer(
            MallView(
                balance=await mall.balance(event.center_id, viewer.id),
                items=[_item(item) for item in shown],
                orders=[_order(order) for order in own],
            )
        )

    async def _order_of(request: web.Request) -> Order:
        order = await store.order(request.match_info["order_id"])
        _allowed(request, order.center_id if order else None)
        assert order is not None
        return order

    def _allowed(request: web.Request, center_id: str | None) -> None:
        crew = caller(request)
        if center_id is None or not crew.may(Permission.SEE_EVENTS, center_id):
            raise Problem(404, "not_found")
        if not crew.may(Permission.MANAGE_MALL, center_id):
            raise Problem(403, "forbidden")

    async def _audited(request: web.Request, act: str, center_id: str, target: str) -> None:
        by, address = caller(request).id, address_of(request)
        await audit.write(act, by=by, address=address, center_id=center_id, target=target)

    of_center, crew = "/api/v1/centers/{center_id}", Access.CREW
    item, order = "/api/v1/mall/items/{mall_item_id}", "/api/v1/mall/orders/{order_id}"
    return [
        Endpoint("GET", f"{of_center}/points-rules", rules, crew, "What points are given for", returns=PointsRulesView),
        Endpoint(
            "PUT",
            f"{of_center}/points-rules",
            keep_rules,
            crew,
            "Say what points are given for",
            body=PointsRulesBody,
            returns=PointsRulesView,
        ),
        Endpoint("GET", f"{of_center}/mall/items", items, crew, "The mall's items", returns=MallItemPage),
        Endpoint(
            "POST",
            f"{of_center}/mall/items",
            add_item,
            crew,
            "Put an item in the mall",
            body=ItemBody,
            returns=MallItemView,
            status=201,
        ),
        Endpoint("PATCH", item, change_item, crew, "Change an item", body=ItemPatch, returns=MallItemView),
        Endpoint("GET", f"{of_center}/mall/orders", orders, crew, "Orders, newest first", returns=OrderPage),
        Endpoint("POST", f"{order}/collect", collect, crew, "Handed out at the counter", returns=OrderView),
        Endpoint("POST", f"{order}/cancel", cancel, crew, "Points and stock go back", returns=OrderView),
        Endpoint(
            "GET",
            "/api/v1/events/{event_id}/mall",
            of_viewer,
            Access.PUBLIC,
            "The mall, the balance and the orders of a viewer",
            returns=MallView,
        ),
    ]


def _rules(rules: PointsRules) -> PointsRulesView:
    return PointsRulesView(**{name: value for name, value in asdict(rules).items() if name != "center_id"})


def _item(item: Item) -> MallItemView:
    return MallItemView(**{name: getattr(item, name) for name in MallItemView.model_fields})


def _order(order: Order) -> OrderView:
    values = {name: getattr(order, name) for name in OrderView.model_fields}
    return OrderView(**(values | {"viewer_id": order.viewer_id[:12]}))
