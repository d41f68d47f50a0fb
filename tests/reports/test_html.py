"""The page: whole in itself, escaped, and equal to the numbers."""

from dataclasses import replace
from html.parser import HTMLParser

from leadscout_assets.reports.html import Markup, element, render_page
from tests.reports.samples import empty_batch, large_batch, small_batch
from tests.reports.test_sections import document_of


class Page(HTMLParser):
    """Collects the tags, attributes and texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_asks_nobody_for_anything() -> None:
    page = Page(render_page(document_of(large_batch(60, 3))))
    assert not {"script", "link", "img", "iframe", "object", "form", "base"} & set(page.tags)
    names = {name for name, _ in page.attributes}
    assert not {"src", "href", "srcset", "action"} & names
    assert not [name for name in names if name.startswith("on")]
    assert "url(" not in "".join(page.texts)
    assert any(value and value.startswith("default-src 'none'") for name, value in page.attributes if name == "content")


def test_delivered_text_is_escaped() -> None:
    batch = small_batch()
    hostile = replace(batch, delivery=replace(batch.delivery, file_name='"><script>alert(1)</script>&amp;.xlsx'))
    html = render_page(document_of(hostile, purpose="<img src=x onerror=y>"))
    assert "<script" not in html
    assert "<img" not in html
    assert '"><script>alert(1)</script>&amp;.xlsx' in Page(html).texts


def test_the_totals_on_the_page_are_the_numbers() -> None:
    batch = large_batch(1_234, 56)
    texts = Page(render_page(document_of(batch))).texts
    assert texts[texts.index("Rows delivered") + 1] == "1,290"
    assert texts[texts.index("Leads") + 1] == "1,234"
    assert texts[texts.index("Rejected") + 1] == "56"
    row = texts.index("Rows delivered = leads + rejected rows")
    assert texts[row + 1 : row + 4] == ["1,290", "1,290", "holds"]


def test_the_page_holds_no_lead() -> None:
    html = render_page(document_of(small_batch()))
    assert not [name for name in ("KAROO", "VLEI", "&lt;b&gt;", "82123", "a@vlei") if name in html]


def test_a_refused_batch_has_a_page_that_says_so() -> None:
    html = render_page(document_of(empty_batch(None)))
    assert 'class="verdict fails"' in html
    assert "NaN" not in html
    assert "None" not in html


def test_elements_escape_their_children_unless_these_are_markup() -> None:
    assert element("p", "a < b", Markup("<b>c</b>"), class_='"x"') == '<p class="&quot;x&quot;">a &lt; b<b>c</b></p>'


def test_the_same_document_gives_the_same_page() -> None:
    assert render_page(document_of(small_batch())) == render_page(document_of(small_batch()))
