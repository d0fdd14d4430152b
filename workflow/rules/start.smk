# What is looked at when a run begins, before its first job. Snakemake knows one `onstart`, so all of it is here.

from growmerge.study.plan import refuse_without_room
from growmerge.training.lease import refuse_beside_trainers


onstart:
    needed = list(workflow.dag.needrun_jobs())
    trained = [job.wildcards_dict for job in needed if job.rule.name in ("train_base", "adapt_model")]
    try:
        # Snakemake's own lock ends with it, its jobs on a cluster do not.
        refuse_beside_trainers(
            Path(RESULTS) / "work", {model for wildcards in trained for model in wildcards.values()}
        )
        if STUDY.plan.check_disk and any(job.rule.name in ("all", "everything") for job in needed):
            refuse_without_room(STUDY)
    except GrowmergeError as error:
        raise WorkflowError(str(error)) from None
