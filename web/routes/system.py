"""The installation as its crew needs it: addresses for phones and encoders, hours of disk left."""

from __future__ import annotations

from aiohttp import web

from config.settings import WebSettings
from streaming.disk import DiskMeter
from web.addresses import addresses
from web.routing import Access, Endpoint, answer
from web.schemas.system import AddressList, AddressView, DiskView


def system_endpoints(settings: WebSettings, rtmp_port: int, disk: DiskMeter) -> list[Endpoint]:
    async def address_list(request: web.Request) -> web.StreamResponse:
        sockname = request.transport.get_extra_info("sockname") if request.transport else None
        port = sockname[1] if sockname else settings.port
        found = await addresses(port, tls=settings.tls_cert is not None, public_url=settings.public_url)
        reachable = [address for address in found if address.answers]
        return answer(
            AddressList(
                items=[AddressView(url=a.url, kind=a.kind, secure=a.secure, answers=a.answers) for a in found],
                rtmp_port=rtmp_port,
                preferred=reachable[0].url if reachable else None,
            )
        )

    async def disk_left(request: web.Request) -> web.StreamResponse:
        state = await disk.state()
        return answer(DiskView(free_bytes=state.free_bytes, hours=round(state.hours_left, 2), level=state.level.value))

    crew = Access.CREW
    return [
        Endpoint("GET", "/api/v1/addresses", address_list, crew, "Addresses of this hub", returns=AddressList),
        Endpoint("GET", "/api/v1/disk", disk_left, crew, "How long the disk lasts", returns=DiskView),
    ]
