"""A language of one line stands for text, sizes, held-out text and benchmarks; lists are extended under `add`."""

import json
import time
from functools import reduce
from pathlib import Path

import pytest

from growmerge.catalogue.languages import languages
from growmerge.config import Study, check_local, load_files
from growmerge.config.load import merge_mappings, read_yaml
from growmerge.errors import GrowmergeError
from growmerge.study.costs import Costs, stated_counts
from growmerge.study.counted import counted_files
from growmerge.study.coverage import coverage, coverage_lines, languages_markdown
from growmerge.study.grid import Grid
from growmerge.study.plan import plan_of

CONFIG = Path(__file__).parents[2] / "config"
FULL, MINIATURE = CONFIG / "config.yaml", CONFIG / "miniature.yaml"


@pytest.fixture
def study(tmp_path):
    """The study of overlays, given as YAML, over config.yaml or the miniature."""

    def load(*overlays, over=(FULL,)):
        files = [*over]
        for number, text in enumerate(overlays):
            files.append(tmp_path / f"{number}.yaml")
            files[-1].write_text(text, encoding="utf-8")
        loaded = load_files(*files)
        check_local(loaded, files)
        return loaded

    return load


@pytest.fixture
def refused(study, tmp_path):
    def lines(*overlays, over=(FULL,)):
        with pytest.raises(GrowmergeError) as error:
            study(*overlays, over=over)
        return str(error.value).replace(f"{tmp_path}/", "").splitlines()

    return lines


def scored_on(study, code):
    return [benchmark.name for benchmark in study.benchmarks if benchmark.has(code)]


SHORT = {"one-gpu-own.yaml", "one-gpu-try.yaml"}  # tests/unit/test_one_gpu.py


@pytest.mark.parametrize("name", sorted({path.name for path in CONFIG.glob("*.yaml")} - SHORT))
def test_a_configuration_that_spells_its_languages_out_is_left_as_it_is(name):
    below = {
        "medium.yaml": [MINIATURE],
        "limits-of-merging-published.yaml": [CONFIG / "limits-of-merging.yaml"],
        "one-gpu-capped.yaml": [CONFIG / "one-gpu.yaml"],
    }
    files = [FULL, *below.get(name, [MINIATURE] if name.startswith("miniature-") else []), CONFIG / name]
    plain = Study.model_validate(reduce(merge_mappings, map(read_yaml, files)))
    assert load_files(*files).model_dump() == plain.model_dump()


def test_a_code_is_enough(study):
    found = study("study: nordic\nadd: {languages: [dan, {code: nob, epochs: 1}]}\n")
    assert found.language_codes == ["swe", "isl", "fao", "ekk", "fas", "dan", "nob"]
    danish, bokmaal = found.languages[-2:]
    assert (danish.name, danish.corpus, danish.evaluation, danish.epochs) == ("Danish", "dan", "flores-dan", None)
    assert (bokmaal.name, bokmaal.epochs) == ("Norwegian Bokmål", 1)
    text, flores = found.corpus("dan"), found.corpus("flores-dan")
    assert (text.sources[0].dataset, text.sources[0].config) == ("HuggingFaceFW/fineweb-2", "dan_Latn")
    assert (text.shards, text.heldout, text.expected.documents) == (32, 0, 45391655)
    english = found.corpus("flores-eng").sources[0]
    assert flores.sources[0] == english.model_copy(update={"config": "dan_Latn"}) and flores.heldout == 1
    assert scored_on(found, "dan") == ["multiblimp", "parity"], "though the study below lists other languages"
    assert scored_on(found, "swe") == scored_on(load_files(FULL), "swe")


def test_what_is_stated_goes_over_what_is_derived(study):
    keys = "{code: dan, name: Dansk, shards: 3, heldout: 0.1, evaluation: dan, epochs: 2, replay: 0.5}"
    found = study(f"study: x\nadd: {{languages: [{keys}]}}\n")
    danish = found.languages[-1]
    assert (danish.name, danish.evaluation, danish.epochs, danish.replay) == ("Dansk", "dan", 2, 0.5)
    assert (found.corpus("dan").shards, found.corpus("dan").heldout) == (3, 0.1)
    assert not [corpus for corpus in found.corpora if corpus.name == "flores-dan"]


