"""Typological distances: of languages, so the same in every setup, from a table (see `growmerge.tables.typology`)."""

from __future__ import annotations

from growmerge.comparing.statistics import Measure, Statistic

DISTANCE = Measure("typological_distance", label="Typological\ndistance")
STATISTIC = Statistic([DISTANCE], compute=None, place=2)
