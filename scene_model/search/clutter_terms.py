"""Whether a query says itself which clutter it is about."""

from scene_model.classifier.vocabulary import fold
from scene_model.search.query_tree import AllOf, AnyOf, FieldTerm, Not, Query, read_query


def names_clutter(line: str) -> bool:
    """Whether a query line has a term about clutter; raises QueryError."""
    return _has_term(read_query(line))


def _has_term(query: Query) -> bool:
    match query:
        case FieldTerm("clutter"):
            return True
        case FieldTerm("is", value):
            return fold(value) in ("clutter", "apart")
        case Not(term):
            return _has_term(term)
        case AllOf(terms) | AnyOf(terms):
            return any(map(_has_term, terms))
        case _:
            return False
