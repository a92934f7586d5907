"""What the environment says about the operator, read once and passed down as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hekaton_operator.errors import BadSettings

LEVELS = ("debug", "info", "warning", "error")


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


def from_environ(environ: Mapping[str, str]) -> Settings:
    """Raises `BadSettings` with every variable that cannot be used."""
    reasons: list[str] = []
    namespace = environ.get("HEKATON_NAMESPACE", "default")
    runtime = environ.get("HEKATON_IMAGE_RUNTIME", "")
    host = environ.get("HEKATON_DB_HOST", "")
    if not runtime:
        reasons.append("HEKATON_IMAGE_RUNTIME: is not set. Name the runtime image.")
    if not host:
        reasons.append("HEKATON_DB_HOST: is not set. Name the PostgreSQL server.")
    level = environ.get("HEKATON_LOG_LEVEL", "info").lower()
    if level not in LEVELS:
        reasons.append(f"HEKATON_LOG_LEVEL: {level!r} is no level. Known: {', '.join(LEVELS)}.")
    policy = environ.get("HEKATON_IMAGE_PULL_POLICY", "IfNotPresent")
    if policy not in ("Always", "IfNotPresent", "Never"):
        reasons.append(
            f"HEKATON_IMAGE_PULL_POLICY: {policy!r} is none. Known: Always, IfNotPresent, Never."
        )
    db_port = _port(environ, "HEKATON_DB_PORT", 5432, reasons)
    health = _port(environ, "HEKATON_HEALTH_PORT", 8080, reasons)
    if reasons:
        raise BadSettings(reasons)
    return Settings(
        namespace=namespace,
        identity=environ.get("HEKATON_POD_NAME") or environ.get("HOSTNAME") or "hekaton-operator",
        watched=environ.get("HEKATON_WATCH_NAMESPACE", ""),
        images=_images(environ, runtime, policy),
        server=Server(
            host=host,
            port=db_port,
            name=environ.get("HEKATON_DB_NAME", "hekaton"),
            user=environ.get("HEKATON_DB_USER", "hekaton"),
            password=environ.get("HEKATON_DB_PASSWORD", ""),
        ),
        level=level,
        port=health,
    )


def _images(environ: Mapping[str, str], runtime: str, policy: str) -> Images:
    return Images(
        runtime=runtime,
        engines=environ.get("HEKATON_IMAGE_ENGINES") or runtime,
        workspace=environ.get("HEKATON_IMAGE_WORKSPACE") or runtime,
        pull_policy=policy,
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
