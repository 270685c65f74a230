"""What a profile's processes are told: the addresses and secrets of its services, as settings and as variables.

One mapping (`overrides`) is the only source: `Settings` of this process and the variables of child processes both come
from it. Invariants: a store whose address is set from outside is a real server, never replaced and never started by us;
an address that a local profile generated (a shell that took over `telemetry env`) does not count as one; the owner's
connection reaches no running service.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from telemetry_platform.embedded import postgres, redis
from telemetry_platform.embedded.platform_services import MAXMIND_ACCOUNT
from telemetry_platform.embedded.process import TAG
from telemetry_platform.embedded.state import StateFolder, is_generated_here
from telemetry_platform.processing.signing import read_signer
from telemetry_platform.settings import Settings

if TYPE_CHECKING:
    from telemetry_platform.embedded.ports import Ports

STORES = ("postgres", "redis", "clickhouse")
DATABASE = "telemetry"
DAGSTER_DATABASE = "dagster"
DAGSTER_STORAGE = ("DAGSTER_PG_HOST", "DAGSTER_PG_PORT", "DAGSTER_PG_DB", "DAGSTER_PG_USERNAME", "DAGSTER_PG_PASSWORD")
_STORE_VARIABLES = (
    "TELEMETRY_POSTGRES__",
    "TELEMETRY_REDIS__",
    "TELEMETRY_CLICKHOUSE__",
    "TELEMETRY_KEYS__",
    "TELEMETRY_MAXMIND__",
    "TELEMETRY_API__TOKEN__",
    "TELEMETRY_AUDIT__",
)


@dataclass(frozen=True)
class LocalEnvironment:
    """A profile's addresses and secrets beside what the caller's own environment says.

    `extra` are more settings, nested as in `Settings`, for all processes of the profile.
    """

    state: StateFolder
    ports: Ports
    given: Settings
    embedded: frozenset[str]
    extra: Mapping[str, Any] = field(default_factory=dict)

    def overrides(self, *, with_owner: bool) -> dict[str, Any]:
        """The settings that the profile decides, nested as in `Settings`."""
        secrets = self.state.secrets()
        chosen: dict[str, Any] = {name: dict(part) for name, part in self.extra.items()}
        chosen["profile"] = self.state.profile
        chosen["api"] = {**chosen.get("api", {}), "host": "127.0.0.1", "port": self.ports["api"]}
        if "trusted_proxies" not in self.given.api.model_fields_set:
            # Only this machine reaches a local API: its simulator sends from many networks through this "proxy".
            chosen["api"].setdefault("trusted_proxies", "127.0.0.1/32")
        if "postgres" in self.embedded:
            chosen["postgres"] = {
                "url": self._postgres_url("telemetry_ingest"),
                "read_url": self._postgres_url("telemetry_read"),
                "retention_url": self._postgres_url("telemetry_retention"),
                "dashboards_url": self._postgres_url("telemetry_dashboards"),
            }
            if with_owner:
                chosen["postgres"]["owner_url"] = self._postgres_url("telemetry_owner")
        if "redis" in self.embedded:
            password = secrets["redis_telemetry"]
            chosen["redis"] = {"url": redis.url(redis.USER, password, self.ports["redis"])}
        if "clickhouse" in self.embedded:
            chosen["clickhouse"] = {
                "url": f"http://127.0.0.1:{self.ports['clickhouse']}",
                "user": "telemetry",
                "password": secrets["clickhouse"],
                "database": DATABASE,
            }
        if not _has_own_token_key(self.state.checkout, self.given):
            chosen["api"]["token"] = {"secret": secrets["jwt"]}
        port = self.ports.get("maxmind")  # none yet where an earlier release made the profile
        if port is not None and has_stand_in(self.state.checkout, self.given, self.embedded):
            chosen["maxmind"] = {
                "url": f"http://127.0.0.1:{port}/privacy/exclusions",
                "account_id": MAXMIND_ACCOUNT,
                "license_key": secrets["maxmind"],
            }
        if "copy_file" not in self.given.exclusions.model_fields_set:
            chosen.setdefault("exclusions", {}).setdefault("copy_file", str(self.state.path / "exclusions.copy"))
        if not _has_own_kek(self.state.checkout, self.given):
            files = {"kek_file": str(self.state.kek_file), "next_kek_file": str(self.state.next_kek_file)}
            chosen["keys"] = {**chosen.get("keys", {}), **files}
        return self._pace() | chosen | self._audit()

    def _pace(self) -> dict[str, Any]:
        """Whoever tries the platform sees figures a minute later, where a quarter of an hour is right elsewhere."""
        return {} if "every_minutes" in self.given.rollups.model_fields_set else {"rollups": {"every_minutes": 1}}

    def _audit(self) -> dict[str, Any]:
        """The trail of a local database is signed by a key of its own, never by one for a real trail."""
        if "postgres" not in self.embedded:
            return {}
        key = self.state.signing_key_file
        return {
            "audit": {
                "signing_key_file": str(key),
                "checkpoints": str(self.state.checkpoints),
                # For the API, which tells what the checkpoints say and has no key of its own.
                "trusted_keys": read_signer(key.read_text(encoding="ascii"), "the signing key").key_id,
            }
        }

    def settings(self) -> Settings:
        """The settings of this profile, for use in this process."""
        return Settings(**self.overrides(with_owner=True))

    def variables(self, *, with_owner: bool) -> dict[str, str]:
        """What the profile adds to an environment."""
        return flatten(self.overrides(with_owner=with_owner)) | self._dagster_variables()

    def _dagster_variables(self) -> dict[str, str]:
        """What `dagster.yaml` and `workspace.yaml` ask the environment for."""
        found = {
            "DAGSTER_HOME": str(self.state.dagster_home),
            "DAGSTER_CODE_SERVER_HOST": "127.0.0.1",
            "DAGSTER_CODE_SERVER_PORT": str(self.ports["code-server"]),
        }
        if "postgres" in self.embedded:
            found |= {
                "DAGSTER_PG_HOST": "127.0.0.1",
                "DAGSTER_PG_PORT": str(self.ports["postgres"]),
                "DAGSTER_PG_DB": DAGSTER_DATABASE,
                "DAGSTER_PG_USERNAME": "telemetry_dagster",
                "DAGSTER_PG_PASSWORD": self.state.secrets()["telemetry_dagster"],
            }
        return found

    def for_process(self, name: str, inherited: Mapping[str, str]) -> dict[str, str]:
        """The whole environment of one of our Python services: the caller's, and what this service needs of ours.

        The API needs no storage of Dagster's; daemon and webserver need no store of ours, since all code of ours runs
        in the code server and in the runs that it starts.
        """
        kept = {key: value for key, value in inherited.items() if not self._is_replaced(key)}
        kept["PATH"] = f"{Path(sys.executable).parent}:{inherited.get('PATH', '/usr/bin:/bin')}"
        kept |= {"TZ": "UTC", "PYTHONUNBUFFERED": "1"}
        ours = self.variables(with_owner=False)
        if name == "api":
            # The licence key is for whoever fetches the list, what signs and what removes for Dagster's runs: none of
            # them is the front door.
            no_business = (
                "DAGSTER_",
                "TELEMETRY_MAXMIND__",
                "TELEMETRY_AUDIT__SIGNING_KEY",
                "TELEMETRY_POSTGRES__RETENTION_URL",
            )
            return {key: value for key, value in (kept | ours).items() if not key.startswith(no_business)}
        if name in {"daemon", "webserver"}:
            return {key: value for key, value in (kept | ours).items() if not key.startswith(_STORE_VARIABLES)}
        return kept | ours

    def postgres_admin_url(self) -> str:
        """The superuser's connection, for `schema bootstrap` and tests."""
        secrets = self.state.secrets()
        return postgres.url(postgres.SUPERUSER, secrets["postgres"], self.ports["postgres"], "postgres")

    def redis_admin_url(self) -> str:
        """The administrator's connection, for tests."""
        return redis.url(redis.ADMIN, self.state.secrets()["redis_admin"], self.ports["redis"])

    def _postgres_url(self, role: str) -> str:
        return postgres.url(role, self.state.secrets()[role], self.ports["postgres"], DATABASE)

    def _is_replaced(self, name: str) -> bool:
        """Whether a variable of the caller would contradict what the profile says."""
        stores = tuple(f"TELEMETRY_{store.upper()}__" for store in self.embedded)
        if has_stand_in(self.state.checkout, self.given, self.embedded):
            stores = (*stores, "TELEMETRY_MAXMIND__")
        if "postgres" in self.embedded:
            stores = (*stores, "TELEMETRY_AUDIT__")
        fixed = {"TELEMETRY_PROFILE", "TELEMETRY_POSTGRES__OWNER_URL", "DAGSTER_HOME", TAG}
        pinned = "postgres" in self.embedded and name.startswith("DAGSTER_PG_")
        # Python finds its own modules; a folder in PYTHONPATH could put others before them.
        return name in fixed or name.startswith(stores) or pinned or name == "PYTHONPATH"


