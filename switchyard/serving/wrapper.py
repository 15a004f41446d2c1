"""What the stock wrapper lacks, put right where it can't be configured. Holds for seldon-core 1.17.1, which is pinned.

- It listens on all addresses; ours listens where the settings say.
- It updates its metrics through six exchanges with a manager process for every request, empty or not.
- It lets a worker hang for 5,000 seconds.
- gunicorn refuses what is no request in HTML.
- Its processes outlive it when it is killed, and with gRPC it never ends when it is told to; of those beside the workers
  none is replaced that dies.
"""

from __future__ import annotations

import atexit
import ctypes
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing import connection
from typing import Any

import orjson
from flask import Blueprint
from gunicorn import util
from seldon_core import gunicorn_utils, metrics, wrapper

from switchyard.serving import sockets
from switchyard.serving.errors import Refusal
from switchyard.serving.settings import PoolSettings, Settings

logger = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1
_TIMEOUT = 30
_TOLD = {400: (400, "BAD_REQUEST"), 403: (400, "BAD_REQUEST")}
"""Code and reason of gunicorn's refusals; its 403 is of a protocol between proxies that nobody speaks here."""


def prepare(settings: Settings | PoolSettings, metrics: Callable[[], str]) -> None:
    """Put all of it right for a server by `settings`, of whose own metrics `metrics` makes the text."""
    listen_on(settings.host, settings.sockets)
    refuse_in_json()
    publish(metrics)
    live_and_die_together()


def before_the_stock(wrap: Callable[[Any], Any]) -> Blueprint:
    """What the wrapper registers on its WSGI application, which is how ours, by `wrap`, comes to stand before that."""
    blueprint = Blueprint("switchyard", __name__)

    def install(state: Any) -> None:
        state.app.wsgi_app = wrap(state.app.wsgi_app)

    blueprint.record_once(install)
    return blueprint


def listen_on(host: str, folder: str = "") -> None:
    """Have REST, metrics and gRPC listen on `host`; the first two at sockets in `folder` where one is named."""
    load_config, get_grpc_server = gunicorn_utils.StandaloneApplication.load_config, wrapper.get_grpc_server
    main = os.getpid()

    def load_config_here(application: Any) -> None:
        port = application.options["bind"].rsplit(":", 1)[1]
        bind = f"unix:{sockets.named(folder, port)}" if folder else f"{host}:{port}"
        application.options.update(bind=bind, timeout=_TIMEOUT)
        if os.getpid() == main:
            application.options["when_ready"] = _end_with_children
        load_config(application)

    def get_grpc_server_here(*arguments: Any, **options: Any) -> Any:
        server = get_grpc_server(*arguments, **options)
        add_port = server.add_insecure_port
        server.add_insecure_port = lambda address: add_port(f"{host}:{address.rsplit(':', 1)[1]}")
        return server

    gunicorn_utils.StandaloneApplication.load_config = load_config_here
    wrapper.get_grpc_server = get_grpc_server_here


def refuse_in_json() -> None:
    """Have gunicorn's own refusals, which come before any application, be JSON as all others are; it writes HTML."""

    def write_error(client: Any, status: int, phrase: str, problem: str) -> None:
        status, reason = _TOLD.get(status, (status, "INTERNAL"))
        if "limit request" in problem or "too large" in problem:
            status, phrase, reason = 431, "Request Header Fields Too Large", "TOO_LARGE"
        body = orjson.dumps(Refusal(problem[:300] or phrase, status=status, reason=reason).body())
        head = f"HTTP/1.1 {status} {phrase}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        util.write_nonblock(client, head.encode("latin-1") + body)

    util.write_error = write_error


def publish(ours: Callable[[], str]) -> None:
    """Show our metrics on the wrapper's metrics port beside its own, and spare it the updates that say nothing."""
    update, generate = metrics.SeldonMetrics.update, metrics.SeldonMetrics.generate_metrics

    def update_if_any(self: Any, custom_metrics: list, method: str) -> None:
        if custom_metrics:
            update(self, custom_metrics, method)

    def generate_both(self: Any) -> tuple[str, str]:
        text, kind = generate(self)
        return text + ours(), kind

    metrics.SeldonMetrics.update = update_if_any
    metrics.SeldonMetrics.generate_metrics = generate_both


def _end_with_children(_arbiter: Any) -> None:
    """Have this process end in order once one of those beside its workers has died: who keeps it alive then begins all anew.

    Without the one that writes the log the journal would grow until the disk is full, and nobody would know.
    """
    beside: dict[Any, Any] = {child.sentinel: child for child in multiprocessing.active_children()}

    def wait_for_one() -> None:
        (died, *_) = connection.wait(beside)
        logger.error("%s, beside those that answer, has ended: the service does too", beside[died].name)
        os.kill(os.getpid(), signal.SIGTERM)

    if beside:
        threading.Thread(target=wait_for_one, daemon=True).start()


def live_and_die_together() -> None:
    """Have every process that this one forks end when its parent does, and all of them when this one is told to."""
    libc = ctypes.CDLL(None, use_errno=True)
    main = os.getpid()

    def end_with_parent() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    def end_children() -> None:
        if os.getpid() == main:
            for child in multiprocessing.active_children():
                if not child.daemon:
                    child.terminate()

    os.register_at_fork(after_in_child=end_with_parent)
    # Runs before multiprocessing's own, which waits for those that are no daemons: the gRPC server, for ever.
    atexit.register(end_children)
