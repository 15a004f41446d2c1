"""The prediction log: every request, its answer and its labels, by prediction id.

Serving appends to a local `Journal` before an answer leaves; a `Drain` carries the journals into a database,
each record once; `add_labels` brings the labels; `read_window` hands both to monitoring. Needs SQLAlchemy, pandas
for `read_window` and pyarrow for the blocks of large tables.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Block": "blocks",
    "TableLog": "batch",
    "Arrivals": "counts",
    "Drain": "drain",
    "Journal": "journal",
    "Label": "labels",
    "LabelCounts": "labels",
    "DrainProgress": "drain",
    "VERIFICATION": "records",
    "add_labels": "labels",
    "connect": "database",
    "count_labels": "counts",
    "count_versions": "counts",
    "SchemaError": "schema",
    "create_tables": "schema",
    "label_record": "records",
    "log_batch": "batch",
    "newest_prediction": "counts",
    "prediction_id": "records",
    "prediction_record": "records",
    "prune": "retention",
    "read_window": "window",
    "span_of_last": "counts",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    # Only when asked for: a server's workers write the journal and never need SQLAlchemy, half a second of their start.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
