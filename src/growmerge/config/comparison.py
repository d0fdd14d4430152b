"""How the models of a setup are compared with each other, before they are merged."""

from __future__ import annotations

from pydantic import Field, model_validator

from growmerge.config.strict import LanguageCode, Name, Strict, Switch


class Typology(Strict):
    """Where the typological distance of two languages comes from: the vectors of lang2vec, or a table of your own."""

    package: Name | None = Field(
        None,
        description="A package with lang2vec's vectors. The distance is 1 minus the cosine of the syntax, phonology "
        "and inventory features with kNN imputation, as DistaLs computes it.",
    )
    table: str | None = Field(
        None, description="A CSV file with the columns first, second (codes of ISO 639-3) and distance."
    )
    codes: dict[LanguageCode, LanguageCode] = Field(
        default_factory=dict, description="{language of the study: its code in the package or table}, if they differ."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Typology:
        if (self.package is None) == (self.table is None):
            raise ValueError("needs either `package` or `table`")
        return self


class Comparison(Strict):
    """Similarity of a setup's models and of their language vectors, compared with the drop after merging."""

    sentences: int = Field(
        1012, ge=3, description="Most English sentences on which hidden states are compared: those of the parity "
        "benchmark, else held-out English documents."
    )  # fmt: skip
    rows: Switch = Field(
        False,
        description="Also report how much of each language vector lies in the rows of the embedding whose tokens the "
        "language's text never holds. Tokens are counted for languages whose text is read here (a setup trains on it, "
        "or `merging.statistics_from` names a sample).",
    )
    typology: Typology | None = Field(None, description="Typological distance as a further measure; default: none.")
