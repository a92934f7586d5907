"""kube-linter on everything the chart renders, in each way that people install it: `make lint-chart`.

Its exceptions, each with its reason, are in kube-linter.yaml beside this.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from chart.conftest import WAYS
from chart.helm import found
from cluster.native.binaries import checks
from cluster.progress import say

CONFIG = Path(__file__).with_name("kube-linter.yaml")


def main() -> int:
    """How many ways have complaints, which are printed."""
    helm, program, bad = found(), checks() / "kube-linter", 0
    with TemporaryDirectory() as folder:
        for way, sets in WAYS.items():
            path = Path(folder, f"{way.replace(' ', '-')}.yaml")
            path.write_text(helm.text("crds.enabled=false", *sets))
            words = [str(program), "lint", "--config", str(CONFIG), str(path)]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            bad += done.returncode != 0
            say(f"{way}: {'clean' if done.returncode == 0 else done.stdout + done.stderr}")
    return bad


if __name__ == "__main__":
    sys.exit(main())
