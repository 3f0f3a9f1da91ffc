"""Settings: environment variables `VENUECAST_*` over `venuecast.toml`, into one frozen group per package."""

from __future__ import annotations

import difflib
import ipaddress
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

PREFIX = "VENUECAST_"


class SettingsError(Exception):
    """What is wrong with the settings, a sentence each, in words for the operator."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Environment(BaseModel):
    """Every setting under the name its users write, in lower case and without the prefix."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data_dir: Path = Field(default=Path("data"), description="Where media, embedded databases and secrets are kept")
    http_host: str = Field(default="0.0.0.0", description="Phones must reach it")
    http_port: int = Field(default=8080, ge=0, le=65535)
    tls_cert: Path | None = Field(default=None, description="PEM chain for HTTPS and RTMPS")
    tls_key: Path | None = None
    public_url: str | None = Field(
        default=None, description="What phones and encoders see, e.g. https://live.example.cn"
    )
    rtmp_host: str = "0.0.0.0"
    rtmp_port: int = Field(default=1935, ge=0, le=65535)
    rtmps_port: int | None = Field(
        default=None, ge=0, le=65535, description="RTMP over TLS; needs tls_cert and tls_key"
    )
    srt_port: int = Field(default=8890, ge=0, le=65535)
    srt_host: str = Field(default="0.0.0.0", description="IPv4 address of the UDP socket for SRT")
    srt_passphrase: SecretStr | None = Field(
        default=None, min_length=10, max_length=79, description="SRT encoders must encrypt with it; absent: none does"
    )
    srt_latency_ms: int = Field(default=200, ge=20, le=8000, description="How long SRT waits for lost packets")
    whep_reencode: bool = Field(
        default=True, description="Pictures with B-frames or in HEVC are encoded again for WebRTC; false: refused"
    )
    pull_networks: str = Field(
        default="private",
        pattern="^(public|private|any)$",
        description="Where pulled sources may lie: the internet only, also private networks, or anywhere",
    )
    webrtc_host: str = Field(default="0.0.0.0", description="IPv4 address of the UDP socket for WHIP and WHEP")
    webrtc_port: int = Field(default=8189, ge=0, le=65535, description="UDP; one port for every WebRTC peer")
    webrtc_public_address: str | None = Field(
        default=None, description="Behind a router: the address that forwards webrtc_port; several with commas"
    )
    webrtc_loopback: bool = Field(default=False, description="Offer 127.0.0.1 as well, for peers on this machine")
    webrtc_ice_servers: SecretStr | None = Field(
        default=None, description="stun:HOST:PORT, turn:USER:PASSWORD@HOST:PORT?transport=udp; several with commas"
    )
    webrtc_turn_secret: SecretStr | None = Field(
        default=None, description="coturn's use-auth-secret: TURN servers without a user get passwords that expire"
    )
    whep_max_viewers: int = Field(
        default=300, ge=0, le=4000, description="Ultra-low-delay viewers at once; one core carries about 300 of 2 Mb/s"
    )
    mongodb_url: SecretStr | None = Field(default=None, description="Absent: an embedded mongod under data_dir")
    redis_url: SecretStr | None = Field(default=None, description="Absent: an embedded redis-server under data_dir")
    admin_user: str = Field(default="admin", min_length=1, max_length=64)
    admin_password: SecretStr | None = Field(default=None, description="Absent: generated at first start, printed once")
    grace_seconds: float = Field(default=3600, gt=0, description="How long a feed outlives its publisher, seconds")
    tick_seconds: float = Field(default=0.25, gt=0.01, le=5, description="Pace of room batches, seconds")
    log_format: str = Field(default="text", pattern="^(text|json)$")


@dataclass(frozen=True, slots=True)
class StoreSettings:
    data_dir: Path
    mongodb_url: SecretStr | None
    redis_url: SecretStr | None


@dataclass(frozen=True, slots=True)
class WebRtcSettings:
    host: str
    port: int
    public_addresses: tuple[str, ...]
    loopback: bool
    ice_servers: SecretStr | None
    turn_secret: SecretStr | None
    max_viewers: int
    """Of WHEP, at once."""


@dataclass(frozen=True, slots=True)
class StreamingSettings:
    media_dir: Path
    rtmp_host: str
    rtmp_port: int
    rtmps_port: int | None
    srt_port: int
    srt_host: str
    srt_passphrase: SecretStr | None
    srt_latency_ms: int
    whep_reencode: bool
    pull_networks: str
    pull_dir: Path
    tls_cert: Path | None
    tls_key: Path | None
    grace_seconds: float
    webrtc: WebRtcSettings


@dataclass(frozen=True, slots=True)
class InteractionSettings:
    tick_seconds: float


@dataclass(frozen=True, slots=True)
class RecorderSettings:
    media_dir: Path


