"""Every page of the demo, in one place: who opens it, its address, and what is followed from there. A new template
wants its line here; `test_pages.py` says when one is missing."""

from __future__ import annotations

from typing import NamedTuple


class Stop(NamedTuple):
    """`follow`: the start of an address that is a link on the page; that page is meant then."""

    who: str
    address: str
    follow: str = ""


FORTNIGHT = "place=410102013000&from=2020-06-01&to=2020-06-14"

PAGES: tuple[Stop, ...] = (
    Stop("", "/"),
    Stop("", f"/facts/?{FORTNIGHT}&indicator=patrolled"),
    Stop("", f"/facts/?{FORTNIGHT}&indicator=patrolled", "/facts/0"),
    Stop("", "/rules/"),
    Stop("worker", "/routes/"),
    Stop("worker", "/routes/?place=LH-Y3&category=0521"),
    Stop("", "/privacy/"),
    Stop("", "/help/"),
    Stop("", "/help/residents/"),
    Stop("auditor", "/help/auditor/"),
    Stop("", "/preferences/"),
    Stop("", "/styleguide/"),
    Stop("", "/report/"),
    Stop("", "/report/?sign=LH-Y3"),
    Stop("", "/track/"),
    Stop("", "/public/"),
    Stop("", "/public/", "/public/4"),
    Stop("", "/feedback/"),
    Stop("", "/feedback/7KMA-94TX-QC2H/"),
    Stop("", "/map/"),
    Stop("", "/places/"),
    Stop("", "/places/LH-YGHY/"),
    Stop("", "/organisations/LH-YGHY-JWH/"),
    Stop("", "/search/"),
    Stop("", "/search/?q=花园"),
    Stop("", "/accounts/login/"),
    Stop("", "/accounts/first/none/"),
    Stop("", "/nothing/"),
    Stop("member", "/desk/"),
    Stop("member", "/do/activities.patrol/"),
    Stop("member", "/field/"),
    Stop("", "/field/shell/"),
    Stop("secretary", "/patrols/?week=2020-06-08"),
    Stop("secretary", "/desk/"),
    Stop("secretary", "/problems/?view=all"),
    Stop("secretary", "/problems/?view=all&category=0101", "/problems/4"),
    Stop("secretary", "/tasks/"),
    Stop("secretary", "/tasks/?view=all", "/tasks/4"),
    Stop("secretary", "/feedback/handling/?view=all"),
    Stop("secretary", "/feedback/handling/?view=all", "/feedback/handling/4"),
    Stop("secretary", "/do/"),
    Stop("secretary", "/do/problems.settle/"),
    Stop("secretary", "/me/"),
    Stop("secretary", "/me/second/"),
    Stop("secretary", "/accounts/password/"),
    Stop("secretary", "/people/"),
    Stop("secretary", "/imports/"),
    Stop("secretary", "/jobs/"),
    Stop("secretary", "/notices/?view=all"),
    Stop("secretary", "/notices/settings/"),
    Stop("street", f"/briefing/?{FORTNIGHT}"),
    Stop("street", "/places/LH-YGHY/"),
    Stop("street", "/people/appoint/"),
    Stop("street", "/people/", "/people/4"),
    Stop("street", "/imports/new/members/"),
    Stop("street", "/doubts/"),
    Stop("worker", "/signs/"),
    Stop("worker", "/signs/sheet/?place=LH-Y3&place=LH-HYJ"),
    Stop("district", "/standing/?place=410102008000&week=2020-W24"),
    Stop("district", "/standing/?place=410102008000&week=2020-W24", "/standing/cell/"),
    Stop("district", "/standing/"),
    Stop("district", "/do/people.appoint/"),
    Stop("auditor", "/desk/"),
    Stop("auditor", "/facts/"),
    Stop("administrator", "/desk/"),
    Stop("administrator", "/operation/"),
    Stop("administrator", "/operation/clients/"),
    Stop("administrator", "/operation/going-live/"),
)

# Templates no address of the demo shows: what stands only after a press, a failure or in another kind of database.
# Each is looked at by the test named beside it.
ELSEWHERE = {
    "reporting/_reporters.html": "tests/web/test_reporting.py, who may call a reporter",
    "reporting/_word.html": "tests/web/test_reporting.py, when it was said to be done",
    "reporting/track.html": "tests/walks/test_reporting.py",
    "_errors.html": "tests/walks/test_browser.py, a form sent empty",
    "accounts/locked.html": "tests/web/test_access.py",
    "accounts/code.html": "tests/walks/test_doors.py",
    "accounts/key.html": "tests/walks/test_doors.py",
    "accounts/not_let_in.html": "tests/web/test_sign_in.py, another system's answer",
    "accounts/recovery.html": "tests/walks/test_doors.py",
    "accounts/second.html": "tests/walks/test_doors.py",
    "desk/_written.html": "tests/web/test_feedback.py, what waits for an answer on the desk",
    "doing/not_undone.html": "tests/web/test_desk.py, a record that may not be taken back any more",
    "doubts/_card.html": "tests/web/test_doubts.py, names that wait for a person",
    "doubts/page.html": "tests/web/test_doubts.py",
    "doubts/preview.html": "tests/web/test_doubts.py",
    "error.html": "tests/walks/test_pages.py, an address that is not there; debug answers it otherwise",
    "jobs/_state.html": "tests/walks/test_keeper.py",
    "notices/_way.html": "tests/web/test_notices.py, channels that were opened",
    "jobs/page.html": "tests/walks/test_keeper.py",
    "search/people.html": "tests/web/test_search.py, answers a form",
    "search/suggestions.html": "tests/web/test_search.py, while one types",
    "standing/none.html": "tests/web/test_standing.py, before a formula is adopted",
    "api/docs.html": "tests/api, another look",
    "briefing/refused.html": "tests/web/test_work.py",
    "imports/_state.html": "tests/walks/test_accounts.py",
    "imports/page.html": "tests/walks/test_accounts.py",
    "people/_passing.html": "tests/web/test_people.py",
    "people/end.html": "tests/web/test_people.py",
    "people/erase.html": "tests/web/test_people.py",
    "people/hand_over.html": "tests/web/test_people.py",
    "slips/_slips.html": "tests/walks/test_accounts.py",
    "slips/file.html": "tests/sheets/test_people.py",
    "slips/first.html": "tests/walks/test_accounts.py",
    "slips/refused.html": "tests/web/test_people.py",
    "slips/sheet.html": "tests/walks/test_accounts.py",
    "noticeboard/empty.html": "tests/web/test_noticeboard.py, before there is a district",
}
