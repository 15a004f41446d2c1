"""A cluster in memory, as `stacks.cluster.client.Cluster`: objects are kept, and nobody makes anything of them."""

from __future__ import annotations

import copy

from stacks.cluster.errors import Conflict


class MemoryCluster:
    """`forbidden` (verb, resource) may not be done; nothing else is refused."""

    def __init__(self, namespace="ours", context="theirs"):
        self.namespace, self.context = namespace, context
        self.objects: dict[tuple[str, str], dict] = {}
        self.asked: set[str] = set()
        """Kinds that were read or written."""
        self.done: list[tuple[str, str, str]] = []
        """(verb, kind, name) of what was changed, in order."""
        self.logs: dict[str, str] = {}
        """By pod."""
        self.forbidden: set[tuple[str, str]] = set()
        self.apis = {"machinelearning.seldon.io/v1"}

    def hold(self, *manifests):
        """Have it hold objects that somebody else has made."""
        for manifest in manifests:
            self.objects[manifest["kind"], manifest["metadata"]["name"]] = copy.deepcopy(manifest)

    def get(self, kind, name):
        self.asked.add(kind)
        return copy.deepcopy(self.objects.get((kind, name)))

    def list(self, kind, selector="", fields=""):
        self.asked.add(kind)
        wanted = [part.split("=") for part in selector.split(",") if part]
        return [copy.deepcopy(one) for (of, _), one in self.objects.items() if of == kind and fits(one, wanted)]

    def apply(self, *manifests):
        for manifest in manifests:
            self._note("apply", manifest["kind"], manifest["metadata"]["name"])
            self.hold(manifest)

    def put(self, manifest):
        self._note("put", manifest["kind"], manifest["metadata"]["name"])
        self.hold(manifest)

    def write(self, manifest):
        key, made = (manifest["kind"], manifest["metadata"]["name"]), copy.deepcopy(manifest)
        known = self.objects.get(key, {}).get("metadata", {}).get("resourceVersion")
        if made["metadata"].get("resourceVersion") != known:
            raise Conflict("it has changed", 409)
        made["metadata"]["resourceVersion"] = str(int(known or 0) + 1)
        made["metadata"]["uid"] = self.objects.get(key, {}).get("metadata", {}).get("uid") or f"{len(self.done):08d}-made"
        self._note("write", *key)
        self.objects[key] = made

    def merge(self, kind, name, change):
        self._note("merge", kind, name)
        if (kind, name) in self.objects:
            _merge(self.objects[kind, name], change)
        return (kind, name) in self.objects

    def annotate(self, kind, name, annotations):
        self.merge(kind, name, {"metadata": {"annotations": dict(annotations)}})

    def delete(self, kind, name):
        self._note("delete", kind, name)
        return self.objects.pop((kind, name), None) is not None

    def log(self, pod, container="", tail=None, previous=False):
        return self.logs.get(pod, "")

    def uids(self, kind):
        """Of what somebody wrote."""
        return {one["metadata"]["uid"] for (of, _), one in self.objects.items() if of == kind and "uid" in one["metadata"]}

    def version(self):
        return {"major": "1", "minor": "33", "gitVersion": "v1.33.0"}

    def serves(self, group):
        return group in self.apis

    def has(self, group, kind):
        return self.serves(group)

    def can(self, verb, resource):
        return (verb, resource) not in self.forbidden

    def _note(self, *done):
        self.asked.add(done[1])
        self.done.append(done)


def fits(one, wanted):
    """Whether an object has labels, each with its value where one is named."""
    labels = one["metadata"].get("labels", {})
    return all(key in labels if not value else labels.get(key) == value[0] for key, *value in wanted)


def _merge(target, change):
    for key, value in change.items():
        if isinstance(value, dict):
            _merge(target.setdefault(key, {}), value)
        else:
            target[key] = copy.deepcopy(value)
