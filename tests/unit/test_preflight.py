"""A preflight says of everything that a study takes from elsewhere whether it is there."""

import json
import re
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dataset_server import COMMIT, DatasetServer
from hub_folder import write_dataset
from hub_server import run_with_hub

from growmerge.config import load_files
from growmerge.config.load import merge_mappings, read_yaml, validate
from growmerge.preflight.repository import nearest
from growmerge.preflight.run import look_up_all
from growmerge.study.grid import Grid
from growmerge.study.preflight import Need, needs_of
from growmerge.study.preflight_report import Finding, preflight_markdown

CONFIG = Path(__file__).parents[2] / "config"
FULL = CONFIG / "config.yaml"


# --- what a study needs -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def full():
    study = load_files(FULL)
    return needs_of(study, Grid(study))


def test_every_data_set_is_needed_with_its_configuration_split_and_columns(full):
    corpus = Need("rows", "HuggingFaceFW/fineweb-2", None, "isl_Latn", ("train",), ("text", "id"), shards=4)
    pairs = ("sentence_bad", "sentence_good")
    blimp = [need for need in full if need.name == "nyu-mll/blimp"]
    assert full[corpus] == ["corpora.isl"]
    listed = Need("rows", "HuggingFaceTB/smollm-corpus", None, "python-edu", ("train",), ("blob_id",))
    assert full[listed] == ["corpora.code"], "the list of the archive's files alone"
    assert len(blimp) == 67
    assert {(need.splits, need.columns) for need in blimp} == {(("train",), pairs)}
    (converted,) = [need for need in full if need.name == "sbx/superlim-2"]
    assert converted.in_folders
    assert converted.splits == ("train", "validation", "test")


def test_what_several_benchmarks_need_is_asked_once_and_names_them_all(full):
    where = ("eng_Latn", ("devtest",))
    needs = [need for need in full if need.revision and (need.config, need.splits) == where]
    (english,) = [need for need in needs if any(name.startswith("benchmarks.") for name in full[need])]
    assert full[english] == [f"benchmarks.parity ({code})" for code in ("eng", "swe", "isl", "fao", "ekk", "fas")]


def test_models_branches_and_the_tokenizer_are_needed(full):
    assert full[Need("tokenizer", "meta-llama/Llama-3.3-70B-Instruct")] == ["tokenizer.pretrained"]
    assert full[Need("model", "google/gemma-3-1b-pt")] == ["model external/gemma-3-1b"]
    study = load_files(FULL, CONFIG / "limits-of-merging.yaml", CONFIG / "limits-of-merging-published.yaml")
    branches = [need.revision for need in needs_of(study, Grid(study)) if need.name == "sethjsa/mixed-10-checkpoints"]
    assert {None, "checkpoint_0000000", "checkpoint_0001000"} <= set(branches)


def test_a_study_that_trains_nothing_needs_no_text_to_train_on():
    study = load_files(FULL, CONFIG / "published.yaml")
    needed = {need.name for need in needs_of(study, Grid(study))}
    assert "liu-nlp/HyperLlama-180M-swedish-1x" in needed
    assert needed.isdisjoint({"HuggingFaceFW/fineweb-2", "HuggingFaceTB/smollm-corpus"})


def test_the_miniature_needs_nothing_but_packages():
    study = load_files(FULL, CONFIG / "miniature.yaml")
    assert needs_of(study, Grid(study)) == {}


def test_examples_are_a_split_and_files_of_ones_own_are_looked_at():
    study = study_with(
        languages=[language | {"unscored": True} for language in read_yaml(FULL)["languages"]],
        benchmarks=[
            {"name": "hellaswag", "languages": ["eng"]},
            {"name": "mpararel", "languages": ["swe"], "sources": {"swe": {"dataset": "clone"}}},
            {"name": "own", "use": "inflection", "limit": 9, "inflection": {"lexicons": {"swe": "swe.txt"}}},
        ],
    )
    needs = needs_of(study, Grid(study))
    (hellaswag,) = [need for need in needs if need.name == "Rowan/hellaswag"]
    assert hellaswag.splits == ("validation", "train")
    assert Need("files", "clone/*/sv/*") in needs
    assert Need("files", "swe.txt") in needs


def study_with(**sections):
    return validate(merge_mappings(read_yaml(FULL), sections))


# --- what is there ----------------------------------------------------------------------------------------------------


