"""`growmerge new` and `growmerge languages`; the same as `python -m growmerge.console`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from growmerge.console.languages import every_language, language_lines
from growmerge.console.new import new_study
from growmerge.errors import GrowmergeError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 if it went well, 1 after a line on standard error about what is wrong."""
    given = _parser().parse_args(arguments)
    try:
        if given.command == "languages":
            lines = language_lines(given.codes) if given.codes else every_language()
        else:
            lines = new_study(given.study, given.languages, given.text, given.parallel, below=given.over, folder=Path())
    except GrowmergeError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(lines))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="growmerge", description="Begin a study, or see what is known of languages.")
    commands = parser.add_subparsers(dest="command", required=True)
    new = commands.add_parser("new", help="write the configuration of a study of your own languages")
    new.add_argument("study", help="its name; the configuration is written to STUDY.yaml")
    new.add_argument("--languages", nargs="+", default=[], metavar="CODE", help="codes of ISO 639-3, such as dan nob")
    new.add_argument(
        "--text",
        action="append",
        default=[],
        metavar="CODE=PATHS",
        help="text of your own, such as 'fao=texts/*.jsonl'; may be given several times",
    )
    new.add_argument(
        "--parallel",
        action="append",
        default=[],
        metavar="CODE=FILES",
        help="parallel sentences of your own: a .tsv of English and the language, or two aligned files, "
        "'fao=english.txt,faroese.txt'; they are copied to STUDY-parallel/",
    )
    new.add_argument(
        "--over",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="configurations that it is laid over, such as config/miniature.yaml; default: config/config.yaml alone",
    )
    languages = commands.add_parser("languages", help="show text and benchmarks of languages")
    languages.add_argument("codes", nargs="*", metavar="CODE", help="default: all languages, a line each")
    return parser


if __name__ == "__main__":
    sys.exit(main())
