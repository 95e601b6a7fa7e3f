"""``python -m training split|fit|evaluate|publish --config FILE --data DIR --out DIR``."""

import argparse
import sys
from pathlib import Path

from training.recipe import TRAINING_DIR, read_recipe


def main(arguments: list[str] | None = None) -> int:
    """Run one step of the pipeline; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    for name, help_text in (
        ("split", "make the committed split lists anew"),
        ("fit", "train; goes on where an interrupted run stopped"),
        ("publish", "quantize, calibrate, measure, and write the bundle"),
        ("evaluate", "measure a published bundle on the validation lists"),
    ):
        step = steps.add_parser(name, help=help_text)
        step.add_argument("--config", type=Path, required=True, help="a file of training/configs")
        step.add_argument("--data", type=Path, required=True, help="folder with the photos")
        step.add_argument("--out", type=Path, required=True, help="folder of this run")
        if name in ("publish", "evaluate"):
            step.add_argument("--models", type=Path, default=TRAINING_DIR.parent / "models")
    options = parser.parse_args(arguments)
    recipe = read_recipe(options.config)
    if options.step == "split":
        from training.data import load_examples
        from training.splits import describe_split, look_alike_groups, make_split, write_split

        examples, _ = load_examples(recipe, options.data)
        split = make_split(examples, look_alike_groups([e.pixels for e in examples]), recipe.seed)
        write_split(split, TRAINING_DIR / "splits")
        print("\n".join(describe_split(examples, split)))
    elif options.step == "fit":
        from training.fit import fit

        fit(recipe, options.data, options.out)
    elif options.step == "publish":
        from training.publish import publish

        publish(recipe, options.data, options.out, options.models)
    else:
        from training.evaluate import evaluate

        evaluate(recipe, options.data, options.out, options.models)
    return 0


if __name__ == "__main__":
    sys.exit(main())
