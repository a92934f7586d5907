"""The commands `up`, `down`, `build`, `image`, `load-image` and `base`, each a script beside this.

They bring up a Kubernetes cluster by provider: `kind` where Docker is, else `native`, which builds
Kubernetes from Go modules and starts it on this machine.
"""

import argparse
import sys
from pathlib import Path

from cluster import provider
from cluster.native import binaries
from cluster.places import CLUSTER
from cluster.progress import Failure, say


def words() -> argparse.ArgumentParser:
    """What may be asked for."""
    parser = argparse.ArgumentParser(prog="e2e/cluster", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start a cluster; writes DIR/admin.kubeconfig and DIR/env")
    up.add_argument(
        "--level", choices=provider.LEVELS, default="node", help="how much of it (native)"
    )
    down = commands.add_parser("down", help="end it and leave nothing")
    load = commands.add_parser("load-image", help="load an archive into the node")
    load.add_argument("archive", type=Path)
    image = commands.add_parser("image", help="build a Dockerfile target and load it as NAME")
    image.add_argument("target")
    image.add_argument("name")
    base = commands.add_parser("base", help="make a base image; python or postgres")
    base.add_argument("which", choices=("python", "postgres"))
    build = commands.add_parser("build", help="build the programs of the native provider")
    build.add_argument("names", nargs="*", help="only these, e.g. kwok; default all that up needs")
    for each in (up, down, load, image, base):
        each.add_argument(
            "dir", type=Path, nargs="?", default=CLUSTER, help="folder of the cluster"
        )
    return parser


def perform(asked: argparse.Namespace) -> None:
    """Do what was asked for."""
    if asked.command == "build":
        print(binaries.built(tuple(asked.names) or binaries.NEEDED))
        return
    chosen = provider.chosen(asked.dir.resolve())
    match asked.command:
        case "up":
            chosen.up(asked.level)
        case "down":
            chosen.down()
        case "load-image":
            chosen.load(asked.archive)
        case "image":
            chosen.image(asked.target, asked.name)
        case _:
            chosen.base(asked.which)


if __name__ == "__main__":
    try:
        perform(words().parse_args())
    except Failure as failure:
        say(str(failure))
        sys.exit(1)
