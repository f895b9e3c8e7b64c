"""`python -m chat_app.search.embedding_worker`: turns texts into numbers until its input ends.

A request is a line of JSON, a list of texts; the answer is the length of the numbers in four bytes, little-endian, and
the numbers, as float32. It is a process of its own because the work takes a core: what streams is not to wait for it.
"""

from __future__ import annotations

import json
import os
import sys

_NICENESS = 10  # answers that stream go first
THREADS = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""The environment that keeps it to one core; BLAS reads it when numpy is loaded."""


def main() -> None:
    """Answer until nobody asks any more."""
    from chat_app.search.minilm import MiniLM

    os.nice(_NICENESS)
    model = MiniLM()
    for line in sys.stdin.buffer:
        numbers = model.embed(json.loads(line)).astype("<f4").tobytes()
        sys.stdout.buffer.write(len(numbers).to_bytes(4, "little") + numbers)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
