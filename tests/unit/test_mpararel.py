"""Files of mParaRel that are other than its repository's: marks, line separators, blank labels."""

import json

import pytest

from growmerge.benchmarks.build import build_benchmark
from growmerge.config.benchmarks import Benchmark
from growmerge.errors import GrowmergeError


@pytest.fixture
def build(tmp_path):
    def built(tuples, patterns="[X] i [Y]", *, encoding="utf-8", end="\n"):
        """The benchmark of (subject, object) pairs, or of lines as they are."""
        lines = [
            line if isinstance(line, str)
            else json.dumps(dict(zip(("sub_label", "obj_label"), line, strict=True)), ensure_ascii=False)
            for line in tuples
        ]  # fmt: skip
        for part, rows in (("patterns", [json.dumps({"pattern": patterns})]), ("tuples", lines)):
            file = tmp_path / part / "sv/P1.jsonl"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes("".join(row + end for row in rows).encode(encoding))
        benchmark = Benchmark(name="mpararel", sources={"swe": {"dataset": str(tmp_path)}})
        return build_benchmark(benchmark, "swe", seed=1)

    return built


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_byte_order_mark_and_carriage_returns_are_no_part_of_a_line(build, encoding, end):
    found = build([("a", "b"), ("c", "d")], encoding=encoding, end=end).items
    assert [item.candidates for item in found] == [("a i b", "a i d"), ("c i d", "c i b")]


@pytest.mark.parametrize("inside", ["\u2028", "\u2029", "\u0085"])
def test_only_line_feeds_end_a_line(build, inside):
    found = build([(f"a{inside}x", "b"), ("c", "d")]).items
    assert [item.candidates[0] for item in found] == [f"a{inside}x i b", "c i d"]


@pytest.mark.parametrize("blank", ["", "  ", "\u00a0"])
def test_blank_subjects_and_objects_make_no_items_and_no_wrong_object(build, blank):
    built = build([(blank, "b"), ("a", blank), ("c", "d"), ("e", "b")])
    assert [item.candidates for item in built.items] == [("c i d", "c i b"), ("e i b", "e i d")]
    assert built.facts["dropped"] == {"empty text": 2}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"sub_label": "a', r"P1\.jsonl: line 3: not JSON \(Unterminated string"),
        ("[]", r"P1\.jsonl: line 3: no text in the field 'sub_label'"),
    ],
)
def test_a_bad_line_is_named_by_its_number_in_the_file(build, line, message):
    with pytest.raises(GrowmergeError, match=message):
        build([("a", "b"), "", line])


def write_relation(folder, relation, pattern, *tuples):
    for part, rows in (
        ("patterns", [{"pattern": pattern}]),
        ("tuples", [{"sub_label": subject, "obj_label": label} for subject, label in tuples]),
    ):
        file = folder / part / f"et/{relation}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_relation_with_one_object_takes_the_wrong_one_from_relations_of_the_same_kind(tmp_path):
    write_relation(tmp_path, "P264", "[X] on [Y] artist", ("Abba", "Polar"), ("Kraftwerk", "Polar"))
    write_relation(tmp_path, "P176", "[X] on [Y] toode", ("Corolla", "Toyota"), ("Golf", "Volkswagen"))
    write_relation(tmp_path, "P30", "[X] asub [Y]", ("Eesti", "Euroopas"), ("Soome", "Euroopas"))
    benchmark = Benchmark(name="mpararel", sources={"ekk": {"dataset": str(tmp_path)}})
    built = build_benchmark(benchmark, "ekk", seed=1)
    labels = {item.candidates for item in built.items if item.subset == "P264"}
    assert {right for right, _ in labels} == {"Abba on Polar artist", "Kraftwerk on Polar artist"}
    assert {wrong.split()[2] for _, wrong in labels} <= {"Toyota", "Volkswagen"}
    cars = {item.candidates for item in built.items if item.subset == "P176"}
    assert {wrong.split()[2] for _, wrong in cars} == {"Toyota", "Volkswagen"}, "those with several keep to their own"
    assert built.facts["dropped"] == {"no wrong object": 2}, "of continents there is no other relation"
