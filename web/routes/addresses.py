"""Under which addresses phones and encoders reach this hub."""

from __future__ import annotations

from aiohttp import web

from config.settings import WebSettings
from web.addresses import addresses
from web.routing import Access, Endpoint, answer
from web.schemas.addresses import AddressList, AddressView


def address_endpoints(settings: WebSettings, rtmp_port: int) -> list[Endpoint]:
    async def listing(request: web.Request) -> web.StreamResponse:
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

    return [Endpoint("GET", "/api/v1/addresses", listing, Access.CREW, "Addresses of this hub", returns=AddressList)]
