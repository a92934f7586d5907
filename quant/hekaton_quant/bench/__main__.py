"""Print the benchmark's tables.

python -m hekaton_quant.bench                      all that random vectors answer, in a minute
python -m hekaton_quant.bench --model own          the same and the model it trains itself
python -m hekaton_quant.bench --model recall --only needles    needles, with a model that copies
python -m hekaton_quant.bench --model FOLDER       any Hugging Face folder of the Llama family
"""

import argparse
import json
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from hekaton_quant.bench import depth, modelled, retrieval, synthetic
from hekaton_quant.bench.plot import kl_svg, rate_distortion_svg
from hekaton_quant.bench.subject import (
    Scope,
    Subject,
    folder_subject,
    own_subject,
    recall_subject,
)
from hekaton_quant.bench.table import Table
from hekaton_quant.errors import QuantError
from hekaton_quant.model.recall import Drill
from hekaton_quant.model.train import Course

SYNTHETIC: tuple[tuple[str, Callable[[synthetic.Draw], Table]], ...] = (
    ("distortion", synthetic.distortion),
    ("inner", synthetic.inner_products),
    ("attention", synthetic.attention),
    ("bytes", lambda draw: synthetic.byte_counts()),
    ("speed", synthetic.speed),
    ("parts", synthetic.encoding_parts),
)
MODELLED: tuple[tuple[str, Callable[[Subject, Scope], Table]], ...] = (
    ("quality", modelled.model_quality),
    ("windows", modelled.equal_windows),
    ("needles", retrieval.needles),
    ("depth", depth.at_depth),
)


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    names = [name for name, _ in (*SYNTHETIC, *MODELLED)]
    parser = argparse.ArgumentParser(prog="python -m hekaton_quant.bench")
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--head-size", type=int, default=128)
    parser.add_argument("--vectors", type=int, default=512)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--model", help="'own', 'recall' or a folder; without it no model is measured"
    )
    parser.add_argument("--cache", type=Path, help="folder of the model that is trained here")
    parser.add_argument("--seconds", type=float, help="its training time")
    parser.add_argument("--sequences", type=int, default=Scope().sequences)
    parser.add_argument("--context", type=int, default=Scope().context)
    parser.add_argument("--lengths", nargs="+", type=int, default=Scope().needle_lengths)
    parser.add_argument("--caches", nargs="+", default=[], help="measure these alone")
    parser.add_argument("--text", type=Path, help="measure on this folder's text files instead")
    parser.add_argument("--json", type=Path, help="write all tables here as well")
    parser.add_argument("--plot", type=Path, help="write the first table's plot here, as SVG")
    return parser.parse_args(words)


def measured_subject(chosen: argparse.Namespace) -> Subject:
    """The model that the command line names, trained first where it is one of ours."""
    if chosen.model == "own":
        course = Course(seconds=chosen.seconds or Course().seconds, seed=chosen.seed)
        return own_subject(chosen.cache or Path(".cache/model"), course, chosen.text)
    if chosen.model == "recall":
        drill = Drill(seconds=chosen.seconds or Drill().seconds, seed=chosen.seed)
        return recall_subject(chosen.cache or Path(".cache/recall"), drill)
    return folder_subject(Path(chosen.model), chosen.text)


def tables(chosen: argparse.Namespace, show: Callable[[Table], None]) -> list[Table]:
    """Compute the chosen tables, showing each as it is done."""
    done = []
    draw = synthetic.Draw(chosen.head_size, chosen.vectors, chosen.seed)
    for name, question in SYNTHETIC:
        if name in chosen.only:
            done.append(question(draw))
            show(done[-1])
    if chosen.model is None:
        return done
    subject = measured_subject(chosen)
    scope = Scope(
        chosen.sequences,
        chosen.context,
        needle_lengths=tuple(chosen.lengths),
        seed=chosen.seed,
        caches=tuple(chosen.caches),
    )
    for label, measured in MODELLED:
        if label in chosen.only:
            done.append(measured(subject, scope))
            show(done[-1])
    return done


def main(words: Sequence[str]) -> int:
    """Run the benchmark; 2 if what was asked for cannot be done."""
    chosen = arguments(words)
    try:
        done = tables(chosen, lambda table: print(table.text(), flush=True))
    except QuantError as error:
        print(error, file=sys.stderr)
        return 2
    if chosen.json:
        made = {"python": platform.python_version(), "torch": torch.__version__}
        machine = {"machine": platform.machine(), "threads": torch.get_num_threads(), **made}
        whole = {"seed": chosen.seed, **machine, "tables": [table.plain() for table in done]}
        chosen.json.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    if chosen.plot and (svg := drawn(done)):
        chosen.plot.write_text(svg, encoding="utf-8")
    return 0


def drawn(done: Sequence[Table]) -> str | None:
    """The first table that there is a plot of, as SVG."""
    for table in done:
        if table.title.startswith("distortion"):
            names = [str(row[0]) for row in table.rows if row[0] not in ("bf16", "fp8")]
            return rate_distortion_svg(synthetic.points(table, names))
        if table.title == modelled.QUALITY:
            return kl_svg(modelled.points(table))
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
