"""Signing in and out, the password, the post one acts in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.password_validation import validate_password
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from gongzhi.ground.people import doors
from gongzhi.ground.people.models import Account, OpenSession
from gongzhi.web.access import signed_in
from gongzhi.web.entrance import begin, prove
from gongzhi.web.middleware import touch
from gongzhi.web.providers.doors import configured
from gongzhi.web.toasts import done


def wrong_fields(form: forms.BaseForm) -> list[dict[str, str]]:
    """The error summary of a form: a sentence and the field it leads to."""
    return [
        {"field": "" if name == "__all__" else str(form[name].id_for_label), "reason": str(error)}
        for name, errors in form.errors.items()
        for error in errors
    ]


class SignIn(AuthenticationForm):
    error_messages = {
        "invalid_login": "账号或密码不对，请核对后再输一次",
        "inactive": "这个账号已停用，请找上级组织员",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "%s"
        self.fields["username"].error_messages["required"] = "请填账号"
        self.fields["password"].error_messages["required"] = "请填密码"


@method_decorator(login_not_required, name="dispatch")
class SignInPage(auth.LoginView):
    template_name = "accounts/login.html"
    authentication_form = SignIn
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        form = context["form"]
        return context | {
            "problems": wrong_fields(form) if form.is_bound else [],
            "problems_title": "没有登录",
            "typed": self.request.POST.get("typed", ""),
            "doors": configured(),
            "limit": settings.AXES_FAILURE_LIMIT,
            "minutes": round(settings.AXES_COOLOFF_TIME * 60),
        }

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        account = form.get_user()
        if not isinstance(account, Account):
            raise Http404
        if typed := self.request.POST.get("typed"):
            self.request.session["typed"] = typed
            self.request.session["typed_at"] = self.request.POST.get("next", "")
        return begin(self.request, account, by="password", next_url=self.get_success_url())


class NewPassword(forms.Form):
    current = forms.CharField(label="现在的密码", strip=False)
    new = forms.CharField(
        label="新密码", strip=False, help_text="至少 10 位，大小写字母、数字、符号有三种，不用常见的词"
    )
    again = forms.CharField(label="再输一次新密码", strip=False)

    def __init__(self, account: Account, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account = account
        self.auto_id = "%s"
        for name, field in self.fields.items():
            held = "current-password" if name == "current" else "new-password"
            described = [f"{name}-help"] if field.help_text else []
            attributes = {"autocomplete": held}
            if self.is_bound and name in self.errors:
                attributes["aria-invalid"] = "true"
                described.append(f"{name}-error")
            if described:
                attributes["aria-describedby"] = " ".join(described)
            field.widget = forms.PasswordInput(attrs=attributes)

    def clean_current(self) -> str:
        text = str(self.cleaned_data["current"])
        if not self.account.check_password(text):
            raise forms.ValidationError("现在的密码不对，请核对后再输一次")
        return text

    def clean_new(self) -> str:
        text = str(self.cleaned_data["new"])
        if text == self.data.get("current"):
            raise forms.ValidationError("新密码要和现在的不一样")
        validate_password(text, self.account)
        return text

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if given.get("new") and given.get("again") and given["new"] != given["again"]:
            self.add_error("again", "两次输入的新密码不一样")
        return given


@sensitive_post_parameters()
def password(request: HttpRequest) -> HttpResponse:
    """Replace the password; the page that a handed-out one leads to."""
    account = request.user
    if not isinstance(account, Account):
        raise Http404
    first = account.must_change_password
    form = NewPassword(account, request.POST or None)
    if request.method == "POST" and form.is_valid():
        account.set_password(form.cleaned_data["new"])
        account.must_change_password = False
        account.save(update_fields=["password", "must_change_password"])
        end_others(request, account)
        done(request, "密码已改好")
        return redirect(settings.LOGIN_REDIRECT_URL if first else "me")
    context = {"form": form, "first": first, "problems": wrong_fields(form) if form.is_bound else []}
    return render(request, "accounts/password.html", context)


def end_others(request: HttpRequest, account: Account) -> None:
    """A new password ends what the old one opened elsewhere; this session goes on under a new key."""
    before = request.session.session_key
    doors.end_sessions(account, keep=before)
    update_session_auth_hash(request, account)
    OpenSession.objects.filter(key=before).update(key=request.session.session_key)
    prove(request)


@require_POST
def post(request: HttpRequest) -> HttpResponse:
    """Act in another of one's posts, or in all of them."""
    chosen = request.POST.get("post", "")
    if chosen != "all" and all(str(held.pk) != chosen for held in signed_in(request).held):
        raise Http404
    request.session["post"] = chosen
    return redirect("desk")


def stay(request: HttpRequest) -> HttpResponse:
    """延长: the page is still being worked on."""
    touch(request)
    return JsonResponse({"seconds": settings.SESSION_IDLE_SECONDS})
