"""Llama checkpoints: creating, widening (HyperCloning), saving and loading them."""
