"""`changes_between`: what a new version asks of clients, and tells them, otherwise than the one before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict

from switchyard.bundle import Column, Sets, Signature
from switchyard.tabular.report.report import Badge, Name, Table


class Change(BaseModel):
    """One thing that came, went or changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: str
    """As in "column 'age'"."""
    what: str
    breaking: bool
    """Whether a client of the version before, left as it is, is refused or misled."""

    def sentence(self) -> str:
        """The change in a sentence for people."""
        return f"{self.subject} {self.what}"


def changes_between(before: Signature | None, after: Signature) -> tuple[Change, ...]:
    """What came and went against `before`, breaking changes first; nothing where there is no version before."""
    if before is None:
        return ()
    found = [*_task_changes(before, after), *_column_changes(before, after), *_class_changes(before, after)]
    return tuple(sorted(found, key=lambda change: not change.breaking))


def change_table(changes: Sequence[Change], against: str = "against the champion") -> Table:
    """What became of the contract."""
    rows = [(Name(one.subject), one.what, Badge("breaks clients", "bad") if one.breaking else Badge("fine", "good")) for one in changes]
    return Table(("what", against, ""), rows)


def _task_changes(before: Signature, after: Signature) -> Iterator[Change]:
    if before.task != after.task:
        yield Change(subject="the task", what=f"was {before.task} and is {after.task}", breaking=True)
    if before.target != after.target:
        yield Change(subject="the target", what=f"was {before.target!r} and is {after.target!r}", breaking=True)


def _column_changes(before: Signature, after: Signature) -> Iterator[Change]:
    theirs, ours = ({column.name: column for column in signature.columns} for signature in (before, after))
    known = {other.name for other in after.others}
    for name, column in ours.items():
        if change := _column_change(theirs.get(name), column):
            yield change
    yield from _quantile_changes(before, after)
    for name in theirs:
        if name not in ours:
            what = "is not used any more; it may still come" if name in known else "is gone from the table; it may still come"
            yield Change(subject=f"column {name!r}", what=what, breaking=False)


def _quantile_changes(before: Signature, after: Signature) -> Iterator[Change]:
    old, new = (signature.quantiles.names if signature.quantiles else () for signature in (before, after))
    if lost := [name for name in old if name not in new]:
        yield Change(subject=f"quantiles {', '.join(lost)}", what="are lost: answers have them no more (quantiles)", breaking=True)
    if added := [name for name in new if name not in old]:
        yield Change(subject=f"quantiles {', '.join(added)}", what="are new", breaking=False)


def _column_change(old: Column | None, new: Column) -> Change | None:
    subject = f"column {new.name!r}"
    if old is None:
        what = f"({new.kind}) is new; null where it does not come" if new.optional else f"({new.kind}) is new and must come"
        return Change(subject=subject, what=what, breaking=not new.optional)
    if old.kind != new.kind:
        return Change(subject=subject, what=f"was {old.kind} and is {new.kind}", breaking=True)
    if old.optional != new.optional:
        return Change(subject=subject, what="need not come any more" if new.optional else "must come now", breaking=old.optional)
    return None


def _class_changes(before: Signature, after: Signature) -> Iterator[Change]:
    if not before.classes or not after.classes:
        return
    for name in before.classes:
        if name not in after.classes:
            yield Change(subject=f"class {name!r}", what="is lost: it is never answered any more", breaking=True)
    for name in after.classes:
        if name not in before.classes:
            yield Change(subject=f"class {name!r}", what="is new", breaking=False)
    yield from _set_changes(before.sets, after.sets)


def _set_changes(before: Sets | None, after: Sets | None) -> Iterator[Change]:
    if before is not None and after is None:
        yield Change(subject="sets", what="are lost: answers have none any more (decision.sets is none)", breaking=True)
    if before is None and after is not None:
        yield Change(subject="sets", what=f"are new: {after.words}", breaking=False)
    if before is not None and after is not None and before.words != after.words:
        yield Change(subject="sets", what=f"held {before.words} and hold {after.words}", breaking=False)
