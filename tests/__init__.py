"""The tests, which run one process a core, and a thread of Polars in each."""

import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # before anything imports Polars, which reads it once
