"""What the process is told by its environment, checked at start. ``dilo settings`` prints it."""

import re
import sys
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from dilo.run import embedded
from tenants.proxies import networks_of

SECRET = re.compile(r"(://[^:/@]*:)[^@]+(@)")


class Settings(BaseSettings):
    """Names in the environment are the upper-cased fields."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    database_url: str = Field("", description="PostgreSQL as the app role; empty: embedded server")
    database_owner_url: str = Field("", description="the same database as its owner: migrations")
    valkey_url: str = Field("", description="Valkey; empty: embedded server")
    dilo_var: Path = Field(Path("var"), description="data folder: servers, files, secrets")
    dilo_port: int = Field(8000, ge=1, le=65535)
    dilo_bind: str = "127.0.0.1"
    dilo_web_workers: int = Field(1, ge=1, le=64)
    dilo_pool: int = Field(12, ge=2, le=200, description="database connections of one process")
    dilo_secret: str = Field(
        "", description="signs forms, seals keys and tokens; empty: made once in the data folder"
    )
    dilo_secret_former: str = Field(
        "", description="the secret before a change: what it sealed still opens"
    )
    dilo_telegram_api: str = Field(
        "https://api.telegram.org", description="base URL of the Bot API"
    )
    dilo_telegram_webhook: str = Field(
        "", description="public https base for webhooks; empty: polling"
    )
    dilo_public_url: str = Field(
        "", description="how people reach a company, such as https://{host}; empty: this machine"
    )
    dilo_trusted_proxies: str = Field(
        "", description="whose X-Forwarded-For and -Proto are believed: 10.0.0.0/8, 192.0.2.1"
    )
    dilo_telegram_token: str = Field("", description="bot of the first demo company, by dilo up")
    dilo_stripe_api: str = Field("https://api.stripe.com", description="base URL of Stripe's API")
    dilo_stripe_connect_key: str = Field("", description="the platform's own key, for Connect")
    dilo_stripe_connect_secret: str = Field("", description="whsec_… of /webhooks/stripe")
    dilo_sms: Literal["none", "smpp", "http"] = "none"
    dilo_smpp_host: str = "127.0.0.1"
    dilo_smpp_port: int = Field(2775, ge=1, le=65535)
    dilo_smpp_system_id: str = ""
    dilo_smpp_password: str = ""
    dilo_sms_sender: str = Field("Dilo", max_length=15)
    dilo_sms_url: str = ""
    dilo_sms_token: str = ""
    dilo_sms_price: Decimal = Field(
        Decimal(0), ge=0, description="a segment by this gateway, in each company's currency"
    )
    dilo_sms_private: bool = Field(
        False, description="companies' gateways may stand inside the network"
    )
    dilo_smtp_url: str = Field("", description="smtp://user:password@host:port; empty: no e-mail")
    dilo_mail_from: str = "dilo@localhost"
    dilo_lease_seconds: int = Field(
        60, ge=1, le=3600, description="how long a message is held to send"
    )
    dilo_sweep_seconds: float = Field(10.0, gt=0, le=600)
    dilo_log: Literal["pretty", "json"] = "pretty"

    @field_validator("dilo_trusted_proxies")
    @classmethod
    def _networks(cls, text: str) -> str:
        networks_of(text)
        return text

    @field_validator("database_url", "database_owner_url")
    @classmethod
    def _postgres(cls, url: str) -> str:
        if url and urlsplit(url).scheme not in ("postgresql", "postgres"):
            raise ValueError("must begin with postgresql://")
        return url

    @field_validator("valkey_url")
    @classmethod
    def _valkey(cls, url: str) -> str:
        if url and urlsplit(url).scheme not in ("redis", "rediss", "valkey", "unix"):
            raise ValueError("must begin with redis://")
        return url

    @property
    def public_form(self) -> str:
        return self.dilo_public_url or f"http://{{host}}:{self.dilo_port}"

    def public(self) -> dict[str, Any]:
        """Every setting, with passwords, tokens and keys masked."""
        shown: dict[str, Any] = {}
        for name, value in self.model_dump().items():
            text = str(value)
            if value and re.search(r"secret|password|token|connect_key", name):
                text = "********"
            shown[name.upper()] = SECRET.sub(r"\1********\2", text)
        return shown


@cache
def settings() -> Settings:
    """Ends the process with one clear line per bad setting."""
    try:
        return Settings()  # type: ignore[call-arg]
    except ValidationError as error:
        for fault in error.errors():
            name = str(fault["loc"][0]).upper()
            print(f"{name}: {fault['msg']} (given: {fault['input']!r})", file=sys.stderr)
        raise SystemExit(2) from None


def process_secret() -> str:
    """Of the environment, else the one made once in the data folder."""
    return settings().dilo_secret or embedded.secret(settings().dilo_var, "forms")
