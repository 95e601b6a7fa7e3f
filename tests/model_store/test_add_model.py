"""Networks become bundles, or are refused with a named error and leave nothing."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import onnx
import pytest

from scene_model.classifier.bundle import FloatArray, open_bundle
from scene_model.classifier.bundle_description import read_description
from scene_model.classifier.classify import Classifier, HeadPredictions
from scene_model.classifier.engines.onnx import open_session, run_session
from scene_model.classifier.engines.opened import open_engine
from scene_model.classifier.preprocessing import InputTensor
from scene_model.classifier.text.text_encoder import TextEncoder
from scene_model.config import DEFAULT_BUNDLE_DIR, PROJECT_DIR, Settings
from scene_model.errors import ModelRefused, NotForVisitors, TargetExists
from scene_model.model_store.add_model import AddOptions, add_model, name_of
from scene_model.model_store.local_model import UNKNOWN_LICENCE, read_local
from scene_model.photos.decode import PhotoLimits
from tests.model_store import networks
from tests.model_store.conftest import Store
from tests.model_store.networks import ASSETS

pytestmark = pytest.mark.slow

PIXELS = "pixel_values"
FLOWER = PROJECT_DIR / "tests" / "assets" / "flower.jpg"


def predictions(folder: Path) -> HeadPredictions:
    """What a bundle says of a photo."""
    limits = PhotoLimits(10_000_000, 10_000_000, 640_000_000, 30, 10_000_000)
    return Classifier.open(folder, limits, 1).predict(FLOWER.read_bytes()).head_predictions


def answers(folder: Path) -> FloatArray:
    """The probabilities of a bundle's labels for a photo."""
    return predictions(folder).class_prediction.probabilities


def runtime_output(network: Path, tensor: InputTensor) -> FloatArray:
    """What the original file answers."""
    session = open_session(network.read_bytes(), network.name)
    (output,) = run_session(session, [session.get_outputs()[0].name], {PIXELS: tensor}, "")
    row: FloatArray = output[0]
    return row


def softmax(logits: FloatArray) -> FloatArray:
    exponentials = np.exp(logits - logits.max())
    probabilities: FloatArray = exponentials / exponentials.sum()
    return probabilities


@pytest.mark.parametrize(
    ("source", "network", "resize", "size"),
    [
        ("vit", "model.onnx", ("stretch", None), 16),
        ("convnext", "onnx/model.onnx", ("centre_crop", 36), 24),
    ],
)
def test_a_classifier_answers_as_before_and_has_an_embedding(
    store: Store, source: str, network: str, resize: tuple[str, int | None], size: int
) -> None:
    added = store.add(ASSETS / source)
    description = added.description
    assert (description.input.resize, description.input.short_side) == resize
    assert (description.backbone.engine, description.backbone.embedding_size) == ("onnx", size)
    assert added.has_last_layer
    assert description.licence == "cc0-1.0"
    labels = {label.name: label.id for label in description.heads[0].labels}
    assert labels["Golden retriever"] == "golden retriever"
    assert labels["A/b: c"] == "a_b_c"
    assert (added.ours, added.trial.seconds > 0) == (3, True)
    preprocessing = open_engine(open_bundle(added.folder), 1).preprocessing
    picture = preprocessing.resized(np.full((60, 80, 3), (10, 200, 90), np.uint8))
    expected = softmax(runtime_output(ASSETS / source / network, preprocessing.tensor(picture)))
    engine, bundle = open_engine(open_bundle(added.folder), 1), open_bundle(added.folder)
    weights = bundle.head_weights["labels"]
    logits = engine.embed_resized(picture) @ weights.kernel + weights.bias
    assert np.allclose(softmax(logits), expected, atol=5e-3)
    own = answers(added.folder)
    assert own.shape == (5,)
    assert float(own.sum()) == pytest.approx(1, abs=1e-5)
    assert store.left == [source]


