"""The plan lists every artifact with what it takes, and its disk is what such artifacts take."""

import csv
from collections import Counter
from io import StringIO
from pathlib import Path

import pytest
import yaml
from small_disk import small_disk

from growmerge import ids
from growmerge.artifacts import publish
from growmerge.config import load_files, validate
from growmerge.config.load import merge_mappings, read_yaml
from growmerge.errors import GrowmergeError
from growmerge.study.costs import Costs, stated_counts
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout
from growmerge.study.matching import compared_models, match_compute
from growmerge.study.plan import begun_bytes, plan_of, refuse_without_room
from growmerge.study.plan_files import count_files
from growmerge.study.plan_report import (
    COLUMNS,
    gpu_hours,
    missing_disk,
    peak_disk,
    plan_csv,
    plan_markdown,
    readable_bytes,
)
from growmerge.study.plan_rows import KINDS, built_counts, plan_rows
from growmerge.study.plan_unimax import changed_line, changed_models

CONFIG = Path(__file__).parents[2] / "config"


class Planned:
    def __init__(self, study):
        self.study = study
        self.grid = Grid(self.study)
        self.layout = Layout(self.study, self.grid)
        self.costs = Costs(self.grid, stated_counts(self.study))
        self.matches = match_compute(self.costs, 0.1)
        matched = [m for m in compared_models(self.matches, self.costs) if m.kind == "checkpoint"]
        self.rows = plan_rows(self.grid, self.layout, self.costs, matched)
        self.table = list(csv.DictReader(StringIO(plan_csv(self.rows, self.costs))))


def planned_files(*files):
    return Planned(load_files(*(CONFIG / file for file in files)))


@pytest.fixture(scope="module")
def paper():
    return planned_files("config.yaml")


@pytest.fixture(scope="module")
def miniature():
    return planned_files("config.yaml", "miniature.yaml", "miniature-translation.yaml")


def test_the_paper_is_listed_whole(paper):
    assert tuple(paper.table[0]) == COLUMNS
    assert Counter(row["kind"] for row in paper.table) == {
        "shards": 8,
        "base": 4,
        "clone": 2,
        "model": 18,
        "merge": 390,
        "external": 6,
        "score": 6 + 18 + 390 + 6 + 15,
    }
    assert [row.kind for row in paper.rows] == sorted((row.kind for row in paper.rows), key=KINDS.index)


def test_merges_made_for_languages_are_planned_on_top_of_the_paper(paper):
    beyond = planned_files("config.yaml", "beyond.yaml")
    made = ("shards", "base", "clone", "model", "merge", "external")
    before, after = ({(r.kind, r.id): (r.tokens, r.flops) for r in p.rows if r.kind in made} for p in (paper, beyond))
    assert before.items() <= after.items(), "what the paper makes stays as it is"
    # In each setup all combinations by three methods, all languages by two; five experts and a merge of four rounds.
    added = {"model": 4 * 5, "merge": 3 * (3 * 26 + 2) + 4}
    assert Counter(kind for kind, _ in after.keys() - before.keys()) == added
    healed = [row for row in beyond.rows if row.kind == "healed"]
    assert Counter(row.setup for row in healed) == dict.fromkeys(("1x", "1x_cloned", "2x"), 3 * 3)
    assert all(row.flops > 0 for row in healed)


def test_the_medium_study_is_a_step_from_the_miniature_towards_the_paper(paper, miniature):
    medium = planned_files("config.yaml", "miniature.yaml", "medium.yaml")

    def embedding(planned):
        study = planned.study
        return study.tokenizer.vocab_size * study.architecture.hidden_size / planned.costs.parameters(1)

    assert embedding(medium) == pytest.approx(embedding(paper), abs=0.01)
    assert embedding(miniature) > 0.65
    assert medium.costs.parameters(1) / miniature.costs.parameters(1) == pytest.approx(10, abs=0.5)


def test_ids_are_unique_within_a_kind(paper, miniature):
    for planned in (paper, miniature):
        keys = [(row.kind, row.id) for row in planned.rows]
        assert len(keys) == len(set(keys))


