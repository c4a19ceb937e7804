"""What the municipality knows: entries, and finding the right one for a question."""

import os

# The matcher multiplies small matrices, one question after the other. A linear algebra library that wakes a thread per
# core for each takes five times as long when the cores are busy, and it reads this only when numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
