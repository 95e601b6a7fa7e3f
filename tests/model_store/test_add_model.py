"""Networks become bundles, or are refused with a named error and leave nothing."""

import json
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
from scene_model.classifier.classify import Classifier
from scene_model.classifier.engines.onnx import open_session, run_session
from scene_model.classifier.engines.opened import open_engine
from scene_model.classifier.preprocessing import InputTensor
from scene_model.config import PROJECT_DIR, Settings
from scene_model.errors import ModelRefused, NotForVisitors, TargetExists
from scene_model.model_store.add_model import AddOptions, add_model, name_of
from scene_model.model_store.local_model import UNKNOWN_LICENCE, read_local
from scene_model.model_store.trial import TrialLimits
from scene_model.photos.decode import PhotoLimits
from tests.model_store import networks
from tests.model_store.conftest import Store
from tests.model_store.networks import ASSETS

pytestmark = pytest.mark.slow

PIXELS = "pixel_values"
FLOWER = PROJECT_DIR / "tests" / "assets" / "flower.jpg"


def answers(folder: Path) -> FloatArray:
    """What a bundle says of a photo, by label."""
    limits = PhotoLimits(10_000_000, 10_000_000, 640_000_000, 30, 10_000_000)
    classifier = Classifier.open(folder, limits, 1)
    prediction = classifier.predict(FLOWER.read_bytes())
    return prediction.head_predictions.class_prediction.probabilities


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


def test_a_size_that_is_not_said(store: Store, tmp_path: Path) -> None:
    source = networks.linear(tmp_path / "net.onnx", ("n", 3, "height", "width"))
    error = store.refusal(source, labels=True, scale=1.0)
    assert error.code == "model_shape"
    assert "--size 224" in error.message


def test_numbers_that_are_not_said(store: Store, tmp_path: Path) -> None:
    error = store.refusal(networks.linear(tmp_path / "net.onnx"), labels=True)
    assert error.code == "model_options"
    assert "--scale 1/255" in error.message


def test_labels_that_are_not_said(store: Store, tmp_path: Path) -> None:
    error = store.refusal(networks.linear(tmp_path / "net.onnx"), scale=1.0)
    assert (error.code, "--labels FILE" in error.message) == ("model_labels", True)


def test_another_number_of_labels(store: Store, tmp_path: Path) -> None:
    source = networks.linear(tmp_path / "net.onnx", labels=4)
    error = store.refusal(source, labels=True, scale=1.0)
    assert error.code == "model_labels"
    assert "4 outputs" in error.message
    assert "3 labels" in error.message


def test_a_colour_order_or_layout_that_contradicts(store: Store, tmp_path: Path) -> None:
    error = store.refusal(ASSETS / "vit", colour_order="BGR")
    assert error.code == "model_options"
    assert "--colour-order says BGR, but the model's config says RGB" in error.message
    source = networks.linear(tmp_path / "net.onnx")
    error = store.refusal(source, labels=True, scale=1.0, layout="NHWC")
    assert (error.code, "--layout says NHWC" in error.message) == ("model_options", True)


def test_a_pair_without_its_tokenizer(store: Store, tmp_path: Path) -> None:
    folder = shutil.copytree(ASSETS / "clip", tmp_path / "clip")
    (folder / "tokenizer.json").unlink()
    error = store.refusal(folder)
    assert (error.code, "tokenizer.json" in error.message) == ("model_files_missing", True)


def test_a_tokenizer_of_another_model(store: Store, tmp_path: Path) -> None:
    folder = shutil.copytree(ASSETS / "clip", tmp_path / "clip")
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = content["model"]["vocab"]
    content["model"]["vocab"] = {word: number + 500 for word, number in vocabulary.items()}
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    assert store.refusal(folder).code == "model_trial_failed"
    (folder / "tokenizer.json").write_text("{", encoding="utf-8")
    assert store.refusal(folder).code == "model_damaged"


def test_a_file_of_four_gigabytes_is_refused_unread(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "net.onnx"
    with source.open("wb") as file:
        file.truncate(4_000_000_000)
    error = store.refusal(source, labels=True, scale=1.0)
    assert error.code == "model_too_large"
    assert "4,000,000,000" in error.message


@pytest.mark.parametrize("ending", ["onnx", "tflite"])
def test_a_damaged_file(store: Store, tmp_path: Path, ending: str) -> None:
    original = ASSETS / ("vit/model.onnx" if ending == "onnx" else "flowers.tflite")
    data = bytearray(original.read_bytes())
    source = tmp_path / f"net.{ending}"
    source.write_bytes(data[: len(data) // 2])
    error = store.refusal(source, labels=True, scale=1.0)
    assert error.code in ("model_damaged", "model_trial_failed")
    source.write_bytes(b"no network at all" * 100)
    assert store.refusal(source, labels=True, scale=1.0).code == "model_damaged"


def test_data_outside_its_folder(store: Store, tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(b"s" * 36)
    source = networks.reads_outside(tmp_path / "net" / "net.onnx", "../secret.bin")
    error = store.refusal(source, labels=True, scale=1.0)
    assert (error.code, "'../secret.bin'" in error.message) == ("model_unsafe", True)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits memory on Linux alone")
def test_a_network_that_takes_all_memory(store: Store, tmp_path: Path) -> None:
    source = networks.takes_all_memory(tmp_path / "net.onnx")
    limits = TrialLimits(bytes=600_000_000)
    assert store.refusal(source, labels=True, scale=1.0, limits=limits).code == "model_trial_failed"


def test_a_network_that_takes_all_time(store: Store, tmp_path: Path) -> None:
    source = networks.takes_all_time(tmp_path / "net.onnx")
    limits = TrialLimits(seconds=1)
    error = store.refusal(source, labels=True, scale=1.0, limits=limits)
    assert error.code == "model_trial_failed"


def test_an_answer_that_is_not_finite_or_always_the_same(store: Store, tmp_path: Path) -> None:
    kernel = np.full((3, 3), np.inf, np.float32)
    source = networks.linear(tmp_path / "net.onnx", kernel=kernel)
    assert store.refusal(source, labels=True, scale=1.0).code == "model_trial_failed"
    # The mean of each colour is lost; what is left is the bias.
    source = networks.linear(
        tmp_path / "net.onnx", kernel=np.zeros((3, 3), np.float32), final="Tanh"
    )
    error = store.refusal(source, labels=True, scale=1.0)
    assert error.code == "model_trial_failed"
    assert "the same for different pictures" in error.message


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
@pytest.mark.parametrize("seconds", [0.3, 1.0])
def test_killed_in_the_middle(store: Store, seconds: float) -> None:
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
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    whole = [name for name in store.left if not name.startswith(".")]
    for name in whole:
        open_bundle(store.settings.bundles / name)
    store.add(ASSETS / "convnext")
    assert store.left == sorted([*whole, "convnext"])


def test_names_of_sources() -> None:
    assert name_of("google/vit-base-patch16-224@main") == "vit_base_patch16_224"
    assert name_of("MobileNet V3.onnx") == "mobilenet_v3"
    assert name_of("2024.tflite") == "model_2024"
