"""Checks across sections: every name that is used is defined, once, and the grid it spans makes sense."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticCustomError

from growmerge.catalogue.merge_methods import KINDS, WEIGHT, Kind
from growmerge.catalogue.unimorph import DIMENSIONS, PARTS_OF_SPEECH, PARTS_OF_SPEECH_OF_BIN
from growmerge.config.benchmarks import ISLENSKA
from growmerge.config.references import parse_reference
from growmerge.errors import GrowmergeError

if TYPE_CHECKING:
    from growmerge.config.benchmarks import Inflection
    from growmerge.config.corpora import Corpus
    from growmerge.config.merging import Method, OverTraining
    from growmerge.config.schema import Study

RANDOM = "random"
MULTI = "multi"
COMMON = "common"  # what the experts of a setup with partial sharing branch off
EXTERNAL = "external"
AT = "@"  # between a model and the step of an intermediate checkpoint; cannot occur in a name
REFERENCE = "reference"
PARITY = "parity"
DOWNLOADS = "downloads"


def problem(key: str, value: Any, message: str) -> PydanticCustomError:
    """An error that carries the key path of the culprit, for `growmerge.config.load` to print."""
    return PydanticCustomError("study", "{message}", {"key": key, "value": value, "message": message})


def did_you_mean(value: Any, known: Iterable[str]) -> str:
    """The nearest spelling, else what there is to choose from."""
    known = sorted(known)
    near = difflib.get_close_matches(str(value), known, n=1)
    return f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"


def _unique(key: str, values: list[str]) -> None:
    for i, value in enumerate(values):
        if value in values[:i]:
            raise problem(f"{key}.{i}", value, "is there twice; names are unique")


def _known(key: str, value: str, known: Iterable[str], what: str) -> None:
    known = list(known)
    if value not in known:
        raise problem(key, value, f"no such {what}; {did_you_mean(value, known)}")


def check_study(study: Study) -> None:
    """Raise at the first inconsistency, with its key path and value."""
    _check_corpora(study)
    _check_languages(study)
    _check_benchmarks(study)
    _check_epochs(study)
    _check_bases(study)
    _check_merging(study)
    longest = study.architecture.max_position_embeddings
    if study.training.sequence_length > longest:
        length = study.training.sequence_length
        raise problem("training.sequence_length", length, f"architecture.max_position_embeddings is {longest}")
    if study.study == DOWNLOADS:
        raise problem("study", study.study, "is taken: results/downloads")


def _check_corpora(study: Study) -> None:
    packages = [p.name for p in study.packages]
    _unique("packages", packages)
    names = [c.name for c in study.corpora]
    _unique("corpora", names + [p.name for c in study.corpora for p in c.parts])
    for i, corpus in enumerate(study.corpora):
        for j, source in enumerate(corpus.sources):
            for k, package in enumerate(getattr(source, "packages", [])):
                _known(f"corpora.{i}.sources.{j}.packages.{k}", package, packages, "package")
        _check_parts(f"corpora.{i}.parts", corpus)
    tokenizer = study.tokenizer
    if tokenizer.package is not None:
        _known("tokenizer.package", tokenizer.package, packages, "package")
    if tokenizer.pretrained is None and tokenizer.package is None and not tokenizer.corpora:
        message = "is empty, and there is no `pretrained` tokenizer and no `package` to take one from instead"
        raise problem("tokenizer.corpora", [], message)
    for i, name in enumerate(study.tokenizer.corpora):
        _known(f"tokenizer.corpora.{i}", name, names, "corpus")


def _check_parts(key: str, corpus: Corpus) -> None:
    total = sum(part.share for part in corpus.parts)
    if corpus.parts and abs(total - 1) > 1e-9:
        raise problem(key, total, "the shares of the parts do not add up to 1")
    listed = [part for part in corpus.parts if part.ids]
    for i, part in enumerate(corpus.parts):
        if part.ids and part.ids.id_field is None:
            raise problem(f"{key}.{i}.ids.id_field", None, "is missing: the field that holds the ids of the documents")
        if part.ids and len(corpus.parts) == 1:
            message = "is the only part, so its ids would leave documents over; add a part without `ids` for them"
            raise problem(f"{key}.{i}", part.name, message)
    rest = [part.name for part in corpus.parts if not part.ids]
    if listed and len(rest) > 1:
        message = f"only one part can take what is on no list; {' and '.join(rest)} have no `ids`"
        raise problem(key, len(rest), message)


def _check_languages(study: Study) -> None:
    names = [c.name for c in study.corpora]
    trainable = [name for c in study.corpora for name in c.names]
    codes = study.language_codes
    _unique("languages", codes)
    for i, language in enumerate(study.languages):
        _known(f"languages.{i}.corpus", language.corpus, trainable, "corpus")
        if language.evaluation is not None:
            _known(f"languages.{i}.evaluation", language.evaluation, names, "corpus")
    _known("english.evaluation", study.english.evaluation, names, "corpus")
    for name in dict.fromkeys([study.english.evaluation, *(x.evaluation or x.corpus for x in study.languages)]):
        corpus = study.corpus(name)
        if corpus.heldout == 0:
            index = study.corpora.index(corpus)
            raise problem(f"corpora.{index}.heldout", 0.0, f"'{corpus.name}' is evaluated on, but holds nothing out")
    _known("replay.reference", study.replay.reference, codes, "language")
    for name in (name for name, share in study.replay.corpora.items() if share):
        _known(f"replay.corpora.{name}", name, trainable, "corpus")


def _check_benchmarks(study: Study) -> None:
    scored = [study.english.code, *study.language_codes]
    packages = [p.name for p in study.packages]
    for i, benchmark in enumerate(study.benchmarks):
        key = f"benchmarks.{i}"
        for j, language in enumerate(benchmark.languages or []):
            _known(f"{key}.languages.{j}", language, scored, "language in this study")
        for language in benchmark.sources:
            _known(f"{key}.sources.{language}", language, scored, "language in this study")
        if benchmark.inflection:
            _check_inflection(f"{key}.inflection", benchmark.inflection, scored)
        for language, package in benchmark.packages.items():
            _known(f"{key}.packages.{language}", package, packages, "package")
        if not any(benchmark.has(language) for language in scored):
            message = "has no rows in any language of this study; name some in its `sources`, or leave it out"
            raise problem(f"{key}.name", benchmark.name, message)
        # The reference's scores of the English sentences are kept under names of their own.
        if (benchmark.entry.metric.name == PARITY) != (benchmark.name == PARITY):
            message = f"'{PARITY}' is the name of what information parity is taken of"
            raise problem(f"{key}.name", benchmark.name, message)
    _unique("benchmarks", [b.name for b in study.benchmarks])


def _check_inflection(key: str, inflection: Inflection, scored: list[str]) -> None:
    for part, languages in (("lexicons", inflection.lexicons), ("sentences", inflection.sentences)):
        for language in languages:
            _known(f"{key}.{part}.{language}", language, scored, "language in this study")
    with_bin = ISLENSKA in inflection.lexicons.values()
    parts_of_speech = PARTS_OF_SPEECH | (PARTS_OF_SPEECH_OF_BIN if with_bin else set())
    for pos, dimensions in inflection.dimensions.items():
        _known(f"{key}.dimensions.{pos}", pos, parts_of_speech, "part of speech in UniMorph")
        for i, dimension in enumerate(dimensions):
            _known(f"{key}.dimensions.{pos}.{i}", dimension, DIMENSIONS, "dimension in UniMorph")
    if inflection.min_words > inflection.max_words:
        message = f"no sentence is that long: max_words is {inflection.max_words}"
        raise problem(f"{key}.min_words", inflection.min_words, message)


def _check_epochs(study: Study) -> None:
    rule = study.unimax
    lacking = [i for i, language in enumerate(study.languages) if language.epochs is None]
    if rule is None:
        for i in lacking:
            code = study.languages[i].code
            raise problem(f"languages.{i}.epochs", None, f"'{code}' has none, and there is no `unimax` to give it any")
        return
    for code in rule.fixed:
        _known(f"unimax.fixed.{code}", code, study.language_codes, "language")
    left = rule.characters
    for i, language in enumerate(study.languages if lacking else []):
        count = study.expected(language.corpus)
        if count is None or count.characters is None:
            message = (
                f"unimax counts with its characters: state `expected.characters` of '{language.corpus}' (the manifests "
                "of its documents have them, once they are built), or the `epochs` of every language"
            )
            raise problem(f"languages.{i}.corpus", language.corpus, message)
        left -= rule.fixed.get(language.code, 0) * count.characters
    if left <= 0:
        raise problem("unimax.characters", rule.characters, "is used up by the `fixed` languages; raise it")


def is_reference(source: str) -> bool:
    """Whether a model's `from` is a checkpoint from elsewhere: 'hub:...' or 'folder:...'."""
    return source.split(":")[0] in ("hub", "folder") and ":" in source


