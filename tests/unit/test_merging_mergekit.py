"""Our merges against mergekit's own: equal to the byte, or different exactly where the module says so."""

from pathlib import Path

import pytest
import torch
import yaml
from conftest import ARCHITECTURE, ROOT
from mergekit.config import MergeConfiguration
from mergekit.merge import run_merge
from mergekit.merge_methods import registered_methods
from mergekit.merge_methods.generalized_task_arithmetic import get_mask
from mergekit.options import MergeOptions
from mergekit.sparsify import RescaleNorm, rescaled_masked_tensor
from safetensors.torch import load_file

from growmerge.artifacts import publish, sha256_file
from growmerge.catalogue.merge_methods import KINDS
from growmerge.catalogue.merge_registry import merge_methods
from growmerge.config import load_files
from growmerge.config.merging import Method
from growmerge.data.tokenizer import save_tokenizer, train_tokenizer
from growmerge.merging.apply import merge_tensor
from growmerge.merging.blocks import workers
from growmerge.merging.merge import merge_models
from growmerge.merging.operands import Operands
from growmerge.merging.recipe import Recipe
from growmerge.merging.sparse import drawn
from growmerge.models.checkpoints import save_checkpoint
from growmerge.models.initialise import initialise, llama_config

PUBLISHED = {m.name: m for m in load_files(ROOT / "config/config.yaml").merging.methods}
LANGUAGES = ["ekk", "fao", "fas", "isl", "swe"]
SEED = 42
# Large enough for the embedding to take several blocks, the last of them shorter and of an odd length.
WIDE = ARCHITECTURE.model_copy(update={"hidden_size": 35, "num_attention_heads": 5, "num_key_value_heads": 5})
VOCABULARY = 4095


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """A base and five models near it, stored in a dtype, tied or not."""
    folder = tmp_path_factory.mktemp("checkpoints")
    (folder / "tokenizer").mkdir()
    save_tokenizer(train_tokenizer(["text for a tokenizer"], 260), folder / "tokenizer")

    def make(stored: str, tied: bool = True) -> dict[str, Path]:
        root = folder / f"{stored}-{'tied' if tied else 'untied'}"
        if not root.exists():
            architecture = WIDE.model_copy(update={"tie_word_embeddings": tied})
            generator = torch.Generator().manual_seed(0)
            for name in ["base", *LANGUAGES]:
                model = initialise(llama_config(architecture, VOCABULARY, 0, 0), 0)
                with torch.no_grad():
                    for parameter in model.parameters() if name != "base" else ():
                        parameter += torch.randn(parameter.shape, generator=generator) * 0.01
                with publish(root / name) as draft:
                    save_checkpoint(model.to(getattr(torch, stored)), draft.folder, folder / "tokenizer")
        return {name: root / name for name in ["base", *LANGUAGES]}

    return make


def recipe(models, method, languages, dtype):
    return Recipe({code: models[code] for code in languages}, models["base"], method, dtype, SEED)


@pytest.fixture(scope="module")
def published(checkpoints, tmp_path_factory):
    """A folder of our merges of some models by every published method."""
    made = {}

    def merge(stored: str, dtype: str, members: int) -> Path:
        if (stored, dtype, members) not in made:
            folder = made[stored, dtype, members] = tmp_path_factory.mktemp("published")
            models, languages = checkpoints(stored), LANGUAGES[:members]
            merge_models({folder / m.name: recipe(models, m, languages, dtype) for m in PUBLISHED.values()})
        return made[stored, dtype, members]

    return merge


def theirs(ours, folder):
    """The weights by mergekit from the mergekit_config.yml that we keep with ours, with one thread.

    With more, torch sums a long vector in other pieces, so that mergekit's multislerp depends on their number.
    """
    config = yaml.safe_load((ours / "mergekit_config.yml").read_text())
    options = MergeOptions(random_seed=SEED, write_model_card=False, copy_tokenizer=False, quiet=True)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    run_merge(MergeConfiguration.model_validate(config), str(folder / "theirs"), options)
    torch.set_num_threads(threads)
    return folder / "theirs/model.safetensors"


def both(recipe, folder):
    """The weights by us and by mergekit."""
    merge_models({folder / "ours": recipe})
    return folder / "ours/model.safetensors", theirs(folder / "ours", folder)


DTYPES = [("float32", "float32"), ("float16", "float16"), ("bfloat16", "bfloat16"), ("bfloat16", "float16")]
everything = [
    pytest.mark.parametrize("members", [2, 3, 4, 5]),
    pytest.mark.parametrize(("stored", "dtype"), DTYPES),
]


