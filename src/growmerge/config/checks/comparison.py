"""Typological distances come from something that is there."""

from __future__ import annotations

from growmerge.config.problems import check_known
from growmerge.config.schema import Study


def check_comparison(study: Study) -> None:
    """Raise Problem at a package that is not there."""
    typology = study.comparison.typology
    if typology and typology.package is not None:
        packages = [package.name for package in study.packages]
        check_known("comparison.typology.package", typology.package, packages, "package")
