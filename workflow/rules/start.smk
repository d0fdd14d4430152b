# What is checked before the first job of a run, and how its progress is told. Snakemake allows one `onstart`, so both are
# here.

import os
import time

from snakemake.logging import logger

from growmerge import fork_server
from growmerge.allocator import ask_for_huge_pages
from growmerge.study.coverage import coverage_lines
from growmerge.study.gated import gated_line
from growmerge.study.plan import plan_of, refuse_without_room
from growmerge.study.plan_unimax import changed_line
from growmerge.study.progress import Progress, share_trained, tell
from growmerge.training.lease import refuse_beside_trainers

# Once a command, not in its jobs. Snakemake does not tell a workflow that is read whether it will only be planned.
if workflow.is_main_process:
    for line in filter(None, [*coverage_lines(GRID), changed_line(LAYOUT, COSTS), gated_line(GRID)]):
        logger.info(line)

TRAINING_RULES = ("train_base", "adapt_model")


def share_done(job):
    if workflow.dag.finished(job):
        return 1.0
    if job.rule.name not in TRAINING_RULES:
        return 0.0
    (model,) = job.wildcards
    return share_trained(Path(RESULTS) / "work" / model, COSTS.steps(model)) if COSTS.can_tell(model) else 0.0


onstart:
    needed = list(workflow.dag.needrun_jobs())
    trained = [job.wildcards_dict for job in needed if job.rule.name in TRAINING_RULES]
    try:
        # Snakemake's own lock ends with it, its jobs on a cluster do not.
        refuse_beside_trainers(
            Path(RESULTS) / "work", {model for wildcards in trained for model in wildcards.values()}
        )
        planned = plan_of(STUDY)
        if planned and STUDY.plan.check_disk and any(job.rule.name in ("all", "everything") for job in needed):
            refuse_without_room(STUDY, planned)
    except GrowmergeError as error:
        raise WorkflowError(str(error)) from None
    counted = planned.flops if planned else {}
    flops = {job: sum(counted.get(str(path), 0.0) for path in job.output) for job in needed}
    tell(Progress(flops, share_done, time.monotonic()), logger.info)
    ask_for_huge_pages(os.environ)  # for jobs, those on a cluster too
    # Jobs in environments of their own, or on other machines, import by themselves.
    if workflow.is_main_process and workflow.local_exec and not workflow.deployment_settings.deployment_method:
        fork_server.start()
