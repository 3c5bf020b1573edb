"""登录条: printed for those who get an account, and the page that the QR on it opens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from gongzhi.clock import slips
from gongzhi.clock.jobs.models import Job
from gongzhi.ground.ledger.acts import By
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import Account, Person
from gongzhi.ground.refusals import Refused, Unknown
from gongzhi.ground.register.invitations import link_of, use
from gongzhi.web import entrance
from gongzhi.web.access import signed_in
from gongzhi.web.accounts import wrong_fields
from gongzhi.web.limits import Limit
from gongzhi.web.people import person_of
from gongzhi.web.toasts import done

TRIES = Limit("slip", 30, 600)


@never_cache
@require_POST
def sheet(request: HttpRequest) -> HttpResponse:
    """Make slips and show them, once: nothing on them can be read again. Asked for anew, they replace the old ones."""
    looking = signed_in(request)
    by = By(looking.actor, held=looking.held)
    persons = wanted(request, looking)
    if not entrance.proved(request):
        done(request, "要发的是能登录的登录条，先确认是您本人，再按一次")
        return entrance.ask_again(request, came_from(request, persons))
    try:
        with transaction.atomic():
            made = slips.issue(by, persons[: slips.MOST], request.build_absolute_uri("/"))
    except Refused as refused:
        told: dict[str, str] = {"title": "没有发登录条", "words": f"{refused.reason}。", "code": refused.code}
        return render(request, "slips/refused.html", told, status=refused.status)
    context = {
        "pages": slips.pages(made),
        "count": len(made),
        "left": max(0, len(persons) - slips.MOST),
        "one": made[0] if len(made) == 1 else None,
        "import_pk": request.POST.get("import", ""),
    }
    return private(render(request, "slips/sheet.html", context))


def wanted(request: HttpRequest, looking: Viewer) -> list[Person]:
    """Those named, or those of one's own import who never set a password. Raises Http404."""
    if numbers := request.POST.getlist("person"):
        return [person_of(looking, number) for number in numbers]
    told = request.POST.get("import", "")
    job = Job.objects.filter(pk=told, kind="import", actor=looking.actor).first() if _is_id(told) else None
    if job is None:
        raise Http404
    return slips.not_yet_in((job.result or {}).get("persons", []), looking.actor.district)


def came_from(request: HttpRequest, persons: list[Person]) -> str:
    """The page with the button that asks for slips."""
    if job := request.POST.get("import", ""):
        return reverse("import", args=[job])
    return reverse("person", args=[persons[0].number]) if len(persons) == 1 else reverse("people")


def _is_id(text: str) -> bool:
    return len(text) == 36 and all(sign in "0123456789abcdef-" for sign in text)


class FirstPassword(forms.Form):
    new = forms.CharField(
        label="设一个密码", strip=False, help_text="至少 10 位，大小写字母、数字、符号有三种，不用常见的词"
    )
    again = forms.CharField(label="再输一次", strip=False)

    def __init__(self, account: Account, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account, self.auto_id = account, "%s"
        for name, field in self.fields.items():
            field.error_messages["required"] = "请设一个密码" if name == "new" else "请再输一次"
            attributes = {"autocomplete": "new-password"}
            described = [f"{name}-help"] if field.help_text else []
            if self.is_bound and name in self.errors:
                attributes["aria-invalid"] = "true"
                described.append(f"{name}-error")
            if described:
                attributes["aria-describedby"] = " ".join(described)
            field.widget = forms.PasswordInput(attrs=attributes)

    def clean_new(self) -> str:
        text = str(self.cleaned_data["new"])
        validate_password(text, self.account)
        return text

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if given.get("new") and given.get("again") and given["new"] != given["again"]:
            self.add_error("again", "两次输入的密码不一样")
        return given


@login_not_required
@never_cache
@sensitive_post_parameters()
@sensitive_variables("secret", "form")
@require_http_methods(["GET", "HEAD", "POST"])
def first(request: HttpRequest, secret: str) -> HttpResponse:
    """What the QR of a slip opens: a password of one's own, then the desk. A link already used says so."""
    # From here on no log, no error page and no other request learns the secret.
    request.path = request.path_info = reverse("first", args=["-"])
    if TRIES.over(request):
        return private(ended(request, "试的次数太多，请过十分钟再扫", 429))
    try:
        link = link_of(secret)
    except Unknown as unknown:
        return private(ended(request, unknown.reason, 404))
    if link.ended or not link.account.is_active:
        return private(ended(request, link.ended or "这个账号已停用", 410))
    form = FirstPassword(link.account, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                account = use(link, form.cleaned_data["new"])
        except Refused as refused:
            return private(ended(request, refused.reason, refused.status))
        done(request, "密码设好了，以后用用户名和密码登录")
        return private(entrance.begin(request, account, by="slip"))
    context = {
        "account": link.account,
        "until": link.expires_at,
        "form": form,
        "problems": wrong_fields(form) if form.is_bound else [],
        "problems_title": "密码没有设好",
    }
    return private(render(request, "slips/first.html", context, status=422 if form.errors else 200))


def ended(request: HttpRequest, why: str, status: int) -> HttpResponse:
    return render(request, "slips/ended.html", {"why": why}, status=status)


def private(response: HttpResponse) -> HttpResponse:
    """Kept nowhere, and nobody else learns the address. The origin alone is told, which the form's own check needs."""
    response["Referrer-Policy"] = "strict-origin"
    response["Cache-Control"] = "no-store, private"
    response["X-Robots-Tag"] = "noindex"
    return response
