"""`training convert`: Keras models become TFLite files that serving runs without TensorFlow."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scene_model.classifier.engines.litert_file import read_litert
from scene_model.config import PROJECT_DIR
from scene_model.errors import ModelRefused
from scene_model.model_store.convert_keras import convert_keras
from training.__main__ import main

ASSETS = PROJECT_DIR / "tests" / "assets" / "models"


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_saved_model(tmp_path: Path) -> None:
    import keras
    from ai_edge_litert.interpreter import Interpreter

    source = ASSETS / "flowers.keras"
    keras.saving.load_model(source).export(tmp_path / "saved", verbose=False)
    picture = np.random.default_rng(1).integers(0, 256, (1, 32, 32, 3)).astype(np.float32)
    target = tmp_path / "network.tflite"
    assert main(["convert", str(tmp_path / "saved"), str(target)]) == 0
    assert read_litert(target.read_bytes()).outputs[0].shape[1] == 3
    interpreter = Interpreter(model_content=target.read_bytes())
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
    interpreter.invoke()
    answer = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    assert np.allclose(answer, keras.saving.load_model(source)(picture), atol=1e-5)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_saved_model_that_writes_a_file_when_it_is_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import tensorflow as tf

    written = tmp_path / "written"

    class Writer(tf.saved_model.experimental.TrackableResource):
        def _create_resource(self) -> object:
            return tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=(), shared_name="writer")

        def _initialize(self) -> None:
            tf.io.write_file(str(written), "hostile")

    module = tf.Module()
    module.writer = Writer()
    double = tf.function(lambda x: x * 2, input_signature=[tf.TensorSpec((1, 2))])
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures=double)
    written.unlink(missing_ok=True)
    assert main(["convert", str(tmp_path / "saved"), str(tmp_path / "network.tflite")]) == 2
    assert "saved has the operators WriteFile" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["saved"]


@pytest.mark.slow
@pytest.mark.tensorflow
def test_code_inside_a_model_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import keras

    source = tmp_path / "code.keras"
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Lambda(lambda x: x * 2)])
    model.save(source)
    assert main(["convert", str(source), str(tmp_path / "network.tflite")]) == 2
    assert "code.keras cannot be converted" in capsys.readouterr().err
    source.write_bytes(b"no model")
    assert main(["convert", str(source), str(tmp_path / "network.tflite")]) == 2
    assert not (tmp_path / "network.tflite").exists()


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_keras_model_is_added_used_and_removed_without_tensorflow_in_the_process(
    tmp_path: Path,
) -> None:
    program = """
import sys
from scene_model.cli.main import main
for line in sys.stdin.read().splitlines():
    code = main(line.split("\\t"))
    assert code == 0, line
assert not {"tensorflow", "keras"} & set(sys.modules)
"""
    source, labels = ASSETS / "flowers.keras", ASSETS / "flowers.txt"
    photo = PROJECT_DIR / "tests" / "assets" / "flower.jpg"
    commands = [
        ["models", "add", str(source), "--labels", str(labels), "--scale", "1"],
        ["models", "use", "flowers"],
        ["library", "add", str(photo)],
        ["models", "use", "scene_mobilenet_v2"],
        ["models", "remove", "flowers", "--yes"],
    ]
    bundles, library = tmp_path / "bundles", tmp_path / "library"
    done = subprocess.run(
        [sys.executable, "-c", program],
        input="\n".join("\t".join(command) for command in commands),
        cwd=PROJECT_DIR,
        env={
            "PATH": "",
            "SCENE_BUNDLES": str(bundles),
            "SCENE_LIBRARY": str(library),
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "3 labels" in done.stdout
    assert any(word in done.stdout for word in ("\tdaisy", "\trose", "\tsunflower", "\tunsure"))
    assert list(bundles.iterdir()) == []


def test_without_a_checkout_it_says_how(tmp_path: Path) -> None:
    source = Path(shutil.copy(ASSETS / "flowers.keras", tmp_path))
    with pytest.raises(ModelRefused) as caught:
        convert_keras(source, tmp_path / "network.tflite", project_dir=tmp_path)
    assert caught.value.code == "model_package_missing"
    assert "python -m training convert flowers.keras" in caught.value.message