def test_languages_of_an_overlay_replace_those_below_and_all_that_is_said_about_them(study):
    found = study("study: x\nlanguages: [dan, {code: fao}]\n")
    assert found.language_codes == ["dan", "fao"]
    assert found.unimax.fixed == {}
    assert found.replay.reference == "dan"
    swedish = load_files(FULL)
    for corpus, share in found.replay.corpora.items():
        of_swedish = swedish.replay.corpora[corpus] * 45391655 / 59485306
        assert share == pytest.approx(of_swedish, rel=0.001), "as many documents of English to one of the language"
    assert [b.name for b in found.benchmarks] == [
        *("blimp", "multiblimp", "blimp_single_error", "minimal_pair_mpararel", "parity")
    ], "those of Swedish or Estonian alone have nothing to score"
    assert scored_on(found, "dan") == ["multiblimp", "parity"]


def test_benchmarks_take_the_script_that_is_trained_on(study):
    more = "add: {benchmarks: [{name: belebele}, {name: bits_per_byte, limit: 9}]}\n"
    found = study("study: x\nlanguages: [{code: ara, script: Latn}, dan]\n" + more)
    assert scored_on(found, "ara") == ["parity", "belebele", "bits_per_byte"], (
        "MultiBLiMP has it in Arabic script alone"
    )
    configs = {b.name: b.dataset("ara").configs for b in found.benchmarks if b.name in ("parity", "belebele")}
    assert configs == {"parity": ("arb_Latn",), "belebele": ("arb_Latn",)}
    assert scored_on(found, "dan") == ["multiblimp", "parity", "belebele", "bits_per_byte"]
    usual = study("study: x\nlanguages: [{code: ara, script: Arab}, dan]\n" + more)
    assert scored_on(usual, "ara") == ["multiblimp", "parity", "belebele", "bits_per_byte"]
    assert not any(benchmark.sources for benchmark in usual.benchmarks)


def test_a_corpus_that_is_there_is_taken_whatever_its_script(study):
    full = (FULL, CONFIG / "limits-of-merging.yaml")
    arabic = study("study: x\nlanguages: [{code: ara, epochs: 1}, {code: eng, epochs: 1}]\n", over=full).languages[0]
    assert (arabic.corpus, arabic.evaluation) == ("ara", "flores-ara")


def test_sizes_and_orders_of_merges_are_cut_to_the_languages_that_are_there(study):
    over = (FULL, CONFIG / "limits-of-merging.yaml")
    entries = ", ".join(f"{{code: {code}, epochs: 1}}" for code in ("deu", "fra", "tur"))
    merging = study(f"study: x\nlanguages: [{entries}]\n", over=over).merging
    assert (merging.sizes, merging.series.orders) == ([2, 3], [["fra", "deu", "tur"]])


def test_several_overlays_extend_one_another_and_a_list_replaces_all(study):
    assert study("add: {languages: [dan]}\n", "add: {languages: [nob]}\n").language_codes[-2:] == ["dan", "nob"]
    assert study("add: {languages: [dan]}\n", "languages: [nob]\n").language_codes == ["nob"]
    assert study("languages: [nob]\n", "add: {languages: [dan]}\n").language_codes == ["nob", "dan"]


def test_methods_and_benchmarks_are_added_too(study):
    methods = "[{name: ties-0.9, method: ties, uses_base: true, parameters: {weight: 1.0, density: 0.9}}]"
    added = f"{{methods: {methods}, benchmarks: [{{name: belebele}}]}}"
    before, after = load_files(FULL), study(f"study: x\nadd: {added}\n")
    assert [m.name for m in after.merging.methods] == [*(m.name for m in before.merging.methods), "ties-0.9"]
    assert [b.name for b in after.benchmarks] == [*(b.name for b in before.benchmarks), "belebele"]


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("sv", "ISO 639-3, please: swe"),
        ("est", "Standard Estonian has the code 'ekk' here; write that"),
        ("qqq", "FineWeb-2 has no text of this language; name files of your own as its `text`, or a `corpus`"),
        ("eng", "FineWeb-2 has no text of this language; name a `corpus`"),
        ("srp", "there is text in Cyrl (4,146,124 documents) and Latn (586,381 documents); state which, such as"),
        ("{code: srp, script: Grek}", "'srp' is known in Cyrl and Latn"),
        ("{code: swe, shards: 2}", "the corpus 'swe' is in `corpora` already; change it there"),
        ("{code: dan, text: nowhere/*.jsonl}", "no such file"),
        ("{code: dan, epoch: 2}", "unknown key; did you mean 'epochs'?"),
    ],
)
def test_bad_input_is_told_with_its_cure(refused, language, told):
    (line,) = refused(f"study: x\nlanguages: [fin, {language}]\n")
    assert told in line
    assert line.startswith("0.yaml: languages.1") or "corpora" in line