@dataclass(frozen=True, slots=True)
class WebSettings:
    data_dir: Path
    host: str
    port: int
    tls_cert: Path | None
    tls_key: Path | None
    public_url: str | None
    admin_user: str
    admin_password: SecretStr | None


@dataclass(frozen=True, slots=True)
class Settings:
    store: StoreSettings
    streaming: StreamingSettings
    interaction: InteractionSettings
    recorder: RecorderSettings
    web: WebSettings
    log_format: str


def load_settings(environ: Mapping[str, str], toml_path: Path | None = None) -> Settings:
    """Read, check and group the settings.

    `environ` wins over `toml_path` (default: `venuecast.toml` in the working directory, if it is there).
    Raises SettingsError naming every problem at once, with the nearest right name for a misspelt one.
    """
    path = toml_path or Path("venuecast.toml")
    values: dict[str, object] = {}
    problems: list[str] = []
    if path.is_file():
        try:
            written = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError([f"{path} cannot be read: {error}"]) from error
        values.update({name.lower(): value for name, value in written.items()})
    elif toml_path is not None:
        problems.append(f"{path} is not there")
    for name, text in environ.items():
        if name.startswith(PREFIX):
            values[name.removeprefix(PREFIX).lower()] = text
    values = {name: value for name, value in values.items() if value != ""}
    known = Environment.model_fields.keys()
    for name in sorted(values.keys() - known):
        nearest = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {PREFIX}{nearest[0].upper()}?" if nearest else ""
        problems.append(f"{PREFIX}{name.upper()} is not a setting{hint}")
        del values[name]
    try:
        environment = Environment.model_validate(values)
    except ValidationError as error:
        for detail in error.errors():
            name = PREFIX + str(detail["loc"][0]).upper()
            secret = name.endswith(("_PASSWORD", "_URL"))
            problems.append(f"{name}: {detail['msg']}" + ("" if secret else f" (it is {detail['input']!r})"))
        raise SettingsError(problems) from None
    if (environment.tls_cert is None) != (environment.tls_key is None):
        problems.append(f"{PREFIX}TLS_CERT and {PREFIX}TLS_KEY go together: set both or neither")
    if environment.rtmps_port is not None and environment.tls_cert is None:
        problems.append(f"{PREFIX}RTMPS_PORT needs {PREFIX}TLS_CERT and {PREFIX}TLS_KEY")
    for address in (environment.webrtc_host, *_addresses(environment.webrtc_public_address)):
        try:
            ipaddress.IPv4Address(address)
        except ValueError:
            problems.append(f"{PREFIX}WEBRTC_HOST and {PREFIX}WEBRTC_PUBLIC_ADDRESS: {address!r} is no IPv4 address")
    if problems:
        raise SettingsError(problems)
    return _group(environment)


def _addresses(text: str | None) -> tuple[str, ...]:
    return tuple((text or "").replace(",", " ").split())


def _group(environment: Environment) -> Settings:
    media_dir = environment.data_dir / "media"
    return Settings(
        store=StoreSettings(
            data_dir=environment.data_dir,
            mongodb_url=environment.mongodb_url,
            redis_url=environment.redis_url,
        ),
        streaming=StreamingSettings(
            media_dir=media_dir,
            rtmp_host=environment.rtmp_host,
            rtmp_port=environment.rtmp_port,
            rtmps_port=environment.rtmps_port,
            srt_port=environment.srt_port,
            srt_host=environment.srt_host,
            srt_passphrase=environment.srt_passphrase,
            srt_latency_ms=environment.srt_latency_ms,
            whep_reencode=environment.whep_reencode,
            pull_networks=environment.pull_networks,
            pull_dir=environment.data_dir / "sources",
            tls_cert=environment.tls_cert,
            tls_key=environment.tls_key,
            grace_seconds=environment.grace_seconds,
            webrtc=WebRtcSettings(
                host=environment.webrtc_host,
                port=environment.webrtc_port,
                public_addresses=_addresses(environment.webrtc_public_address),
                loopback=environment.webrtc_loopback,
                ice_servers=environment.webrtc_ice_servers,
                turn_secret=environment.webrtc_turn_secret,
                max_viewers=environment.whep_max_viewers,
            ),
        ),
        interaction=InteractionSettings(tick_seconds=environment.tick_seconds),
        recorder=RecorderSettings(media_dir=media_dir),
        web=WebSettings(
            data_dir=environment.data_dir,
            host=environment.http_host,
            port=environment.http_port,
            tls_cert=environment.tls_cert,
            tls_key=environment.tls_key,
            public_url=environment.public_url.rstrip("/") if environment.public_url else None,
            admin_user=environment.admin_user,
            admin_password=environment.admin_password,
        ),
        log_format=environment.log_format,
    )
