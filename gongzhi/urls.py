"""Every address. Pages for people in `web`, pages for programs in `api`."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from gongzhi.api.operations import addresses
from gongzhi.web import (
    accounts,
    briefing,
    desk,
    doing,
    doubts,
    errors,
    facts,
    feedback,
    health,
    jobs,
    me,
    mfa,
    noticeboard,
    operation,
    photos,
    preferences,
    privacy,
    problems,
    rules,
    standing,
    styleguide,
    tasks,
)
from gongzhi.web.providers import views as doors

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error

urlpatterns = [
    path("", noticeboard.noticeboard, name="noticeboard"),
    path("facts/", facts.facts, name="facts"),
    path("facts/<uuid:pk>/", facts.fact, name="fact"),
    path("facts/<uuid:pk>/proof/", facts.proof, name="proof"),
    path("do/", doing.index, name="doing"),
    path("do/<str:name>/", doing.do, name="do"),
    path("desk/", desk.page, name="desk"),
    path("problems/", problems.index, name="problems"),
    path("problems/<str:number>/", problems.page, name="problem"),
    path("tasks/<str:number>/", tasks.page, name="task"),
    path("doubts/", doubts.index, name="doubts"),
    path("doubts/<uuid:pk>/", doubts.page, name="doubt"),
    path("feedback/", feedback.page, name="feedback"),
    path("feedback/handling/", feedback.handling, name="feedback_handling"),
    path("feedback/handling/<str:number>/", feedback.one, name="feedback_one"),
    path("feedback/<str:code>/", feedback.receipt, name="receipt"),
    path("briefing/", briefing.page, name="briefing"),
    path("standing/", standing.page, name="standing"),
    path("standing/cell/", standing.cell, name="cell"),
    path("rules/", rules.page, name="rules"),
    path("preferences/", preferences.page, name="preferences"),
    path("preferences/elder/", preferences.elder, name="elder"),
    path("styleguide/", styleguide.page, name="styleguide"),
    path("privacy/", privacy.page, name="privacy"),
    path("accounts/login/", accounts.SignInPage.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("accounts/password/", accounts.password, name="password"),
    path("accounts/second/", mfa.second, name="second"),
    path("accounts/again/", mfa.again, name="again"),
    path("accounts/by/<str:name>/", doors.go, name="door"),
    path("accounts/by/<str:name>/back/", doors.back, name="door_back"),
    path("accounts/post/", accounts.post, name="post"),
    path("accounts/stay/", accounts.stay, name="stay"),
    path("api/", addresses()),
    path("me/", me.page, name="me"),
    path("me/copy/", me.copy, name="copy"),
    path("me/sessions/", me.end_sessions, name="end_sessions"),
    path("me/tokens/", me.make_token, name="make_token"),
    path("me/tokens/withdraw/", me.withdraw_token, name="withdraw_token"),
    path("me/unlink/", me.unlink, name="unlink"),
    path("me/second/", mfa.index, name="factors"),
    path("me/second/code/", mfa.set_up_code, name="factor_code"),
    path("me/second/key/", mfa.set_up_key, name="factor_key"),
    path("me/second/recovery/", mfa.recovery, name="recovery"),
    path("me/second/remove/", mfa.remove, name="factor_remove"),
    path("photos/<uuid:pk>/", photos.photo, name="photo"),
    path("photos/<uuid:pk>/small/", photos.small, name="photo-small"),
    path("jobs/", jobs.index, name="jobs"),
    path("jobs/<uuid:pk>/", jobs.page, name="job"),
    path("jobs/<uuid:pk>/file/", jobs.file, name="job_file"),
    path("operation/", operation.page, name="operation"),
    path("operation/going-live/", operation.going, name="going_live"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.numbers, name="metrics"),
    path("metrics", health.numbers, name="metrics"),
]