def _check_reference(key: str, source: str) -> None:
    try:
        parse_reference(source)
    except GrowmergeError as error:
        raise problem(key, source, str(error)) from None


def _check_bases(study: Study) -> None:
    trainable = [name for c in study.corpora for name in c.names]
    seen: list[str] = []
    names = [b.name for b in study.bases]
    _unique("bases", names)
    for taken in (REFERENCE, EXTERNAL):
        if taken in names:
            raise problem(f"bases.{names.index(taken)}.name", taken, f"is taken: results/{{study}}/scores/{taken}")
    for i, base in enumerate(study.bases):
        if base.from_ == RANDOM or is_reference(base.from_):
            if base.from_ != RANDOM:
                _check_reference(f"bases.{i}.from", base.from_)
            if base.clone or base.train:
                message = "is neither cloned nor trained; add another base that starts from this one"
                raise problem(f"bases.{i}.from", base.from_, message)
        else:
            _known(f"bases.{i}.from", base.from_, seen, "base above it")
            if base.width is not None:
                raise problem(f"bases.{i}.width", base.width, "is only stated of a checkpoint from elsewhere")
            if bool(base.clone) == bool(base.train):
                raise problem(f"bases.{i}", base.name, "needs either `clone` or `train`")
        for j, phase in enumerate(base.train):
            for corpus in phase:
                _known(f"bases.{i}.train.{j}.{corpus}", corpus, trainable, "corpus")
        seen.append(base.name)
    setups = [s.name for s in study.setups]
    _unique("setups", setups)
    for i, setup in enumerate(study.setups):
        _known(f"setups.{i}.base", setup.base, names, "base")
        if setup.name in [*names, EXTERNAL, REFERENCE]:
            message = "is also the name of a base" if setup.name in names else f"is taken: results/*/models/{EXTERNAL}"
            raise problem(f"setups.{i}.name", setup.name, message)
        for target, source in setup.from_.items():
            _known(f"setups.{i}.from.{target}", target, [*study.language_codes, MULTI], "target")
            _check_reference(f"setups.{i}.from.{target}", source)
        if setup.branches is not None:
            _check_branches(f"setups.{i}.branches", setup.branches)
    if study.sharing:
        _known("sharing.base", study.sharing.base, names, "base")
        _unique("sharing.shares", [f"{share:g}" for share in study.sharing.shares])
        for name in study.sharing.setups:
            if name in [*names, *setups]:
                raise problem("sharing.shares", study.sharing.shares, f"makes a setup '{name}', a name that is taken")
    _unique("external", [x.name for x in study.external])
    for i, external in enumerate(study.external):
        _check_reference(f"external.{i}.from", external.from_)
    _known("scoring.reference", study.scoring.reference, names, "base")


