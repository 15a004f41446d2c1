"""Training of the net in PyTorch; imported when a net is fitted, since torch takes a second to load."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from switchyard.tabular.families.base import Estimator, Weights
from switchyard.tabular.families.blocks import Blocks
from switchyard.tabular.families.network import Network
from switchyard.tabular.families.neural_rows import Passes, Tensors, numbers_of
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


def train(
    estimator: Estimator,
    X: np.ndarray | Blocks,
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
    """
    params, sizes = estimator.params, estimator.categorical_sizes
    fitted, watched = weights or (None, None)
    rows = Passes(X, y, estimator, fitted)
    held_out = None if valid is None else Tensors(*valid, estimator, watched)
    generator = torch.Generator().manual_seed(estimator.seed)
    numeric = numbers_of(X.shape[1], sizes)
    module = _Module(len(numeric), [size for _, size in sizes], estimator.width, params, generator)
    lowest, highest = (-1e4, 1e4) if estimator.n_classes else (float(y.min()), float(y.max()))
    if estimator.task in COUNTS:
        lowest, highest = -_FEWEST, float(np.log(y.max()))

    def snapshot() -> Network:
        positions, counts = np.array(sizes, dtype=np.int64).reshape(-1, 2).T
        table, layers = _padded([table.detach().numpy() for table in module.tables], module.folded(), len(numeric))
        return Network(numeric, positions, counts, table, layers, lowest, highest)

    batch = _batch(len(X), params)
    passes = _passes(X, params, rows.batches(batch))
    optimizer = torch.optim.AdamW(_groups(module, params["weight_decay"]), lr=params["learning_rate"], fused=True)
    steps = (passes if isinstance(X, Blocks) else max(params["epochs"], passes)) * rows.batches(batch) + 1
    # Its rise would have no step at all in fewer than six: a division by zero.
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=params["learning_rate"], total_steps=max(steps, 6), pct_start=0.2)
    with _ONE_THREAD:
        for epoch in range(1, passes + 1):
            module.train()
            for numbers, codes, truth, counts in rows.one_pass(batch, generator):
                optimizer.zero_grad(set_to_none=True)
                _loss(module(numbers, codes), truth, estimator.task, counts).backward()
                optimizer.step()
                schedule.step()
                if late():
                    break
            yield epoch, None if held_out is None else _validate(module, held_out, estimator.task, lowest, highest), snapshot


class _OneThread:
    """Keeps torch to one thread while any fit is in it: the setting is the process's, and fits run side by side."""

    def __init__(self) -> None:
        self._lock, self._fits, self._before = threading.Lock(), 0, 1

    def __enter__(self) -> None:
        with self._lock:
            if not self._fits:
                self._before = torch.get_num_threads()
            self._fits += 1
            # Each thread has its own share of the setting.
            torch.set_num_threads(1)

    def __exit__(self, *failed: object) -> None:
        with self._lock:
            self._fits -= 1
            if not self._fits:
                torch.set_num_threads(self._before)


_ONE_THREAD = _OneThread()


def _batch(rows: int, params: dict) -> int:
    return max(2, min(params["batch_size"], rows // 4))


def _passes(X: np.ndarray | Blocks, params: dict, batches: int) -> int:
    """Passes over `X`, of so many batches each; over blocks enough for the steps that the recipe makes on the rows in memory."""
    if not isinstance(X, Blocks):
        return params["iterations"]
    held = len(X.first)
    return math.ceil(params["iterations"] * max(1, held // _batch(held, params)) / batches)


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


def _validate(module: _Module, data: Tensors, task: str, lowest: float, highest: float) -> float:
    module.eval()
    with torch.inference_mode():
        parts = zip(data.numeric.split(_SCORED), data.codes.split(_SCORED))
        margins = torch.cat([module(numeric, codes) for numeric, codes in parts]).clamp(lowest, highest)
        loss = float(_loss(margins, data.y, task, data.weights))
    return math.sqrt(loss) if task == "regression" else loss
