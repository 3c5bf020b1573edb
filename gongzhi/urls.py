"""Every address. Pages for people in `web`, pages for programs in `api`."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from gongzhi.web import accounts, errors, health

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error

urlpatterns = [
    path("accounts/login/", accounts.SignInPage.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("accounts/password/", accounts.password, name="password"),
    path("accounts/post/", accounts.post, name="post"),
    path("accounts/stay/", accounts.stay, name="stay"),
    path("me/", accounts.me, name="me"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