def test_what_a_row_says_of_the_paper(paper):
    rows = {(row["kind"], row["id"]): row for row in paper.table}
    swedish = rows["model", "2x/swe"]
    assert (swedish["setup"], swedish["target"], swedish["parameters"]) == ("2x", "swe", "572494464")
    assert int(swedish["tokens"]) == 6279 * 5120 * 2048
    assert float(swedish["gpu_hours"]) == pytest.approx(float(swedish["flops"]) / (989e12 * 0.4) / 3600, rel=1e-4)
    beside = 135 * 128_256 + 50_000  # tokenizer and small files
    assert int(swedish["disk_bytes"]) == 26 * (4 * 572494464 + beside), "25 checkpoints and the model, in fp32"
    merge = rows["merge", "1x/isl+swe/ties"]
    assert (merge["method"], int(merge["disk_bytes"]), float(merge["flops"])) == ("ties", 2 * 180078912 + beside, 0.0)
    assert int(rows["shards", "swe"]["tokens"]) == 31_334_642 * 2048
    assert rows["clone", "seed-x2"]["flops"] == "0"


def scores_with_and_without_translation(planned):
    others = [benchmark for benchmark in planned.study.benchmarks if benchmark.name != "translation"]
    without = Planned(planned.study.model_copy(update={"benchmarks": others}))
    pairs = list(zip(planned.rows, without.rows, strict=True))
    assert all(a == b for a, b in pairs if a.kind != "score")
    return {a.id: (a, b) for a, b in pairs if a.kind == "score"}


def test_translation_adds_the_flops_of_generation(miniature):
    a, v = miniature.study.architecture, miniature.study.tokenizer.vocab_size
    assert a.num_attention_heads * a.head_dim == a.hidden_size
    # Six items a language; an example of two texts of 40 tokens and a source of 40; 20 new tokens.
    prompt, new = 120, 20
    scores = scores_with_and_without_translation(miniature)
    models = (("base-2x", 2, 5), ("1x/swe", 1, 2), ("2x/swe", 2, 2), ("2x/ekk+swe/linear", 2, 3), ("2x/multi", 2, 5))
    for model, width, languages in models:
        items = 6 * languages
        hidden, ffn, kv = (width * n for n in (a.hidden_size, a.intermediate_size, a.num_key_value_heads * a.head_dim))
        layer_of_a_token = 2 * hidden * (hidden + 2 * kv) + 2 * hidden * hidden + 6 * hidden * ffn
        layer = 139 * layer_of_a_token  # the last new token passes through nothing
        layer += 4 * hidden * (120 * 120 + sum(range(121, 140)))
        one = a.num_hidden_layers * layer + new * 2 * hidden * v
        with_it, without = scores[model]
        assert with_it.flops - without.flops == pytest.approx(items * one, rel=1e-9)
        assert with_it.tokens - without.tokens == items * (prompt + new)
        assert with_it.disk_bytes - without.disk_bytes == items * 700


def test_translation_by_models_of_others_counts_two_flops_a_parameter_and_token():
    scores = scores_with_and_without_translation(planned_files("config.yaml", "limits-of-merging.yaml"))
    with_it, without = scores["external/eurollm-1.7b"]
    # Ten languages of 1,000 items; five examples of two texts and a source; 256 new tokens.
    assert with_it.flops - without.flops == pytest.approx(2 * 1_657_000_000 * 10_000 * (11 * 40 + 256), rel=1e-9)


def test_the_report_says_what_generation_is_assumed_to_be(miniature):
    report = plan_markdown(miniature.rows, miniature.costs, miniature.matches, free_bytes=10**12)
    assert "each a text of 40 tokens, and as `max_new_tokens` new tokens, an upper bound" in report


def test_gpu_hours():
    assert gpu_hours(3600 * 100e12, peak_tflops=200, utilisation=0.5) == pytest.approx(1.0)


