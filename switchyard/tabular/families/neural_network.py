"""Neural network: entity embeddings and a multilayer perceptron, trained in PyTorch, kept and evaluated as plain arrays."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from switchyard.tabular.families.base import Estimator, Family, Params, Weights
from switchyard.tabular.families.blocks import Blocks
from switchyard.tabular.families.monitor import Monitor
from switchyard.tabular.families.network import FAR, SOFT_CLIP, Network

if TYPE_CHECKING:
    from switchyard.tabular.export.graph import Graph

_CHUNK = 8192
_DOUBLE, _INT64 = 11, 7
"""Numbers of the element types in the ONNX standard."""
_ARRAYS = ("numeric", "embedded", "sizes", "table")


class NeuralNetwork(Estimator):
    """A multilayer perceptron on scaled numbers and embedded categories.

    Attributes
    ----------
    network_ : Network
        Of the best epoch.
    checkpoint : Path or None
        Set before `fit` to keep each new best epoch as this .npz file, should the process die.
    """

    checkpoint: Path | None = None

    weighs = streams = True
    # On batches this small two threads gain nothing, and when the cores are shared they wait for each other at every layer
    # (12 times slower, measured on two busy cores).
    threads_pay_from = math.inf

    def _fit(
        self,
        X: np.ndarray | Blocks,
        y: np.ndarray,
        valid: tuple[np.ndarray, np.ndarray] | None,
        monitor: Monitor,
        weights: Weights | None = None,
    ) -> None:
        from switchyard.tabular.families.neural_training import train

        for epoch, loss, snapshot in train(self, X, y, valid, monitor.late, weights):
            stop = monitor.step(epoch, loss)
            if loss is None or monitor.best_step == epoch or not monitor.best_step:
                self.network_ = snapshot()
                self.best_iteration_ = epoch
                if self.checkpoint is not None:
                    _write_network(self.network_, self.checkpoint)
            if stop:
                break

    def margins(self, X: np.ndarray) -> np.ndarray:
        parts = [self.network_.margins(X[start : start + _CHUNK]) for start in range(0, len(X), _CHUNK)]
        return np.concatenate(parts).astype(np.float64) if parts else np.empty((0, self.width))

    def _write_state(self, folder: Path) -> None:
        _write_network(self.network_, folder / "network.npz")

    def _read_state(self, folder: Path) -> None:
        self.network_ = _read_network(folder / "network.npz")


def _write_network(network: Network, path: Path) -> None:
    arrays = {name: getattr(network, name) for name in _ARRAYS}
    for index, (weights, bias) in enumerate(network.layers):
        arrays |= {f"weights_{index}": weights, f"bias_{index}": bias}
    np.savez(path, range=np.array([network.lowest, network.highest]), **arrays)


def _read_network(path: Path) -> Network:
    with np.load(path, allow_pickle=False) as file:
        kept = dict(file)
    layers = [(kept[f"weights_{index}"], kept[f"bias_{index}"]) for index in range(sum(name.startswith("weights_") for name in kept))]
    lowest, highest = kept["range"].tolist()
    return Network(*(kept[name] for name in _ARRAYS), layers, lowest, highest)


class NeuralNetworkFamily(Family):
    """Neural networks and their search space."""

    name = "neural_network"
    title = "neural network"
    packages = ("torch",)
    style = "net"
    estimator = NeuralNetwork
    weight = 2.5
    export_s = 0.7
    # torch, and its compiler, which each optimizer loads to tell it to stay away: 2.9 and 1.6 s on two cores.
    starts_s = 4.5
    opaque = True
    stops_early = varies = True
    scheduled = True

    def default_params(self, task: str, n_rows: int, n_features: int) -> Params:
        """Embedding size, soft clipping and batch size of RealMLP-TD; the rest is ours.

        RealMLP's numeric embeddings and per-layer learning rates are left out for speed on a CPU, so that its learning
        rate does not carry over. Two layers of 256 and 128 with more dropout were as good on Adult as its three of 256
        (log loss 0.306 and 0.308) in half the time. Epochs are bounded by rows seen.

        References
        ----------
        Holzmüller, Grinsztajn, Steinwart, *Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular
        Data*, NeurIPS 2024. Guo, Berkhahn, *Entity Embeddings of Categorical Variables*, 2016. Smith, Topin,
        *Super-Convergence*, 2018 (one-cycle schedule).
        """
        epochs = int(np.clip(600_000 // max(1, n_rows), 6, 100))
        return {
            "iterations": epochs, "epochs": epochs, "patience": 16,
            "hidden": [256, 128], "dropout": 0.2, "embedding": 8,
            "batch_size": 256 if n_rows < 100_000 else 1024, "learning_rate": 6e-3, "weight_decay": 2e-2,
        }  # fmt: skip

    def suggest(self, trial: Any, task: str, n_rows: int, n_features: int) -> Params:
        """Learning rate, regularisation and size, the space of the MLP in Gorishniy et al. made smaller.

        References
        ----------
        Gorishniy et al., *Revisiting Deep Learning Models for Tabular Data*, NeurIPS 2021, appendix on tuning spaces.
        """
        width = trial.suggest_categorical("width", [64, 128, 256, 384])
        return {
            **self.default_params(task, n_rows, n_features),
            "hidden": [width] * trial.suggest_int("layers", 1, 3),
            "dropout": trial.suggest_float("dropout", 0.0, 0.5),
            "learning_rate": trial.suggest_float("learning_rate", 5e-4, 1e-2, log=True),
            "weight_decay": trial.suggest_float("weight_decay", 1e-4, 0.3, log=True),
            "batch_size": trial.suggest_categorical("batch_size", [128, 256, 512]),
        }

    def with_iterations(self, params: Params, iterations: int) -> Params:
        """The learning rate's schedule is that long too."""
        return {**params, "iterations": iterations, "epochs": iterations}

    def emit(self, graph: Graph, estimator: NeuralNetwork, x: str) -> str:
        network, zero = estimator.network_, graph.constant(np.float32(0.0))

        def filled(positions: np.ndarray) -> str:
            block = graph.node("Gather", x, graph.constant(positions), axis=1)
            return graph.node("Where", graph.node("IsNaN", block), zero, block)

        parts = []
        if len(network.numeric):
            numbers = graph.node("Clip", filled(network.numeric), graph.constant(-FAR), graph.constant(FAR))
            shares = graph.node("Div", numbers, graph.constant(np.float32(SOFT_CLIP)))
            squares = graph.node("Mul", shares, shares)
            root = graph.node("Sqrt", graph.node("Add", graph.constant(np.float32(1.0)), squares))
            parts.append(graph.node("Div", numbers, root))
        if len(network.embedded):
            last = graph.constant((network.sizes - 1).astype(np.float32))
            bounded = graph.node("Min", graph.node("Max", filled(network.embedded), zero), last)
            codes = graph.node("Add", graph.node("Cast", bounded, to=_INT64), graph.constant(network.offsets))
            found = graph.node("Gather", graph.constant(network.table), codes, axis=0)
            width = len(network.embedded) * network.table.shape[1]
            parts.append(graph.node("Reshape", found, graph.constant(np.array([-1, width], dtype=np.int64))))
        hidden = graph.node("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]
        for number, (weights, bias) in enumerate(network.layers, start=1):
            hidden = graph.node("Gemm", hidden, graph.constant(weights), graph.constant(bias))
            if number < len(network.layers):
                hidden = graph.node("Relu", hidden)
        lowest, highest = (graph.constant(np.float32(end)) for end in (network.lowest, network.highest))
        return graph.node("Cast", graph.node("Clip", hidden, lowest, highest), to=_DOUBLE)


PARTS = (NeuralNetworkFamily(),)
