"""The version of this package: that of the service that it was made with. It talks to older and newer ones, too."""

__version__ = "0.1.0"
