"""`recommender_to_onnx`: one graph from ids of users and items to ids, titles, scores and reasons; `check_graph` proves it.

The catalogue and the known histories are in the graph, as text and numbers: so a bundle stays its three files, and its digest
names all that decides an answer.
"""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, helper

from switchyard.bundle.recommending import RecommendingScorer
from switchyard.bundle.traits import KEY
from switchyard.tabular.errors import SwitchyardError
from switchyard.tabular.export.graph import Graph
from switchyard.tabular.recommendation.graph import BOOL, FLOAT, INT64, Asked, code_of
from switchyard.tabular.recommendation.histories import Histories, requests_of
from switchyard.tabular.recommendation.model import AT_ONCE, EPSILON, RecommendationModel
from switchyard.tabular.storable import Record

TOLERANCE = 1e-4
"""Of a score, which is in standard deviations of the catalogue's; relative where it is above one of them: few neighbours among many
items are a hundred."""


STRAY = 0.01
"""Share of the answers of a re-ranked blend that may be off: where two sums of it differ by a rounding, a tree may take the other way."""


class DifferentGraph(SwitchyardError):
    """The graph does not answer as the model does."""


class GraphParity(Record):
    """How the graph's answers compare with the model's."""

    rows: int
    largest_difference: float
    """Of a score; relative where it is above 1."""


def recommender_to_onnx(model: RecommendationModel) -> ModelProto:
    """The model as ONNX.

    Inputs, all of n rows: `user` string [n, 1], `history` string [n, h], oldest first, `exclude` string [n, e], `k` int64 [n, 1],
    of which the largest counts; and where a member goes by attributes of users `attributes` string [n, a], the words that they
    have (`switchyard.bundle.traits`, in the metadata). Empty text is nothing. Outputs, best first: `items`, `titles` and `because`
    string [n, k], `scores` float [n, k], minus infinity where no item is left; `known` int64 [n, 1], items of the history that it
    knows, those that it knows of the user included; `strange` bool [n, h], what of the history is no item; `user_known` bool
    [n, 1]; with attributes `described` bool [n, 1]. What is in the history is never an answer.
    """
    graph = Graph()
    codes, counts = _history(graph, model)
    asked = Asked(graph, model.n_items, codes, counts, _words(graph, model))
    parts = _parts(asked, model)
    total = graph.node("Sum", *(graph.node("Mul", part, asked.f(member.weight)) for part, member in zip(parts, model.members)))
    exclude = code_of(graph, graph.input("exclude", "string", "e"), model.item_ids)
    left_out = graph.node("Concat", codes, exclude, axis=1)
    size = graph.node("Shape", left_out)
    marks = graph.node("ScatterElements", asked.zeros(model.n_items + 1), left_out, graph.node("Expand", asked.f(1.0), size), axis=1)
    gone = graph.node("Cast", asked.without_last(marks), to=BOOL)
    k = graph.node("Reshape", graph.node("ReduceMax", graph.input("k", "int64", 1), keepdims=0), asked.ints(1))
    masked = graph.node("Where", gone, asked.f(-np.inf), total)
    if model.reranking is not None:
        masked = model.reranking.emit(asked, masked, parts)
    scores, top = graph.node("TopK", masked, graph.node("Min", k, asked.ints(model.n_items)), axis=1, outputs=2)
    _finish(asked, model, scores, top)
    _tell(asked, model, counts)
    made = graph.finish()
    if model.segments is not None:
        helper.set_model_props(made, {KEY: model.segments.traits.to_json()})
    return made


def _history(graph: Graph, model: RecommendationModel) -> tuple[str, str]:
    """Codes [n, h] of what the model knows of the user and then of what the request brings, and which of them count."""
    came = code_of(graph, graph.input("history", "string", "h"), model.item_ids)
    stored = _stored(graph, model)
    codes = graph.node("Concat", stored, came, axis=1)
    zero, one = graph.constant(np.array(0)), graph.constant(np.array(1))
    length = graph.node("Squeeze", graph.node("Shape", codes, start=1, end=2))
    places = graph.node("Range", zero, length, one)
    later = graph.node("Slice", places, graph.node("Shape", stored, start=1, end=2), graph.node("Shape", codes, start=1, end=2))
    after = graph.node("Less", graph.node("Unsqueeze", places, graph.constant(np.array([1]))), later)
    # Only what came can repeat: what is stored has each item once.
    same = graph.node(
        "Equal", graph.node("Unsqueeze", codes, graph.constant(np.array([2]))), graph.node("Unsqueeze", came, graph.constant(np.array([1])))
    )
    again = graph.node("ReduceMax", graph.node("Cast", graph.node("And", same, after), to=FLOAT), graph.constant(np.array([2])), keepdims=0)
    is_item = graph.node("Less", codes, graph.constant(np.array(model.n_items)))
    counts = graph.node("And", is_item, graph.node("Less", again, graph.constant(np.array(0.5, np.float32))))
    return codes, counts