def _check_branches(key: str, branches: str) -> None:
    try:
        named = {branches.format(step=step) for step in (1, 2)}
    except (KeyError, IndexError, ValueError) as error:
        raise problem(key, branches, f"{error}: write the step as in 'checkpoint_{{step:07d}}'") from None
    if len(named) == 1:
        raise problem(key, branches, "is the same at every step: write the step as in 'checkpoint_{step:07d}'")


def _check_merging(study: Study) -> None:
    methods = [m.name for m in study.merging.methods]
    _unique("merging.methods", methods)
    for i, method in enumerate(study.merging.methods):
        _check_method(f"merging.methods.{i}", method, study)
    bases = [b.name for b in study.bases]
    if study.merging.base not in ("ancestor", "as_published"):
        _known("merging.base", study.merging.base, bases, "base")
    for i, rule in enumerate(study.merging.published_bases):
        key = f"merging.published_bases.{i}"
        _known(f"{key}.setup", rule.setup, [s.name for s in study.setups], "setup")
        _known(f"{key}.base", rule.base, bases, "base")
        for name in rule.methods or []:
            _known(f"{key}.methods", name, methods, "merge method")
    sizes = {"merging.sizes": study.merging.sizes, "sharing.sizes": study.sharing and study.sharing.sizes}
    for key, size in [(f"{key}.{i}", size) for key, given in sizes.items() for i, size in enumerate(given or [])]:
        if size > len(study.languages):
            raise problem(key, size, f"there are only {len(study.languages)} languages to combine")
    for i, order in enumerate(study.merging.series.orders):
        _unique(f"merging.series.orders.{i}", order)
        for j, code in enumerate(order):
            _known(f"merging.series.orders.{i}.{j}", code, study.language_codes, "language")
    if study.merging.over_training:
        _check_over_training(study, study.merging.over_training)
    if methods and len(study.languages) > 1:
        _known("analysis.pairwise_method", study.analysis.pairwise_method, methods, "merge method")


