"""The page /docs in a real browser: who may read what, the model's own examples, and an answer that the page got itself."""

from __future__ import annotations

import json

import pytest

from switchyard.serving import apipage
from switchyard.serving.frontdoor.routes import PAGE
from switchyard.serving.frontdoor.state import Traffic
from tests.browser import chromium
from tests.deployment.conftest import Client
from tests.switchyard.serving.cases import ROW


def test_the_door_lets_the_whole_page_through_and_nothing_else():
    assert set(PAGE) == set(apipage.PATHS)


@pytest.fixture
def browser():
    with chromium(viewport={"width": 1200, "height": 900}) as context:
        yield context


@pytest.fixture
def deployment(host, releases):
    host.start(releases["1"], 30)
    host.shift("loans", Traffic.all_to("v1"), 30)
    return host.inspect("loans")


def test_the_page_shows_and_tries_the_model_with_a_token(deployment, browser):
    page, asked, said = browser.new_page(), [], []
    page.set_default_timeout(15_000)
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))

    opened = page.goto(f"{deployment.url}/docs")
    page.get_by_label("Token").wait_for()
    # Nothing of the model is told before a token was.
    assert "loans" not in page.content() and page.locator(".opblock").count() == 0
    assert "default-src 'none'" in opened.headers["content-security-policy"] and "unsafe" not in opened.headers["content-security-policy"]
    page.get_by_label("Token").fill("a-token-that-nobody-has")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("alert").get_by_text("with a token of this service").wait_for()
    page.get_by_label("Token").fill(Client(deployment).token)
    page.get_by_role("button", name="Show").click()

    page.get_by_role("heading", name="loans").wait_for()
    operation = page.locator("#operations-default-predict")
    operation.get_by_text("Score rows.").click()
    operation.get_by_role("button", name="Execute").wait_for()
    assert json.loads(operation.locator("textarea").first.input_value())["rows"][0].keys() == ROW.keys()
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table")
    answer.get_by_text("prediction_id").first.wait_for()
    assert "digest" in answer.inner_text() and f"{deployment.url}/api/v1.0/predictions" in answer.locator("..").inner_text()

    # The token of the first look may be replaced by the page's own means.
    page.locator(".auth-wrapper .authorize").click()
    page.locator(".modal-ux").get_by_role("button", name="Remove authorization").click()
    page.locator(".modal-ux input").fill("a-token-that-nobody-has")
    page.locator(".modal-ux button[type=submit]").click()
    page.locator(".modal-ux .btn-done").click()
    operation.get_by_role("button", name="Execute").click()
    answer.get_by_text("UNAUTHORIZED").first.wait_for()

    own = deployment.url.rsplit("/", 1)[0]
    assert all(url.startswith((own, "data:")) for url in asked), asked
    refused = [text for text in said if "401" not in text]
    assert refused == [], "the page's own policy kept something from it, or a script failed"
