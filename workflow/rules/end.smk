# What a run says at its end, and about a target that does not exist. Snakemake allows one `onsuccess` and one `onerror`,
# so all of it is here.

from snakemake.logging import logger

from growmerge.study.ending import Failed, failures, outcome, without_scores
from growmerge.study.near_targets import NearTargets


def say_the_end():
    made = [str(path) for job in workflow.dag.finished_jobs for path in job.output]
    found = [*outcome(LAYOUT, made)]
    missing = without_scores(LAYOUT, GRID) if found else ()
    jobs = [job for failed in workflow.scheduler.failed for job in (failed.jobs if failed.is_group() else [failed])]
    failed = [Failed(job.rule.name, tuple(job.wildcards), tuple(map(str, job.log))) for job in jobs]
    for line in (*found, *missing, *failures(failed)):
        (logger.error if failed else logger.info)(line)


onsuccess:
    say_the_end()


onerror:
    say_the_end()


def known_targets():
    return [
        *(rule.name for rule in workflow.rules if not rule.has_wildcards()),
        *LAYOUT.models(),
        *(LAYOUT.merge(merge.id) for merge in GRID.merges),
        *(LAYOUT.score(model.id) for model in SCORED),
        *TABLES,
        *FIGURE_FILES,
    ]


logger.addFilter(NearTargets(known_targets, RESULTS))
