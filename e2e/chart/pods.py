"""What Pod Security `restricted` asks, written down once: every breach of a pod, in words."""

from collections.abc import Iterator

from chart.yamls import Object

VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
}  # fmt: skip
CAPABILITIES = {"NET_BIND_SERVICE"}


def specs(objects: list[Object]) -> dict[str, Object]:
    """The spec of every pod that these objects make, by `Kind/name`."""
    found = {}
    for each in objects:
        name = f"{each['kind']}/{each['metadata']['name']}"
        if each["kind"] == "Pod":
            found[name] = each["spec"]
        elif each["kind"] == "CronJob":
            found[name] = each["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        elif isinstance(each.get("spec"), dict) and "template" in each["spec"]:
            found[name] = each["spec"]["template"]["spec"]
    return found


def containers(spec: Object) -> list[Object]:
    """All of them, those that come first included."""
    return [*spec.get("initContainers", ()), *spec["containers"]]


def breaches(spec: Object) -> Iterator[str]:
    """Why the standard would refuse this pod; nothing means that it would not."""
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            yield f"{name} is on"
    for volume in spec.get("volumes", ()):
        if kinds := set(volume) - {"name"} - VOLUMES:
            yield f"volume {volume['name']} is a {kinds.pop()}"
    whole = spec.get("securityContext", {})
    for container in containers(spec):
        own = {**whole, **container.get("securityContext", {})}
        yield from (f"{container['name']}: {said}" for said in _container(own, container))


def _container(own: Object, container: Object) -> Iterator[str]:
    if own.get("runAsNonRoot") is not True:
        yield "may run as root"
    if own.get("runAsUser") == 0:
        yield "runs as root"
    if own.get("seccompProfile", {}).get("type") not in {"RuntimeDefault", "Localhost"}:
        yield "has no seccomp profile"
    if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
        yield "may gain privileges"
    capabilities = own.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", ()) or set(capabilities.get("add", ())) - CAPABILITIES:
        yield "keeps capabilities"
    if any("hostPort" in port for port in container.get("ports", ())):
        yield "takes a port of the node"
