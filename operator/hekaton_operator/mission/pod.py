"""The pod of a mission: the conductor, and beside it the place where models' commands run. Pure.

The workspace container has no credentials, no keys and no variables; only the conductor knows the
database, the bus and the permits.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from hekaton_api.formation import FormationSpec
from hekaton_api.mission import MissionSpec
from hekaton_api.sources import Pvc
from hekaton_operator import names
from hekaton_operator.containers import (
    Claim,
    Container,
    Empty,
    FromConfigMap,
    FromSecret,
    Keys,
    Mount,
    Variable,
    Volume,
)
from hekaton_operator.formation.keys import BROKER, CONDUCTOR
from hekaton_operator.objects import Meta
from hekaton_operator.settings import Images

PAPERS = "/etc/hekaton/mission"
KEYS = "/etc/hekaton/keys"
PERMITS = "/etc/hekaton/permits"
SOCKET = "/run/hekaton/workspace.sock"
WORK = Mount("work", "/work", read_only=False)
RUN = Mount("run", "/run/hekaton", read_only=False)


@dataclass(frozen=True, slots=True)
class Work:
    """What the pod is made of."""

    meta: Meta
    spec: MissionSpec
    formation: FormationSpec
    team: str
    config_map: str
    id: str
    replica: str
    images: Images

    @property
    def bus(self) -> str:
        """Address of the replica's broker."""
        service = names.service_name(self.team)
        return f"tcp://{self.replica}.{service}.{self.meta.namespace}.svc:{names.BUS_PORT}"


def containers(work: Work) -> tuple[Container, Container]:
    """The workspace, which starts first, and the conductor."""
    return _workspace(work), _conductor(work)


def _workspace(work: Work) -> Container:
    return Container(
        name="workspace",
        image=work.formation.pod.images.workspace or work.images.workspace,
        words=("hekaton", "workspace", "--socket", SOCKET, "--root", WORK.path),
        cpu="50m",
        memory="128Mi",
        mounts=(WORK, RUN, Mount("tmp-workspace", "/tmp", read_only=False)),
        stays=True,
    )


def _conductor(work: Work) -> Container:
    git = work.spec.workspace.git
    reference = git.credentials.secret_key_ref if git and git.credentials else None
    key = (
        (Variable("HEKATON_KEY_GIT", FromSecret(reference.name, reference.key)),)
        if reference
        else ()
    )
    return Container(
        name="conductor",
        image=work.formation.pod.images.runtime or work.images.runtime,
        words=(
            *("hekaton", "conductor", "--id", work.id),
            *("--formation", f"{PAPERS}/formation.yaml", "--bus", work.bus),
            *("--keys", KEYS, "--permits", f"{PERMITS}/key", "--workspace", SOCKET),
            *_folder("--source", "/source", work.spec.workspace.pvc),
            *_folder("--artifact", "/artifact", _target(work)),
            *("--plain", f"{PAPERS}/mission.yaml"),
        ),
        cpu="50m",
        memory="128Mi",
        mounts=(
            Mount("mission", PAPERS),
            Mount("keys", KEYS),
            Mount("permits", PERMITS),
            WORK,
            RUN,
            Mount("tmp", "/tmp", read_only=False),
            *((Mount("source", "/source"),) if work.spec.workspace.pvc else ()),
            *((Mount("artifact", "/artifact", read_only=False),) if _target(work) else ()),
        ),
        env=(Variable("HEKATON_HOME", WORK.path), Variable("HOME", "/tmp"), *key),
        env_secret=names.DATABASE_SECRET,
    )


def _folder(flag: str, root: str, pvc: Pvc | None) -> tuple[str, ...]:
    """Where a volume's folder is mounted."""
    if pvc is None:
        return ()
    return flag, f"{root}/{pvc.path}" if pvc.path else root


def _target(work: Work) -> Pvc | None:
    return work.spec.artifact.pvc if work.spec.artifact else None


def volumes(work: Work) -> Iterator[Volume]:
    bus, permits = names.bus_secret(work.team), names.permits_secret(work.team)
    own = (f"{CONDUCTOR}.key", f"{CONDUCTOR}.pub", f"{BROKER}.pub")
    yield FromConfigMap("mission", work.config_map)
    yield Empty("work")
    yield Empty("run")
    yield Empty("tmp")
    yield Empty("tmp-workspace")
    yield Keys("keys", tuple(FromSecret(bus, key) for key in own))
    yield Keys("permits", (FromSecret(permits, "key"),))
    if work.spec.workspace.pvc:
        yield Claim("source", work.spec.workspace.pvc.claim_name, read_only=True)
    if target := _target(work):
        yield Claim("artifact", target.claim_name, read_only=False)