def test_a_pair_serves_search(store: Store) -> None:
    added = store.add(ASSETS / "clip")
    text = added.description.text
    assert text is not None
    assert (text.context_length, text.padding_id, text.embedding_size) == (16, 1, 12)
    assert (added.description.heads, added.description.backbone.embedding_size) == ((), 12)
    assert (added.folder / text.tokenizer.file).is_file()
    assert open_bundle(added.folder).description == added.description


def test_a_pair_in_one_file(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "joined"
    shutil.copytree(ASSETS / "clip", folder)
    image, text = (
        onnx.compose.add_prefix(
            onnx.load(folder / "onnx" / f"{name}_model.onnx"),
            f"{name}.",
            rename_inputs=False,
            rename_outputs=False,
        )
        for name in ("vision", "text")
    )
    onnx.save(onnx.compose.merge_models(image, text, io_map=[]), folder / "model.onnx")
    shutil.rmtree(folder / "onnx")
    added = store.add(folder)
    assert added.description.text is not None
    engine = open_engine(open_bundle(added.folder), 1)
    picture = np.arange(32 * 32 * 3, dtype=np.uint8).reshape(32, 32, 3)
    vision = ASSETS / "clip" / "onnx" / "vision_model.onnx"
    expected = runtime_output(vision, engine.preprocessing.tensor(picture))
    assert np.allclose(engine.embed(picture), expected, atol=1e-5)


def test_a_pair_as_open_clip_is_exported(store: Store, tmp_path: Path) -> None:
    source, folder = ASSETS / "clip", tmp_path / "open_clip"
    for side, name in (("visual", "vision"), ("textual", "text")):
        (folder / side).mkdir(parents=True)
        shutil.copyfile(source / "onnx" / f"{name}_model.onnx", folder / side / "model.onnx")
    for name in ("config.json", "preprocessor_config.json"):
        shutil.copyfile(source / name, folder / name)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(source / name, folder / "textual" / name)
    network = onnx.load(folder / "textual" / "model.onnx")
    for entry in (*network.graph.input, *network.graph.node):
        if isinstance(entry, onnx.NodeProto):
            entry.input[:] = ["text" if name == "input_ids" else name for name in entry.input]
        elif entry.name == "input_ids":
            entry.name = "text"
    onnx.save(network, folder / "textual" / "model.onnx")
    usual, renamed = (
        TextEncoder.open(open_bundle(store.add(path, name).folder)).encode(["a dog", "snow"])
        for path, name in ((source, "usual"), (folder, "renamed"))
    )
    assert np.array_equal(usual, renamed)
    assert not np.allclose(usual[0], usual[1])


def test_a_tflite_classifier(store: Store) -> None:
    source = ASSETS / "flowers.tflite"
    shutil.copyfile(ASSETS / "flowers.txt", store.labels)
    added = store.add(source, labels=True, scale=1.0)
    assert (added.description.backbone.engine, added.has_last_layer) == ("litert", True)
    assert added.description.licence == UNKNOWN_LICENCE
    from ai_edge_litert.interpreter import Interpreter

    preprocessing = open_engine(open_bundle(added.folder), 1).preprocessing
    interpreter = Interpreter(model_content=source.read_bytes())
    interpreter.allocate_tensors()
    picture = preprocessing.resized(np.full((50, 50, 3), (250, 20, 90), np.uint8))
    interpreter.set_tensor(
        interpreter.get_input_details()[0]["index"], preprocessing.tensor(picture)
    )
    interpreter.invoke()
    expected = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
    weights = open_bundle(added.folder).head_weights["labels"]
    logits = open_engine(open_bundle(added.folder), 1).embed(picture) @ weights.kernel
    assert np.allclose(softmax(logits + weights.bias), expected, atol=2e-3)
    assert answers(added.folder).shape == (3,)


def test_a_bare_file_with_probabilities_and_open_lengths(store: Store, tmp_path: Path) -> None:
    shape = ("batch", "channels", "height", "width")
    source = networks.linear(tmp_path / "My Net-2.onnx", shape, final="Softmax")
    added = store.add(source, labels=True, width=8, height=8, scale=1 / 255)
    assert (added.folder.name, added.description.input.shape) == ("my_net_2", (1, 3, 8, 8))
    assert added.has_last_layer
    assert added.description.heads[0].labels[2].id == "golden retriever"


def test_an_answer_without_a_last_layer_is_the_embedding(store: Store, tmp_path: Path) -> None:
    source = networks.linear(tmp_path / "net.onnx", final="Tanh")
    added = store.add(source, labels=True, scale=1 / 255)
    assert (added.has_last_layer, added.description.backbone.embedding_size) == (False, 3)


def test_a_classifier_of_imagenet_has_our_objects(store: Store, tmp_path: Path) -> None:
    (objects,) = (h for h in read_description(DEFAULT_BUNDLE_DIR).heads if h.id == "objects")
    names = "\n".join(label.source_name for label in objects.labels)
    store.labels.write_text(names, encoding="utf-8")
    added = store.add(networks.linear(tmp_path / "net.onnx", labels=1000), labels=True, scale=1.0)
    assert (added.description.class_head, added.ours) == ("objects", 1000)
    own = predictions(added.folder)
    assert len(own.objects) == 5
    assert {tag.label for tag in own.objects} <= {label.source_name for label in objects.labels}
    assert own.photo_class.label in {label.id for label in objects.labels} | {"unsure"}


def test_weights_beside_the_network(store: Store, tmp_path: Path) -> None:
    source = networks.reads_outside(tmp_path / "net" / "net.onnx", "weights.bin")
    (source.parent / "weights.bin").write_bytes(np.eye(3, dtype=np.float32).tobytes())
    added = store.add(source, labels=True, scale=1 / 255)
    assert added.has_last_layer
    kernel = open_bundle(added.folder).head_weights["labels"].kernel
    assert np.array_equal(kernel, np.eye(3))
    assert sorted(path.name for path in added.folder.iterdir()) == [
        "MODEL_CARD.md",
        "backbone.onnx",
        "bundle.json",
        "heads.npz",
    ]


def test_a_name_that_is_taken_or_not_allowed(store: Store) -> None:
    store.add(ASSETS / "vit", name="mine")
    with pytest.raises(TargetExists, match="'mine'"):
        store.add(ASSETS / "convnext", name="mine")
    with pytest.raises(TargetExists):
        store.add(ASSETS / "vit", name="scene_mobilenet_v2")
    for name in ("../mine", "Mine", "", "a" * 65):
        with pytest.raises(ModelRefused) as caught:
            store.add(ASSETS / "vit", name=name or " ")
        assert caught.value.code == "model_options", name
    assert store.left == ["mine"]


def test_visitors_of_a_shared_server_add_nothing(tmp_path: Path) -> None:
    settings = Settings(bundles=tmp_path / "bundles", mode="shared")
    with pytest.raises(NotForVisitors):
        add_model(read_local(ASSETS / "vit"), AddOptions(), settings)
    assert not (tmp_path / "bundles").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_in_the_middle(store: Store) -> None:
    program = """
        import sys, tests.model_store.conftest as c
        from pathlib import Path
        print("begun", flush=True)
        c.Store(Path(sys.argv[1])).add(Path(sys.argv[2]))
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(store.folder), str(ASSETS / "vit")],
        cwd=PROJECT_DIR,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    deadline = time.monotonic() + 60
    while not list(store.settings.bundles.glob(".adding-*/vit/backbone.onnx")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    whole = [name for name in store.left if not name.startswith(".")]
    for name in whole:
        open_bundle(store.settings.bundles / name)
    store.add(ASSETS / "convnext")
    assert store.left == sorted([*whole, "convnext"])


def test_the_networks_of_the_tests_are_small() -> None:
    assert sum(path.stat().st_size for path in ASSETS.rglob("*") if path.is_file()) <= 300_000


def test_names_of_sources() -> None:
    assert name_of("google/vit-base-patch16-224@main") == "vit_base_patch16_224"
    assert name_of("MobileNet V3.onnx") == "mobilenet_v3"
    assert name_of("2024.tflite") == "model_2024"
