"""`python -m hekaton_operator` and the script hekaton-operator."""

import sys

from hekaton_operator.main import main


def run() -> None:
    """End the process with the operator's exit code."""
    sys.exit(main())


if __name__ == "__main__":
    run()
