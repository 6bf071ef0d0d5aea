"""Run one contender in this process and write down what it took.

Called by :mod:`harness.measure` as ``python -P harness/worker.py SPEC``, with our interpreter or
the peers'; ``-P`` keeps the folders of this repository from hiding installed packages of the same
name. Needs only numpy.
"""

import gc
import importlib
import importlib.util
import json
import os
import resource
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any


def memory(field: str) -> int:
    """Return ``VmRSS`` (resident now) or ``VmHWM`` (the most so far) of this process, in bytes.

    ``ru_maxrss`` would not do on Linux: it starts from what the parent process held when it
    started this one. Where there is no ``/proc``, it is all there is.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    line = next(line for line in status.read_text().splitlines() if line.startswith(field + ":"))
    return int(line.split()[1]) * 1024


def load_module(name: str, file: str) -> Any:
    """Import the file that a contender's function is written in."""
    found = importlib.util.spec_from_file_location(name, file)
    if found is None or found.loader is None:
        raise ImportError(f"{file} is not a Python file.")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    found.loader.exec_module(module)
    return module


def load_arrays(inputs: dict[str, str]) -> dict[str, Any]:
    """Read each input into memory."""
    import numpy as np

    return {name: np.load(path, allow_pickle=False) for name, path in inputs.items()}


def measure(spec: dict[str, Any]) -> dict[str, Any]:
    """Import, build, call ``spec["calls"]`` times, and hand the last result back."""
    import numpy as np

    sys.path.append(spec["root"])
    start = time.perf_counter()
    for name in spec["imports"]:
        importlib.import_module(name)
    import_seconds = time.perf_counter() - start

    function = getattr(load_module(spec["module"], spec["file"]), spec["function"])
    arrays = load_arrays(spec["inputs"])
    start = time.perf_counter()
    job = function(arrays, threads=spec["threads"], **spec["params"])
    build_seconds = time.perf_counter() - start
    del arrays

    rss_before = memory("VmRSS")
    seconds, cpu_seconds = [], []
    result = None
    for _ in range(spec["calls"]):
        result = None  # what the call before made must not count in this one's memory
        gc.collect()
        start, cpu_start = time.perf_counter(), time.process_time()
        result = job.run()
        seconds.append(time.perf_counter() - start)
        cpu_seconds.append(time.process_time() - cpu_start)
    peak_rss = memory("VmHWM")

    if spec["output"] is not None:
        np.save(spec["output"], np.asarray(job.finish(result)), allow_pickle=False)
    return {
        "versions": {name: version(name) for name in spec["distributions"]},
        "import_seconds": import_seconds,
        "build_seconds": build_seconds,
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "rss_before_bytes": rss_before,
        "peak_rss_bytes": peak_rss,
        "notes": job.notes,
    }


def main(path: str) -> None:
    """Read the request, measure, and write the reply beside it."""
    request = Path(path)
    spec = json.loads(request.read_text(encoding="utf-8"))
    request.with_suffix(".reply").write_text(json.dumps(measure(spec)), encoding="utf-8")
    sys.stdout.flush()
    os._exit(0)  # the time and the hazards of tearing down a large process are nobody's figures


if __name__ == "__main__":
    main(sys.argv[1])
