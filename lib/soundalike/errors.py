"""Every error a job or the command may end with.

A message is one readable line: what is wrong (file, member, table or setting), what was found, what was expected and
what to do.
"""


class SoundalikeError(Exception):
    """Data, storage, network or result is not good enough: exit code 1."""

    exit_code = 1


class UsageError(SoundalikeError):
    """Arguments or settings are wrong in themselves: exit code 2."""

    exit_code = 2
