"""What the README and docs/merging-languages.md say of results is what docs/measured/gap.csv says.

The record is the table `gap` of the miniature as the workflow wrote it; its manifest names commit and versions. A
sentence that is no longer true, or a number that nobody holds against the record, fails here. Whoever changes results
runs `make demo`, copies both files from results/miniature/tables/, and writes what the failures say.
"""

import json
import re

import pandas as pd
from conftest import ROOT

from growmerge.artifacts import sha256_file
from growmerge.config import load_files
from growmerge.study.costs import Costs
from growmerge.study.grid import Grid

MEASURED = ROOT / "docs/measured"
RECORD = pd.read_csv(MEASURED / "gap.csv", keep_default_na=False, na_values={"share": "", "low": "", "high": ""})
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs/merging-languages.md").read_text(encoding="utf-8")
SETUPS = ("1x", "1x_cloned", "2x", "scratch")
PAPERS = ("linear", "task_arithmetic", "ties", "dare_ties", "multislerp")
LANGUAGES = 4
OTHER_RUNS = "Other runs differ by more than intervals over items say."  # what follows: test_measured_runs.py
CHANCE = 0.5  # of the right one of two sentences


def rows(kind, method="", setup="1x", measure="bits_per_byte", members=LANGUAGES, percent=None):
    """The lines of the record; of what is trained on, those for so many percent of the joint training."""
    chosen = {"kind": kind, "method": method, "setup": setup, "measure": measure, "members": members}
    found = RECORD.loc[(RECORD[list(chosen)] == pd.Series(chosen)).all(axis=1)]
    return found if percent is None else found[found["id"].str.endswith(f"~{percent}")]


def share(*cell, **more) -> str:
    """`0.39`; empty where the record has no such model."""
    return "".join(f"{value:.2f}" for value in rows(*cell, **more)["share"])


def within(*cell, **more) -> str:
    """`0.39 (0.38 to 0.41)`."""
    found = rows(*cell, **more).itertuples()
    return "".join(f"{row.share:.2f} ({row.low:.2f} to {row.high:.2f})" for row in found)


def _both(*cell, **more) -> str:
    """`0.45 and 0.25`: acceptability and parity."""
    return " and ".join(share(*cell, measure=measure, **more) for measure in ("acceptability", "parity"))


def number(*cell, **more) -> float:
    (value,) = rows(*cell, **more)["share"]
    return value


def section(text: str, heading: str) -> str:
    return text.split(f"## {heading}\n")[1].split("\n## ")[0]


