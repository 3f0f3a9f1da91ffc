"""Redeeming: stock, balance and order change together or not at all."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine
from typing import Any

from pymongo.errors import DuplicateKeyError, PyMongoError

from config.clock import Clock
from config.mongodb import DoneT, Session, in_transaction
from interaction.commit import Busy
from interaction.rejected import Rejected
from interaction.store.ledger import LedgerStore, Line, mall_account, viewer_account
from interaction.store.mall import MallStore, Order, OrderState, order_id
from interaction.viewer import Viewer

CODE_DIGITS = 8
MAX_WAITING_ORDERS = 20
"""Of one viewer: who does not collect does not order more."""
RETRY_SECONDS = 2.0


class Mall:
    def __init__(self, store: MallStore, ledger: LedgerStore, clock: Clock) -> None:
        self._store = store
        self._ledger = ledger
        self._clock = clock

    async def redeem(self, center_id: str, viewer: Viewer, item_id: str, request_id: str) -> Order:
        """An item for points; the same request again is the same order.

        Raises Rejected `no_such_item`, `sold_out`, `not_enough_points`, `sign_in_to_redeem`; Busy.
        """
        id_ = order_id(center_id, viewer.id, request_id)
        existing = await self._store.order(id_)
        if existing is not None:
            return existing
        orders = await self._store.orders(center_id, viewer_id=viewer.id)
        if sum(order.state is OrderState.WAITING for order in orders) >= MAX_WAITING_ORDERS:
            raise Rejected("collect_first")
        account = viewer_account(center_id, viewer.id)

        async def work(session: Session) -> Order:
            await self._ledger.claim(account, session)
            item = await self._store.item(item_id, session)
            if item is None or item.center_id != center_id or not item.shown:
                raise Rejected("no_such_item")
            if await self._ledger.balance(account, session) < item.price:
                raise Rejected("not_enough_points")
            if not await self._store.take_from_stock(item_id, session):
                raise Rejected("sold_out")
            now = self._clock.utc()
            code = "".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS))
            order = Order(id_, center_id, viewer.id, viewer.nickname, item.id, item.name, item.price, code, now)
            await self._store.add_order(order, session)
            if item.price:
                spent = Line(f"order:{id_}", center_id, account, mall_account(center_id), item.price, "redeem", now)
                await self._ledger.append(spent, session)
            return order

        try:
            return await self._in_transaction(work)
        except DuplicateKeyError:
            # the same request on another socket came first; or a code that is taken, which the next try draws anew
            existing = await self._store.order(id_)
            if existing is None:
                raise Busy(RETRY_SECONDS) from None
            return existing

    async def collected(self, order: Order, by: str) -> Order:
        """Handed out at the counter. Raises Rejected `order_done`."""
        changed = await self._store.end_order(order.id, OrderState.COLLECTED, by, self._clock.utc())
        if changed is None:
            raise Rejected("order_done")
        return changed

    async def cancelled(self, order: Order, by: str) -> Order:
        """Points and stock go back. Raises Rejected `order_done`."""

        async def work(session: Session) -> Order:
            now = self._clock.utc()
            changed = await self._store.end_order(order.id, OrderState.CANCELLED, by, now, session)
            if changed is None:
                raise Rejected("order_done")
            await self._store.back_to_stock(order.item_id, session)
            if order.price:
                account = viewer_account(order.center_id, order.viewer_id)
                mall = mall_account(order.center_id)
                back = Line(f"cancel:{order.id}", order.center_id, mall, account, order.price, "cancel", now)
                await self._ledger.append(back, session)
            return changed

        return await self._in_transaction(work)

    async def balance(self, center_id: str, viewer_id: str) -> int:
        return await self._ledger.balance(viewer_account(center_id, viewer_id))

    async def _in_transaction(self, work: Callable[[Session], Coroutine[Any, Any, DoneT]]) -> DoneT:
        try:
            return await in_transaction(self._store.client, work)
        except DuplicateKeyError:
            raise
        except PyMongoError:
            raise Busy(RETRY_SECONDS) from None
