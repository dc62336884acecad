"""Where and when a number was measured: it goes with every single one."""

import datetime
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import fastloss
from benchmarks.contestants import versions
from benchmarks.providers import cores
from fastloss import kernels


def environment() -> dict[str, Any]:
    return {
        "machine": machine(),
        "versions": {"python": platform.python_version()} | versions(),
        "isa": kernels.ISA,
        "compiler": kernels.system.COMPILER,
        "commit": commit(),
        "load": f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown",
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def machine() -> str:
    """Processor, number of cores, operating system."""
    return f"{processor()}, {cores()} cores, {platform.system()} {platform.machine()}"


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"


def commit() -> str:
    """The commit that was measured, with a + if files differ from it; the version if there is no repository."""
    here = Path(__file__).parent

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return fastloss.__version__
