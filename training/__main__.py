"""``python -m training STEP …``; each step has options of its own, see ``STEP --help``."""

import argparse
import sys
from pathlib import Path

from scene_model.errors import SceneError
from training.recipe import (
    ARCHITECTURES,
    TRAINING_DIR,
    Recipe,
    RecipeError,
    TrainingError,
    read_recipe,
)

_CONFIGS = TRAINING_DIR / "configs"
_EXIT_USAGE = 2


def main(arguments: list[str] | None = None) -> int:
    """Run one step of the pipeline; returns the exit code: 0 for success, 2 for wrong input."""
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except (TrainingError, FileNotFoundError, SceneError) as error:
        print(error, file=sys.stderr)
        return _EXIT_USAGE
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    for name, help_text in (
        ("split", "write the committed split lists again"),
        ("fit", "train; resumes an interrupted run"),
        ("publish", "quantize, calibrate, measure, and write the bundle"),
        ("evaluate", "measure a bundle on the validation lists or on any labelled folder"),
        ("describe", "write the names, kinds and groups of a published bundle's labels again"),
        ("decide", "fit the groups and tags of a published bundle again"),
        ("refit", "fit the label sets on the network of another bundle"),
        ("text-pair", "fit a text side and write it into a published bundle"),
        ("collect", "build a labelled set from openly licensed pictures"),
    ):
        step = steps.add_parser(name, help=help_text)
        is_required = name != "evaluate"
        step.add_argument(
            "--config", type=Path, required=is_required, help="a file of training/configs"
        )
        if name not in ("describe", "decide", "refit"):
            step.add_argument("--out", type=Path, help="folder of this run (default: runs/NAME)")
        if name not in ("collect", "describe"):
            step.add_argument("--data", type=Path, required=True, help="folder with the photos")
        if name != "collect":
            step.add_argument("--models", type=Path, default=TRAINING_DIR.parent / "models")
        if name in ("fit", "publish"):
            step.add_argument("--name", help="name of the bundle; overrides the configuration")
            step.add_argument(
                "--architecture",
                choices=ARCHITECTURES,
                help="network to train; overrides the configuration",
            )
            step.add_argument("--starting-weights", help="overrides the configuration")
        if name == "refit":
            step.add_argument(
                "--backbone", type=Path, required=True, help="folder of the bundle with the network"
            )
            step.add_argument("--name", required=True, help="name of the new bundle")
            step.add_argument("--photos", type=int, help="at most this many, chosen at random")
        if name == "text-pair":
            step.add_argument(
                "--words", type=Path, required=True, help="folder with word vectors and glosses"
            )
            step.add_argument(
                "--measured", type=Path, help="figures of benchmarks.sentences for the model card"
            )
        if name == "evaluate":
            step.add_argument(
                "--bundle", type=Path, help="measure this bundle on the labelled folder --data"
            )
            step.add_argument("--head", help="head to measure with --bundle")
    what = "write a bundle's float network as an ONNX bundle"
    export = steps.add_parser("export-onnx", help=what, description=what)
    export.add_argument("bundle", metavar="BUNDLE", type=Path, help="folder of the bundle")
    export.add_argument("--models", type=Path, default=TRAINING_DIR.parent / "models")
    converted = steps.add_parser("convert", help="convert a Keras model to TFLite")
    converted.add_argument("source", type=Path, help="a .keras file, or the folder of a SavedModel")
    converted.add_argument("target", type=Path, help="the .tflite file to write")
    return parser


def _run(options: argparse.Namespace) -> None:
    if options.step == "convert":
        from training.convert import convert

        convert(options.source, options.target)
    elif options.step == "collect":
        _collect(options)
    elif options.step == "export-onnx":
        from training.onnx_export import export_onnx

        print(f"published {export_onnx(options.bundle, options.models)}")
    elif options.step == "evaluate" and options.bundle is not None:
        from training.labelled_folder import evaluate_folder

        out_dir = options.out or Path("runs") / f"evaluate-{options.bundle.name}"
        evaluate_folder(options.bundle, options.data, out_dir, options.head)
    elif options.config is None:
        raise RecipeError("evaluate needs --config FILE (validation lists) or --bundle FOLDER.")
    elif options.step == "describe":
        from training.label_words import describe

        describe(_recipe(options), options.models)
    elif options.step == "refit":
        from training.refit_backbone import refit_on_backbone

        recipe, where = read_recipe(options.config), (options.data, options.models)
        folder = refit_on_backbone(recipe, *where, options.backbone, options.name, options.photos)
        print(f"published {folder}")
    elif options.step == "decide":
        from training.decisions import redecide

        redecide(_recipe(options), options.data, options.models)
    else:
        _run_recipe(options, _recipe(options))


def _run_recipe(options: argparse.Namespace, recipe: Recipe) -> None:
    out_dir = options.out or Path("runs") / recipe.name
    if options.step == "split":
        from training.labelled import redraw_committed_split

        redraw_committed_split(recipe, options.data)
    elif options.step == "evaluate":
        from training.evaluate import evaluate

        evaluate(recipe, options.data, out_dir, options.models)
    elif options.step == "text-pair":
        from training.text_pair.publish import publish_text

        publish_text(recipe, options.data, options.words, out_dir, options.models, options.measured)
    elif options.step == "fit" and recipe.on_bundle:
        from training.own_head import fit_own_head

        fit_own_head(recipe, options.data, options.models)
    else:
        from training.fit import fit
        from training.publish import publish

        if options.step == "fit":
            fit(recipe, options.data, out_dir, options.models)
        if options.step == "publish" or recipe.publish_after_fit:
            publish(recipe, options.data, out_dir, options.models)


def _recipe(options: argparse.Namespace) -> Recipe:
    recipe = read_recipe(options.config)
    if getattr(options, "architecture", None):
        recipe = recipe.with_architecture(options.architecture)
    if getattr(options, "starting_weights", None):
        recipe = recipe.model_copy(update={"starting_weights": options.starting_weights})
    if getattr(options, "name", None):
        recipe = recipe.renamed(options.name)
    return recipe


def _collect(options: argparse.Namespace) -> None:
    from training.collect import collect
    from training.collect_recipe import read_collect_recipe

    recipe = read_collect_recipe(options.config)
    out_dir = options.out or Path("runs") / recipe.name
    summary = collect(recipe, out_dir, report=lambda line: print(line, file=sys.stderr))
    print("\n".join(summary.lines()))


if __name__ == "__main__":
    sys.exit(main())
