"""The result of a comparison of two models as text and as JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from scene_model.cli.terminal import counted, printable
from scene_model.learning.model_comparison import (
    Answer,
    ComparedPhoto,
    Level,
    ModelComparison,
    ModelFigures,
)

_SHOWN_WORDS = 12


def comparison_record(
    comparison: ModelComparison, names: tuple[str, str], rates: tuple[float, float]
) -> dict[str, Any]:
    """Return the comparison as a JSON object. names, rates: of the model in use, then the other."""
    figures = comparison.current, comparison.candidate
    models = [
        {"bundle": name, **_figures_record(of_model), "photos_per_s": round(rate, 1)}
        for name, of_model, rate in zip(names, figures, rates, strict=True)
    ]
    return {
        "current": models[0],
        "candidate": models[1],
        "photos": len(comparison.judged),
        "compared_by_group": comparison.by_group_count,
        "only_candidate_right": len(comparison.gained),
        "only_current_right": len(comparison.lost),
        "p_value": round(comparison.p_value, 6),
        "is_clear": comparison.is_clear,
        "incomparable": dict(comparison.incomparable.most_common()),
        "changes": [photo_record(photo) for photo in comparison.changed if photo.truth],
        "undecided": {
            "photos": len(comparison.undecided),
            "changes": [photo_record(p) for p in comparison.changed if p.truth is None],
        },
        "failed": [
            {"name": f.name, "code": f.error.code, "message": f.error.message}
            for f in comparison.failed
        ],
    }


def photo_record(photo: ComparedPhoto) -> dict[str, Any]:
    """Return one photo as a JSON object."""
    return {
        "name": photo.name,
        "id": photo.photo_id,
        "truth": photo.truth,
        "compared_by": None if photo.level is Level.NONE else str(photo.level),
        "current": _answer_record(photo.current),
        "candidate": _answer_record(photo.candidate),
    }


def summary_lines(
    comparison: ModelComparison,
    names: tuple[str, str],
    rates: tuple[float, float],
    is_library: bool,
) -> Iterator[str]:
    """Yield the comparison in words. is_library: on what people decided, not on a folder."""
    source = "with a class that people chose" if is_library else "of the folder"
    yield f"compared on {counted(len(comparison.judged), 'photo')} {source}"
    yield from _figure_lines(comparison, names, rates)
    yield (
        f"only {names[1]} right: {len(comparison.gained):,}; only {names[0]} right: "
        f"{len(comparison.lost):,}; {_verdict(comparison, names)}"
    )
    if comparison.by_group_count:
        yield (
            f"{counted(comparison.by_group_count, 'photo')} compared by the group, because only "
            "one of the models has the label, or none"
        )
    if comparison.incomparable:
        words = [f"{printable(w)} ({n:,})" for w, n in comparison.incomparable.most_common()]
        more = f" and {len(words) - _SHOWN_WORDS:,} more" if len(words) > _SHOWN_WORDS else ""
        yield f"not compared, not labels of both: {', '.join(words[:_SHOWN_WORDS])}{more}"
    if comparison.undecided:
        changed = sum(photo.truth is None for photo in comparison.changed)
        yield (
            f"of {counted(len(comparison.undecided), 'photo')} that nobody decided on, "
            f"{changed:,} would get another class"
        )
    if is_library:
        yield (
            "People mostly choose a class where the model in use was wrong, which makes it look "
            "worse than it is. A labelled folder (--folder) does not."
        )


def table_lines(photos: Sequence[ComparedPhoto]) -> Iterator[str]:
    """Yield a line for each photo: name, truth, what the model in use says, what the other."""
    for photo in photos:
        cells = (
            photo.name,
            photo.truth or "-",
            _answer_text(photo.current),
            _answer_text(photo.candidate),
        )
        yield "\t".join(printable(cell) for cell in cells)


def _figure_lines(
    comparison: ModelComparison, names: tuple[str, str], rates: tuple[float, float]
) -> Iterator[str]:
    width = max(len(name) for name in names)
    figures = comparison.current, comparison.candidate
    for name, of_model, rate in zip(names, figures, rates, strict=True):
        low, high = of_model.right_interval
        share = of_model.right / of_model.photos if of_model.photos else 0.0
        accuracy = "-" if of_model.accuracy is None else f"{of_model.accuracy:.1%}"
        yield (
            f"{name:{width}}  right {of_model.right:,} = {share:.1%} (95 % interval "
            f"{low:.1f}-{high:.1f} %), unsure {of_model.unsure:,}, wrong {of_model.wrong:,}; "
            f"coverage {of_model.coverage:.1%}, of these right {accuracy}; {rate:,.1f} photos/s"
        )


def _verdict(comparison: ModelComparison, names: tuple[str, str]) -> str:
    if not comparison.is_clear:
        return f"no clear difference (p = {comparison.p_value:.2f})"
    is_better = len(comparison.gained) > len(comparison.lost)
    better = names[1] if is_better else names[0]
    return f"{better} is right more often (p = {comparison.p_value:.2g})"


def _figures_record(figures: ModelFigures) -> dict[str, Any]:
    return {
        "right": figures.right,
        "unsure": figures.unsure,
        "wrong": figures.wrong,
        "right_interval_percent": figures.right_interval,
        "coverage": round(figures.coverage, 4),
        "accuracy_of_sure": None if figures.accuracy is None else round(figures.accuracy, 4),
        "accuracy_of_sure_interval_percent": figures.accuracy_interval,
    }


def _answer_record(answer: Answer) -> dict[str, Any]:
    return {"label": answer.label, "outcome": answer.outcome and str(answer.outcome)}


def _answer_text(answer: Answer) -> str:
    return answer.label if answer.outcome is None else f"{answer.label} ({answer.outcome})"
