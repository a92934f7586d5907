"""Write the definitions into a folder: `python -m hekaton_api.schema crds`."""

import sys
from pathlib import Path

from hekaton_api.schema.files import texts

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for name, text in texts().items():
        (folder / name).write_text(text)
        print(f"{folder / name}: {text.count(chr(10))} lines")
