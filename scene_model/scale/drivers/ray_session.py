"""A session of Ray: started on this machine for one run, or joined on a cluster."""

import logging
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import scene_model
from scene_model.config import set_for_library
from scene_model.errors import BatchError, RayError
from scene_model.jobs.lock_file import LockFile, acquire_lock
from scene_model.scale.drivers.worker_packages import installed_versions, missing_requirements

INSTALL_LINE = "pip install 'scene-gallery[ray]'"
# Chunks and summaries are small; the least that Ray accepts is 75 MB.
_OBJECT_STORE_BYTES = 80_000_000
_TEMP_PREFIX = "scene-ray-"
# A Unix socket's path may have 103 characters on macOS, and Ray adds 60 to the folder's.
_MAX_TEMP_LENGTH = 40
_CONNECT_S = 10.0
_QUIET = {
    # Ray sends no statistics of use, wherever it runs.
    "RAY_USAGE_STATS_ENABLED": "0",
    # What a worker prints is in Ray's log files; deaths of workers would go to our stdout.
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
    # `ray job submit --runtime-env` may bring packages too; ours are those of this process.
    "RAY_OVERRIDE_JOB_RUNTIME_ENV": "1",
}


@dataclass(frozen=True)
class RaySession:
    """A connection.

    ray: the package. shipped_bundle: name of the bundle's folder among the shipped modules; None:
    nothing was shipped.
    """

    ray: Any
    shipped_bundle: str | None

    def node_cpus(self) -> list[int]:
        """Count the logical CPUs of each node that has any, at least 1."""
        return [max(1, int(node["Resources"]["CPU"])) for node in self._nodes()]

    def runtime_environment(self) -> dict[str, Any]:
        """What Ray is to install on the nodes, beside the modules that were shipped.

        The packages of this process that some node lacks, in these versions; nothing where all
        nodes have them, so that no node needs a package index.
        """
        if self.shipped_bundle is None:
            return {}
        here = self.ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        task, versions = self.ray.remote(missing_requirements), installed_versions()
        on_each = [here(node["NodeID"], soft=True) for node in self._nodes()]
        calls = [
            task.options(num_cpus=0, scheduling_strategy=on).remote(versions) for on in on_each
        ]
        missing = {requirement for call in calls for requirement in self.get(call)}
        return {"pip": sorted(missing)} if missing else {}

    def get(self, call: Any) -> Any:
        """Return the result of a call; raises RayError, and Ray's own where a worker died."""
        try:
            return self.ray.get(call)
        except self.ray.exceptions.RuntimeEnvSetupError as error:
            raise RayError(
                f"The cluster could not prepare its workers: {last_line(error)}. Its nodes need "
                "the packages, or an index that their pip can reach.",
                code="ray_environment",
            ) from error
        except self.ray.exceptions.RayTaskError as error:
            raise RayError(f"A worker failed unexpectedly: {last_line(error)}.") from error

    def require_alive(self) -> None:
        """Raise RayError where Ray's process on this machine has ended: nothing comes any more."""
        here = self.ray.get_runtime_context().get_node_id()
        if not any(node["Alive"] for node in self.ray.nodes() if node["NodeID"] == here):
            raise RayError(
                "Ray's process on this machine has ended. What is done is kept; run the same "
                "command again.",
                code="ray_unreachable",
            )

    def _nodes(self) -> list[dict[str, Any]]:
        nodes = self.ray.nodes()
        return [node for node in nodes if node["Alive"] and node["Resources"].get("CPU", 0) > 0]


@contextmanager
def local_session(cpus: int) -> Iterator[RaySession]:
    """Start Ray for this run: on 127.0.0.1, with a token, without a dashboard.

    Raises RayError.
    """
    set_for_library(
        {
            **_QUIET,
            # This is what Ray does on Windows and macOS: its servers listen on 127.0.0.1 alone.
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            # Other users of this machine cannot give it work.
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
        }
    )
    folder, lock = _temporary_folder()
    options = {
        "address": "local",
        "num_cpus": cpus,
        "num_gpus": 0,
        "include_dashboard": False,
        "object_store_memory": _OBJECT_STORE_BYTES,
        "_temp_dir": str(folder),
    }
    try:
        with _connection(options) as ray:
            yield RaySession(ray, None)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()


