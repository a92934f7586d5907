"""The name of a formation's revision: a hash of what its pods are made of. Pure."""

import hashlib
import json

from hekaton_api.formation import FormationSpec
from hekaton_operator.names import LONGEST_PARENT, child_name

IN_PODS = {"hardware", "models", "roles", "routing", "prompts", "pod"}
"""Fields of the spec that pods depend on; the others are read by each mission from its own copy."""


def revision(name: str, spec: FormationSpec) -> str:
    content = spec.model_dump(mode="json", by_alias=True, exclude_none=True, include=IN_PODS)
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:10]
    return child_name(name, f"-{digest}", LONGEST_PARENT)