def _user(graph: Graph, model: RecommendationModel) -> str:
    """The user's place, int64 [n, 1]; one behind the last for whom it does not know."""
    # A lookup needs a key at least, and no user's id is a line feed.
    return code_of(graph, graph.input("user", "string", 1), model.user_ids if len(model.user_ids) else np.array(["\n"]))


def _stored(graph: Graph, model: RecommendationModel) -> str:
    """Codes [n, s] of the known histories, the latest at the end of each row."""
    lists, row = model.histories, _user(graph, model)
    ends = np.concatenate([lists.starts[1:], [0, 0]]).astype(np.int64)
    lengths = np.concatenate([lists.lengths, [0, 0]]).astype(np.int64)
    end = graph.node("Gather", graph.constant(ends), row, axis=0)
    length = graph.node("Gather", graph.constant(lengths), row, axis=0)
    zero, one = graph.constant(np.array(0)), graph.constant(np.array(1))
    longest = graph.node("Max", graph.node("ReduceMax", length, keepdims=0), one)
    back = graph.node("Sub", graph.node("Range", zero, longest, one), longest)
    place = graph.node("Add", end, back)
    there = graph.node("LessOrEqual", graph.node("Neg", back), length)
    flat = graph.constant(np.append(lists.items, model.n_items).astype(np.int32))
    found = graph.node("Gather", flat, graph.node("Max", place, zero), axis=0)
    return str(graph.node("Where", there, graph.node("Cast", found, to=INT64), graph.constant(np.array(model.n_items))))


def _words(graph: Graph, model: RecommendationModel) -> str:
    """Places [n, w] of the words that describe the user: those of the request, and where none came those that are stored."""
    segments = model.segments
    if segments is None:
        return ""
    size = len(segments.names)
    came = code_of(graph, graph.input("attributes", "string", "a"), np.array(segments.names))
    lists = [segments.codes(attributes) for attributes in model.histories.who]
    stored = np.full((len(model.user_ids) + 1, max([1, *map(len, lists)])), size, dtype=np.int32)
    for row, codes in enumerate(lists):
        stored[row, : len(codes)] = codes
    user = graph.node("Min", _user(graph, model), graph.constant(np.array(len(stored) - 1)))
    known = graph.node("Squeeze", graph.node("Gather", graph.constant(stored), user, axis=0), graph.constant(np.array([1])))
    none_came = graph.node(
        "Equal", graph.node("ReduceMin", came, graph.constant(np.array([1])), keepdims=1), graph.constant(np.array(size))
    )
    known = graph.node("Where", none_came, graph.node("Cast", known, to=INT64), graph.constant(np.array(size)))
    return str(graph.node("Concat", came, known, axis=1))


def _parts(asked: Asked, model: RecommendationModel) -> list[str]:
    """Scores of the members, standardised."""
    g, parts = asked.graph, []
    for member in model.members:
        scores = member.form.emit(asked)
        centred = g.node("Sub", scores, g.node("ReduceMean", scores, asked.ints(1), keepdims=1))
        deviation = g.node("Sqrt", g.node("ReduceMean", g.node("Mul", centred, centred), asked.ints(1), keepdims=1))
        scaled = g.node("Div", centred, g.node("Add", deviation, asked.f(EPSILON)))
        parts.append(scaled)
    return parts


def _finish(asked: Asked, model: RecommendationModel, scores: str, top: str) -> None:
    g = asked.graph
    ids = g.constant(np.append(model.item_ids.astype(str), ""))
    titles = g.constant(np.append([model.titles.get(name, "") for name in model.item_ids.astype(str)], ""))
    # Where nothing is left the answer is nothing, not what was left out.
    left = g.node("Where", g.node("IsInf", scores), asked.ints(model.n_items), top)
    g.output(g.node("Gather", ids, left, axis=0), "items", "string", ("n", "k"))
    g.output(g.node("Gather", titles, left, axis=0), "titles", "string", ("n", "k"))
    g.output(g.node("Gather", ids, _reasons(asked, model, left), axis=0), "because", "string", ("n", "k"))
    g.output(scores, "scores", "float", ("n", "k"))