def test_a_language_named_twice_by_synonyms_is_refused(refused):
    (line,) = refused("study: x\nadd: {languages: [{code: est, name: Estonian, corpus: ekk, epochs: 1}]}\n")
    assert line == (
        "0.yaml: add.languages.0.code = 'est': is another code of 'ekk', which is in the list, too; keep one of the two"
    )


def test_all_problems_of_new_languages_are_told_at_once(refused):
    found = refused("study: x\nlanguages: [sv, est, qqq, srp]\n")
    assert [line.split(" = ")[0] for line in found] == [f"0.yaml: languages.{i}.code" for i in range(4)]
    spelt = "{code: dan, name: Danish, corpus: dan}, {code: fin, name: Finnish, corpus: fi}"
    found = refused(f"study: x\nadd: {{languages: [{spelt}]}}\n", over=(FULL, MINIATURE))
    assert [line.split(": ")[1].split(" = ")[0] for line in found] == [
        "add.languages.0.corpus",
        "add.languages.1.corpus",
        "add.languages.0.epochs",
        "add.languages.1.epochs",
    ]


@pytest.mark.parametrize(
    ("overlay", "told"),
    [
        ("english: eng", "0.yaml: english = 'eng'"),
        ("benchmarks: [blimp]", "0.yaml: benchmarks.0 = 'blimp'"),
        ("benchmarks: 5", "0.yaml: benchmarks = 5"),
        ("replay: {corpora: {eng80: much}}", "0.yaml: replay.corpora.eng80 = 'much'"),
        ("unimax: {fixed: [swe]}", "0.yaml: unimax.fixed = ['swe']"),
        ("corpora: {eng: 1}", "0.yaml: corpora = {'eng': 1}"),
        ("add: {corpora: [dan]}", "0.yaml: add.corpora.0 = 'dan'"),
        ("add: {languages: [5]}", "0.yaml: add.languages.0 = 5"),
        ("add: {languages: [{name: Danish, corpus: swe}]}", "0.yaml: add.languages.0.code: is missing"),
        ("add: {languages: [{code: fin, shards: many}]}", "0.yaml: add.languages.0.shards = 'many'"),
        ("add: {languages: [{code: fin, text: 5}]}", "0.yaml: add.languages.0.text = 5"),
    ],
)
def test_slips_elsewhere_are_told_beside_short_languages(refused, overlay, told):
    (line,) = refused(f"study: x\nlanguages: [dan, nob]\n{overlay}\n")
    assert line.startswith(told)


def test_what_cannot_be_extended_is_refused(refused):
    assert refused("add: {langages: [dan]}\n") == [
        "0.yaml: add.langages = ['dan']: there is no such list to extend; did you mean 'languages'?"
    ]
    assert "must be a list" in refused("add: {languages: dan}\n")[0]
    assert "must be a mapping" in refused("add: [dan]\n")[0]


def test_a_language_without_any_benchmark_is_refused_unless_it_is_accepted(study, refused):
    none = "study: x\nlanguages: [dan]\nbenchmarks: [{name: blimp}]\n"
    (line,) = refused(none)
    assert line.startswith("0.yaml: languages.0.code = 'dan': no benchmark of this study has this language")
    assert study(none.replace("[dan]", "[{code: dan, unscored: true}]")).languages[0].unscored


# --- own text -------------------------------------------------------------------------------------------------------


def write_lines(path, count, words="a sentence of text"):
    path.write_text("".join(f"{words} {number}\n" for number in range(count)), encoding="utf-8")
    return path


def test_own_text_of_one_sentence_a_line_is_counted_and_held_out(study, tmp_path):
    file = write_lines(tmp_path / "fo.txt", 400)
    found = study(f"study: x\nadd: {{languages: [{{code: fao, text: '{file}', epochs: 2}}]}}\n", over=(FULL, MINIATURE))
    corpus = found.corpus("fao")
    assert corpus.sources[0].lines and corpus.heldout == found.corpus("eng").heldout
    lines = file.read_text(encoding="utf-8").splitlines()
    assert (corpus.heldout, corpus.expected.documents) == (0.08, 368)
    assert corpus.expected.characters == round(0.92 * sum(map(len, lines)))
    assert scored_on(found, "fao") == ["acceptability", "bits_per_byte"], "parity needs parallel sentences"
    assert any("fao: no sentences that are parallel" in line for line in coverage_lines(Grid(found)))


