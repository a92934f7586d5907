"""What the environment says about the operator, read once and passed down as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hekaton_operator.errors import BadSettings

LEVELS = ("debug", "info", "warning", "error")
POLICIES = ("Always", "IfNotPresent", "Never")


@dataclass(frozen=True, slots=True)
class Images:
    """Container images, and what comes with them."""

    runtime: str
    engines: str
    workspace: str
    pull_policy: str = "IfNotPresent"
    engines_host_path: str = ""
    """Folder of the node that is laid read-only at the same place into `engines`
    (HEKATON_ENGINES_HOST_PATH): engines that are installed on the node. Needs a namespace whose Pod
    Security allows hostPath. Empty: none."""
    vllm: str = ""
    """Command that starts vLLM (HEKATON_VLLM); empty: the image's own."""


@dataclass(frozen=True, slots=True)
class Server:
    """The PostgreSQL server, as the conductors reach it too."""

    host: str
    port: int = 5432
    name: str = "hekaton"
    user: str = "hekaton"
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    namespace: str
    """Where the operator itself runs (HEKATON_NAMESPACE)."""
    identity: str
    """Name of its pod (HEKATON_POD_NAME): holder of the Lease."""
    watched: str
    """Namespace it serves (HEKATON_WATCH_NAMESPACE); empty: all."""
    images: Images
    server: Server
    level: str = "info"
    """HEKATON_LOG_LEVEL."""
    port: int = 8080
    """Of /healthz, /readyz and /metrics (HEKATON_HEALTH_PORT)."""
    tenant_roles: bool = True
    """Whether each namespace comes to the database by a role of its own (HEKATON_TENANT_ROLES)."""


def from_environ(environ: Mapping[str, str]) -> Settings:
    """Raises `BadSettings` with every variable that cannot be used."""
    reasons = _wrong(environ)
    db_port = _port(environ, "HEKATON_DB_PORT", 5432, reasons)
    health = _port(environ, "HEKATON_HEALTH_PORT", 8080, reasons)
    if reasons:
        raise BadSettings(reasons)
    return Settings(
        namespace=environ.get("HEKATON_NAMESPACE", "default"),
        identity=environ.get("HEKATON_POD_NAME") or environ.get("HOSTNAME") or "hekaton-operator",
        watched=environ.get("HEKATON_WATCH_NAMESPACE", ""),
        images=_images(environ),
        server=Server(
            host=environ["HEKATON_DB_HOST"],
            port=db_port,
            name=environ.get("HEKATON_DB_NAME", "hekaton"),
            user=environ.get("HEKATON_DB_USER", "hekaton"),
            password=environ.get("HEKATON_DB_PASSWORD", ""),
        ),
        level=_level(environ),
        port=health,
        tenant_roles=_roles(environ) == "true",
    )


def _wrong(environ: Mapping[str, str]) -> list[str]:
    reasons = []
    if not environ.get("HEKATON_IMAGE_RUNTIME"):
        reasons.append("HEKATON_IMAGE_RUNTIME: is not set. Name the runtime image.")
    if not environ.get("HEKATON_DB_HOST"):
        reasons.append("HEKATON_DB_HOST: is not set. Name the PostgreSQL server.")
    if (level := _level(environ)) not in LEVELS:
        reasons.append(f"HEKATON_LOG_LEVEL: {level!r} is no level. Known: {', '.join(LEVELS)}.")
    if (policy := _policy(environ)) not in POLICIES:
        known = ", ".join(POLICIES)
        reasons.append(f"HEKATON_IMAGE_PULL_POLICY: {policy!r} is none. Known: {known}.")
    if (roles := _roles(environ)) not in ("true", "false"):
        reasons.append(f"HEKATON_TENANT_ROLES: {roles!r} is neither. Give true or false.")
    return reasons


def _level(environ: Mapping[str, str]) -> str:
    return environ.get("HEKATON_LOG_LEVEL", "info").lower()


def _policy(environ: Mapping[str, str]) -> str:
    return environ.get("HEKATON_IMAGE_PULL_POLICY", "IfNotPresent")


def _roles(environ: Mapping[str, str]) -> str:
    return environ.get("HEKATON_TENANT_ROLES") or "true"


def _images(environ: Mapping[str, str]) -> Images:
    runtime = environ["HEKATON_IMAGE_RUNTIME"]
    return Images(
        runtime=runtime,
        engines=environ.get("HEKATON_IMAGE_ENGINES") or runtime,
        workspace=environ.get("HEKATON_IMAGE_WORKSPACE") or runtime,
        pull_policy=_policy(environ),
        engines_host_path=environ.get("HEKATON_ENGINES_HOST_PATH", ""),
        vllm=environ.get("HEKATON_VLLM", ""),
    )


def _port(environ: Mapping[str, str], name: str, usual: int, reasons: list[str]) -> int:
    text = environ.get(name) or str(usual)
    if text.isdigit() and int(text) < 65536:
        return int(text)
    reasons.append(f"{name}: {text!r} is no TCP port. Give a number from 0 to 65535.")
    return 0


def reachable(host: str, namespace: str) -> str:
    """The server's name as pods of other namespaces resolve it: a bare Service name is completed."""
    bare = "." not in host and ":" not in host and host != "localhost"
    return f"{host}.{namespace}.svc" if bare else host
