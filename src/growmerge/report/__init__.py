"""The report: one page that shows a study, from its figures down to the manifest of every model."""
