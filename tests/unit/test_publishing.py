"""What is published is compared digest by digest with what the hub then serves. The hub is one on this machine."""

import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import traceback
from pathlib import Path

import huggingface_hub
import pandas as pd
import pytest
import small_study
from writable_hub import Stored, WritableHub

from growmerge.artifacts import read_manifest
from growmerge.config.models import Clone
from growmerge.errors import GrowmergeError
from growmerge.models.hyperclone import publish_clone
from growmerge.publishing.hub import Hub, token_of_environment
from growmerge.publishing.publish import publish as send
from growmerge.study.publication import listing, publication

TOKEN, READER, UNKNOWN = "hf_theSecretOfTheWriter", "hf_theSecretOfTheReader", "hf_theSecretOfNobody"
PUBLISH = {"account": "me", "models": ["2x/swe", "2x/isl+*"], "checkpoints": True}
SWEDISH, MERGE, TABLES = "me/small-2x-swe", "me/small-2x-isl_swe-linear", "me/small-tables"


@pytest.fixture
def results(small_results, tmp_path, monkeypatch):
    shutil.copytree(small_results, tmp_path / "results")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    return tmp_path / "results/small"


@pytest.fixture
def hub():
    with WritableHub({TOKEN: "write", READER: "read"}) as server:
        yield server


def publish(server, token=TOKEN, **changes):
    _, layout = small_study.load(publish=PUBLISH | changes)
    send(layout, publication(layout), Hub(token, server if isinstance(server, str) else server.url))


def served(hub, repository, branch="main"):
    """The digests of what the hub serves, but for what it made itself and cards."""
    files = hub.repositories[repository].files(branch)
    return {
        name: hashlib.sha256(stored.data).hexdigest()
        for name, stored in files.items()
        if name not in (".gitattributes", "README.md")
    }


def digests(folder):
    return {name: entry["sha256"] for name, entry in read_manifest(folder).files.items()}


def test_models_checkpoints_and_tables_are_served_as_they_are_here(results, hub):
    publish(hub)
    assert set(hub.repositories) == {SWEDISH, MERGE, TABLES}
    assert all(repository.private for repository in hub.repositories.values())
    assert served(hub, SWEDISH) == digests(results / "models/2x/swe")
    assert served(hub, MERGE) == digests(results / "merges" / small_study.MERGE)
    steps = sorted(path.name for path in (results / "checkpoints/2x/swe").glob("step-*"))
    assert steps[0] == "step-000010"
    assert [branch for branch in hub.repositories[SWEDISH].branches if branch != "main"] == steps
    for step in steps:
        assert served(hub, SWEDISH, step) == digests(results / "checkpoints/2x/swe" / step)
    assert served(hub, TABLES)["scores.parquet"] == digests(results / "tables/scores.parquet")["scores.parquet"]
    table = pd.read_csv(results / "published.csv")
    assert list(table["id"]) == ["2x/swe", *(f"2x/swe@{int(step[5:])}" for step in steps), small_study.MERGE, "tables"]
    assert table["commit"][0] == hub.repositories[SWEDISH].branches["main"][0]
    assert table["digest"][0] == read_manifest(results / "models/2x/swe").digest


def test_cards_on_the_hub_name_repositories_and_revisions(results, hub):
    publish(hub, models=["2x/swe", "2x/isl*", "base-1x"])
    card = hub.repositories[MERGE].files("main")["README.md"].data.decode()
    assert "base_model: [me/small-2x-isl, me/small-2x-swe]" in card
    assert str(results) not in card
    checkpoint = hub.repositories[SWEDISH].files("step-000010")["README.md"].data.decode()
    assert 'revision="step-000010"' in checkpoint
    assert "base_model: [me/small-base-1x]" in checkpoint


def test_what_is_there_is_not_sent_again(results, hub):
    publish(hub)
    hub.sent.clear()
    commits = {name: dict(repository.branches) for name, repository in hub.repositories.items()}
    publish(hub)
    assert hub.sent == []
    assert {name: dict(repository.branches) for name, repository in hub.repositories.items()} == commits