class WholeHub(DatasetServer):
    """Serves folders as repositories, of data sets and models alike, with branches, tags and gates.

    All branches and tags have the same files. `gated` repositories give access to the token `hf_good` alone.
    """

    branches = ("main", "checkpoint_0000000", "refs/convert/parquet")
    tags = ("v1",)

    def __init__(self, repositories, gated=()):
        super().__init__(repositories)
        self.gated = gated

    def answer(self, request):
        address = urlsplit(request.path)
        parts = [unquote(part) for part in address.path.strip("/").split("/")]
        if parts[0] != "api":
            return super().answer(request)
        if len(parts) == 2:
            (owner,) = parse_qs(address.query)["author"]
            return self._json(request, 200, [{"id": name} for name in self.repositories if name.startswith(owner)])
        repository, verb, rest = "/".join(parts[2:4]), "/".join(parts[4:5]), "/".join(parts[5:])
        if repository not in self.repositories:
            return self._json(request, 404, {}, {"X-Error-Code": "RepoNotFound"})
        if verb == "refs":
            branches = [{"name": name, "ref": f"refs/heads/{name}", "targetCommit": COMMIT} for name in self.branches]
            tags = [{"name": name, "ref": f"refs/tags/{name}", "targetCommit": COMMIT} for name in self.tags]
            return self._json(request, 200, {"branches": branches, "converts": [], "tags": tags})
        if verb == "auth-check":
            refused = repository in self.gated and request.headers.get("Authorization") != "Bearer hf_good"
            return self._json(request, 403 if refused else 200, {}, {"X-Error-Code": "GatedRepo"} if refused else {})
        if verb == "revision" and rest not in (*self.branches, *self.tags, COMMIT):
            return self._json(request, 404, {}, {"X-Error-Code": "RevisionNotFound"})
        if verb not in ("", "revision"):
            return super().answer(request)
        folder = self.repositories[repository]
        files = [{"rfilename": path.relative_to(folder).as_posix()} for path in folder.rglob("*") if path.is_file()]
        about = {"id": repository, "sha": COMMIT, "siblings": files}
        return self._json(request, 200, about | {"gated": "auto" if repository in self.gated else False})


LOOK_UP = """
    import json
    from growmerge.study.preflight import Need
    from growmerge.preflight.run import look_up_all
    for need, found in look_up_all({needs}).items():
        print(json.dumps([found.state, list(found.remarks), found.gated, found.unpinned]))
"""


def look_up(needs, url, cache, **variables):
    lines = run_with_hub(LOOK_UP.format(needs=needs).strip(), url, cache, **variables).splitlines()
    return [Finding(*json.loads(line)) for line in lines]


@pytest.fixture(scope="module")
def repositories(tmp_path_factory):
    folder = tmp_path_factory.mktemp("repositories")
    row = {"id": "a", "text": "b", "meta": {"error_label": "c"}}
    write_dataset(folder / "web", {"isl_Latn": {"train": [row], "test": [row]}, "swe_Latn": {"train": [row]}})
    (folder / "converted" / "dalaj" / "train").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist([row]), folder / "converted" / "dalaj" / "train" / "0000.parquet")
    (folder / "lines").mkdir()
    (folder / "lines" / "train.jsonl").write_text(json.dumps(row) + "\n")
    for name, files in {
        "model": ["config.json", "model.safetensors", "tokenizer.json"],
        "pickled": ["config.json", "pytorch_model.bin", "tokenizer.json", "onnx/model.safetensors"],
    }.items():
        for file in files:
            (folder / name / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / name / file).write_text("{}")
    return {f"owner/{path.name}": path for path in folder.iterdir()}


def web(config="isl_Latn", splits=("train",), columns=("text",), revision=COMMIT, name="owner/web", **more):
    return Need("rows", name, revision, config, splits, columns, **more)


