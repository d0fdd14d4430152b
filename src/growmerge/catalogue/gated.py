"""Repositories of the hub that ask for an account and for consent to their terms, before anything is fetched.

As their pages say in November 2026; for gemma-2-2b, as users of its chat model report. Whether an account has access,
`snakemake preflight` asks the hub.
"""

GATED = {
    "meta-llama/Llama-3.3-70B-Instruct": "Llama 3.3 Community License; Meta reviews requests",
    "google/gemma-2-2b": "Gemma Terms of Use",
    "google/gemma-3-270m": "Gemma Terms of Use",
    "google/gemma-3-1b-pt": "Gemma Terms of Use",
    "openlanguagedata/flores_plus": "CC BY-SA 4.0; not to be re-hosted as plain text",
}
