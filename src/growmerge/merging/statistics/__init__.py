"""Statistics of the members of a merge: a file in this folder is one, and methods ask for it by the file's name.

Such a file defines `STATISTIC`, a `growmerge.catalogue.merge_registry.MemberStatistic`. A rule makes its artifact (rule
count_tokens in workflow/rules/merge.smk is the example), which is an input of the merges by methods that ask for it.
Rules read these files whenever Snakemake parses, so they import torch `lazily`.
"""
