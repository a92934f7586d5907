"""The name of a formation's revision: a hash of what its pods are made of. Pure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from hekaton_api.formation import FormationSpec
from hekaton_operator.names import LONGEST_PARENT, child_name

IN_PODS = {"hardware", "models", "roles", "routing", "prompts", "pod"}
"""Fields of the spec that pods depend on; the others are read by each mission from its own copy."""


def content(spec: FormationSpec) -> Mapping[str, Any]:
    """What a revision is the hash of: equal for equal revisions, and never changed."""
    return spec.model_dump(mode="json", by_alias=True, exclude_none=True, include=IN_PODS)


def revision(name: str, spec: FormationSpec) -> str:
    text = json.dumps(content(spec), sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:10]
    return child_name(name, f"-{digest}", LONGEST_PARENT)
