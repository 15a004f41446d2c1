"""Training of the net in PyTorch; imported when a net is fitted, since torch takes a second to load."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from switchyard.tabular.families.base import Estimator, Weights
from switchyard.tabular.families.network import FAR, SOFT_CLIP, Network, codes_of
from switchyard.tabular.metrics.counts import COUNTS, TWEEDIE_POWER

_SCORED = 16_384
"""Rows of the validation set that are scored at once."""
_FEWEST = 12.0
"""Of counts: logarithms of an answer over the mean are kept within this, or one step could carry the exponential away."""


Layer = tuple[np.ndarray, np.ndarray]


class _Dropout(nn.Module):
    # torch's own draws from the process-wide generator: fits in parallel threads would not repeat.
    def __init__(self, share: float, generator: torch.Generator) -> None:
        super().__init__()
        self._keep, self._generator = 1.0 - share, generator

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self._keep == 1.0:
            return x
        return x * torch.empty_like(x).bernoulli_(self._keep, generator=self._generator).div_(self._keep)


class _Module(nn.Module):
    """Embeddings beside soft-clipped numbers, then linear, batch norm, ReLU and dropout in turn, then linear."""

    def __init__(self, n_numeric: int, sizes: list[int], width: int, params: dict, generator: torch.Generator) -> None:
        super().__init__()
        dims = [min(params["embedding"], (size + 1) // 2) for size in sizes]
        self.tables = nn.ParameterList(torch.randn(size, dim, generator=generator) * dim**-0.5 for size, dim in zip(sizes, dims))
        before, self.blocks = n_numeric + sum(dims), nn.ModuleList()
        for hidden in params["hidden"]:
            linear, dropout = _linear(before, hidden, generator), _Dropout(params["dropout"], generator)
            self.blocks.append(nn.ModuleDict({"linear": linear, "norm": nn.BatchNorm1d(hidden), "dropout": dropout}))
            before = hidden
        self.head = _linear(before, width, generator)

    def forward(self, numeric: Tensor, codes: Tensor) -> Tensor:
        x = torch.cat([numeric, *(table[codes[:, index]] for index, table in enumerate(self.tables))], dim=1)
        for block in self.blocks:
            x = block["dropout"](torch.relu(block["norm"](block["linear"](x))))
        return self.head(x)

    def folded(self) -> list[Layer]:
        """Weights (n_in, n_out) and biases with batch norm's running statistics multiplied in, float32."""
        layers = []
        for block in self.blocks:
            linear, norm = block["linear"], block["norm"]
            gain = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
            bias = (linear.bias.double() - norm.running_mean.double()) * gain + norm.bias.double()
            layers.append((linear.weight.double().T * gain, bias))
        layers.append((self.head.weight.double().T, self.head.bias.double()))
        return [tuple(np.ascontiguousarray(part.detach().numpy(), dtype=np.float32) for part in layer) for layer in layers]


def _linear(n_in: int, n_out: int, generator: torch.Generator) -> nn.Linear:
    layer = nn.utils.skip_init(nn.Linear, n_in, n_out)
    with torch.no_grad():
        layer.weight.normal_(0.0, math.sqrt(2.0 / max(1, n_in)), generator=generator)
        layer.bias.zero_()
    return layer


class _Data:
    """A matrix as the two tensors that the module reads."""

    def __init__(
        self, X: np.ndarray, y: np.ndarray, sizes: list[tuple[int, int]], binary: bool, classes: bool, weights: np.ndarray | None
    ) -> None:
        embedded = np.array([position for position, _ in sizes], dtype=np.int64)
        self.positions = np.setdiff1d(np.arange(X.shape[1]), embedded)
        numeric = torch.from_numpy(np.clip(np.nan_to_num(X[:, self.positions], nan=0.0), -FAR, FAR))
        self.numeric = numeric / torch.sqrt(1.0 + torch.square(numeric / SOFT_CLIP))
        self.codes = torch.from_numpy(codes_of(X[:, embedded], np.array([size for _, size in sizes], dtype=np.int64)))
        self.y = torch.from_numpy(y.astype(np.int64 if classes and not binary else np.float32))
        self.weights = None if weights is None else torch.from_numpy(weights.astype(np.float32))


