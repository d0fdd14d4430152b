"""What the README and docs/merging-languages.md say of other seeds and another processor is what docs/measured/ says.

`three-seeds/` has tables of config/miniature-seeds.yaml, `other-processor/` those of a second `make demo`, each as the
workflow wrote it.
"""

import pandas as pd
from test_measured import (
    DEMO,
    MEASURED,
    OTHER_RUNS,
    PAGE,
    README,
    in_one_line,
    patterns,
    section,
    table,
    unheld,
    within,
)
from test_measured_signal import LANGUAGES

from growmerge.tables.statistics import holm

GAP = pd.read_csv(
    MEASURED / "three-seeds/gap.csv", keep_default_na=False, na_values={"share": "", "low": "", "high": ""}
)
CONTRASTS = pd.read_csv(MEASURED / "three-seeds/contrasts.csv")
MEASURES = ("bits_per_byte", "acceptability", "parity")
WHOLE = "ekk+fas+isl+swe"
ROWS = {
    "linear": f"1x/{WHOLE}/linear",
    "TIES": f"1x/{WHOLE}/ties",
    "DARE-TIES": f"1x/{WHOLE}/dare_ties",
    "linear; embedding by `rows`": f"1x/{WHOLE}/linear_rows",
    "TIES; embedding by `rows`": f"1x/{WHOLE}/ties_rows",
    "RegMean; embedding by `rows`": f"1x/{WHOLE}/regmean_rows",
    "tuned on held-out text; embedding by `rows`": f"1x/{WHOLE}/tuned_rows",
    "ensemble of the experts": f"1x/{WHOLE}/ensemble",
    "experts, each in its own language": "1x/experts",
    "from the base, 10 % of the joint training": f"1x/{WHOLE}/base~10",
    "from the merge with `rows`, 10 % of the joint training": f"1x/{WHOLE}/linear_rows~10",
}


def over_seeds(model: str, measure: str = "bits_per_byte") -> pd.Series:
    (row,) = GAP[(GAP["id"] == model) & (GAP["measure"] == measure) & (GAP["members"] == 4)].itertuples()
    return pd.Series(row._asdict())


def of_two(method: str, measure: str) -> pd.Series:
    """The mean over all merges of two languages."""
    means = GAP[(GAP["kind"] == "mean") & (GAP["members"] == 2) & (GAP["measure"] == measure)]
    (row,) = means[means["method"] == method].itertuples()
    return pd.Series(row._asdict())


def written(found: pd.Series) -> str:
    return f"{found.share:.2f} ({found.low:.2f} to {found.high:.2f})"


def against_linear(method: str) -> pd.DataFrame:
    """The contrasts, paired by seed, of the merge of all languages by this method and the linear one, by language."""
    found = CONTRASTS[(CONTRASTS["first"] == f"1x/{WHOLE}/{method}") & (CONTRASTS["contrast"] == "method")]
    found = found[(found["measure"] == "bits_per_byte") & found["language"].isin(LANGUAGES)]
    assert len(found) == 4 and set(found["seeds"]) == {3}
    return found.set_index("language")


def test_the_table_over_seeds_is_the_record():
    expected = [
        [label, *(written(over_seeds(model, measure)) for measure in MEASURES)] for label, model in ROWS.items()
    ]
    assert set(GAP["seeds"]) == {3}
    assert table(section(PAGE, "With three seeds")) == expected


def test_what_the_page_says_of_seeds_holds():
    linear = over_seeds(ROWS["linear"])
    said = [f"{within('merge', 'linear')} in the one, {written(linear)} in the other."]
    said.append("adjusted for four languages (Holm), is at most 0.04.")
    ties_of_two, rows_of_two = of_two("ties", "bits_per_byte"), of_two("linear_rows", "parity")
    said.append(
        f"The mean over merges of two is {written(ties_of_two)} for TIES in bits per byte, and "
        f"{written(rows_of_two)} for linear merges with `rows` in parity"
    )
    linear_of_two = of_two("linear", "bits_per_byte")
    said.append(f"Linear merges of two keep {written(linear_of_two)} in bits per byte")
    assert unheld(section(PAGE, "With three seeds"), said) == []
    rows, tuned, ties = (against_linear(method) for method in ("linear_rows", "tuned_rows", "ties"))
    assert max(holm(rows["p"]).max(), holm(tuned["p"]).max()) <= 0.04
    assert (rows["high"] < 0).all() and (tuned["high"] < 0).all(), "fewer bits in each language"
    assert {LANGUAGES[code] for code in ties.index[ties["low"] > 0]} == {"Estonian", "Swedish"}
    assert not (ties["high"] < 0).any()
    assert ties_of_two.low > over_seeds(ROWS["TIES"]).high
    assert rows_of_two.low > over_seeds(ROWS["linear; embedding by `rows`"], "parity").high
    assert linear_of_two.low < linear.high, "not sure"
    for first, second in (
        ("TIES", "DARE-TIES"),
        ("tuned on held-out text; embedding by `rows`", "linear; embedding by `rows`"),
    ):
        assert over_seeds(ROWS[first]).low < over_seeds(ROWS[second]).high


def test_what_the_readme_says_of_seeds_holds():
    linear, ties, dare = (over_seeds(ROWS[label]) for label in ("linear", "TIES", "DARE-TIES"))
    rows = over_seeds(ROWS["linear; embedding by `rows`"])
    said = (
        f"Over seeds and items, linear merging wins back {written(linear)} of the gap, and merging with weighted rows "
        f"{written(rows)}."
    )
    _, of_other_runs = DEMO.split(OTHER_RUNS)
    assert unheld(of_other_runs, [said]) == []
    assert "Seed by seed, weighted rows are better than linear merging in each of the four languages" in in_one_line(
        DEMO
    )
    assert (against_linear("linear_rows")["high"] < 0).all()
    apart = {
        "experts are better than their base": over_seeds(ROWS["experts, each in its own language"]).low > 0,
        "linear merging keeps more than TIES": linear.low > ties.high,
        "TIES keeps more than DARE-TIES": ties.low > dare.high,
        "linear merges of two languages keep more than those of four": (
            of_two("linear", "bits_per_byte").low > linear.high
        ),
    }
    made = {pattern: said for pattern, said in patterns("three seeds").items() if said != "trained once only"}
    assert made == {pattern: "yes" if sure else "not sure" for pattern, sure in apart.items()}
    assert set(GAP["setup"]) == {"1x"}, "other setups were trained once only"


def test_what_the_readme_says_of_another_processor_holds():
    assert (
        "the demo on another processor, which rounds sums differently, says Persian for acceptability, and Swedish and "
        "Icelandic for the other two." in in_one_line(README)
    )
    table = pd.read_csv(MEASURED / "other-processor/signal.csv", keep_default_na=False)
    cells = table[(table["benchmark"] == "") & (table["language"] != "eng") & table["tells"].astype(bool)]
    able = {measure: {LANGUAGES[code] for code in part["language"]} for measure, part in cells.groupby("measure")}
    both = {"Swedish", "Icelandic"}
    assert able == {"acceptability": {"Persian"}, "parity": both, "bits_per_byte": both}
