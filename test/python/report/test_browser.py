# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The report in a real browser: on a phone and on a desk, in light and dark, by mouse and by keyboard alone."""

from contextlib import contextmanager

import pytest

PHONE, DESK = (390, 844), (1400, 900)


@contextmanager
def opened(chromium, path, size=DESK, **options):
    """A page, which must load nothing but itself and report no error."""
    context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, **options)
    page = context.new_page()
    asked, errors = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    try:
        page.goto(path.as_uri())
        yield page
        assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()] and errors == []
    finally:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_it_fits_and_is_accessible(chromium, page_file, size, scheme):
    """Nothing sticks out of the screen, all is open to a screen reader, and all text has contrast."""
    from axe_playwright_python.sync_playwright import Axe

    with opened(chromium, page_file, size, color_scheme=scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") == (scheme == "dark")
        for selector in (".claim", ".proof", ".remark details"):
            page.eval_on_selector_all(selector, "elements => elements.forEach(element => element.open = true)")
        page.eval_on_selector_all(".proof-lines details", "all => all.slice(0, 6).forEach(each => each.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        result = Axe().run(page)
        assert result.response["violations"] == [], result.generate_report()


def test_what_is_said_first(chromium, page_file, analysed):
    with opened(chromium, page_file) as page:
        lead = page.locator(".hero .lead").inner_text()
        assert f"{analysed[0].dimension.linear:,} independent continuous transformations" in lead
        box = page.locator(".tiles").bounding_box()
        assert box["y"] + box["height"] < DESK[1]  # without scrolling
        families = page.locator(".tile h2").all_inner_texts()
        assert {"Scale", "Rescale", "Shift", "Change of basis", "Permutation"} <= set(families)


def test_the_model_is_drawn_in_the_order_of_its_use(chromium, page_file):
    with opened(chromium, page_file) as page:
        names = page.locator(".model th").all_inner_texts()
        place = lambda name: next(i for i, text in enumerate(names) if text.split()[0] == name)
        assert place("embed") < place("norm1") < place("query") < place("up") < place("head") < place("norm")
        assert "×2" in next(text for text in names if text.startswith("blocks.0,1"))  # both layers


def test_a_thread_is_lit_and_leads_to_its_claim(chromium, page_file):
    with opened(chromium, page_file) as page:
        mark = page.locator("a.member.f-rescale").first
        name = mark.get_attribute("data-claim")
        mark.hover()
        assert page.locator(".strand.lit").count() == page.locator(f".strand[data-claim={name}]").count() > 1
        assert "divide" in page.locator("#caption").inner_text()
        assert not page.locator(f"#{name}").evaluate("claim => claim.open")
        mark.click()
        assert page.locator(f"#{name}").evaluate("claim => claim.open")
        page.mouse.move(0, 0)
        assert page.locator(".strand.lit").count() == 0 or mark.evaluate("mark => mark === document.activeElement")


def test_by_finger(chromium, page_file):
    """A first touch tells what a mark stands for, a second one follows it."""
    with opened(chromium, page_file, PHONE, has_touch=True) as page:
        mark = page.locator("a.member.f-rescale").first
        name = mark.get_attribute("data-claim")
        mark.tap()
        assert page.locator("#caption strong").inner_text().startswith(name) and page.evaluate("location.hash") == ""
        mark.tap()
        assert page.evaluate("location.hash") == f"#{name}" and page.locator(f"#{name}").evaluate("claim => claim.open")


def test_by_keyboard_alone(chromium, page_file):
    with opened(chromium, page_file) as page:
        focused = lambda selector: page.evaluate("s => document.activeElement.matches(s)", selector)
        page.keyboard.press("Tab")
        assert focused(".skip")
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == "#content"
        for _ in range(40):
            page.keyboard.press("Tab")
            if focused("a.member"):
                break
        name = page.evaluate("document.activeElement.dataset.claim")
        assert page.locator("#caption").inner_text().startswith(name)  # what has the focus is told
        page.keyboard.press("Enter")
        assert page.locator(f"#{name}").evaluate("claim => claim.open")
        page.locator("#all-parameters thead button").first.focus()
        page.keyboard.press("Enter")
        assert page.locator("#all-parameters th[aria-sort=ascending]").count() == 1


def test_a_claim_unfolds_to_source_lines(chromium, page_file):
    with opened(chromium, page_file) as page:
        claim = page.locator(".claim.f-rescale").first
        claim.locator("summary").first.click()
        claim.locator(".proof > summary").click()
        line = claim.locator(".proof-lines summary", has_text="model.py").first
        line.click()
        assert "=" in line.locator("xpath=..").locator(".steps tbody tr").first.inner_text()
        assert claim.locator("code.quote").count() > 0  # the line itself
        assert "degree 0" in claim.locator(".end").inner_text()


def test_families_are_hidden_by_their_buttons(chromium, page_file):
    with opened(chromium, page_file) as page:
        chip = page.locator("button.chip", has_text="Permutation")
        chip.click()
        assert chip.get_attribute("aria-pressed") == "false"
        shown = lambda family: page.locator(f".model a.f-{family}:visible").count()
        assert shown("permutation") == 0 < shown("rescale")
        chip.click()
        assert shown("permutation") > 0


def test_parameters_are_sorted_and_found(chromium, page_file, analysed):
    with opened(chromium, page_file) as page:
        cells = page.locator("#all-parameters td.number")
        numbers = lambda: [int(text.replace(",", "")) for text in cells.all_inner_texts()]
        before = numbers()
        button = page.locator("#all-parameters thead button", has_text="numbers")
        button.click()
        assert numbers() == sorted(before)
        button.click()
        assert numbers() == sorted(before, reverse=True)
        page.fill("#search", "blocks up")
        shown = page.locator("#all-parameters tbody tr:visible")
        assert shown.count() == 2 and page.locator("#found").inner_text() == f"2 of {len(before)}"
        page.fill("#search", "")
        assert shown.count() == len(before) == len(analysed[0].parameters)


def test_without_scripts(chromium, page_file):
    """All there is to read is there, and claims still unfold."""
    with opened(chromium, page_file, java_script_enabled=False) as page:
        claim = page.locator(".claim").first
        claim.locator("summary").first.click()
        assert claim.locator("dl").is_visible()
        assert not page.locator("button.chip, #search").first.is_visible()  # what would do nothing


def test_plots_follow_the_page(chromium, page_file):
    """Plots have the page's colours in light and dark, and say in words what they show."""
    colors = set()
    for scheme in ("light", "dark"):
        with opened(chromium, page_file, color_scheme=scheme) as page:
            assert page.locator(".plots svg").count() >= 1
            for figure in page.locator(".plots [role=img]").all():
                assert len(figure.get_attribute("aria-label")) > 40
            colors.add(page.locator(".plots svg text").first.evaluate("text => getComputedStyle(text).fill"))
    assert len(colors) == 2
