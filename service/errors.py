"""Errors of the service package.

ServiceError
├── SettingsError   a setting is missing or impossible
├── HomeError       the data directory is absent, damaged or of the wrong kind
├── SignInError     nobody is signed in, or the one signed in lacks the right
├── InputError      an argument cannot be understood
├── BrokenError     a check found damage: the audit chain or the home is not sound
├── AlarmError      a check found something a person must look at, and no damage
├── DemoError       the demo could not show what it is there to show
└── OpenDoorError   a route of the API asks nobody who they are
"""


class ServiceError(Exception):
    """Root of everything this package raises on purpose."""


class SettingsError(ServiceError):
    """A setting is missing or impossible; the message names the variable and what was expected."""


class HomeError(ServiceError):
    """The data directory is absent, damaged or of the wrong kind; the message names it."""


class SignInError(ServiceError):
    """Nobody is signed in, or the one signed in lacks the right; the message names who and which right."""


class InputError(ServiceError):
    """An argument cannot be understood; the message names the value and what was expected."""


class DemoError(ServiceError):
    """The demo could not show what it is there to show; the message says what is missing."""


class BrokenError(ServiceError):
    """A check found damage."""


class AlarmError(ServiceError):
    """A check found something a person must look at; nothing is damaged."""


class OpenDoorError(ServiceError):
    """A route of the API asks nobody who they are; the message names it."""