def train(
    estimator: Estimator,
    X: np.ndarray,
    y: np.ndarray,
    valid: tuple[np.ndarray, np.ndarray] | None,
    late: Callable[[], bool],
    weights: Weights | None = None,
) -> Iterator[tuple[int, float | None, Callable[[], Network]]]:
    """Train epoch by epoch.

    Yields
    ------
    (epoch, loss, snapshot)
        Epochs count from 1; the loss is on `valid`, None without one; `snapshot()` is the net as it is now. An epoch
        that the deadline cuts short is the last.

    Notes
    -----
    One thread, whatever `n_jobs` says: on batches this small two threads gain nothing, and when the cores are shared
    they wait for each other at every layer (12 times slower, measured on two busy cores).
    """
    params, sizes = estimator.params, estimator.categorical_sizes
    binary, classes = estimator.task == "binary", estimator.n_classes > 0
    fitted, watched = weights or (None, None)
    data = _Data(X, y, sizes, binary, classes, fitted)
    held_out = None if valid is None else _Data(*valid, sizes, binary, classes, watched)
    generator = torch.Generator().manual_seed(estimator.seed)
    module = _Module(len(data.positions), [size for _, size in sizes], estimator.width, params, generator)
    lowest, highest = (-1e4, 1e4) if classes else (float(y.min()), float(y.max()))
    if estimator.task in COUNTS:
        lowest, highest = -_FEWEST, float(np.log(y.max()))

    def snapshot() -> Network:
        positions, counts = np.array(sizes, dtype=np.int64).reshape(-1, 2).T
        table, layers = _padded([table.detach().numpy() for table in module.tables], module.folded(), len(data.positions))
        return Network(data.positions, positions, counts, table, layers, lowest, highest)

    rows = len(X)
    batch = max(2, min(params["batch_size"], rows // 4))
    batches = max(1, rows // batch)
    optimizer = torch.optim.AdamW(_groups(module, params["weight_decay"]), lr=params["learning_rate"], fused=True)
    steps = max(params["epochs"], params["iterations"]) * batches + 1
    # Its rise would have no step at all in fewer than six: a division by zero.
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=params["learning_rate"], total_steps=max(steps, 6), pct_start=0.2)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for epoch in range(1, params["iterations"] + 1):
            module.train()
            # The rows that do not fill a batch sit this epoch out: a batch of one has no variance to normalise by.
            order = torch.randperm(rows, generator=generator)[: batches * batch].reshape(batches, -1)
            for index in order:
                optimizer.zero_grad(set_to_none=True)
                counts = None if data.weights is None else data.weights[index]
                _loss(module(data.numeric[index], data.codes[index]), data.y[index], estimator.task, counts).backward()
                optimizer.step()
                schedule.step()
                if late():
                    break
            yield epoch, None if held_out is None else _validate(module, held_out, estimator.task, lowest, highest), snapshot
    finally:
        torch.set_num_threads(threads)


def _padded(tables: list[np.ndarray], layers: list[Layer], n_numeric: int) -> tuple[np.ndarray, list[Layer]]:
    # Embeddings brought to one width, with rows of zeros in the first layer for the columns added.
    if not tables:
        return np.empty((0, 0), dtype=np.float32), layers
    dim = max(table.shape[1] for table in tables)
    weights, bias = layers[0]
    rows, start = [weights[:n_numeric]], n_numeric
    for table in tables:
        rows.append(np.pad(weights[start : start + table.shape[1]], ((0, dim - table.shape[1]), (0, 0))))
        start += table.shape[1]
    stacked = np.vstack([np.pad(table, ((0, 0), (0, dim - table.shape[1]))) for table in tables])
    return stacked, [(np.vstack(rows), bias), *layers[1:]]


def _groups(module: _Module, decay: float) -> list[dict]:
    weights = [parameter for parameter in module.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in module.parameters() if parameter.ndim <= 1]
    return [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


def _loss(margins: Tensor, y: Tensor, task: str, weights: Tensor | None = None) -> Tensor:
    """Mean over the rows, or of each row times its weight."""
    kind = "mean" if weights is None else "none"
    if task == "multiclass":
        losses = nn.functional.cross_entropy(margins, y, reduction=kind)
    elif task == "binary":
        losses = nn.functional.binary_cross_entropy_with_logits(margins[:, 0], y, reduction=kind)
    elif task in COUNTS:
        losses = _losses_of_counts(margins[:, 0].clamp(-_FEWEST, _FEWEST), y, task)
        losses = losses.mean() if weights is None else losses
    else:
        losses = nn.functional.mse_loss(margins[:, 0], y, reduction=kind)
    return losses if weights is None else (losses * weights).mean()


def _losses_of_counts(logs: Tensor, y: Tensor, task: str) -> Tensor:
    """Of each row, up to what only its truth decides: half the Poisson or the Tweedie deviance."""
    if task == "poisson":
        return torch.exp(logs) - y * logs
    return torch.exp((2 - TWEEDIE_POWER) * logs) / (2 - TWEEDIE_POWER) - y * torch.exp((1 - TWEEDIE_POWER) * logs) / (1 - TWEEDIE_POWER)


def _validate(module: _Module, data: _Data, task: str, lowest: float, highest: float) -> float:
    module.eval()
    with torch.inference_mode():
        parts = zip(data.numeric.split(_SCORED), data.codes.split(_SCORED))
        margins = torch.cat([module(numeric, codes) for numeric, codes in parts]).clamp(lowest, highest)
        loss = float(_loss(margins, data.y, task, data.weights))
    return math.sqrt(loss) if task == "regression" else loss
