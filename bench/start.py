"""How soon the service is ready with 1,000 entries, and its memory then: ``python -m bench.start``.

It is started several times on one database. The first start finds no bytecode and is not counted, since an installer
writes that; the median of the others is, from the command to the first 200 of ``/healthz``.
"""

import asyncio
import statistics
import tempfile
from pathlib import Path

from bench.channels import configured, fill
from bench.service import resident_mb, started

STARTS = 5
REACH = 2.0  # seconds
MOST_MB = 200


def main() -> None:
    """Print the seconds of each start, their median, and the memory of the last."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        configuration = configured(folder, {"gateway": "http://127.0.0.1:9", "mail": 9})
        asyncio.run(fill(configuration))
        took, resident = [], 0.0
        for _ in range(1 + STARTS):
            with started(folder, configuration) as (process, seconds):
                took.append(seconds)
                resident = resident_mb(process)
    warm = took[1:]
    print(f"ready after {', '.join(f'{seconds:.2f}' for seconds in warm)} s")
    print(f"median {statistics.median(warm):.2f} s (within {REACH:.0f}); without bytecode {took[0]:.2f} s")
    print(f"resident memory when ready {resident:.0f} MB (under {MOST_MB})")


if __name__ == "__main__":
    main()