def flatten(nested: Mapping[str, Any], prefix: str = "TELEMETRY_") -> dict[str, str]:
    """Nested settings as variables: {"redis": {"url": u}} is TELEMETRY_REDIS__URL."""
    found: dict[str, str] = {}
    for name, value in nested.items():
        if isinstance(value, Mapping):
            found |= flatten(value, f"{prefix}{name.upper()}__")
        else:
            found[f"{prefix}{name.upper()}"] = str(value)
    return found


def embedded_stores(checkout: Path, given: Settings) -> frozenset[str]:
    """The stores that have no real server in the settings."""
    addresses = {
        "postgres": (given.postgres, _password(given.postgres.url.get_secret_value())),
        "redis": (given.redis, _password(given.redis.url.get_secret_value())),
        "clickhouse": (given.clickhouse, given.clickhouse.password.get_secret_value()),
    }
    return frozenset(
        store
        for store, (part, password) in addresses.items()
        if "url" not in part.model_fields_set or is_generated_here(checkout, password)
    )


def _password(url: str) -> str:
    return unquote(urlsplit(url).password or "")


def _has_own_token_key(checkout: Path, given: Settings) -> bool:
    """Whether the caller configured a key for tokens that is not a local profile's."""
    token = given.api.token
    secret = token.secret.get_secret_value() if token.secret else ""
    return bool(token.jwks_url or token.jwks_file or (secret and not is_generated_here(checkout, secret)))


def has_stand_in(checkout: Path, given: Settings, embedded: frozenset[str]) -> bool:
    """Whether the profile runs a stand-in for MaxMind: without an account, and never for a real server's list."""
    key = given.maxmind.license_key.get_secret_value() if given.maxmind.license_key else ""
    has_account = given.maxmind.account_id is not None and not is_generated_here(checkout, key)
    return "postgres" in embedded and not has_account


def _has_own_kek(checkout: Path, given: Settings) -> bool:
    """Whether the caller configured a key-encryption key that is not a local profile's."""
    file = given.keys.kek_file
    if file is not None:
        return not file.resolve().is_relative_to((checkout / ".telemetry").resolve())
    return given.keys.kek is not None
