"""Where downloads are kept."""

from ssc_deploy.storage.cache import cache_folder


def test_the_cache_follows_the_user_s_settings(monkeypatch, tmp_path):
    monkeypatch.delenv("SSC_DEPLOY_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "ssc-deploy"
    monkeypatch.setenv("SSC_DEPLOY_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