def _tell(asked: Asked, model: RecommendationModel, counts: str) -> None:
    """What the graph knows of the request, for the notes of an answer."""
    g = asked.graph
    g.output(g.node("ReduceSum", g.node("Cast", counts, to=INT64), asked.ints(1), keepdims=1), "known", "int64", ("n", 1))
    came = g.input("history", "string", "h")
    no_item = g.node("Equal", code_of(g, came, model.item_ids), asked.ints(model.n_items))
    text = g.node("Not", g.node("Equal", came, g.constant(np.array([""]))))
    g.output(g.node("And", no_item, text), "strange", "bool", ("n", "h"))
    g.output(g.node("Less", _user(g, model), asked.ints(len(model.user_ids))), "user_known", "bool", ("n", 1))
    if model.segments is not None:
        least = g.node("ReduceMin", asked.words, asked.ints(1), keepdims=1)
        g.output(g.node("Less", least, asked.ints(len(model.segments.names))), "described", "bool", ("n", 1))


def _reasons(asked: Asked, model: RecommendationModel, top: str) -> str:
    """For each answer the item of the history that speaks most for it, int64 [n, k]; nothing where none does."""
    g = asked.graph
    added = [(member.weight, member.form.emit_reasons(asked, top)) for member in model.members]
    parts = [_scaled(asked, weight, tensor) for weight, tensor in added if tensor is not None]
    if not parts:
        return str(g.node("Add", g.node("Mul", top, asked.ints(0)), asked.ints(model.n_items)))
    total = g.node("Sum", *parts)
    place = g.node("ArgMax", total, axis=1, keepdims=0)
    speaks = g.node("Greater", g.node("ReduceMax", total, asked.ints(1), keepdims=0), asked.f(0.0))
    code = g.node("GatherElements", asked.latest(asked.codes), place, axis=1)
    return str(g.node("Where", speaks, code, asked.ints(model.n_items)))


def _scaled(asked: Asked, weight: float, tensor: str) -> str:
    """What members add in one unit: of the largest that each adds to any answer."""
    g = asked.graph
    largest = g.node("ReduceMax", g.node("Abs", tensor), asked.ints(1, 2), keepdims=1)
    return str(g.node("Mul", g.node("Div", tensor, g.node("Add", largest, asked.f(1e-12))), asked.f(weight)))


class GraphRunner:
    """The graph as a server has it, asked with places of the catalogue."""

    def __init__(self, graph: bytes, item_ids: np.ndarray, threads: int = 1) -> None:
        self.scorer = RecommendingScorer(graph, threads)
        self._ids = item_ids.astype(str)
        self._places = {name: place for place, name in enumerate(self._ids.tolist())}

    def top(self, histories: Histories, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Places (n, k), -1 where there is none, and scores."""
        requests = requests_of(histories, self._ids, k)
        top, scores = np.full((len(histories), k), -1), np.full((len(histories), k), -np.inf, dtype=np.float32)
        for row, answer in enumerate(self.scorer.recommend(requests)):
            top[row, : len(answer.items)] = [self._places[name] for name in answer.items]
            scores[row, : len(answer.items)] = answer.scores
        return top, scores


def check_graph(model: RecommendationModel, runner: GraphRunner, histories: Histories, k: int = 10) -> GraphParity:
    """Make sure that the graph answers as the model does for every list.

    Two items whose scores are nearer than the tolerance may stand in either order.

    Raises
    ------
    DifferentGraph
        Where a score is off by more than `TOLERANCE`, the model scores an answer otherwise, or one of the history is answered.
    """
    top, scores = runner.top(histories, k)
    largest, off, step = 0.0, 0, max(1, AT_ONCE // model.n_items)
    for start in range(0, len(histories), step):
        places = np.arange(start, min(start + step, len(histories)))
        part = histories.part(places)
        native = model.final(part, part.mask(model.n_items))
        wanted = -np.sort(-native, axis=1)[:, :k]
        wanted = np.pad(wanted, ((0, 0), (0, k - wanted.shape[1])), constant_values=-np.inf)
        answered = np.where(top[places] >= 0, np.take_along_axis(native, np.maximum(top[places], 0), axis=1), -np.inf)
        for one in (wanted, answered):
            # Nothing against nothing is no difference.
            apart = np.where(one == scores[places], 0.0, np.abs(one - scores[places]) / np.maximum(1.0, np.abs(one)))
            if model.reranking is not None:
                off += int((apart > TOLERANCE).sum())
                apart = np.where(apart > TOLERANCE, 0.0, apart)
            largest = max(largest, float(apart.max(initial=0.0)))
    if off > STRAY * 2 * top.size:
        raise DifferentGraph(f"{off:,} of {2 * top.size:,} scores of the exported graph are not the model's, where {STRAY:.1%} is allowed")
    if not largest <= TOLERANCE:
        raise DifferentGraph(f"the exported graph's scores are up to {largest:.3g} from the model's, where {TOLERANCE:g} is allowed")
    return GraphParity(rows=len(histories), largest_difference=largest)
