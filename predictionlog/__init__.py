"""The prediction log: every request, its answer and its labels, by prediction id.

Serving appends to a local `Journal` before an answer leaves; a `Drain` carries the journals into a database,
each record once; `add_labels` brings the labels; `read_window` hands both to monitoring. Needs SQLAlchemy, and pandas
for `read_window` alone.
"""

from predictionlog.database import connect, create_tables
from predictionlog.drain import Drain, Progress
from predictionlog.journal import Journal
from predictionlog.labels import Label, LabelCounts, add_labels
from predictionlog.records import label_record, prediction_id, prediction_record
from predictionlog.retention import prune
from predictionlog.window import read_window

__all__ = [
    "Drain",
    "Journal",
    "Label",
    "LabelCounts",
    "Progress",
    "add_labels",
    "connect",
    "create_tables",
    "label_record",
    "prediction_id",
    "prediction_record",
    "prune",
    "read_window",
]
