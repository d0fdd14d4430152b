"""The rules cards and publish as a user calls them; nothing is sent."""

import pytest

from workflow.snakemake import copy_of_the_repository, snakemake

pytestmark = [pytest.mark.workflow, pytest.mark.slow]
MINIATURE = ["--configfile", "config/miniature.yaml", "--nocolor"]


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    return copy_of_the_repository(tmp_path_factory.mktemp("clone"))


def test_a_dry_run_lists_what_would_be_sent(clone):
    folder = clone / "results/miniature/models/base-2x"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(bytes(2_500_000))
    (clone / "publish.yaml").write_text("publish: {account: me, models: [base-2x]}\n")
    shown = snakemake(clone, "publish", "-n", "--configfile", "config/miniature.yaml", "publish.yaml", "--nocolor")
    assert "base-2x -> me/miniature-base-2x: 2.5 MB\n" in shown
    assert "tables -> me/miniature-tables (dataset): 0 B\n" in shown


def test_without_the_section_both_the_dry_run_and_the_run_say_what_to_write(clone):
    what = "publish: is missing: say in the configuration what is sent where, such as `publish: {account: "
    assert what in snakemake(clone, "publish", "-n", *MINIATURE)
    assert f"error: {what}" in snakemake(clone, "publish", *MINIATURE, fails=True)


def test_a_pattern_in_the_configuration_is_checked(clone):
    (clone / "publish.yaml").write_text("publish: {acount: me, models: ['*']}\n")
    shown = snakemake(clone, "publish", "-n", "--configfile", "config/miniature.yaml", "publish.yaml", fails=True)
    assert "publish.yaml: publish.acount = 'me': unknown key; did you mean 'account'?" in shown


def test_cards_of_an_empty_study_are_none(clone):
    assert "0 cards written" in snakemake(clone, "cards", "--configfile", "config/limits-of-merging.yaml", "--nocolor")
