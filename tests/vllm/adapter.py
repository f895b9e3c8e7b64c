"""A LoRA adapter of the tiny model, of random numbers: nothing is learned, and what it says differs."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path

_RANK, _LAYERS, _WIDTH = 4, 4, 128
_OUT = {"q_proj": 128, "v_proj": 64}


def write_adapter(folder: Path) -> Path:
    """Write it as PEFT does (huggingface.co/docs/peft/developer_guides/checkpoint), and give the folder back."""
    shapes: dict[str, tuple[int, int]] = {}
    for layer in range(_LAYERS):
        for name, out in _OUT.items():
            at = f"base_model.model.model.layers.{layer}.self_attn.{name}"
            shapes |= {f"{at}.lora_A.weight": (_RANK, _WIDTH), f"{at}.lora_B.weight": (out, _RANK)}
    folder.mkdir()
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": _RANK, "lora_alpha": 8, "bias": "none"}
    (folder / "adapter_config.json").write_text(json.dumps(config | {"target_modules": list(_OUT)}))
    (folder / "adapter_model.safetensors").write_bytes(_safetensors(shapes))
    return folder


def _safetensors(shapes: dict[str, tuple[int, int]]) -> bytes:
    """See huggingface.co/docs/safetensors: a length of 8 bytes, a head in JSON, the numbers."""
    some, head, numbers = random.Random(0), {}, b""
    for name, (rows, columns) in shapes.items():
        raw = struct.pack(f"<{rows * columns}f", *(some.gauss(0, 0.3) for _ in range(rows * columns)))
        offsets = [len(numbers), len(numbers) + len(raw)]
        head[name] = {"dtype": "F32", "shape": [rows, columns], "data_offsets": offsets}
        numbers += raw
    told = json.dumps(head).encode()
    return struct.pack("<Q", len(told)) + told + numbers
