"""Plants files where a built study has its results: `python tests/plant_results.py FOLDER`.

CI does so in its checkout before the tests, which must neither read nor mind them: after `make demo` a user's checkout
is full of results, too.
"""

import os
import sys
from pathlib import Path

from growmerge.config import load_files
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout

CONFIG = Path(__file__).parents[1] / "config"


def planted() -> list[Path]:
    """Models, scores, tables and figures of the default study and of the miniature, relative to a checkout."""
    paths: list[Path] = []
    for files in (["config.yaml"], ["config.yaml", "miniature.yaml"]):
        study = load_files(*(CONFIG / file for file in files))
        grid = Grid(study)
        layout = Layout(study, grid)
        paths += map(Path, [*layout.models(), *layout.scores(grid), *layout.translations(grid), *layout.comparisons()])
        paths += [Path(layout.results, "tables", f"{table}.csv") for table in ("scores", "baselines", "contrasts")]
        paths += [Path(layout.results, "figures", f"{figure}.pdf") for figure in ("baselines", "pairwise")]
    return paths


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    for path in planted():
        if path.suffix:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("planted by tests/plant_results.py: no test may read this\n", encoding="utf-8")
        else:
            path.mkdir(parents=True, exist_ok=True)
            (path / "manifest.json").write_text("[]\n", encoding="utf-8")