def test_kept_merges_raise_the_peak_by_all_of_them_and_others_take_no_disk(paper):
    merges = [row.disk_bytes for row in paper.rows if row.kind == "merge"]
    difference = peak_disk(paper.rows, keep_merges=True) - peak_disk(paper.rows, keep_merges=False)
    assert difference == sum(merges)
    assert sum(merges) == 130 * 2 * (180_078_912 + 2 * 572_494_464) + 390 * (135 * 128_256 + 50_000)


def test_checkpoints_from_elsewhere_count_as_long_as_those_of_one_step_are_merged():
    planned = planned_files("limits-of-merging.yaml", "limits-of-merging-published.yaml")
    taken = [row for row in planned.rows if row.kind == "checkpoint"]
    assert len(taken) == 47 * 11, "ten languages and the mixed model"
    size = 4 * planned.costs.parameters(1) + 135 * planned.study.tokenizer.vocab_size + 50_000
    assert {row.disk_bytes for row in taken} == {size}
    without = [row for row in planned.rows if row.kind != "checkpoint"]
    assert peak_disk(planned.rows, keep_merges=False) - peak_disk(without, keep_merges=False) == 11 * size
    scored = Counter(row.id for row in planned.rows if row.kind == "score")
    assert (scored["scratch/multi@1000"], scored["scratch/ara@1000"]) == (1, 0)


def with_norwegian(study, **fixed):
    """The study with two more languages that take their shares of the budget of UniMax, and others fixed as well."""
    data = study.model_dump(mode="json", by_alias=True)
    swedish = next(corpus for corpus in data["corpora"] if corpus["name"] == "swe")
    size = {"documents": 10**8, "tokens": 7 * 10**9, "characters": 20 * 10**9}
    for code in ("nno", "nob"):
        data["corpora"].append(swedish | {"name": code, "expected": size})
        data["languages"].append(data["languages"][0] | {"code": code, "name": code, "corpus": code})
    data["unimax"]["fixed"] |= fixed
    return Planned(validate(data))


def finished(planned, *models):
    for model in models:
        with publish(Path(planned.layout.model(model)), config=planned.costs.recipes.of(model).plain()) as draft:
            (draft.folder / "weights").write_text("")
            draft.facts["steps"] = planned.costs.steps(model)


