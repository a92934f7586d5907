"""The entry points through which vLLM finds this package. Importing it imports no vLLM.

vLLM calls both in every one of its processes, more than once. On anything but a plain CPU build they
do nothing, so that our names stay unknown there instead of reaching a backend that is not ours.
"""

STOCK = "vllm.platforms.cpu.CpuPlatform"
OURS = "hekaton_quant.vllm.platform.PackedCpu"


def platform() -> str | None:
    """`vllm.platform_plugins`: our platform where vLLM would take its own for CPUs."""
    from vllm.platforms import cpu_platform_plugin

    return OURS if cpu_platform_plugin() == STOCK else None


def general() -> None:
    """`vllm.general_plugins`: add our KV dtypes, if our platform is the one that serves them."""
    from vllm.platforms import current_platform

    if type(current_platform).__name__ != OURS.rpartition(".")[2]:
        return
    from hekaton_quant.vllm.names import add_names

    add_names()
