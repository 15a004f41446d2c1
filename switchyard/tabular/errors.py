"""The ways an expected end of a run is said, each with its own exit code."""


class SwitchyardError(Exception):
    """An expected end of a run: one clear line for the user, no traceback."""

    exit_code = 1


class InputError(SwitchyardError):
    """The data or the config is wrong; the message names what, where and the way out."""

    exit_code = 2


class GateClosed(SwitchyardError):
    """A gate of the config said no; the message names the gate, the limit and the value."""

    exit_code = 3