def test_the_plan_names_the_finished_models_to_which_unimax_gives_other_epochs(paper, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    finished(paper, "1x/isl", "2x/isl", "1x/fao", "1x/swe", "1x/multi")
    assert changed_models(paper.layout, paper.costs) == []
    new = with_norwegian(paper.study)
    changed = changed_models(new.layout, new.costs)
    # Swedish is fixed, Faroese has its six epochs in any case, and a model of all languages changes with every one.
    assert [model.id for model in changed] == ["1x/isl", "2x/isl"]
    assert (changed[0].steps, changed[0].steps_now) == (2514, 2339)
    assert changed[0].epochs > changed[0].epochs_now

    report = plan_markdown(new.rows, new.costs, new.matches, free_bytes=10**14, changed=changed)
    before, now = changed[0].epochs, changed[0].epochs_now
    assert f"| 1x/isl | {before:.4g} | {now:.4g} | 2,514 | 2,339 |" in report
    assert f"state `unimax: {{fixed: {{swe: 1.0, fas: 1.0, isl: {before!r}}}}}`" in report
    assert "UniMax" not in plan_markdown(paper.rows, paper.costs, paper.matches, free_bytes=10**14)

    assert changed_line(paper.layout, paper.costs) == ""
    line = changed_line(new.layout, new.costs)
    assert f": 1x/isl ({before:.4g} -> {now:.4g}), 2x/isl ({before:.4g} -> {now:.4g}); `snakemake plan` says" in line
    Path(new.layout.model("1x/isl"), "manifest.json").write_text("{", encoding="utf-8")
    assert changed_line(new.layout, new.costs) == "", "the job that reads it says so"


def test_models_whose_epochs_are_fixed_stay_as_they_are(paper, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    finished(paper, "1x/isl", "2x/isl")
    stated = yaml.safe_load(f"{{isl: {paper.costs.recipes.epochs['isl']!r}}}")
    new = with_norwegian(paper.study, **stated)
    assert changed_models(new.layout, new.costs) == []
    for setup in ("1x", "1x_cloned", "2x"):
        assert new.costs.recipes.of(f"{setup}/isl").plain() == paper.costs.recipes.of(f"{setup}/isl").plain()


def test_a_budget_that_is_used_up_shares_nothing_out_if_the_others_state_their_epochs(paper):
    """Finished languages as they were, and new ones with epochs of their own: no reason to refuse the study."""
    epochs = paper.costs.recipes.epochs
    data = with_norwegian(paper.study).study.model_dump(mode="json", by_alias=True)
    data["unimax"] = {"characters": 1.0, "max_epochs": 6, "fixed": {code: epochs[code] for code in epochs}}
    with pytest.raises(
        GrowmergeError, match=r"unimax.characters = 1.0: is used up by .* state the `epochs` of nno, nob"
    ):
        validate(data)
    for language in data["languages"][-2:]:
        language["epochs"] = 2.0
    assert Planned(validate(data)).costs.recipes.epochs == epochs | {"nno": 2.0, "nob": 2.0}


def test_the_report_says_totals_trainings_and_matches(paper):
    report = plan_markdown(paper.rows, paper.costs, paper.matches, free_bytes=10**12)
    assert "| merge | 390 | 0 |" in report
    assert "| 1x/fao | 180,078,912 | 144 | 10 | 114 | 24 |" in report
    assert "| isl | 1x | 2,514 | 2x | 250 | +22.5% | excluded |" in report
    assert "It does not fit" in report
    assert "It does not fit" not in plan_markdown(paper.rows, paper.costs, paper.matches, free_bytes=10**14)


def test_what_is_missing_is_the_peak_of_what_is_not_built(paper, monkeypatch):
    def missing(free=0, begun=0):
        return missing_disk(paper.rows, keep_merges=False, begun=begun, free=free)

    peak = peak_disk(paper.rows, keep_merges=False)
    assert missing() == peak
    assert missing(free=peak - 10) == 10
    assert missing(free=peak - 10, begun=10) == 0
    assert missing(free=10 * peak) == 0

    built = {row.path for row in paper.rows if row.kind not in ("merge", "score")}
    monkeypatch.setattr(Path, "exists", lambda path: str(path) in built)
    scores = sum(row.disk_bytes for row in paper.rows if row.kind == "score")
    assert missing() == scores, "of models that are made, neither weights nor states are counted"

    monkeypatch.setattr(Path, "exists", lambda path: True)
    assert missing() == 0, "merges that are scored are not made again"


def test_a_study_that_does_not_fit_is_refused_where_its_results_really_lie(tmp_path):
    study = load_files(CONFIG / "config.yaml", CONFIG / "miniature.yaml")
    refuse_without_room(study, plan_of(study))
    with small_disk(tmp_path / "small", 2**20):
        (tmp_path / "results").symlink_to("small")
        with pytest.raises(GrowmergeError) as error:
            refuse_without_room(study, plan_of(study))
    where = f"results/miniature: the study does not fit on this disk ({tmp_path}/small/miniature): it needs "
    assert str(error.value).startswith(where)
    assert "more at its peak, 1.05 MB are free, " in str(error.value)


def test_what_cannot_be_planned_is_not_refused(miniature):
    corpora = [corpus.model_copy(update={"expected": None}) for corpus in miniature.study.corpora]
    assert plan_of(miniature.study.model_copy(update={"corpora": corpora})) is None


def test_what_a_killed_training_left_counts_as_begun(miniature, tmp_path):
    assert begun_bytes(miniature.rows, miniature.layout) == 0
    built = ("tokens/swe/1-of-1/x", "documents/swe/1-of-1/x", "models/x/x")
    for name in ("work/1x/swe/x/state-1/weights", "documents/isl/1-of-1/x", *built):
        (tmp_path / "results/miniature" / name).parent.mkdir(parents=True)
        (tmp_path / "results/miniature" / name).write_bytes(b"x" * 100)
    assert begun_bytes(miniature.rows, miniature.layout) == 200


def test_readable_bytes():
    assert [readable_bytes(n) for n in (12, 1500, 2_340_000_000)] == ["12 B", "1.5 kB", "2.34 GB"]


def test_built_shards_replace_expectations_and_count_as_built(miniature, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert built_counts(miniature.layout, ["swe", "isl"]) == {}
    (shard,) = miniature.layout.shards("swe")
    with publish(Path(shard)) as draft:
        draft.facts |= {"documents": 70, "tokens": 5000, "characters": 20000}
    counts = built_counts(miniature.layout, ["swe", "isl"])
    assert {part: (c.documents, c.tokens, c.characters) for part, c in counts.items()} == {"swe": (70, 5000, 20000)}
    costs = Costs(miniature.grid, stated_counts(miniature.study) | counts)
    rows = plan_rows(miniature.grid, miniature.layout, costs, [])
    assert {row.id: (row.tokens, row.built) for row in rows if row.kind == "shards"}["swe"] == (5000, True)
    assert sum(row.built for row in rows) == 1


def test_files_are_counted_and_a_merge_that_is_not_kept_has_few(miniature):
    def scores(**merging):
        data = merge_mappings(read_yaml(CONFIG / "config.yaml"), read_yaml(CONFIG / "miniature.yaml"))
        benchmarks = [benchmark for benchmark in data["benchmarks"] if benchmark["name"] != "translation"]
        study = validate(merge_mappings(data, {"benchmarks": benchmarks, "merging": merging}))
        planned = Planned(study)
        merges = [m for m in planned.grid.merges if m.id not in planned.grid.kept]
        others = [row for row in planned.rows if row.kind == "score" and row.id not in {m.id for m in merges}]
        return count_files(planned.rows, planned.costs), len(merges), len(others)

    temporary, merges, others = scores(keep=False)
    assert temporary.scores == 2 * merges + 3 * others, "items, manifest; and results.json of what is kept"
    assert temporary.records == merges + others
    assert (temporary.scores - 3 * others + temporary.records - others) / merges == 3
    kept, *_ = scores(keep=True)
    assert kept.scores == 3 * (merges + others)
    assert kept.models == temporary.models + 8 * merges
    report = plan_markdown(miniature.rows, miniature.costs, miniature.matches, 10**12)
    files = count_files(miniature.rows, miniature.costs)
    assert f"Files: {sum(files):,}, without those of text" in report


def test_merges_of_twenty_languages_leave_at_most_three_files_each():
    """With Snakemake's records in one file, as docs/cluster.md advises for grids of this size."""
    data = merge_mappings(read_yaml(CONFIG / "config.yaml"), read_yaml(CONFIG / "miniature.yaml"))
    codes = ["swe", *(f"q{letter}a" for letter in "abcdefghijklmnopqrs")]
    listed = [{"code": code, "name": code, "corpus": "swe", "evaluation": "swe", "epochs": 1} for code in codes]
    merging = data["merging"] | {"sizes": [2], "series": {"drawn": 0}, "over_training": None}
    benchmarks = [benchmark for benchmark in data["benchmarks"] if benchmark["name"] != "translation"]
    study = validate(data | {"languages": listed, "merging": merging, "benchmarks": benchmarks})
    planned = Planned(study)
    merges = {merge.id for merge in planned.grid.merges} - set(planned.grid.kept)
    assert len(merges) > 3000
    files = count_files([row for row in planned.rows if row.id in merges and row.kind == "score"], planned.costs)
    assert (files.models, files.records) == (0, len(merges))
    assert 2 < (files.scores + files.jobs) / len(merges) <= 3


def test_the_jobs_that_score_are_counted_by_combination(paper):
    files = count_files(paper.rows, paper.costs)
    combinations = {ids.without_method(merge.id) for merge in paper.grid.merges}
    scored = [row for row in paper.rows if row.kind == "score" and row.id not in {m.id for m in paper.grid.merges}]
    assert files.jobs == 2 * (len(combinations) + len(scored))
