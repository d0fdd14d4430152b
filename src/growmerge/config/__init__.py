"""The configuration: one strict, typed description of an experiment (`schema`), and errors that teach (`load`)."""

from growmerge.config.load import check_local, load_files, validate
from growmerge.config.schema import Study

__all__ = ["Study", "check_local", "load_files", "validate"]
