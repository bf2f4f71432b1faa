"""What one submission may use."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """Seconds, bytes and counts; generous for honest work, small for the machine."""

    cell_seconds: float = 20.0
    notebook_seconds: float = 120.0
    memory_bytes: int = 4096 * MIB
    processes: int = 64
    file_bytes: int = 64 * MIB
    scratch_bytes: int = 256 * MIB
    output_bytes: int = 1 * MIB
    evidence_bytes: int = 64 * MIB