def in_everything(test):
    """For 2 to 5 models and all dtypes."""
    for mark in everything:
        test = mark(test)
    return test


@in_everything
@pytest.mark.parametrize("name", ["linear", "task_arithmetic", "multislerp"])
def test_the_bytes_are_those_of_mergekit(name, stored, dtype, members, published, tmp_path):
    ours = published(stored, dtype, members) / name
    assert sha256_file(ours / "model.safetensors") == sha256_file(theirs(ours, tmp_path))


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_head_of_its_own_is_merged_like_any_tensor(name, checkpoints, tmp_path):
    ours, of_mergekit = both(
        recipe(checkpoints("float32", tied=False), PUBLISHED[name], LANGUAGES[:3], "float32"), tmp_path
    )
    assert load_file(ours).keys() == load_file(of_mergekit).keys()
    assert "lm_head.weight" in load_file(ours)
    if name != "dare_ties":
        assert sha256_file(ours) == sha256_file(of_mergekit)


@in_everything
def test_ties_differs_from_mergekit_only_where_equal_magnitudes_compete_for_the_last_places(
    stored, dtype, members, checkpoints, published, tmp_path
):
    models, languages = checkpoints(stored), LANGUAGES[:members]
    folder = published(stored, dtype, members) / "ties"
    ours, of_mergekit = load_file(folder / "model.safetensors"), load_file(theirs(folder, tmp_path))
    kind = getattr(torch, dtype)
    sources = {name: load_file(models[name] / "model.safetensors") for name in ["base", *languages]}
    for name, base in sources["base"].items():
        deltas = [sources[code][name].to(kind) - base.to(kind) for code in languages]
        at_the_threshold = torch.zeros(base.shape, dtype=torch.bool)
        stable = []
        for delta in deltas:
            order = torch.argsort(delta.abs().float().reshape(-1), descending=True, stable=True)
            kept = order[: max(1, int(0.5 * delta.numel()))]
            at_the_threshold |= delta.abs() == delta.abs().reshape(-1)[kept[-1]]
            mask = torch.zeros(delta.numel(), dtype=kind)
            mask[kept] = 1
            stable.append(delta * mask.view(delta.shape))
        assert torch.equal(ours[name][~at_the_threshold], of_mergekit[name][~at_the_threshold])
        agreed = mean_of_those_that_agree(torch.stack(stable))
        assert torch.equal(ours[name], base.to(kind) + agreed), "mergekit's result with a sort that keeps the order"
        if dtype == "float32" and base.numel() < 1000:
            assert torch.equal(ours[name], of_mergekit[name]), "few magnitudes are equal in float32"


@in_everything
def test_dare_is_mergekits_but_for_which_elements_are_drawn(stored, dtype, members, checkpoints, published):
    models, languages = checkpoints(stored), LANGUAGES[:members]
    ours = load_file(published(stored, dtype, members) / "dare_ties/model.safetensors")
    kind = getattr(torch, dtype)
    sources = {name: load_file(models[name] / "model.safetensors") for name in ["base", *languages]}
    for name, base in sources["base"].items():
        drawn_deltas = []
        for code in languages:
            delta = (sources[code][name].to(kind) - base.to(kind)).float()
            key = Operands(name, (), [], [], None, {}, SEED).key(code)
            mask = drawn(key, 0.5, slice(0, base.numel())).float().view(base.shape)
            drawn_deltas.append(rescaled_masked_tensor(delta, mask, RescaleNorm.l1).to(kind))
        expected = base.to(kind) + mean_of_those_that_agree(torch.stack(drawn_deltas))
        # The L1 norms are summed in other pieces, so the last bit of a scale may differ.
        eps = torch.finfo(kind).eps
        torch.testing.assert_close(ours[name], expected, rtol=2 * eps, atol=0.1 * eps)
        assert (ours[name] != expected).float().mean() < (0.02 if dtype != "float32" else 1)


def mean_of_those_that_agree(deltas):
    """mergekit's consensus and mean, with its own mask, of members of equal weight."""
    weights = torch.ones(len(deltas), *[1] * (deltas.dim() - 1), dtype=deltas.dtype)
    mask = get_mask(deltas, method="sum", mask_dtype=torch.int8)
    divisor = (weights * mask).sum(dim=0)
    divisor[divisor == 0] = 1
    return (deltas * mask).sum(dim=0) / divisor


