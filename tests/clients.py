"""`Clients`: threads that ask a service while a test does something to it."""

import threading


class Clients:
    """Threads of `ask(number)`, which ends when `stopping` is set, for as long as the block runs."""

    def __init__(self, ask, clients):
        self.stopping = threading.Event()
        self._threads = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self._threads:
            thread.join()