NEEDS = {
    "there": (web(columns=("id", "text", "meta.error_label")), "there", ""),
    "all splits": (web(splits=()), "there", ""),
    "a tag is pinned": (web(revision="v1"), "there", ""),
    "JSON lines": (web(None, name="owner/lines", columns=("text", "meta.error_label")), "there", ""),
    "a folder as configuration": (
        web("dalaj", name="owner/converted", revision="refs/convert/parquet", in_folders=True),
        "there",
        "",
    ),
    "a model": (Need("model", "owner/model", COMMIT), "there", ""),
    "a tokenizer": (Need("tokenizer", "owner/model", COMMIT), "there", ""),
    "a data set": (
        web(name="owner/wep"),
        "missing",
        "the hub has no such dataset, or it is private: the nearest is 'owner/web'",
    ),
    "a configuration": (web("isl_Lat"), "missing", "no configuration 'isl_Lat': the nearest is 'isl_Latn'"),
    "a configuration of several": (web(None), "missing", "no configuration is named: there are isl_Latn, swe_Latn"),
    "a folder": (
        web("dalai", name="owner/converted", revision="refs/convert/parquet", in_folders=True),
        "missing",
        "no configuration 'dalai': the nearest is 'dalaj'",
    ),
    "a split": (web(splits=("train", "tset")), "missing", "no split 'tset': the nearest is 'test'"),
    "a column": (web(columns=("txt",)), "missing", "no column 'txt' in split 'train': the nearest is 'text'"),
    "files for the shards": (
        web(shards=3),
        "missing",
        "split 'train' has 1 of 3 files: every shard reads whole ones, so lower `shards`",
    ),
    "a field": (
        web(columns=("meta.eror",)),
        "missing",
        "no column 'meta.eror' in split 'train': the nearest is 'meta.error_label'",
    ),
    "a column of lines": (
        web(None, name="owner/lines", columns=("sentence",)),
        "missing",
        "no column 'sentence' in split 'train': there are id, meta, meta.error_label, text",
    ),
    "a revision": (web(revision="v2"), "missing", "no revision 'v2': the nearest is 'v1'"),
    "a branch": (
        Need("model", "owner/model", "checkpoint_0000100"),
        "missing",
        "no revision 'checkpoint_0000100': the nearest is 'checkpoint_0000000'",
    ),
    "weights": (Need("model", "owner/pickled", COMMIT), "missing", "no *.safetensors"),
    "a path": (Need("tokenizer", "/models/nothing"), "missing", "no such folder, and no repository of the hub"),
    "a local folder": (Need("model", "owner/model", local=True), "missing", "no such folder: there are none"),
}  # fmt: skip


def test_what_is_there_and_what_is_missing_with_the_nearest_name(repositories, tmp_path):
    with WholeHub(repositories) as hub:
        found = look_up([need for need, _, _ in NEEDS.values()], hub.url, tmp_path)
    for (what, (_, state, remark)), finding in zip(NEEDS.items(), found, strict=True):
        assert finding.state == state, (what, finding)
        assert " ".join(finding.remarks).startswith(remark), (what, finding)
        assert bool(finding.remarks) == bool(remark), (what, finding)


def test_a_gate_is_told_and_whether_this_account_may_pass(repositories, tmp_path):
    needs = [web(), Need("model", "owner/model", COMMIT)]
    with WholeHub(repositories, gated={"owner/web", "owner/model"}) as hub:
        refused = look_up(needs, hub.url, tmp_path)
        passed = look_up(needs, hub.url, tmp_path, HF_TOKEN="hf_good")
    assert [(finding.state, finding.gated) for finding in refused] == [("no access", True)] * 2
    assert "accept its terms on its page" in refused[0].remarks[0]
    assert [(finding.state, finding.gated) for finding in passed] == [("there", True)] * 2


def test_what_can_move_is_unpinned(repositories, tmp_path):
    needs = [web(revision=revision) for revision in (None, "main", "v1", COMMIT)]
    with WholeHub(repositories) as hub:
        found = look_up(needs, hub.url, tmp_path)
    assert [finding.unpinned for finding in found] == [COMMIT, COMMIT, "", ""]


@pytest.mark.parametrize("variables", [{"HF_ENDPOINT": "http://127.0.0.1:9"}, {"HF_HUB_OFFLINE": "1"}])
def test_a_hub_that_cannot_be_reached_is_one_line(tmp_path, variables):
    needs = [web(), Need("model", "owner/model"), web("swe_Latn")]
    said = run_with_hub(LOOK_UP.format(needs=needs).strip(), "http://127.0.0.1:9", tmp_path, **variables)
    assert re.fullmatch(r"the hub \(http://127\.0\.0\.1:9\) cannot be reached, .*: check the network, .*", said), said