def table(text: str) -> list[list[str]]:
    """The cells of the first table of a section, without its header."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def in_one_line(text: str) -> str:
    return " ".join(text.split())


def unheld(text: str, sentences: list[str]) -> list[str]:
    """The decimal numbers of a text, but for tables and the sentences that are held against the record."""
    prose = in_one_line("\n".join(line for line in text.splitlines() if not line.startswith("|")))
    for sentence in sentences:
        assert sentence in prose, sentence
        prose = prose.replace(sentence, "")
    return re.findall(r"(?<![\w.])-?\d?\.\d+(?![\w.])", prose)


ALONE = {
    "linear (the best of the papers' five)": ("merge", "linear"),
    "TIES": ("merge", "ties"),
    "DARE-TIES": ("merge", "dare_ties"),
    "linear; embedding by `rows`": ("merge", "linear_rows"),
    "TIES; embedding by `rows`": ("merge", "ties_rows"),
    "DARE-TIES; embedding by `rows`": ("merge", "dare_ties_rows"),
    "Iso-C; embedding by `rows`": ("merge", "iso_c_rows"),
    "RegMean; embedding by `rows`": ("merge", "regmean_rows"),
    "tuned on held-out text; embedding by `rows`": ("merge", "tuned_rows"),
    "linear and `rows`, merged twice in training": ("rounds", "linear_rows"),
    "ensemble of the experts (four models at each use)": ("ensemble", ""),
    "experts, each in its own language (no single model)": ("experts", ""),
}
DEMO = section(README, "What the demo shows")
TRAINED_ON = {
    "from the base": ("control", ""),
    "from the linear merge": ("healed", "linear"),
    "from the merge with `rows`": ("healed", "linear_rows"),
}


def test_the_records_are_what_the_workflow_wrote() -> None:
    manifests = sorted(MEASURED.rglob("*.manifest.json"))
    assert len(manifests) == 6
    for manifest in manifests:
        said, name = json.loads(manifest.read_text(encoding="utf-8")), manifest.name.replace(".manifest.json", ".csv")
        assert said["files"][name]["sha256"] == sha256_file(manifest.with_name(name))
        assert re.fullmatch(r"[0-9a-f]{40}", said["provenance"]["commit"])


def test_the_table_of_merges_without_joint_training_is_the_record() -> None:
    expected = [
        [
            label,
            within(*cell),
            *(share(*cell, setup=setup) for setup in SETUPS[1:]),
            within(*cell, measure="acceptability"),
            share(*cell, measure="parity"),
        ]
        for label, cell in ALONE.items()
    ]
    assert table(section(PAGE, "Without joint training")) == expected


def test_the_table_of_merges_that_are_trained_on_is_the_record() -> None:
    start = {"from the base": "0", "from the linear merge": within("merge", "linear")}
    start["from the merge with `rows`"] = within("merge", "linear_rows")
    expected = [
        [label, start[label], *(within(*cell, percent=percent) for percent in (5, 10))]
        for label, cell in TRAINED_ON.items()
    ]
    assert table(section(PAGE, "With some joint training")) == expected


def test_the_numbers_of_the_readme_are_the_record() -> None:
    healed = share("healed", "linear_rows", percent=10)
    highest = max(rows("merge", method, "scratch", measure="acceptability")["value"].item() for method in PAPERS)
    sentences = [
        f"wins back {share('merge', 'linear')} of the gap in held-out text (setup 1x, four languages).",
        "If each row of the embedding is weighted by how often each language uses the token, it wins back "
        f"{share('merge', 'linear_rows')}.",
        f"If coefficients are also fitted to other held-out text, it is {share('merge', 'tuned_rows')}.",
        f"The merge with weighted rows wins back {healed} after it was trained on for 10 % of the joint training.",
        f"Merges from scratch reach at most {highest:.2f} in acceptability, where chance is {CHANCE:.2f}.",
    ]
    of_one_run, _ = DEMO.split(OTHER_RUNS)
    assert unheld(of_one_run, sentences) == []


def test_the_numbers_of_the_page_are_the_record() -> None:
    alone = [f"The mean of the experts' probabilities wins back {share('ensemble')}."]
    (cost,) = rows("merge", "tuned_rows")["cost"]
    alone.append(f"but {100 * cost:.0f} % of the joint training's FLOPs")
    grid = Grid(load_files(ROOT / "config/config.yaml", ROOT / "config/miniature.yaml"))
    sizes = [Costs(grid, {}).parameters(width) / 1e6 for width in (1, 2)]
    alone.append("({:.1f} and {:.1f} million parameters)".format(*sizes))
    of_base = share("control", percent=10)
    two = [share("healed", method, percent=10) for method in ("linear", "linear_rows")]
    with_some = [
        f"merges are closer to each other ({' and '.join(two)}), and the base is far behind ({of_base}).",
        f"nothing more has to be trained, and their merge wins back {share('rounds', 'linear_rows')}.",
        f"(1x): linear {_both('merge', 'linear')}, with `rows` {_both('merge', 'linear_rows')}, `tuned` with `rows` "
        f"{_both('merge', 'tuned_rows')}, trained on from `rows` {_both('healed', 'linear_rows', percent=5)} with 5 %, "
        f"{_both('healed', 'linear_rows', percent=10)} with 10 %.",
    ]
    notebook = (ROOT / "docs/notebook.md").read_text(encoding="utf-8")
    elsewhere = unheld(section(PAGE, "Without joint training"), alone)
    assert elsewhere == ["0.93", "0.83"], "measured by hand"
    assert re.search(r"own embedding of each language .*\| \.93 \|", notebook)
    assert re.search(r"own layers of each language .*\| \.83 \|", notebook)
    assert unheld(section(PAGE, "With some joint training"), with_some) == []


def test_the_table_of_aims_is_the_record() -> None:
    hoped = section(PAGE, "What was hoped for, and what was not reached")
    healed = {percent: share("healed", "linear_rows", percent=percent) for percent in (5, 10)}
    by_weights = f"{share('merge', 'linear_rows')} (linear), {share('merge', 'iso_c_rows')} (Iso-C)"
    assert table(hoped) == [
        ["weights alone; embedding by `rows`", "0.70", by_weights],
        ["with text to tune on; embedding by `rows`", "0.75", share("merge", "tuned_rows")],
        ["5 % of joint training, from the merge with `rows`", "0.80", healed[5]],
        ["10 % of joint training, from the merge with `rows`", "0.90", healed[10]],
    ]
    assert "10 % of joint training wins back as much as the ensemble." in hoped and healed[10] == share("ensemble")
    assert unheld(hoped, []) == []


def test_the_column_of_the_miniature_beside_the_larger_models_is_the_record() -> None:
    three = RECORD[(RECORD["target"] == "ekk+isl+swe") & (RECORD["measure"] == "bits_per_byte")]
    by_method = three[three["setup"] == "1x"].set_index("method")["share"]
    column = {line[0]: line[-1] for line in table(section(PAGE, "Does it last?")) if line[-1]}
    assert column == {
        "linear": f"{by_method['linear']:.2f}",
        "linear; embedding by `rows`": f"{by_method['linear_rows']:.2f}",
    }


def patterns(column: str) -> dict[str, str]:
    """What the README's table says of each of the papers' patterns: `one seed` or `three seeds`."""
    return {line[0]: line[["one seed", "three seeds"].index(column) + 1] for line in table(DEMO)}


def test_the_patterns_that_the_readme_names_are_shown() -> None:
    """Intervals lie apart in each setup that shares its pre-training, whatever the languages of a pair."""

    def ends(kind: str, method: str, setup: str, members: int = LANGUAGES) -> tuple[float, float]:
        found = rows(kind, method, setup, members=members)
        return found["low"].min(), found["high"].max()

    assert patterns("one seed") == {
        "experts are better than their base": "yes",
        "linear merging keeps more than TIES": "yes",
        "TIES keeps more than DARE-TIES": "yes",
        "linear merges of two languages keep more than those of four": "yes",
        "linear merges keep more with a shared pre-training than from scratch": "yes",
        "wider experts are better on the same text": "a little, also in parity",
        "wider experts merge better": "no",
    }
    said = 'patterns are shown in bits per byte? "Yes" says that 95 % intervals lie apart: over items with one seed'
    assert said in in_one_line(DEMO)
    for setup in SETUPS[:-1]:
        linear, ties, dare = (ends("merge", method, setup) for method in ("linear", "ties", "dare_ties"))
        assert ends("experts", "", setup)[0] > 0, "experts are better than their base"
        assert linear[0] > ties[1] and ties[0] > dare[1]
        assert ends("merge", "linear", setup, members=2)[0] > linear[1], "two languages keep more than four"
        assert linear[0] > ends("merge", "linear", "scratch")[1], "shared pre-training keeps more"
    assert "The row on wider experts is about the mean of four languages" in in_one_line(DEMO)
    for setup in ("1x_cloned", "2x"):
        for measure, sign in (("bits_per_byte", -1), ("parity", 1)):
            wide, narrow = (rows("experts", setup=s, measure=measure)["value"].item() for s in (setup, "1x"))
            assert 0 < sign * (wide - narrow) < 0.03
        assert number("merge", "linear", setup) <= number("merge", "linear")


def test_what_the_readme_and_the_page_say_in_words_holds() -> None:
    def of_papers(setup: str, members: int = LANGUAGES) -> dict[str, float]:
        return {method: rows("merge", method, setup, members=members)["share"].mean() for method in PAPERS}

    shared = SETUPS[:-1]
    for setup in shared:
        best = sorted(of_papers(setup), key=of_papers(setup).__getitem__)
        assert {"linear", "multislerp"} < set(best[-3:]), "with task arithmetic, which is linear merging here"
        for method in PAPERS:
            by_members = [of_papers(setup, members)[method] for members in (2, 3, 4)]
            assert by_members == sorted(by_members, reverse=True), "all keep more with few languages"
            assert of_papers(setup)[method] > of_papers("scratch")[method], "from scratch they keep less"
            assert of_papers(setup)[method] < 0.41, "of four languages, 0.4 at most"
        tuned = number("merge", "tuned_rows", setup)
        everything = RECORD[(RECORD["kind"] == "merge") & (RECORD["measure"] == "bits_per_byte")]
        everything = everything[(everything["setup"] == setup) & (everything["members"] == LANGUAGES)]
        assert tuned == everything["share"].max(), "`tuned` is best in every setup in bits per byte"
        assert number("merge", "linear_rows", setup) - number("merge", "ties_rows", setup) < 0.05, (
            "near the linear merge"
        )
    for method in ("regmean_rows", "iso_c_rows"):
        gains = {setup: number("merge", method, setup) - number("merge", "linear_rows", setup) for setup in SETUPS}
        assert max(gains[setup] for setup in shared) < 0.03 < gains["scratch"], "add little, and more in scratch"
    assert number("merge", "tuned_rows", "scratch") > number("merge", "regmean_rows", "scratch")
    assert f"the linear merge wins back {of_papers('1x', 2)['linear']:.2f} (1x)" in in_one_line(PAGE), (
        "of two languages"
    )
    healed = {p: number("healed", "linear_rows", percent=p) - number("healed", "linear", percent=p) for p in (5, 10)}
    assert abs(number("merge", "linear_rows") - number("healed", "linear", percent=5)) < 0.02, "begins there"
    assert 0 < healed[10] < healed[5] < number("merge", "linear_rows") - number("merge", "linear"), "closer and closer"
    tuned = number("merge", "tuned_rows")
    assert number("healed", "linear_rows", percent=5) < tuned < number("healed", "linear_rows", percent=10)
