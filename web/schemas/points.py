"""Points and the mall over the API."""

from __future__ import annotations

from pydantic import Field

from interaction.store.mall import OrderState
from web.schemas.base import Body, Instant, Page, View


class PointsRulesBody(Body):
    """What a center gives points for; zero gives none."""

    checkin: int = Field(default=0, ge=0, le=100_000)
    comment: int = Field(default=0, ge=0, le=10_000)
    comments_a_day: int = Field(default=5, ge=1, le=1000)
    watch: int = Field(default=0, ge=0, le=10_000, description="For every `watch_minutes` of watching")
    watch_minutes: int = Field(default=10, ge=1, le=600)
    watches_a_day: int = Field(default=6, ge=1, le=1000)
    right_answer: int = Field(default=0, ge=0, le=10_000)
    anonymous: bool = Field(default=False, description="Whether viewers who have not signed in earn")


class PointsRulesView(View):
    checkin: int
    comment: int
    comments_a_day: int
    watch: int
    watch_minutes: int
    watches_a_day: int
    right_answer: int
    anonymous: bool


class ItemBody(Body):
    name: str = Field(min_length=1, max_length=60)
    description: str = Field(default="", max_length=500)
    picture: str | None = Field(default=None, max_length=300)
    price: int = Field(ge=0, le=10_000_000, description="In points")
    stock: int = Field(ge=0, le=1_000_000)
    shown: bool = True


class ItemPatch(Body):
    name: str | None = Field(default=None, min_length=1, max_length=60)
    description: str | None = Field(default=None, max_length=500)
    picture: str | None = Field(default=None, max_length=300)
    price: int | None = Field(default=None, ge=0, le=10_000_000)
    stock: int | None = Field(default=None, ge=0, le=1_000_000)
    shown: bool | None = None


class MallItemView(View):
    id: str
    name: str
    description: str
    picture: str | None
    price: int
    stock: int
    shown: bool


class MallItemPage(Page[MallItemView]):
    pass


class OrderView(View):
    id: str
    viewer_id: str = Field(description="Shortened, as beside comments")
    nickname: str
    item_id: str
    item_name: str
    price: int
    code: str
    at: Instant
    state: OrderState
    changed_at: Instant | None


class OrderPage(Page[OrderView]):
    pass


class MallView(View):
    """The mall as a viewer sees it."""

    balance: int
    items: list[MallItemView]
    orders: list[OrderView]
