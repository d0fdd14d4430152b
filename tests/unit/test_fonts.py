"""Text in figures: other scripts in fonts that are there, names as they stand, whatever signs they have."""

import warnings

import numpy as np
import pandas as pd
import pytest
from made_up_scores import selection, summary_of
from matplotlib import font_manager

from growmerge.figures import FIGURES
from growmerge.figures.common import fonts, style
from growmerge.figures.common.fonts import FONT, drawable, fallback_fonts

HAN, LATIN = "中文", "Svenska"


@pytest.fixture
def forget():
    """What is known of the machine's fonts is forgotten before and after a test that changes it."""
    cached = (fallback_fonts, fonts._characters)
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


def pixels(text: str, family: list[str]) -> np.ndarray:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with style.mpl.rc_context(style.RC | {"font.family": family}):
        figure = style.Figure(figsize=(2, 1))
        figure.text(0.1, 0.4, text, size=20)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba()).copy()


def test_only_fonts_that_are_there_are_named_after_the_one_that_is_everywhere() -> None:
    there = {entry.name for entry in font_manager.fontManager.ttflist}
    assert style.RC["font.family"][0] == FONT
    assert set(style.RC["font.family"]) <= there


def test_a_fallback_draws_what_the_first_font_lacks_and_nothing_else(forget, monkeypatch) -> None:
    """STIX, which comes with matplotlib, in the place of a font of another script: U+E261 is a sign of its own."""
    monkeypatch.setattr(fonts, "FALLBACKS", ("No Such Font", "STIXNonUnicode"))
    assert fallback_fonts() == ("STIXNonUnicode",)
    sign, family = "\ue261", [FONT, *fallback_fonts()]
    assert drawable(sign, "code") == sign
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of a sign that no font has
        drawn = pixels(sign, family)
    with pytest.warns(UserWarning, match="missing from font"):
        box = pixels(sign, [FONT])
    assert not np.array_equal(drawn, box)
    assert np.array_equal(pixels(LATIN, family), pixels(LATIN, [FONT]))


def test_what_no_font_can_draw_is_shown_by_its_code(forget, monkeypatch) -> None:
    monkeypatch.setattr(fonts, "FALLBACKS", ())
    assert drawable(HAN, "zho") == "zho"
    for text in (LATIN, "فارسی", "ქართული", "Íslenska\nρ", "Русский"):
        assert drawable(text, "code") == text


def test_a_dollar_sign_is_text() -> None:
    name = "a$b_c$d"
    model = f"{name}/swe"
    summary = summary_of({model: {"facts": {"swe": 0.7, "eng": 0.6}}, "base": {"facts": {"swe": 0.5, "eng": 0.6}}})
    figure = FIGURES["baselines"]
    drawing = figure.drawn(figure.data(summary, selection(("swe",), (name,))))
    (label,) = (text for text in drawing.legends[0].get_texts() if text.get_text() == name)
    assert not label.get_parse_math()
    assert not np.array_equal(pixels(name, [FONT]), pixels("abcd", [FONT]))


def test_models_of_others_are_letters_still() -> None:
    summary = summary_of({"2x/swe": {"facts": {"swe": 0.7}}, "external/one": {"facts": {"swe": 0.8}}})
    figure = FIGURES["baselines"]
    drawing = figure.drawn(figure.data(summary, selection(("swe",), ("2x",))))
    (mark,) = drawing.findobj(lambda artist: artist.get_gid() == "external")
    with style.mpl.rc_context(style.RC | {"text.parse_math": True}):
        expected = style.MarkerStyle(r"$\mathrm{A}$").get_path()
    assert np.array_equal(mark._marker.get_path().vertices, expected.vertices)


def test_a_language_whose_name_cannot_be_drawn_stands_as_its_code_alone(forget, monkeypatch) -> None:
    monkeypatch.setattr(fonts, "FALLBACKS", ())
    summary = summary_of({"2x/swe": {"facts": {"swe": 0.7}}, "2x/zho": {"facts": {"zho": 0.8}}})
    figure = FIGURES["baselines"]
    data = figure.data(summary, selection(("swe", "zho"), ("2x",)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawing = figure.drawn(data, {"swe": LATIN, "zho": HAN})
        drawing.draw_without_rendering()
    assert drawing.legends[0].get_title().get_text() == "swe Svenska"


def test_a_statistic_whose_label_cannot_be_drawn_is_shown_by_its_name(forget, monkeypatch) -> None:
    from growmerge.figures import similarity_and_drop

    monkeypatch.setattr(fonts, "FALLBACKS", ())
    monkeypatch.setattr(similarity_and_drop, "_drawn", lambda: {"cka": HAN, "cosine": "Cosine"})
    rows = [("2x", "isl", "swe", "facts", -0.1, name, 0.5, 1, np.nan, np.nan) for name in ("cka", "cosine")]
    names = ["setup", "first", "second", "measure", "delta", "similarity", "x", "n", "pearson", "spearman"]
    drawing = FIGURES["similarity_and_drop"].drawn(pd.DataFrame(rows, columns=names))
    assert {axes.get_xlabel() for axes in drawing.axes} == {"cka", "Cosine"}
