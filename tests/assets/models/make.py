"""Make the tiny networks that the tests add: random weights, no photo was used.

``python tests/assets/models/make.py hugging_face`` needs torch, transformers and tokenizers, and
writes the folders ``vit``, ``convnext`` and ``clip`` as Hugging Face lays them out. ``… keras``
needs TensorFlow, and writes ``flowers.keras`` and ``flowers.tflite``. Neither is needed by a test.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SIDE = 32
# As in the config of a network trained on ImageNet, three of them also labels of our bundle.
LABELS = ("tench, Tinca tinca", "golden retriever", "volcano", "LABEL of mine", "a/b: c")
WORDS = ("a", "photo", "of", "dog", "cat", "snow", "beach", "the", "in", "on")


def make_hugging_face() -> None:
    """Write the classifiers and the pair of image and text networks."""
    import torch
    from transformers import (
        CLIPConfig,
        CLIPModel,
        ConvNextConfig,
        ConvNextForImageClassification,
        ViTConfig,
        ViTForImageClassification,
    )

    torch.manual_seed(1)
    labels: dict[str, Any] = {
        "id2label": dict(enumerate(LABELS)),
        "label2id": {label: index for index, label in enumerate(LABELS)},
    }
    pixels = torch.rand(1, 3, SIDE, SIDE)
    vit = ViTForImageClassification(
        ViTConfig(
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            image_size=SIDE,
            patch_size=8,
            **labels,
        )
    )
    _export(_classifier(vit), (pixels,), HERE / "vit" / "model.onnx", ["pixel_values"], "logits")
    _write_config(
        "vit", vit.config, _processor("ViTImageProcessor", {"height": SIDE, "width": SIDE})
    )
    convnext = ConvNextForImageClassification(
        ConvNextConfig(hidden_sizes=[8, 12, 16, 24], depths=[1, 1, 1, 1], image_size=SIDE, **labels)
    )
    _export(
        _classifier(convnext),
        (pixels,),
        HERE / "convnext" / "onnx" / "model.onnx",
        ["pixel_values"],
        "logits",
    )
    convnext_processor = _processor("ConvNextImageProcessor", {"shortest_edge": SIDE})
    _write_config("convnext", convnext.config, {**convnext_processor, "crop_pct": 0.875})
    clip = CLIPModel(
        CLIPConfig(
            projection_dim=12,
            text_config={
                "vocab_size": len(WORDS) + 3,
                "hidden_size": 16,
                "intermediate_size": 24,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "max_position_embeddings": 16,
                "bos_token_id": 0,
                "eos_token_id": 1,
                "pad_token_id": 1,
            },
            vision_config={
                "hidden_size": 16,
                "intermediate_size": 24,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "image_size": SIDE,
                "patch_size": 8,
            },
        )
    ).eval()
    folder = HERE / "clip"
    _export(
        _image_side(clip),
        (pixels,),
        folder / "onnx/vision_model.onnx",
        ["pixel_values"],
        "image_embeds",
    )
    ids = torch.randint(0, len(WORDS), (1, 16))
    _export(
        _text_side(clip),
        (ids, torch.ones_like(ids)),
        folder / "onnx/text_model.onnx",
        ["input_ids", "attention_mask"],
        "text_embeds",
    )
    clip_processor = _processor("CLIPImageProcessor", {"shortest_edge": SIDE})
    clip_processor |= {"do_center_crop": True, "crop_size": {"height": SIDE, "width": SIDE}}
    _write_config("clip", clip.config, clip_processor)
    _write_tokenizer(folder)


def _module(model: Any, forward: Callable[..., Any]) -> Any:
    """Return a module that answers as `forward(model, ...)`: what is exported of a model."""
    import torch

    class Part(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *inputs: Any) -> Any:
            return forward(model, *inputs)

    return Part().eval()


def _classifier(model: Any) -> Any:
    """Return the classifier with weights so large that its answers differ between photos."""
    import torch

    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(6)
        model.classifier.bias.copy_(torch.linspace(-0.5, 0.5, len(LABELS)))
    return _module(model, lambda model, pixels: model(pixel_values=pixels).logits)


def _image_side(clip: Any) -> Any:
    return _module(
        clip,
        lambda clip, pixels: clip.visual_projection(
            clip.vision_model(pixel_values=pixels).pooler_output
        ),
    )


def _text_side(clip: Any) -> Any:
    return _module(
        clip,
        lambda clip, ids, mask: clip.text_projection(
            clip.text_model(input_ids=ids, attention_mask=mask).pooler_output
        ),
    )


def _export(model: Any, inputs: tuple[Any, ...], path: Path, names: list[str], output: str) -> None:
    import torch

    path.parent.mkdir(parents=True, exist_ok=True)
    batch = {0: "batch_size"}
    axes = {name: dict(batch) for name in [*names, output]}
    for name in names:
        axes[name] |= (
            {1: "num_channels", 2: "height", 3: "width"}
            if name == "pixel_values"
            else {1: "sequence_length"}
        )
    torch.onnx.export(
        model,
        inputs,
        path,
        input_names=names,
        output_names=[output],
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )


def _processor(kind: str, size: dict[str, int]) -> dict[str, Any]:
    return {
        "image_processor_type": kind,
        "do_resize": True,
        "size": size,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.5, 0.45, 0.4],
        "image_std": [0.25, 0.24, 0.23],
    }


def _write_config(name: str, config: Any, processor: dict[str, Any]) -> None:
    folder = HERE / name
    config.to_json_file(folder / "config.json")
    text = json.dumps(processor, indent=1) + "\n"
    (folder / "preprocessor_config.json").write_text(text, encoding="utf-8")
    card = "---\nlicense: cc0-1.0\n---\n\nA network with random weights, for tests.\n"
    (folder / "README.md").write_text(card, encoding="utf-8")


def _write_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    vocabulary = {"<start>": 0, "<end>": 1, "<unknown>": 2}
    vocabulary |= {word: index for index, word in enumerate(WORDS, start=3)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unknown>"))  # noqa: S106
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<start> $A <end>", special_tokens=[("<start>", 0), ("<end>", 1)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"model_max_length": 16, "pad_token": "<end>"}
    text = json.dumps(settings, indent=1) + "\n"
    (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")


def make_keras() -> None:
    """Write a Keras classifier of flowers, and the same as TFLite."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.layers.Input((SIDE, SIDE, 3)),
            keras.layers.Rescaling(1 / 127.5, offset=-1),
            keras.layers.Conv2D(8, 3, strides=2, activation="relu"),
            keras.layers.Conv2D(12, 3, strides=2, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, activation="softmax", kernel_initializer="orthogonal"),
        ]
    )
    model.save(HERE / "flowers.keras")
    network = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    (HERE / "flowers.tflite").write_bytes(network)
    (HERE / "flowers.txt").write_text("daisy\nrose\nsunflower\n", encoding="utf-8")


if __name__ == "__main__":
    {"hugging_face": make_hugging_face, "keras": make_keras}[sys.argv[1]]()
