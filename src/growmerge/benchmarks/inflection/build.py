"""The minimal pairs of a study's own benchmark of inflection, in a language."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from growmerge.artifacts import publish
from growmerge.benchmarks.build import HeldOutShards
from growmerge.benchmarks.inflection.capped import capped
from growmerge.benchmarks.inflection.conllu import read_conllu
from growmerge.benchmarks.inflection.lexicon import Lexicon, UniMorph, counted_as
from growmerge.benchmarks.inflection.pairs import WORD, Account, Rules, changed_word, make_pairs
from growmerge.benchmarks.inflection.sample import sample
from growmerge.benchmarks.inflection.sentences import sentences
from growmerge.benchmarks.inflection.usage import Usage
from growmerge.benchmarks.items import ITEMS, Item, with_leading_space, write_items
from growmerge.catalogue.benchmarks import VERSION
from growmerge.config.benchmarks import ISLENSKA, Benchmark, ConlluSource
from growmerge.config.corpora import FileSource, HubSource, check_ids
from growmerge.data.documents import Document
from growmerge.data.files import read_files
from growmerge.data.hub import HubFiles
from growmerge.errors import GrowmergeError

logger = logging.getLogger(__name__)
# Above this share of the pairs, a single word is worth a warning: the scores are then largely about it.
_DOMINANT = 0.05


def write_inflection(folder: Path, benchmark: Benchmark, language: str, *, text: HeldOutShards, seed: int) -> None:
    """Publish the pairs of a language in `folder`, beside them `sample.md`: some of each subset, to read.

    The sentences are those that `inflection.sentences` names, else the held-out `text`. Raises GrowmergeError for text
    that cannot be read, and as `build_inflection` does.
    """
    documents = _Reread(lambda: _documents(benchmark, language, text))
    items, facts = build_inflection(benchmark, language, documents, seed=seed)
    config = {
        "benchmark": benchmark.part(language),
        "placeholder": text.placeholder,
        "seed": seed,
        "version": VERSION,
    }
    with publish(folder, inputs=text.folders, config=config) as draft:
        written = map(with_leading_space, items) if benchmark.leading_space else items
        write_items(written, draft.folder / ITEMS)
        page = sample(items, f"{benchmark.name} in {language}", seed)
        (draft.folder / "sample.md").write_text(page, encoding="utf-8")
        draft.facts |= facts
        logger.info("%d of %d pairs from %d sentences", len(items), facts["pairs"], facts["sentences"])


def build_inflection(
    benchmark: Benchmark, language: str, documents: Iterable[Document], *, seed: int
) -> tuple[list[Item], dict[str, Any]]:
    """Pairs from the sentences of documents, and facts: sentences, words by outcome, pairs of each subset and word.

    The documents are gone through twice: their words are counted first. Sentences of a treebank (`Tagged`) are taken as
    they are, other documents are cut into sentences. Of more pairs than
    the limit, or of more pairs of a word than its share, a sample is kept, by the hash of seed and id. Raises
    GrowmergeError where the lexicon cannot be read, or nothing comes of it.
    """
    wanted = benchmark.inflection
    if wanted is None or language not in wanted.lexicons:
        raise GrowmergeError(f"benchmark {benchmark.name}: no lexicon in {language}; name one in `inflection.lexicons`")
    named = wanted.lexicons[language]
    dimensions = None if wanted.dimensions == "all" else wanted.dimensions
    rules = Rules(
        None if dimensions is None else {pos: frozenset(names) for pos, names in dimensions.items()},
        wanted.min_words,
        wanted.max_words,
        wanted.per_sentence,
    )
    account = Account()
    counts = Counter(
        counted_as(match[0]) for sentence in sentences(documents) for match in WORD.finditer(sentence.text)
    )
    lexicon = _lexicon(named, language, counts)
    found = make_pairs(sentences(documents), lexicon, rules, seed, account, Usage(counts, lexicon))
    items = capped(found, wanted.share_of_word, benchmark.limit, seed)
    if not items:
        raise GrowmergeError(
            f"benchmark {benchmark.name} in {language}: no pair from {account.sentences} sentences and {named} "
            f"({dict(account.words)}); check that text and lexicon are of one language and spelling, or allow more in "
            "`inflection.dimensions`"
        )
    words = Counter(changed_word(item) for item in items)
    commonest, count = words.most_common(1)[0]
    if count > _DOMINANT * len(items):
        logger.warning(
            "%s in %s: %d of %d pairs change the word '%s'; give more text, or read sample.md",
            *(benchmark.name, language, count, len(items), commonest),
        )
    facts = {
        "licence": benchmark.entry.licence,
        "sentences": account.sentences,
        "repeated": account.repeated,
        "words": {"read": account.words.total(), **dict(sorted(account.words.items()))},
        "pairs": account.pairs,
        "kept": len(items),
        "commonest": {"word": commonest, "pairs": count},
        "subsets": dict(sorted(Counter(item.subset for item in items).items())),
        "seed": seed,
    }
    return items, facts


@dataclass(frozen=True)
class _Reread:
    """Documents that are read again whenever they are gone through: a large text is not held in memory."""

    read: Callable[[], Iterable[Document]]

    def __iter__(self) -> Iterator[Document]:
        return iter(self.read())


def _documents(benchmark: Benchmark, language: str, text: HeldOutShards) -> Iterable[Document]:
    named = benchmark.inflection.sentences.get(language) if benchmark.inflection else None
    if named is None:
        return text.documents()
    if isinstance(named, HubSource):
        hub = HubFiles(named)
        return hub.read_documents(hub.numbers)
    if isinstance(named, ConlluSource):
        check_ids([FileSource(kind="files", paths=named.paths)])  # sentences are numbered within their files
        return read_conllu(named.files())
    check_ids([named])
    return read_files(named.files(), named.text_field, named.id_field, named.id_prefix, named.lines)


def _lexicon(named: str, language: str, counts: Counter[str]) -> Lexicon:
    if named != ISLENSKA:
        return UniMorph(Path(named), attested=counts)
    if language != "isl":
        raise GrowmergeError(f"inflection.lexicons.{language} = '{ISLENSKA}': holds Icelandic; name a file")
    from growmerge.benchmarks.made.icelandic import BinLexicon  # BÍN takes a moment to open

    return BinLexicon()
