"""Mutants of one module by Cosmic Ray: JSON on standard input and output, run by the Python that has it.

It imports nothing of ours: the tool lives in .cache/peers (see benchmarks/peers_env.sh).
"""

import ast
import difflib
import json
import random
import sys

from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

LEFT_OUT = ("NoOp", "ExceptionReplacer", "Variable", "RemoveDecorator")
"""They change nothing, need arguments, or put in a name that any linter knows to be undefined."""


def mutants(source, chance, most):
    """At most `most`, drawn over all places where an operator fits; each differs and can be parsed."""
    names = [name for name in operator_names() if not any(part in name for part in LEFT_OUT)]
    found = {}
    for name in names:
        for occurrence in range(1000):
            text = mutate_code(source, get_operator(name)(), occurrence)
            if text is None:
                break
            if text != source and parses(text):
                found.setdefault(text, {"operator": name, "line": line(source, text), "text": text})
    ordered = [found[text] for text in sorted(found)]
    return chance.sample(ordered, min(most, len(ordered)))


def parses(text):
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def line(old, new):
    """The first line that differs."""
    codes = difflib.SequenceMatcher(None, old.split("\n"), new.split("\n"), False).get_opcodes()
    return next((first + 1 for kind, _, _, first, _ in codes if kind != "equal"), 1)


def main():
    given = json.load(sys.stdin)
    found = [
        mutants(source, random.Random(f"{given['seed']}-{index}"), given["most"])
        for index, source in enumerate(given["sources"])
    ]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
