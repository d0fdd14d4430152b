"""What decides: a configuration expanded into models, their costs, resources and paths. Pure, without torch.

Snakemake imports these modules whenever it parses the rules.
"""
