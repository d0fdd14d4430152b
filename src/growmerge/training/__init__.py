"""Pre-training and continued pre-training, with exact resumption."""