@pytest.mark.parametrize("density", [0.1, 0.5, 0.9])
def test_dare_draws_its_density_independently_for_members_and_tensors(density):
    count = 2**20
    masks = [
        drawn(Operands(tensor, (), [], [], None, {}, SEED).key(code), density, slice(0, count)).float()
        for tensor in ("a", "b")
        for code in ("swe", "isl")
    ]
    tolerance = 5 * (density * (1 - density) / count) ** 0.5
    for mask in masks:
        assert abs(mask.mean() - density) < tolerance
        halves = mask.view(2, -1)
        assert abs((halves[0] * halves[1]).mean() - density**2) < 2 * tolerance
    for i, one in enumerate(masks):
        for other in masks[:i]:
            assert abs((one * other).mean() - density**2) < tolerance
    whole = drawn(1, density, slice(0, 1000))
    assert torch.equal(whole[504:], drawn(1, density, slice(504, 1000))), "any part can be drawn on its own"


OTHERS = {
    "breadcrumbs": {"weight": 1.0, "density": 0.7, "gamma": 0.05},
    "breadcrumbs_ties": {"weight": 1.0, "density": 0.7, "normalize": True},
    "dare_linear": {"weight": 1.0, "density": 0.5, "normalize": True},
    "della": {"weight": 1.0, "density": 0.5, "epsilon": 0.2},
    "della_linear": {"weight": 1.0, "density": 0.5, "normalize": True},
    "karcher": {"max_iter": 5},
    "model_stock": {},
    "nuslerp": {"weight": 1.0},
    "ram": {},
    "ramplus_tl": {},
    "sce": {"select_topk": 0.5},
}


def test_every_method_of_the_catalogue_is_tested():
    assert KINDS.keys() == {*PUBLISHED, *OTHERS}


@pytest.mark.parametrize("name", OTHERS)
def test_every_other_method_of_mergekit_gives_what_mergekit_gives(name, checkpoints, published, tmp_path):
    from growmerge.models.checkpoints import load_checkpoint

    models = checkpoints("float32")
    languages = LANGUAGES[: KINDS[name].members[1] or 3]
    method = Method(name=name, uses_base=KINDS[name].base == "required", parameters=OTHERS[name])
    ours, of_mergekit = both(recipe(models, method, languages, "float32"), tmp_path)
    linear = published("float32", "float32", len(languages)) / "linear"
    assert sha256_file(ours) != sha256_file(linear / "model.safetensors")
    load_checkpoint(tmp_path / "ours")
    if not KINDS[name].draws:
        assert sha256_file(ours) == sha256_file(of_mergekit)


