"""What the devices can do and how much memory is used, for the log."""

from __future__ import annotations

import re
import resource
import sys

import torch

# Peak TFLOP/s of dense bf16 matrix products with fp32 accumulation, from the makers' data sheets (where these state
# sparse numbers only: half of them). An entry's name must occur in the device's as whole
# words. MI250X and MI250: of
# one of the two dies, which is what is seen as a device.
PEAK_TFLOPS = (
    ("GB200", 2500.0),
    ("B200", 2250.0),
    ("H200", 989.0),
    ("GH200", 989.0),
    ("H100 NVL", 835.0),
    ("H100 PCIe", 756.0),
    ("H100", 989.0),
    ("A100", 312.0),
    ("A30", 165.0),
    ("A40", 150.0),
    ("A10", 125.0),
    ("L40S", 362.0),
    ("L40", 181.0),
    ("L4", 121.0),
    ("MI355X", 2500.0),
    ("MI325X", 1307.0),
    ("MI300X", 1307.0),
    ("MI300A", 981.0),
    ("MI250X", 191.5),
    ("MI250", 181.0),
    ("MI210", 181.0),
)


def peak_flops(device_name: str) -> float | None:
    """Dense bf16 FLOP/s of a device of that name (torch.cuda.get_device_name); None if it is not in the table."""
    return next((tflops * 1e12 for name, tflops in PEAK_TFLOPS if re.search(rf"\b{name}\b", device_name)), None)


def bf16_peak(device: torch.device) -> float | None:
    """Dense bf16 FLOP/s of a device; None for a CPU or an unknown GPU."""
    return peak_flops(torch.cuda.get_device_name(device)) if device.type == "cuda" else None


def peak_memory_mb(device: torch.device) -> int:
    """Most memory in use so far, in MB (10^6 bytes): by tensors on a GPU, by the process on a CPU."""
    if device.type == "cuda":
        return round(torch.cuda.max_memory_allocated(device) / 1e6)
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(usage / 1e6 if sys.platform == "darwin" else usage * 1024 / 1e6)  # macOS counts bytes, Linux KiB