def _check_over_training(study: Study, merged: OverTraining) -> None:
    key, setups = "merging.over_training", {setup.name: setup for setup in study.setups}
    if len(study.languages) < 2:
        raise problem(key, merged.every, "there is only one language: nothing to merge")
    if not merged.steps:
        raise problem(f"{key}.until", merged.until, f"is before the first step, {merged.every} (`every`)")
    for i, name in enumerate(merged.setups):
        _known(f"{key}.setups.{i}", name, setups, "setup")
        taken = setups[name].from_
        if taken and setups[name].branches is None:
            message = f"takes {', '.join(taken)} from elsewhere: say in `setups` what `branches` their checkpoints have"
            raise problem(f"{key}.setups.{i}", name, message)
        for language in study.languages:
            saved = language.checkpoint_every or study.training.checkpoint_every
            if language.code not in taken and merged.every % saved:
                message = f"'{name}/{language.code}' saves a checkpoint every {saved} steps: choose a multiple"
                raise problem(f"{key}.every", merged.every, message)


def _check_method(key: str, method: Method, study: Study) -> None:
    _known(f"{key}.method" if method.method else f"{key}.name", method.of_mergekit, KINDS, "merge method of mergekit")
    kind = KINDS[method.of_mergekit]
    if kind.base == "required" and not method.uses_base:
        raise problem(f"{key}.uses_base", False, f"mergekit's {method.of_mergekit} needs a base model; set it to true")
    if kind.base == "ignored" and method.uses_base:
        raise problem(f"{key}.uses_base", True, f"mergekit's {method.of_mergekit} has no base model; leave it out")
    fewest, most = kind.members
    merging, sharing = study.merging, study.sharing
    series = [len(order) for order in merging.series.orders] + [len(study.languages)] * merging.series.drawn
    longest = [*series, *([len(study.languages)] if merging.over_training else [])]
    for size in sorted({*study.merged_sizes, *(sharing.sizes if sharing else []), *longest}):
        if size < fewest or (most is not None and size > most):
            message = f"merges exactly {most} models, but there are combinations of {size} (merging.sizes)"
            raise problem(key, method.name, message)
    for name, value in method.parameters.items():
        _known(f"{key}.parameters.{name}", name, kind.parameters, f"parameter of mergekit's {method.of_mergekit}")
        _check_parameter(f"{key}.parameters.{name}", name, value, method.of_mergekit, kind)
    if "epsilon" in kind.of_model:
        _check_spread(key, method)
    for code, value in method.weights.items():
        _known(f"{key}.weights.{code}", code, study.language_codes, "language")
        if WEIGHT not in kind.of_model:
            raise problem(f"{key}.weights", method.weights, f"mergekit's {method.of_mergekit} has no weights")
        _check_parameter(f"{key}.weights.{code}", WEIGHT, value, method.of_mergekit, kind)
    if WEIGHT in kind.of_model and WEIGHT not in method.parameters:
        lacking = [code for code in study.language_codes if code not in method.weights]
        if lacking:
            message = f"is missing, and `weights` has none for {lacking[0]}; 1.0 gives all members the same"
            raise problem(f"{key}.parameters.weight", None, message)


def _check_parameter(key: str, name: str, value: Any, method: str, kind: Kind) -> None:
    if name in kind.ignored:
        raise problem(key, value, f"mergekit's {method} takes it and does not use it; leave it out")
    wanted = kind.parameters[name]
    numbers = value if isinstance(value, list) else [value]
    if isinstance(value, list) and (wanted is not float or not value):
        raise problem(key, value, "a list, which is interpolated over the layers, must hold numbers and be for one")
    fits = {bool: (bool,), int: (int,), float: (int, float)}[wanted]
    if any(not isinstance(number, fits) or (isinstance(number, bool) and wanted is not bool) for number in numbers):
        what = {bool: "true or false", int: "a whole number", float: "a number or a list of numbers"}[wanted]
        raise problem(key, value, f"must be {what}")
    if name in ("density", "select_topk") and any(not 0 <= number <= 1 for number in numbers):
        raise problem(key, value, "is the share of elements that is kept, from 0 to 1")


def _check_spread(key: str, method: Method) -> None:
    """DELLA keeps an element with a probability within `epsilon` of the density, which must be one."""
    density, epsilon = (method.parameters.get(name, default) for name, default in (("density", 1.0), ("epsilon", 0.15)))
    densities = density if isinstance(density, list) else [density]
    spread = max(epsilon) if isinstance(epsilon, list) else epsilon
    if any(0 < number < 1 and not spread < number < 1 - spread for number in densities):
        message = f"epsilon {spread} is subtracted from and added to density {density}, which must stay within 0 and 1"
        raise problem(f"{key}.parameters.epsilon", spread, message)
