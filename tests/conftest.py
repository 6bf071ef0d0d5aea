"""Settings for the whole suite."""

import hashlib
import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings

# numba serves a cached kernel although a kernel it calls, in another file, has changed. A cache
# folder named by what all kernels say cannot be stale.
_KERNELS = Path(__file__).resolve().parent.parent / "kernels"
_DIGEST = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(_KERNELS.rglob("*.py"))))
os.environ.setdefault(
    "NUMBA_CACHE_DIR",
    str(Path(tempfile.gettempdir()) / f"graphembed-tests-{_DIGEST.hexdigest()[:16]}"),
)

# The first example of a test may compile a kernel: no deadline. Derandomised: a red run stays red.
settings.register_profile(
    "graphembed",
    deadline=None,
    derandomize=True,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("graphembed")