def test_own_text_in_paragraphs_and_in_json_lines_is_counted(study, tmp_path):
    (tmp_path / "a.txt").write_text("one line\nand another\n\na second paragraph\n", encoding="utf-8")
    rows = [{"text": f"document {number}"} for number in range(30)]
    (tmp_path / "b.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    for name, documents in (("a.txt", 2), ("b.jsonl", 30)):
        found = study(
            f"add: {{languages: [{{code: qqq, text: '{tmp_path / name}', epochs: 1}}]}}\n", over=(FULL, MINIATURE)
        )
        assert found.corpus("qqq").expected.documents == round(0.92 * documents)
        assert not getattr(found.corpus("qqq").sources[0], "lines", False)
        assert found.languages[-1].name == "qqq", "a language that no catalogue knows"


def test_a_large_file_is_estimated_from_its_beginning(study, tmp_path):
    file = write_lines(tmp_path / "large.txt", 200_000)
    found = study(f"study: x\nadd: {{languages: [{{code: fao, text: '{file}', epochs: 2}}]}}\n", over=(FULL, MINIATURE))
    assert found.corpus("fao").expected.documents == pytest.approx(0.92 * 200_000, rel=0.05)


def test_of_many_files_the_first_ones_stand_for_all(study, tmp_path):
    for number in range(40):
        write_lines(tmp_path / f"{number:02}.txt", 100)
    text = f"{tmp_path}/*.txt"
    found = study(f"study: x\nadd: {{languages: [{{code: fao, text: '{text}', epochs: 2}}]}}\n", over=(FULL, MINIATURE))
    assert found.corpus("fao").expected.documents == round(0.92 * 4000)


def test_a_plan_counts_local_files_of_a_corpus_without_a_stated_size(study, tmp_path):
    file = write_lines(tmp_path / "fo.txt", 400)
    source = f"{{kind: files, paths: ['{file}'], lines: true}}"
    corpora = f"[{{name: fao, sources: [{source}], heldout: 0.1}}]"
    found = study(
        f"study: x\nadd: {{corpora: {corpora}, languages: [{{code: fao, corpus: fao, name: F, epochs: 1}}]}}\n",
        over=(FULL, MINIATURE),
    )
    assert found.expected("fao") is None
    assert counted_files(found)["fao"].documents == 360, "but for those that are held out"
    assert plan_of(found).costs.steps("1x/fao") > 0


# --- all of them ----------------------------------------------------------------------------------------------------


def shared_with_multiblimp():
    with_pairs = [rows[0] for rows in languages().values() if any("multiblimp" in known.benchmarks for known in rows)]
    return [known for known in with_pairs if known.subset]


def test_every_language_of_multiblimp_and_fineweb_validates_expands_and_plans_in_seconds(study, tmp_path):
    shared = shared_with_multiblimp()
    assert len(shared) == 90
    started = time.perf_counter()
    entries = ", ".join(f"{{code: {known.code}, script: {known.script}}}" for known in shared)
    together = study(
        f"study: all\nlanguages: [{entries}]\nmerging: {{sizes: [90]}}\nunimax: {{characters: 1.0e+13}}\n"
        "add: {benchmarks: [{name: bits_per_byte, limit: 100}]}\n"
    )
    grid = Grid(together)
    costs = Costs(grid, stated_counts(together))
    assert all(costs.steps(f"1x/{known.code}") > 0 for known in shared)
    assert len(list(languages_markdown(costs))) > 2 * 90
    assert time.perf_counter() - started < 20
    for found in coverage(together):
        assert "multiblimp" in found.has


# --- what is said before it is spent --------------------------------------------------------------------------------


def test_coverage_says_what_a_language_has_and_lacks_and_what_the_registry_adds(study):
    (danish,) = [found for found in coverage(study("add: {languages: [dan]}\n")) if found.code == "dan"]
    assert danish.has == ["multiblimp", "parity"]
    assert danish.lacks == ["blimp_single_error", "minimal_pair_mpararel"], "not what is of Swedish alone"
    assert danish.further == ["global_piqa", "belebele", "translation"]
    assert danish.line == (
        "dan (Danish): scored on multiblimp, parity; not in blimp_single_error, minimal_pair_mpararel; the registry "
        "also has it in global_piqa, belebele, translation"
    )


def test_many_merges_come_with_advice(study):
    assert not any("merges:" in line for line in coverage_lines(Grid(load_files(FULL))))
    grid = Grid(study("add: {languages: [dan, nob, fin]}\n"))
    assert len(grid.merges) == 3705
    (advice,) = [line for line in coverage_lines(grid) if "merges:" in line]
    assert "`merging: {sizes: [2, 8], series: {drawn: 1}}` makes 510:" in advice
    fewer = Grid(study("add: {languages: [dan, nob, fin]}\n", "merging: {sizes: [2, 8], series: {drawn: 1}}\n"))
    assert len(fewer.merges) == 510
