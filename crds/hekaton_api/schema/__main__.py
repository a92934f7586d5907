"""Write the definitions and their reference: `python -m hekaton_api.schema crds docs`."""

import sys
from pathlib import Path

from hekaton_api.schema.files import texts
from hekaton_api.schema.reference import page

if __name__ == "__main__":
    crds, docs = (Path(word) for word in (*sys.argv[1:], "docs")[:2])
    made = {crds / name: text for name, text in texts().items()} | {docs / "api.md": page()}
    for path, text in made.items():
        path.write_text(text)
        print(f"{path}: {text.count(chr(10))} lines")
