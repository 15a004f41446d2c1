"""Waits for what a cluster is to do, and tells early when it can't: `wait_until`, and servers and checks that wait by it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from stacks.cluster.client import Cluster
from stacks.cluster.errors import ClusterError
from stacks.cluster.objects import Object
from stacks.cluster.trouble import Patience, Trouble, ended_as, is_rolled_out, troubles, worst

WAIT_S = 900.0
PAUSE_S = 1.0
OF_SERVERS = Patience(start_s=8.0, refused_s=8.0, quota_s=8.0, room_s=240.0, deaths=4, death_s=8.0)
"""Somebody sits before `stack up` and reads: sooner than for a model. But autoscalers bring nodes, runs end, volumes are made, and
servers that wait for each other may die some times."""
_NAME = "app.kubernetes.io/name"


@dataclass(frozen=True)
class Seen:
    """What one look at the cluster found."""

    done: bool
    troubles: Sequence[Trouble] = ()
    """What is in the way."""
    behind: str = ""
    """What is still waited for, in words."""


@dataclass(frozen=True)
class Waited:
    """How waiting ended."""

    done: bool
    seen: Seen | None = None
    """At the last look that the cluster answered."""
    hopeless: Trouble | None = None
    """What has lasted longer than it may."""
    silence: ClusterError | None = None
    """Why the cluster did not answer at the last."""

    @property
    def trouble(self) -> Trouble | None:
        """What was in the way at the end."""
        return self.hopeless or worst(self.seen.troubles if self.seen else ())


@dataclass
class Clock:
    """Since when each trouble lasts; one that is gone begins anew when it comes again."""

    _since: dict[tuple[str, ...], float] = field(default_factory=dict)

    def hopeless(self, known: Iterable[Trouble]) -> Trouble | None:
        """The first that has lasted longer than it may."""
        now, timed = time.monotonic(), [(one, one.patience_s) for one in known if one.patience_s is not None]
        self._since = {one.key: self._since.get(one.key, now) for one, _ in timed}
        return next((one for one, patience_s in timed if now - self._since[one.key] >= patience_s), None)


def wait_until(look: Callable[[], Seen], timeout_s: float, pause_s: float = PAUSE_S) -> Waited:
    """Look until it is done, until a trouble has lasted longer than it may, or until the time is over.

    Raises
    ------
    ClusterError
        The cluster refuses what asking again won't change. A cluster that does not answer is borne with.
    """
    deadline, clock, seen = time.monotonic() + timeout_s, Clock(), None
    while True:
        silence = None
        try:
            seen = look()
            if seen.done:
                return Waited(True, seen)
            if hopeless := clock.hopeless(seen.troubles):
                return Waited(False, seen, hopeless)
        except ClusterError as error:
            if not error.is_passing:
                raise
            silence = error
        if time.monotonic() > deadline:
            return Waited(False, seen, silence=silence)
        time.sleep(pause_s)


def holds(condition: Callable[[], bool], timeout_s: float, pause_s: float = PAUSE_S) -> bool:
    """Wait until `condition` holds; False where it does not in time.

    Raises
    ------
    ClusterError
        The cluster did not answer at the last, or refuses.
    """
    waited = wait_until(lambda: Seen(condition()), timeout_s, pause_s)
    if waited.silence is not None:
        raise waited.silence
    return waited.done


def wait_for_deployments(
    cluster: Cluster, names: Sequence[str], report: Callable[[str], None], wait_s: float = WAIT_S, patience: Patience = OF_SERVERS
) -> None:
    """Return when all of `names` are rolled out.

    Raises
    ------
    ClusterError
        One can't be: its image, its volume, its admission or its own last words say why.
    """
    ready: set[str] = set()

    def look() -> Seen:
        found = {item["metadata"]["name"]: item for item in cluster.list("Deployment")}
        for name in names:
            if name in found and name not in ready and is_rolled_out(found[name]):
                ready.add(name)
                report(f"{name} is ready")
        waiting = [name for name in names if name not in ready]
        return Seen(not waiting, _known_of(cluster, waiting, found, patience), ", ".join(waiting))

    _wait(cluster, look, "become ready", wait_s)


def run_checks(cluster: Cluster, jobs: Sequence[Object], wait_s: float = WAIT_S, patience: Patience = OF_SERVERS) -> None:
    """Run `jobs` anew and return when all have ended well.

    Raises
    ------
    ClusterError
        One did not: its last words, or what kept its pod from starting.
    """
    names = [job["metadata"]["name"] for job in jobs]
    if not names:
        return
    delete_all(cluster, [("Job", name) for name in names], wait_s)
    cluster.apply(*jobs)

    def look() -> Seen:
        ends = {item["metadata"]["name"]: ended_as(item) for item in cluster.list("Job")}
        if failed := [name for name in names if ends.get(name) == "Failed"]:
            raise ClusterError("; ".join(_words_of_job(cluster, name) for name in failed))
        waiting = [name for name in names if ends.get(name) != "Complete"]
        return Seen(not waiting, _known_of(cluster, waiting, {}, patience), ", ".join(waiting))

    _wait(cluster, look, "end", wait_s)


def delete_all(cluster: Cluster, objects: Sequence[tuple[str, str]], wait_s: float) -> None:
    """Delete objects (kind, name) and return when they are gone; one of the same name that was made since is another.

    Raises
    ------
    ClusterError
        Not all are gone in time.
    """
    going = {(kind, name): found["metadata"].get("uid") for kind, name in objects if (found := cluster.get(kind, name))}
    for kind, name in going:
        cluster.delete(kind, name)

    def left() -> list[str]:
        return [
            f"{kind} {name}"
            for (kind, name), uid in going.items()
            if (now := cluster.get(kind, name)) and now["metadata"].get("uid") == uid
        ]

    waited = wait_until(lambda: Seen(not (names := left()), behind=", ".join(names)), wait_s)
    if not waited.done:
        behind = waited.seen.behind if waited.seen else waited.silence
        raise ClusterError(f"{behind} did not end in {wait_s:.0f} s: kubectl -n {cluster.namespace} get all")


def _wait(cluster: Cluster, look: Callable[[], Seen], become: str, wait_s: float) -> None:
    waited = wait_until(look, wait_s)
    if waited.hopeless:
        raise ClusterError(_in_words(cluster, waited.hopeless))
    if waited.silence:
        raise waited.silence
    if not waited.done:
        behind = waited.seen.behind if waited.seen else ""
        raise ClusterError(f"{behind} did not {become} in {wait_s:.0f} s: kubectl -n {cluster.namespace} describe pods")


def _known_of(cluster: Cluster, names: Sequence[str], deployments: dict[str, Object], patience: Patience) -> list[Trouble]:
    """What is in the way of each of `names`."""
    pods = [pod for pod in cluster.list("Pod", _NAME) if pod["metadata"]["labels"].get(_NAME) in names]
    return troubles(pods, [deployments[name] for name in names if name in deployments], patience)


def _in_words(cluster: Cluster, found: Trouble) -> str:
    """A sentence for somebody who can mend it: what to look at, or what to set."""
    here, name = f"kubectl -n {cluster.namespace}", _name_of(cluster, found)
    match found.kind:
        case "image":
            return (
                f"the cluster can't pull {found.image}: nodes must reach the registry and may need a login "
                f"(IMAGE_PULL_SECRET in a file for --settings); {here} describe pod {found.subject}"
            )
        case "room":
            hint = "; STORAGE_CLASS in a file for --settings names another" if "PersistentVolumeClaim" in found.said else ""
            return f"{name} finds no place: {found.said}{hint}"
        case "refused" | "quota":
            return f"{name}: the cluster refuses its pods: {found.said}"
        case "death" | "memory":
            said = _last_line(cluster.log(found.subject, found.container, 20, previous=True))
            return f"{name} ends again and again: {said or f'{here} logs {found.subject} -c {found.container} --previous'}"
    return f"{name}: {found.reason}"


def _name_of(cluster: Cluster, found: Trouble) -> str:
    """Name of the server or check that a trouble is about."""
    pod = cluster.get("Pod", found.subject)
    return pod["metadata"].get("labels", {}).get(_NAME, found.subject) if pod else found.subject


def _words_of_job(cluster: Cluster, name: str) -> str:
    """The last line that the Job's pod printed, or the command that shows it."""
    printed = [cluster.log(pod["metadata"]["name"], tail=20) for pod in cluster.list("Pod", f"job-name={name}")]
    return next((line for text in printed if (line := _last_line(text))), f"kubectl -n {cluster.namespace} logs job/{name}")


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1][:1000] if lines else ""
