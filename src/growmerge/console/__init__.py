"""The command `growmerge`: it begins a study, and shows what is known of languages. All else is Snakemake's."""