def test_local_files_are_looked_at(tmp_path):
    (tmp_path / "part[1].jsonl").write_text(json.dumps({"text": "a", "id": 1}))
    (tmp_path / "text.txt").write_text("a paragraph")
    columns = ("text", "id")
    needs = [
        Need("files", f"{tmp_path}/*.txt", columns=columns),
        Need("files", f"{tmp_path}/part*.jsonl", columns=columns),
        Need("files", f"{tmp_path}/part*.jsonl", columns=("content",)),
        Need("files", f"{tmp_path}/test.txt"),
        Need("rows", f"{tmp_path}/part[1].jsonl", splits=("train",), columns=("words",)),
        Need("rows", f"{tmp_path}/none.jsonl", splits=("train",), columns=("words",)),
    ]
    found = [(finding.state, *finding.remarks) for finding in look_up_all(needs).values()]
    assert found == [
        ("there",),
        ("there",),
        ("missing", "no column 'content' in split 'train': the nearest is 'text'"),
        ("missing", f"no such file: the nearest is '{tmp_path}/text.txt'"),
        ("missing", "no column 'words' in split 'train': there are id, text"),
        ("missing", f"no such file: the nearest is '{tmp_path}/part[1].jsonl'"),
    ]


@pytest.mark.parametrize(
    ("known", "said"),
    [([], "there are none"), (["b", "c"], "there are b, c"), (list("bcdefgh"), "there are b, c, d, e, f and 2 more")],
)
def test_without_a_near_name_some_are_listed(known, said):
    assert nearest("xyz", known) == said


# --- the report -------------------------------------------------------------------------------------------------------


def test_the_report_is_a_table_that_begins_with_what_is_missing():
    keys = [f"benchmarks.parity ({code})" for code in ("eng", "swe", "isl", "fao")]
    named = {web(revision=None): keys, web("a|b"): ["corpora.x"], web("c"): ["corpora.y"]}
    found = dict(
        zip(
            named,
            [
                Finding("there", gated=True, unpinned=COMMIT),
                Finding("no access", ["gated: accept its terms"], gated=True),
                Finding("missing", ["no configuration 'c': there are none"]),
            ],
            strict=True,
        )
    )
    assert preflight_markdown("study", "The hub was asked.", found, named) == (
        "# Preflight of study\n\n"
        "The hub was asked. 1 there, 1 missing, 1 no access, 0 no answer; 2 gated, 1 unpinned.\n\n"
        "| state | what | | named by |\n|---|---|---|---|\n"
        f"| missing | data set owner/web@{COMMIT}, config c, split train | no configuration 'c': there are none | "
        "corpora.y |\n"
        f"| no access | data set owner/web@{COMMIT}, config a\\|b, split train | gated: accept its terms | "
        "corpora.x |\n"
        "| there | data set owner/web, config isl_Latn, split train | gated, this account has access; unpinned, now at "
        f"{COMMIT[:12]} | {', '.join(keys[:3])} and 1 more |\n"
    )


RUN = """
    from pathlib import Path
    from growmerge.config import load_files
    from growmerge.preflight.run import preflight
    preflight(load_files(Path({full!r}), Path({overlay!r})), Path({folder!r}))
    print("complete")
"""
OVERLAY = """
study: tried
corpora:
  - &web
    name: eng80
    sources: [{kind: hub, dataset: owner/web, config: isl_Latn, revision: COMMIT}]
    heldout: 0.1
    expected: {documents: 9, tokens: 9999999999}
  - {<<: *web, name: code}
english: {evaluation: eng80}
languages: [{code: swe, name: Swedish, corpus: eng80, epochs: 1, unscored: true}]
replay: {reference: swe}
unimax: null
tokenizer: {pretrained: owner/model, vocab_size: 300}
bases: [{name: init, from: random}, {name: base, from: init, train: [{eng80: 1}]}]
setups: [{name: only, base: base, from: {swe: "hub:owner/MODEL"}}]
external: []
merging: {methods: [{name: linear, parameters: {weight: 1.0}}], published_bases: []}
benchmarks: []
scoring: {reference: base}
"""


@pytest.mark.parametrize(
    ("model", "said"), [("model", "complete"), ("modell", "1 of 3 things that the study needs are")]
)
def test_a_study_is_looked_up_as_a_whole_and_fails_after_the_report(repositories, tmp_path, model, said):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(OVERLAY.replace("COMMIT", COMMIT).replace("MODEL", model))
    program = RUN.format(full=str(FULL), overlay=str(overlay), folder=str(tmp_path / "results"))
    with WholeHub(repositories) as hub:
        last = run_with_hub(program.strip(), hub.url, tmp_path / "cache").splitlines()[-1]
    assert last.startswith(said)
    report = (tmp_path / "results/preflight.md").read_text()
    assert "| there | data set owner/web@" in report
    assert ("| missing |" in report) == (model == "modell")