def test_new_scores_send_the_card_and_the_tables_alone(results, hub):
    publish(hub)
    hub.sent.clear()
    study, layout = small_study.load()
    small_study.score(study, layout, ["2x/swe"])
    publish(hub)
    assert {sent.rpartition("/")[2] for sent in hub.sent} == {"scores.parquet", "scores.csv", "README.md"}


@pytest.mark.slow
def test_killed_while_it_sends_it_goes_on_where_it_stopped(results, hub, tmp_path):
    environment = {
        "HF_HUB_DISABLE_XET": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    code = f"import test_publishing; test_publishing.publish({hub.url!r})"
    process = subprocess.Popen([sys.executable, "-c", code], env=os.environ | environment)

    def kill(_method, path):
        if path.endswith("/commit/step-000010"):
            process.send_signal(signal.SIGKILL)
            return True
        return False

    hub.on = kill
    assert process.wait(120) == -signal.SIGKILL
    assert served(hub, SWEDISH) == digests(results / "models/2x/swe")
    assert served(hub, SWEDISH, "step-000010") == {}, (
        "a branch that is begun serves nothing, least of all main's weights"
    )
    hub.on = lambda _method, _path: False
    first, hub.sent = set(hub.sent), []
    publish(hub)
    assert served(hub, SWEDISH, "step-000010") == digests(results / "checkpoints/2x/swe/step-000010")
    assert first.isdisjoint(hub.sent)


def test_a_branch_that_serves_other_weights_is_refused_before_anything_is_sent(results, hub):
    publish(hub, models=["2x/swe"], tables=False)
    repository = hub.repositories[SWEDISH]
    main = repository.files("main")["model.safetensors"]
    repository.commit("step-000010", repository.files("step-000010") | {"model.safetensors": main})
    hub.sent.clear()
    fault = rf"{SWEDISH}, branch step-000010: serves another model\.safetensors than results/small/checkpoints/2x/swe/"
    with pytest.raises(GrowmergeError, match=f"nothing is sent.*\n{fault}"):
        publish(hub)
    assert hub.sent == []
    assert MERGE not in hub.repositories


@pytest.mark.parametrize("name", ["model-00001-of-00002.safetensors", "pytorch_model.bin"])
def test_weights_beside_the_weights_are_refused(results, hub, name):
    publish(hub)
    repository = hub.repositories[MERGE]
    repository.commit("main", repository.files("main") | {name: Stored(b"others", True)})
    with pytest.raises(GrowmergeError, match=f"{MERGE}, branch main: has {name}, which results/small/merges/"):
        publish(hub)


def test_a_checkpoint_that_the_training_never_saved_is_refused(results, hub):
    publish(hub)
    repository = hub.repositories[SWEDISH]
    repository.commit("step-009999", repository.files("main"))
    with pytest.raises(
        GrowmergeError, match=f"{SWEDISH}, branch step-009999: the training here has no such checkpoint"
    ):
        publish(hub)


def test_what_the_hub_loses_is_seen_when_it_is_read_back(results, hub):
    """The hub answers each commit well, and serves another file in the end."""
    publish(hub, models=["2x/swe"], checkpoints=False, tables=False)
    repository = hub.repositories[SWEDISH]
    del repository.files("main")["config.json"]
    commit = repository.commit

    def lossy(branch, files):
        return commit(branch, {name: stored for name, stored in files.items() if name != "config.json"})

    repository.commit = lossy
    with pytest.raises(GrowmergeError, match=f"read back, 1 files .*\n{SWEDISH}, branch main: serves no config.json"):
        publish(hub, models=["2x/swe"], checkpoints=False, tables=False)


def test_a_damaged_model_is_not_sent(results, hub):
    weights = results / "models/2x/swe/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    with pytest.raises(GrowmergeError, match=r"model\.safetensors: its bytes differ"):
        publish(hub)
    assert hub.sent == []


def test_a_model_of_another_parent_than_there_is_now_is_not_sent(results, hub):
    _, layout = small_study.load()
    shutil.rmtree(results / "models/base-2x")
    publish_clone(Path(layout.model("base-2x")), Path(layout.model("base-1x")), Clone(factor=2, snr_db=10.0), 1)
    with pytest.raises(GrowmergeError, match="models/2x/swe: was made from another results/small/models/base-2x than"):
        publish(hub)
    assert hub.repositories == {}


def test_tokens_that_are_refused_say_what_to_do_and_stay_secret(results, hub, caplog):
    faults = []
    for token, wanted in ((READER, r"may not write there"), (UNKNOWN, r"HF_TOKEN: the hub does not accept")):
        with pytest.raises(GrowmergeError, match=wanted) as error:
            publish(hub, token)
        faults.append(error)
        assert "\n" not in str(error.value)
    assert hub.repositories == {}
    for error in faults:
        shown = "".join(traceback.format_exception(error.value)) + repr(error.value.__context__) + caplog.text
        assert READER not in shown
        assert UNKNOWN not in shown


def test_a_hub_that_cannot_be_reached_is_one_line(results):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(
        GrowmergeError, match=r"^the hub: cannot be reached \(.*\): check the network .*goes on"
    ) as error:
        publish(url)
    assert TOKEN not in str(error.value)


def test_a_hub_that_breaks_off_is_one_line_and_the_next_run_ends_it(results, hub):
    hub.on = lambda _method, path: path.endswith("/commit/main")
    with pytest.raises(GrowmergeError, match=f"^{SWEDISH}: cannot be reached"):
        publish(hub)
    hub.on = lambda _method, _path: False
    publish(hub)
    assert served(hub, SWEDISH) == digests(results / "models/2x/swe")


@pytest.mark.parametrize(
    ("token", "wanted"),
    [("", "HF_TOKEN: is not set"), ("hf_a\nb", "HF_TOKEN: is no token"), ("hf_þ", "HF_TOKEN: is no token")],
)
def test_the_token_is_that_of_the_environment(monkeypatch, token, wanted):
    """A header cannot hold a line break; httpx would quote the whole header in its error."""
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(GrowmergeError, match=wanted) as error:
        token_of_environment()
    assert "hf_" not in str(error.value)


def test_the_listing_says_what_would_go_where(results):
    _, layout = small_study.load(publish=PUBLISH)
    lines = listing(layout).splitlines()
    steps = len(list((results / "checkpoints/2x/swe").glob("step-*")))
    assert lines[0].startswith(f"2x/swe -> {SWEDISH}: ")
    assert lines[0].endswith(f"B, {steps} checkpoint{'s' * (steps > 1)}")
    assert [line.split(":")[0] for line in lines[1:]] == [
        f"{small_study.MERGE} -> {MERGE}",
        f"tables -> {TABLES} (dataset)",
    ]


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        (None, r"publish: is missing: say in the configuration what is sent where, such as `publish: {account"),
        ({"account": "me", "models": ["2x/swee"]}, r"publish\.models\.0 = '2x/swee': .*did you mean '2x/swe'\?"),
        (
            {"account": "me", "models": ["2x/multi"]},
            r"'2x/multi' is not built: run `snakemake results/small/models/2x/m",
        ),
    ],
)
def test_what_cannot_be_published_says_why(results, settings, wanted):
    _, layout = small_study.load(publish=settings)
    assert re.search(wanted, listing(layout))
    with pytest.raises(GrowmergeError, match=wanted):
        publication(layout)


def test_without_tables_it_says_so(results, hub):
    shutil.rmtree(results / "tables")
    with pytest.raises(GrowmergeError, match="results/small/tables: there is no table yet"):
        publish(hub)
    publish(hub, tables=False)
    assert Path(results, "published.csv").exists()
