"""What every engine does alike: the same pictures in, the same embeddings out."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scene_model.classifier.bundle import Bundle
from scene_model.classifier.bundle_network import InputEntry
from scene_model.classifier.engines.engine import Engine
from scene_model.classifier.engines.opened import open_engine
from scene_model.errors import BundleDamaged
from scene_model.photos.colours import Pixels
from tests.tiny_networks import (
    EMBEDDING,
    HEIGHT,
    TFLITE,
    UINT8_RULE,
    WIDTH,
    expected_embedding,
    float_rule,
    headless_bundle,
    onnx_network,
)


@dataclass(frozen=True)
class Variant:
    """One kind of network."""

    engine: str
    rule: InputEntry

    def network(self) -> bytes:
        if self.engine == "onnx":
            return onnx_network(self.rule)
        return TFLITE[self.rule.dtype].read_bytes()

    def bundle(self, folder: Path, **backbone: Any) -> Bundle:
        return headless_bundle(folder, self.network(), self.rule, self.engine, **backbone)


VARIANTS = {
    "litert-uint8": Variant("litert", UINT8_RULE),
    "litert-float": Variant("litert", float_rule()),
    "litert-crop": Variant(
        "litert", UINT8_RULE.model_copy(update={"resize": "centre_crop", "short_side": 10})
    ),
    "onnx-uint8": Variant("onnx", UINT8_RULE),
    "onnx-float-nchw-bgr-crop": Variant(
        "onnx",
        float_rule(layout="NCHW", colour_order="BGR", resize="centre_crop", short_side=HEIGHT),
    ),
    "onnx-float-nchw": Variant("onnx", float_rule(layout="NCHW")),
}
OpenEngine = Callable[..., Engine]


def picture(height: int = HEIGHT, width: int = WIDTH, seed: int = 0) -> Pixels:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("name", VARIANTS)
class TestEveryEngine:
    @pytest.fixture
    def variant(self, name: str) -> Variant:
        return VARIANTS[name]

    @pytest.fixture
    def engine(self, variant: Variant, tmp_path: Path) -> Engine:
        return open_engine(variant.bundle(tmp_path / "bundle"), 2)

    def test_an_embedding_is_what_the_network_computes(
        self, engine: Engine, variant: Variant
    ) -> None:
        resized = picture()
        embedding = engine.embed_resized(resized)
        assert embedding.dtype == np.float32
        assert embedding.shape == (EMBEDDING,)
        np.testing.assert_allclose(
            embedding, expected_embedding(resized, variant.rule), rtol=1e-3, atol=1e-3
        )

    def test_a_picture_of_any_size_is_resized_by_the_rule(
        self, engine: Engine, variant: Variant
    ) -> None:
        for height, width in ((40, 40), (60, 40), (40, 200), (5, 9), (1, 400)):
            pixels = picture(height, width)
            resized = engine.preprocessing.resized(pixels)
            assert resized.shape == (HEIGHT, WIDTH, 3)
            np.testing.assert_allclose(
                engine.embed(pixels),
                expected_embedding(resized, variant.rule),
                rtol=1e-3,
                atol=1e-3,
            )

    def test_threads_get_the_embeddings_of_their_own_pictures(self, engine: Engine) -> None:
        pictures = [picture(seed=seed) for seed in range(40)]
        alone = [engine.embed(pixels) for pixels in pictures]
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(engine.embed, pictures))
        np.testing.assert_array_equal(alone, together)
        assert len({embedding.tobytes() for embedding in alone}) == len(pictures)

    def test_a_right_network_passes_the_check(self, engine: Engine) -> None:
        engine.check()

    def test_an_open_engine_does_not_read_its_file_again(
        self, engine: Engine, variant: Variant, tmp_path: Path
    ) -> None:
        (tmp_path / "bundle" / variant.bundle(tmp_path / "b").description.backbone.file).unlink()
        engine.check()

    def test_a_network_of_another_size_than_described(
        self, variant: Variant, tmp_path: Path
    ) -> None:
        bundle = variant.bundle(tmp_path, embedding_size=EMBEDDING + 1)
        with pytest.raises(BundleDamaged, match=r"5\)?\]?; bundle.json says float32 \(1, 6\)"):
            open_engine(bundle, 1).check()

    def test_an_input_of_another_size_than_described(
        self, variant: Variant, tmp_path: Path
    ) -> None:
        rule = variant.rule.model_copy(update={"width": WIDTH - 1})
        bundle = headless_bundle(tmp_path, variant.network(), rule, variant.engine)
        with pytest.raises(BundleDamaged, match=r"The network takes .*bundle.json says .*7"):
            open_engine(bundle, 1).check()

    def test_an_input_of_another_type_than_described(
        self, variant: Variant, tmp_path: Path
    ) -> None:
        dtype = "uint8" if variant.rule.dtype == "float32" else "float32"
        rule = variant.rule.model_copy(update={"dtype": dtype})
        bundle = headless_bundle(tmp_path, variant.network(), rule, variant.engine)
        with pytest.raises(BundleDamaged, match=f"The network takes .*bundle.json says {dtype}"):
            open_engine(bundle, 1).check()

    def test_a_file_that_is_no_network(self, variant: Variant, tmp_path: Path) -> None:
        bundle = headless_bundle(tmp_path, b"not a network", variant.rule, variant.engine)
        with pytest.raises(BundleDamaged, match="backbone"):
            open_engine(bundle, 1).check()

    def test_an_output_that_is_not_there(self, variant: Variant, tmp_path: Path) -> None:
        bundle = variant.bundle(tmp_path, output="pooled")
        with pytest.raises(BundleDamaged, match="no output 'pooled', .*It has: '"):
            open_engine(bundle, 1).check()
