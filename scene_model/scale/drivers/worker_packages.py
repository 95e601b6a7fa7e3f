"""The packages that a worker of a batch imports: which of them a node lacks.

A node imports this module before it has any of them, so it imports none.
"""

import importlib.metadata
from collections.abc import Mapping

# What `PartWorker` and its decoders import, by name of the distribution; a test holds it complete.
# Of extras, a node needs only those that the machine which starts the batch has.
WORKER_PACKAGES = (
    *("ai-edge-litert", "av", "numpy", "obstore", "onnxruntime", "opencv-python-headless"),
    *("pillow", "pillow-heif", "pillow-jxl-plugin", "platformdirs", "pyarrow", "pydantic"),
    *("pydantic-settings", "rawpy", "threadpoolctl", "urllib3"),
)


def installed_versions() -> dict[str, str]:
    """Return the version of each package here; those not installed are left out."""
    versions = {}
    for name in WORKER_PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def missing_requirements(versions: Mapping[str, str]) -> list[str]:
    """List what is to be installed here to have these versions, as pip takes it."""
    here = installed_versions()
    return [f"{name}=={version}" for name, version in versions.items() if here.get(name) != version]
