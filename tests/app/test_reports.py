"""Where the pages of trainings lie, and what the index says of them."""

from __future__ import annotations

from dataclasses import replace

from app.reports import Trained, index, mark_served, publish, publish_comparison, with_origin

ONE = Trained("shop", "1", "0123456789", "2026-01-01T08:00:00+00:00", "challenger", "", "lightgbm", "roc_auc", 0.91, "sha256:1")
PAGES = {"evaluation.html": "<!doctype html><h1>Evaluation</h1>", "model_card.md": "# Card", "model_card.html": "<body class=x>card"}


def test_each_version_keeps_its_pages_and_the_links_follow(tmp_path):
    first = publish(tmp_path, ONE, PAGES)
    mark_served(tmp_path, "shop", "1")
    publish(tmp_path, replace(ONE, version="2", ended="2026-01-02T08:00:00+00:00"), {"evaluation.html": "<h1>Second</h1>"})

    shop = tmp_path / "reports" / "shop"
    assert first == {"evaluation": "reports/shop/1/evaluation.html", "model_card": "reports/shop/1/model_card.md"}
    assert "Evaluation" in (shop / "1" / "evaluation.html").read_text() and "Second" in (shop / "latest" / "evaluation.html").read_text()
    assert (shop / "served").resolve().name == "1"
    page = (shop / "index.html").read_text()
    assert page.index(">2<") < page.index("in production") < page.index("Scores over time") < page.index("version 1, 2026-01-01")
    mark_served(tmp_path, "shop", "7")  # Trained elsewhere: its pages are not here.
    assert not (shop / "served").is_symlink() and "in production" not in (shop / "index.html").read_text()


def test_an_unchanged_version_keeps_what_was_said_of_it(tmp_path):
    publish(tmp_path, ONE, PAGES)
    again = publish(tmp_path, replace(ONE, verdict="unchanged", ended="2026-01-09T08:00:00+00:00"), PAGES)

    assert again["evaluation"] == "reports/shop/1/evaluation.html"
    ((row,),) = [part.rows for part in index(tmp_path / "reports" / "shop").sections[0].parts]
    assert row[0] == "1" and row[1] == "2026-01-01 08:00"


def test_the_index_has_what_was_never_registered_too_and_runs_nothing(tmp_path):
    publish(tmp_path, ONE, PAGES)
    stopped = Trained("shop", None, "fedcba9876", "2026-01-03T08:00:00+00:00", "stopped", "column <script>alert(1)</script> leaks")
    publish(tmp_path, stopped, {"quality.html": "<h1>Quality</h1>"})

    page = (tmp_path / "reports" / "shop" / "index.html").read_text()
    assert "<script>" not in page and "<script>" not in (tmp_path / "reports/shop/run-fedcba98/quality.html").read_text()
    assert page.index("run-fedcba98/quality.html") < page.index("1/evaluation.html")
    assert page.count(">model card</a>") == 1


def test_a_comparison_of_two_versions_lies_beside_them_and_is_in_the_index(tmp_path):
    publish(tmp_path, ONE, PAGES)
    path = publish_comparison(tmp_path, "shop", "1", "2", "<h1>both</h1>")

    assert str(path) == "reports/shop/compare-1-2.html" and (tmp_path / path).read_text() == "<h1>both</h1>"
    assert '<a href="compare-1-2.html">1 and 2</a>' in (tmp_path / "reports" / "shop" / "index.html").read_text()


def test_a_page_says_whose_it_is_wherever_it_begins():
    assert with_origin("<html><body id=a><p>x", "me").startswith("<html><body id=a><p style")
    assert with_origin("<style>h1{}</style><h1>x", "me").startswith("<style>h1{}</style><p style")
    assert with_origin("nothing to hold on to", "me") == "nothing to hold on to"
