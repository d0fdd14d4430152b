"""Looks up what a study needs from elsewhere, before anything is submitted."""
