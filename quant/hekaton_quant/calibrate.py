"""Measure a model once and keep its bases in a file, for `--additional-config` of the vLLM plugin.

    python -m hekaton_quant.calibrate MODEL bases.npz --text FOLDER

Without a folder the text is the standard library's sources. A few dozen sequences of it run forward
and backward through the harness's own transformer in 32 bits, so the model must fit in memory thrice.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hekaton_quant.bench.subject import Scope, folder_subject
from hekaton_quant.errors import QuantError
from hekaton_quant.model.codecs import model_bases
from hekaton_quant.model.statistics import measure
from hekaton_quant.stored import save_bases


def main(words: Sequence[str]) -> int:
    """Calibrate from the command line; 2 if that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m hekaton_quant.calibrate")
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--text", type=Path, help="folder of text files to calibrate on")
    parser.add_argument("--sequences", type=int, default=Scope().calibration)
    parser.add_argument("--context", type=int, default=Scope().context)
    chosen = parser.parse_args(words)
    try:
        subject = folder_subject(chosen.model, chosen.text)
        scope = Scope(chosen.sequences, chosen.context, calibration=chosen.sequences)
        rows = subject.calibration_rows(scope) if chosen.text is None else subject.rows(scope)
        bases = model_bases(measure(subject.model, rows))
        save_bases(bases, chosen.out)
    except QuantError as error:
        print(error, file=sys.stderr)
        return 2
    layers, heads = len(bases), len(bases[0])
    print(f"{chosen.out}: {layers} layers of {heads} KV heads, {len(rows)} rows of {scope.context}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
