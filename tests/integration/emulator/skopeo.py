"""skopeo, a client that we did not write. Without it: `apt-get install skopeo`."""

import asyncio

INSECURE = ("--src-tls-verify=false", "--dest-tls-verify=false")


async def skopeo(*arguments: str) -> str:
    """Run skopeo, and give what it prints."""
    process = await asyncio.create_subprocess_exec(
        "skopeo", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, error = await process.communicate()
    assert process.returncode == 0, error.decode()
    return output.decode()


async def copy(source: str, target: str, *options: str) -> None:
    """Copy an image with all its platforms, byte for byte."""
    await skopeo("copy", "--all", "--preserve-digests", *INSECURE, *options, source, target)
