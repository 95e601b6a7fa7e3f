"""What the driver of Ray is made of, without starting Ray."""

import ast
import importlib.metadata
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scene_model.cli.main import main
from scene_model.config import PROJECT_DIR
from scene_model.errors import BatchError, RayError
from scene_model.scale.drivers.ray import RayDriver, plan_cluster, plan_local
from scene_model.scale.drivers.ray_session import cluster_session
from scene_model.scale.drivers.worker_packages import (
    WORKER_PACKAGES,
    installed_versions,
    missing_requirements,
)
from scene_model.scale.items import Chunk, SourceItem
from scene_model.scale.part_job import PartJob

CPUS = st.integers(1, 128)
CONCURRENCY = st.none() | st.integers(1, 64)


@given(CPUS, CONCURRENCY)
def test_actors_never_reserve_all_cpus_of_this_machine(cpus: int, concurrency: int | None) -> None:
    plan = plan_local(cpus, concurrency)
    assert plan.actors == concurrency or concurrency is None
    assert plan.actors >= 1
    assert 1 <= plan.threads <= 4
    # Ray counts CPUs in ten-thousandths, and takes fractions only below 1.
    assert plan.cpus >= 0.0001
    assert plan.cpus < 1 or plan.cpus == int(plan.cpus)
    assert plan.actors * plan.cpus < cpus


@given(st.lists(CPUS, max_size=8), CONCURRENCY)
def test_every_node_has_room_for_an_actor_and_is_not_filled_by_it(
    node_cpus: list[int], concurrency: int | None
) -> None:
    plan = plan_cluster(node_cpus, concurrency)
    assert plan.actors == concurrency or concurrency is None
    assert plan.actors >= 1
    assert plan.cpus < 1 or plan.cpus == int(plan.cpus)
    for cpus in node_cpus:
        assert plan.cpus < cpus


@pytest.mark.parametrize(
    ("cpus", "concurrency", "actors", "threads"),
    [(1, None, 1, 1), (2, None, 1, 2), (16, None, 4, 4), (2, 4, 4, 1), (4, 2, 2, 2)],
)
def test_actors_of_one_machine(
    cpus: int, concurrency: int | None, actors: int, threads: int
) -> None:
    plan = plan_local(cpus, concurrency)
    assert (plan.actors, plan.threads) == (actors, threads)


def test_a_cluster_without_nodes_is_asked_for_workers_of_four_threads() -> None:
    plan = plan_cluster([], 32)
    assert (plan.actors, plan.threads, plan.cpus) == (32, 4, 3)


def test_only_what_a_node_lacks_is_installed() -> None:
    here = installed_versions()
    assert missing_requirements(here) == []
    assert missing_requirements(here | {"numpy": "0.1"}) == ["numpy==0.1"]


def imports_of(path: Path) -> Iterator[str]:
    """The modules that a file imports, anywhere in it; names of modules in packages too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_packages_of_a_worker_are_those_it_imports() -> None:
    decoders = (PROJECT_DIR / "scene_model" / "photos" / "decoders").glob("*.py")
    pending = ["scene_model.scale.drivers.ray_actor"]
    pending += [f"scene_model.photos.decoders.{path.stem}" for path in decoders]
    followed, imported = set[str](), set[str]()
    while pending:
        name = pending.pop()
        path = PROJECT_DIR.joinpath(*name.split("."))
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if name in followed or not file.is_file():
            continue
        followed.add(name)
        for module in imports_of(file):
            if module.startswith("scene_model"):
                pending.append(module)
            elif module.partition(".")[0] not in sys.stdlib_module_names:
                imported.add(module.partition(".")[0])
    distributions = importlib.metadata.packages_distributions()
    needed = {distributions[name][0].replace("_", "-") for name in imported}
    assert needed == set(WORKER_PACKAGES)


def run_nothing(driver: RayDriver) -> None:
    job = PartJob("photos", "out", "models", {})
    chunks = iter([Chunk((SourceItem("a.jpg"),))])
    driver.run(job, chunks, lambda summary: None, Event())


def test_ray_is_not_started_where_nothing_is_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    RayDriver().run(PartJob("photos", "out", "models", {}), iter(()), lambda part: None, Event())


def test_without_ray_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(BatchError, match=r"pip install .scene-gallery\[ray\]") as caught:
        run_nothing(RayDriver())
    assert caught.value.code == "package_missing"


@pytest.mark.parametrize("address", ["ray://head:10001", "head", "http://head:8265", "head:x"])
def test_an_address_of_another_kind_is_refused(address: str) -> None:
    with pytest.raises(BatchError, match=address):
        run_nothing(RayDriver(address))


def test_a_cluster_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with pytest.raises(RayError, match="127.0.0.1:1") as caught:
        cluster_session("127.0.0.1:1", tmp_path).__enter__()
    assert caught.value.code == "ray_unreachable"


def test_an_address_needs_the_engine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    command = ["batch", str(tmp_path), str(tmp_path / "out"), "--address", "auto"]
    assert main(command) == 2
    assert "--engine ray" in capsys.readouterr().err


def test_the_examples_of_clusters_run_the_command() -> None:
    page = (PROJECT_DIR / "docs" / "scale.md").read_text(encoding="utf-8")
    files = [yaml.safe_load(text.partition("```")[0]) for text in page.split("```yaml\n")[1:]]
    cluster, job = files
    assert cluster["head_node_type"] in cluster["available_node_types"]
    images = {cluster["docker"]["image"]}
    spec = job["spec"]["rayClusterSpec"]
    for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        images |= {c["image"] for c in group["template"]["spec"]["containers"]}
    assert len(images) == 1
    command = job["spec"]["entrypoint"].split()
    assert command[:2] == ["scene-gallery", "batch"]
    assert main([*command[1:], "--help"]) == 0
