"""What `snakemake publish` does: sends models and tables to the hub, reads back, and compares every digest."""
