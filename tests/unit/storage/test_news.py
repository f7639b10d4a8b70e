"""When resting runs are looked into."""

from storage.news import FULL_LOOK_S, News
from storage.store import Store, open_store


class Belled(Store):
    is_local = False
    tag = "a"

    def bell(self):
        return self.tag


def test_folder_always_may_have_news(tmp_path):
    news = News(open_store(str(tmp_path)))

    assert [news.is_any() for _ in range(3)] == [True] * 3


def test_bucket_has_news_when_its_bell_rang_or_a_minute_is_over(tmp_path):
    now_s = [0.0]
    store = Belled(tmp_path)
    news = News(store, lambda: now_s[0])

    assert [news.is_any(), news.is_any()] == [True, False]
    store.tag = "b"
    assert [news.is_any(), news.is_any()] == [True, False]
    now_s[0] = FULL_LOOK_S
    assert [news.is_any(), news.is_any()] == [True, False]