VARIANTS = {
    "unequal weights": Method(name="linear", parameters={"weight": 1.0}, weights={"swe": 2.0, "isl": 0.5}),
    "unequal weights of sparse vectors": Method(
        name="ties", uses_base=True, parameters={"weight": 1.0, "density": 0.5}, weights={"swe": 2.0, "isl": 0.5}
    ),
    "layer ranges": Method(
        name="ties", uses_base=True, parameters={"weight": 1.0, "density": [0.2, 0.9, 0.4], "lambda": [1, 0.5]}
    ),
    "weights by layer": Method(
        name="task_arithmetic", uses_base=True, parameters={"weight": 0.3, "lambda": 0.7}, weights={"swe": [0, 1.5]}
    ),
    "a base for multislerp": Method(name="multislerp", uses_base=True, parameters={"weight": 1.0}, weights={"isl": 3}),
    "no normalisation": Method(name="linear", parameters={"weight": 0.4, "normalize": False}),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_weights_and_parameters_by_layer_are_those_of_mergekit(variant, checkpoints, tmp_path):
    method = VARIANTS[variant]
    ours, of_mergekit = both(recipe(checkpoints("float32"), method, ["isl", "swe"], "float32"), tmp_path)
    one, two = load_file(ours), load_file(of_mergekit)
    for name, tensor in one.items():
        if method.name == "ties" and tensor.numel() > 10_000:  # equal magnitudes, see above
            assert (tensor != two[name]).float().mean() < 1e-3
        else:
            assert torch.equal(tensor, two[name]), name
    plain = method.model_copy(update={"weights": {}, "parameters": {"weight": 1.0}})
    merge_models({tmp_path / "plain": recipe(checkpoints("float32"), plain, ["isl", "swe"], "float32")})
    assert sha256_file(ours) != sha256_file(tmp_path / "plain/model.safetensors")


def test_the_catalogue_agrees_with_mergekits_registry():
    found = {}
    for method in registered_methods():
        spec = method.spec
        contract = spec.contract
        if contract.max_inputs is not None:
            continue  # for one model, or for one and its base
        of_base = int(contract.base == "required")
        found[spec.name] = (
            contract.base.value,
            {p.name: p.value_type for p in spec.input_parameters},
            {p.name: p.value_type for p in spec.shared_parameters},
            (contract.min_non_base or max(1, contract.min_inputs - of_base), contract.max_non_base),
            [p.name for p in spec.parameters if p.required],
        )
    listed = {
        name: (kind.base, kind.of_model, kind.of_merge, kind.members, ["weight"] if "weight" in kind.of_model else [])
        for name, kind in KINDS.items()
    }
    assert listed == found


# A matrix of a base, and of three models that have moved in half of its elements each.
_draw = torch.Generator().manual_seed(0)
BASE = torch.randn(1920, generator=_draw)
MOVED = [BASE + torch.randn(1920, generator=_draw) * (torch.rand(1920, generator=_draw) < 0.5) for _ in range(3)]

# Of every parameter two values, and what a method needs beside it.
VALUES = {
    **{name: (True, False) for kind in KINDS.values() for name, type_ in kind.parameters.items() if type_ is bool},
    "weight": (1.0, 0.5),
    "density": (0.4, 0.2),
    "lambda": (1.0, 0.5),
    "gamma": (0.01, 0.2),
    "epsilon": (0.1, 0.3),
    "eps": (1e-8, 0.5),
    "max_iter": (0, 10),
    "tol": (1e-5, 0.9),
    "select_topk": (1.0, 0.5),
    "r": (0.1, 0.9),
    "alpha": (0.01, 0.9),
}
NEEDED = {"weight": 1.0, "density": 0.4, "nuslerp_flatten": False}
# A common factor of all weights cancels where these are normalised, which these methods do unless told otherwise; in
# which integers a mask is held changes nothing.
CANCELS = {(name, "weight") for name in ("linear", "ties", "della", "multislerp", "nuslerp")}
UNCHANGED = (
    CANCELS | {(name, "int8_mask") for name in KINDS} | {(n, p) for n, kind in KINDS.items() for p in kind.ignored}
)


def merged_tensor(name, parameters, weights=None, models=None, base=BASE):
    """A matrix of as many of the `models` as the method takes, at most three."""
    languages = LANGUAGES[: KINDS[name].members[1] or 3]
    uses_base = KINDS[name].base == "required"
    method = Method(name=name, uses_base=uses_base, parameters=parameters, weights=weights or {})
    tensor = "model.layers.1.mlp.up_proj.weight"
    values = recipe(dict.fromkeys(["base", *languages], Path("unread")), method, languages, "float32")
    members = [lambda part, model=model: model[part] for model in (models or MOVED)[: len(languages)]]
    operands = Operands(
        tensor, (40, 48), languages, members, (lambda part: base[part]) if uses_base else None,
        values.for_tensor(tensor, layers=2), SEED,
    )  # fmt: skip
    merged = torch.full_like(base, torch.nan)

    def write(part, values):
        merged[part] = values

    with workers() as crew:
        merge_tensor(merge_methods()[name], operands, crew, write)
    return merged


@pytest.mark.parametrize(("name", "parameter"), [(name, p) for name, kind in KINDS.items() for p in kind.parameters])
def test_a_parameter_changes_the_merge_or_provably_does_not(name, parameter):
    needed = {key: value for key, value in NEEDED.items() if key in KINDS[name].parameters}
    one, two = (merged_tensor(name, needed | {parameter: value}) for value in VALUES[parameter])
    assert torch.allclose(one, two, rtol=1e-6, atol=1e-7) == ((name, parameter) in UNCHANGED)


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if "weight" in kind.of_model])
def test_more_weight_for_a_language_changes_the_merge(name):
    needed = {key: value for key, value in NEEDED.items() if key in KINDS[name].parameters and key != "nuslerp_flatten"}
    assert not torch.allclose(merged_tensor(name, needed), merged_tensor(name, needed, {LANGUAGES[0]: 3.0}))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", KINDS)
def test_every_method_gives_equal_models_back_but_for_rounding(name, dtype):
    # What is dropped is lost, even if all members drop the same.
    everything = {"weight": 1.0, "density": 1.0, "gamma": 0.0, "normalize": True}
    needed = {key: value for key, value in everything.items() if key in KINDS[name].parameters}
    model = MOVED[0].to(dtype)
    merged = merged_tensor(name, needed, models=[model.clone() for _ in range(3)], base=BASE.to(dtype))
    torch.testing.assert_close(merged.float(), model.float(), rtol=0, atol=8 * torch.finfo(dtype).eps)