@contextmanager
def cluster_session(address: str, bundle_dir: Path) -> Iterator[RaySession]:
    """Join the cluster that this machine is a node of, and ship this program and the bundle to it.

    address: `auto`, or HOST:PORT of the cluster's head. Raises RayError, and BatchError for an
    address of another kind.
    """
    if "://" in address:
        raise BatchError(
            f"--address {address!r} is an address of Ray's client, which is not supported. Run the "
            "command on a node of the cluster with `--address auto`, or send it there with "
            "`ray job submit`."
        )
    if address != "auto":
        _require_reachable(address)
    set_for_library({**_QUIET, "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1"})
    modules = [str(Path(scene_model.__file__).parent), str(bundle_dir)]
    environment = {
        "py_modules": modules,
        "excludes": ["__pycache__", "_site", "_models"],
        "env_vars": {"RAY_USAGE_STATS_ENABLED": "0"},
    }
    with _connection({"address": address, "runtime_env": environment}) as ray:
        yield RaySession(ray, bundle_dir.name)


def _require_reachable(address: str) -> None:
    """Raise where nothing listens: Ray itself would try for more than three minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise BatchError(f"--address {address!r} is neither `auto` nor HOST:PORT.")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise RayError(
            f"No cluster answers at {address}: {error}. Take the address that `ray start --head` "
            "printed.",
            code="ray_unreachable",
        ) from error


@contextmanager
def _connection(options: dict[str, Any]) -> Iterator[Any]:
    """Import Ray and connect; shut down at the end, also after an interruption.

    Raises BatchError where Ray is not installed, and RayError where it does not answer.
    """
    try:
        import ray  # only here: it takes a second, and is an extra
    except ModuleNotFoundError as error:
        raise BatchError(
            f"The engine `ray` needs the package {error.name!r}, which is not installed. Install "
            f"it with {INSTALL_LINE}, or leave out `--engine ray`.",
            code="package_missing",
        ) from error
    handler = signal.getsignal(signal.SIGTERM)
    try:
        try:
            ray.init(log_to_driver=False, logging_level=logging.ERROR, **options)
        except Exception as error:  # Ray raises classes of its own, of gRPC and of the system
            raise RayError(
                f"Ray at {options['address']!r} cannot be used: {last_line(error)}. Look at "
                "`ray status` on the cluster; Ray and Python must have the same versions here and "
                "there.",
                code="ray_unreachable",
            ) from error
        finally:
            # Ray takes SIGTERM for itself, whoever handled it before.
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, handler)
        yield ray
    finally:
        ray.shutdown()


def last_line(error: BaseException) -> str:
    """Return the line of Ray's message that names the cause, without its full stop."""
    lines = str(error).strip().splitlines()
    return (lines[-1] if lines else type(error).__name__).strip().rstrip(".")


def _temporary_folder() -> tuple[Path, LockFile]:
    """Create Ray's folder for this run, and remove those whose runs were killed."""
    base = Path(tempfile.gettempdir())
    if len(str(base)) > _MAX_TEMP_LENGTH and sys.platform != "win32":
        base = Path("/tmp")  # noqa: S108 - the folder in it is private
    for leftover in base.glob(f"{_TEMP_PREFIX}*"):
        if leftover.suffix == ".lock":
            continue
        try:
            lock = acquire_lock(leftover)
        except OSError:  # another user's
            continue
        if lock is not None:
            shutil.rmtree(leftover, ignore_errors=True)
            lock.release()
    # Locked before it exists: no other process takes it for a leftover.
    folder = base / f"{_TEMP_PREFIX}{secrets.token_hex(4)}"
    lock = acquire_lock(folder)
    if lock is None:
        raise RayError(f"Another process uses {folder}. Run again.")
    folder.mkdir(mode=0o700)
    return folder, lock
