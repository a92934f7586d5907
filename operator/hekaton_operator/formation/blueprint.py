"""What follows from a formation's spec alone: made once a generation, since planning and YAML are slow. Pure."""

from dataclasses import dataclass

from hekaton_api.formation import FormationSpec
from hekaton_api.vram.catalog import Catalog
from hekaton_operator.formation.children import document
from hekaton_operator.formation.memory import Memory, memory
from hekaton_operator.formation.revision import revision
from hekaton_operator.objects import Meta


@dataclass(frozen=True, slots=True)
class Blueprint:
    spec: FormationSpec
    revision: str
    memory: Memory
    document: str
    """The formation as its pods read it."""


def blueprint(meta: Meta, spec: FormationSpec, catalog: Catalog) -> Blueprint:
    return Blueprint(
        spec,
        revision(meta.name, spec),
        memory(meta.name, spec, catalog),
        document(meta, spec),
    )
