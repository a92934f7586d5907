"""Read and write safetensors files with the standard library and torch alone.

The format is eight bytes of header length, a JSON header and the raw tensors; reading it here
keeps the package's imports at torch and numpy.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from hekaton_quant.errors import Unsupported

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "U8": torch.uint8,
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def _every(name: str) -> bool:
    return True


def read_tensors(
    path: Path, wanted: Callable[[str], bool] = _every
) -> Iterator[tuple[str, Tensor]]:
    """Yield each wanted (name, tensor) of one safetensors file, in the file's order."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        base = 8 + size
        for name, entry in header.items():
            if name == "__metadata__" or not wanted(name):
                continue
            if entry["dtype"] not in _DTYPES:
                raise Unsupported([f"{path}: {name} has dtype {entry['dtype']!r}, not a float."])
            start, end = entry["data_offsets"]
            file.seek(base + start)
            raw = bytearray(file.read(end - start))
            dtype = _DTYPES[entry["dtype"]]
            flat = torch.frombuffer(raw, dtype=dtype) if raw else torch.empty(0, dtype=dtype)
            yield name, flat.reshape(entry["shape"])


def read_folder(
    folder: Path, wanted: Callable[[str], bool] = _every
) -> Iterator[tuple[str, Tensor]]:
    """Yield the wanted tensors of all safetensors files of a model folder."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise Unsupported([f"{folder} holds no .safetensors file; convert the weights first."])
    for path in files:
        yield from read_tensors(path, wanted)


def write_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write one safetensors file that other readers accept."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, tensor in tensors.items():
        size = tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + size],
        }
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in tensors.values():
            file.write(tensor.contiguous().view(torch.uint8).numpy().tobytes())
