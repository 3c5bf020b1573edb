"""Photos on forms and pages: kept through errors, shown to those who may read the words, sealed with the record."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from gongzhi.clock.proofs import PROOFS
from gongzhi.ground.files import store
from gongzhi.ground.files.models import Photo, Stored
from gongzhi.ground.ledger import check
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.ledger.seal import seal
from gongzhi.ground.people.models import ActorKind
from tests.web.conftest import SignIn, Week, read
from tests.world import World

pytestmark = pytest.mark.slow


def picture(colour: str = "red", size: tuple[int, int] = (320, 240)) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, colour).save(written, "JPEG")
    return written.getvalue()


def sent(data: bytes | None = None, name: str = "IMG_0001.JPG") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, picture() if data is None else data, "image/jpeg")


FOUND = {"place": "LH-Y3", "category": "0421", "description": "井盖松动", "source": "patrol"}


def report(client: Client, *files: SimpleUploadedFile, **more: Any) -> Any:
    return client.post("/do/problems.report/", FOUND | {"photos-file": list(files)} | more)


def tokens(page: str) -> list[str]:
    return [part.partition('"')[0] for part in page.split('name="photos" value="')[1:]]


def test_a_photo_goes_with_the_record_and_is_shown_with_it(sign_in: SignIn, world: World) -> None:
    client = sign_in("worker")
    form = read(client.get("/do/problems.report/"))
    assert 'enctype="multipart/form-data"' in form
    assert "没有照片也能登记" in form
    response = report(client, sent(picture("red")), sent(picture("blue")))
    assert response.status_code == 302
    fact = Fact.objects.get(kind="problems.reported")
    first, second = Photo.objects.filter(fact=fact)
    assert (first.position, second.position) == (1, 2)
    assert first.stored is not None
    assert first.stored.keep_until is None
    page = read(client.get(response["Location"]))
    assert f"/photos/{first.stored.pk}/small/" in page
    assert f"/photos/{first.stored.pk}/small/" in read(client.get(f"/facts/{fact.pk}/"))


def test_photos_may_stand_with_visits_and_resolutions_too(sign_in: SignIn, june: Week) -> None:
    pool = june.number("pool")
    june.world.do("secretary", "problems.dispatch", problem=pool, organisation="LH-YGHY-JWH")
    client = sign_in("worker")
    done = {"problem": pool, "mode": "handled", "photos-file": [sent()], "note": "已疏通"}
    assert client.post("/do/problems.resolve/", done).status_code == 302
    looked = {"problem": pool, "purpose": "follow_up", "invited": "true", "photos-file": [sent(picture("green"))]}
    assert client.post("/do/problems.visit/", looked).status_code == 302
    assert Photo.objects.count() == 2


def test_without_a_photo_nothing_changes(sign_in: SignIn, world: World) -> None:
    assert report(sign_in("worker")).status_code == 302
    assert not Stored.objects.exists()


def test_what_was_chosen_is_not_lost_when_something_else_is_wrong(sign_in: SignIn, world: World) -> None:
    client = sign_in("worker")
    response = report(client, sent(), description="")
    assert response.status_code == 422
    (token,) = tokens(read(response))
    assert client.get(f"/photos/{token}/small/").status_code == 200
    response = report(client, photos=token)
    assert response.status_code == 302
    assert str(Photo.objects.get().stored_id) == token


def test_a_photo_chosen_may_be_left_out_again(sign_in: SignIn, world: World) -> None:
    client = sign_in("worker")
    one, two = tokens(read(report(client, sent(picture("red")), sent(picture("blue")), description="")))
    assert report(client, photos=[one, two], **{"photos-without": two}).status_code == 302
    assert [str(photo.stored_id) for photo in Photo.objects.all()] == [one]


def test_a_bad_photo_is_said_at_its_field_and_the_good_one_is_kept(sign_in: SignIn, world: World) -> None:
    client = sign_in("worker")
    response = report(client, sent(), sent(b"<svg onload=alert(1)>", "a.svg"), sent(b"words", "b.jpg"))
    page = read(response)
    assert response.status_code == 422
    assert "矢量图（SVG），不是照片" in page
    assert "文件名改过的也认得出来" in page
    assert 'value="井盖松动"' in page or ">井盖松动<" in page
    assert len(tokens(page)) == 1
    assert not Fact.objects.filter(kind="problems.reported").exists()


def test_seven_photos_are_too_many(sign_in: SignIn, world: World) -> None:
    colours = ["red", "blue", "green", "white", "black", "gold", "pink"]
    response = report(sign_in("worker"), *(sent(picture(colour)) for colour in colours))
    assert response.status_code == 422
    assert "最多 6 张" in read(response)
    assert len(tokens(read(response))) == 6


def test_pressing_twice_gives_the_first_record_back(sign_in: SignIn, world: World) -> None:
    client = sign_in("worker")
    for _ in range(2):
        assert report(client, sent(), key="0b6a").status_code == 302
    assert Fact.objects.filter(kind="problems.reported").count() == 1
    assert Photo.objects.count() == 1


def test_one_photo_on_two_records_is_kept_for_each(sign_in: SignIn, world: World) -> None:
    client = sign_in("worker")
    for _ in range(2):
        assert report(client, sent()).status_code == 302
    one, two = Photo.objects.select_related("stored")
    assert one.stored is not None
    assert two.stored is not None
    assert one.stored.pk != two.stored.pk
    assert one.digest == two.digest
    assert one.mark != two.mark


def test_somebody_elses_photo_cannot_be_used(sign_in: SignIn, world: World) -> None:
    (token,) = tokens(read(report(sign_in("worker"), sent(), description="")))
    response = report(sign_in("secretary"), photos=token)
    assert response.status_code == 422
    assert not Photo.objects.exists()


@pytest.fixture
def shown(sign_in: SignIn, world: World) -> str:
    assert report(sign_in("worker"), sent()).status_code == 302
    return f"/photos/{Photo.objects.get().stored_id}/"


@pytest.mark.parametrize(
    ("who", "status"),
    [("worker", 200), ("secretary", 200), ("member", 200), ("street", 200), ("auditor", 200), ("department", 404)],
)
def test_who_reads_the_words_sees_the_photo(sign_in: SignIn, shown: str, who: str, status: int) -> None:
    if who == "department":
        Fact.objects.filter(kind="problems.reported")
        # Sits in the district, so its area is the district; a stranger to the words is one of another community.
        client = other_community(sign_in)
    else:
        client = sign_in(who)
    assert client.get(shown).status_code == status
    assert client.get(f"{shown}small/").status_code == status


def other_community(sign_in: SignIn) -> Client:
    world = World()
    raw = {"role": "worker", "place": "RH-TH", "name": "许他乡", "username": "faraway"}
    world.do("district", "people.appoint", **raw)
    return sign_in("faraway")


def test_the_public_sees_no_photo(shown: str, client: Client) -> None:
    response = client.get(shown)
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")
    fact = Fact.objects.get(kind="problems.reported")
    assert "/photos/" not in read(client.get(f"/facts/{fact.pk}/"))


def test_a_draft_is_for_the_one_who_chose_it(sign_in: SignIn, world: World) -> None:
    (token,) = tokens(read(report(sign_in("worker"), sent(), description="")))
    assert sign_in("worker").get(f"/photos/{token}/").status_code == 200
    assert sign_in("secretary").get(f"/photos/{token}/").status_code == 404


def test_a_photo_is_served_as_a_picture_and_kept_by_nobody(sign_in: SignIn, shown: str) -> None:
    response = sign_in("worker").get(shown)
    assert response["Content-Type"] == "image/jpeg"
    assert response["Content-Disposition"].startswith("inline; filename=")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["Cache-Control"] == "private, no-store"


def test_a_file_that_is_no_photo_is_not_shown_as_one(sign_in: SignIn, world: World) -> None:
    paper = store.put(b"%PDF", actor=world.actor("worker"), purpose="paper", name="a.pdf", media_type="application/pdf")
    assert sign_in("worker").get(f"/photos/{paper.pk}/").status_code == 404


def test_photo_and_words_stand_in_the_seal_and_a_changed_one_is_noticed(sign_in: SignIn, world: World) -> None:
    report(sign_in("worker"), sent(picture("red")), sent(picture("blue")))
    fact = Fact.objects.get(kind="problems.reported")
    assert check.words() == []
    assert PROOFS["files"][1]() == []
    Photo.objects.filter(fact=fact, position=1).update(digest="0" * 64)
    assert PROOFS["files"][1]() == [f"记录 {fact.pk} 的照片 1与登记时不同"]
    photo = Photo.objects.get(fact=fact, position=1)
    photo.seal_file()
    photo.save()
    assert check.words() == [f"问题的文字与登记时不同，记录 {fact.pk}"]


def test_with_its_person_a_photo_is_gone_and_the_words_of_others_still_stand(
    sign_in: SignIn, world: World, django_capture_on_commit_callbacks: Any
) -> None:
    report(sign_in("worker"), sent())
    photo = Photo.objects.select_related("stored", "fact").get()
    assert photo.stored is not None
    path = store.path_of(photo.stored)
    with django_capture_on_commit_callbacks(execute=True):
        store.destroy_of(world.actor("worker"))
    photo.refresh_from_db()
    assert (photo.stored_id, photo.digest, photo.salt) == (None, "", "")
    assert not path.exists()
    assert check.words() == []
    assert PROOFS["files"][1]() == []


def test_sealed_facts_with_photos_prove_as_others_do(sign_in: SignIn, world: World) -> None:
    with world.on("2020-06-10T09:00"):
        report(sign_in("worker"), sent())
    assert seal(world.district) is not None
    assert PROOFS["seals"][1]() == []
    assert Fact.objects.filter(by__kind=ActorKind.PERSON, kind="problems.reported").exclude(words="").exists()


# The API


def token_of(client: Client, username: str, world: World) -> dict[str, str]:
    account = world.account(username)
    account.must_change_password = False
    account.set_password("gongzhi-test-1")
    account.save()
    told = client.post(
        "/api/token", {"username": username, "password": "gongzhi-test-1"}, content_type="application/json"
    ).json()
    return {"authorization": f"Bearer {told['token']}"}


def test_a_program_sends_a_photo_first_and_names_it_in_the_act(client: Client, world: World) -> None:
    headers = token_of(client, "worker", world)
    response = client.post("/api/files", {"file": sent()}, headers=headers)
    assert response.status_code == 201
    told = response.json()
    assert told["media_type"] == "image/jpeg"
    made = client.post(
        "/api/problems", FOUND | {"photos": [told["id"]]}, headers=headers, content_type="application/json"
    )
    assert made.status_code == 201
    assert Photo.objects.get().fact_id == Fact.objects.get(kind="problems.reported").pk
    missing = FOUND | {"photos": ["00000000-0000-4000-8000-000000000000"]}
    refused = client.post("/api/problems", missing, headers=headers, content_type="application/json")
    assert refused.status_code == 404
    assert refused.json()["field"] == "photos"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [({}, 422, "api.file"), ({"file": sent(b"GIF89a", "a.gif")}, 422, "files.photo.gif")],
)
def test_what_a_program_sends_wrong_is_said(
    client: Client, world: World, body: dict[str, Any], status: int, code: str
) -> None:
    response = client.post("/api/files", body, headers=token_of(client, "worker", world))
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_files_want_a_token(client: Client, db: None) -> None:
    assert client.post("/api/files", {"file": sent()}).status_code == 401


# When the session has ended


def ended(client: Client) -> None:
    """Half an hour without a page."""
    session = client.session
    session["seen"] = 1
    session.save()


def test_photos_survive_a_session_that_ended_as_words_do(sign_in: SignIn, world: World) -> None:
    account = world.account("worker")
    account.set_password("Lianhu-2020-morning")
    account.save()
    client = sign_in("worker")
    ended(client)
    late = report(client, sent())
    assert late.status_code == 401
    page = read(late)
    assert "填的内容会留着" in page
    assert "照片要重新选" not in page
    typed = page.split('name="typed" value="')[1].partition('"')[0].replace("&amp;", "&")
    back = {"username": "worker", "password": "Lianhu-2020-morning", "next": "/do/problems.report/", "typed": typed}
    assert client.post("/accounts/login/", back)["Location"] == "/do/problems.report/"
    form = read(client.get("/do/problems.report/"))
    assert "井盖松动" in form
    (token,) = tokens(form)
    assert client.get(f"/photos/{token}/small/").status_code == 200


def test_photos_of_nobody_known_are_not_kept_and_that_is_said(client: Client, world: World) -> None:
    late = report(client, sent())
    assert late.status_code == 401
    assert "照片要重新选" in read(late)
    assert not Stored.objects.exists()


def test_somebody_else_who_signs_in_there_does_not_get_the_photos(sign_in: SignIn, world: World) -> None:
    client = sign_in("worker")
    ended(client)
    typed = read(report(client, sent())).split('name="typed" value="')[1].partition('"')[0].replace("&amp;", "&")
    account = world.account("secretary")
    account.set_password("Lianhu-2020-morning")
    account.must_change_password = False
    account.save()
    back = {"username": "secretary", "password": "Lianhu-2020-morning", "next": "/do/problems.report/", "typed": typed}
    client.post("/accounts/login/", back)
    assert tokens(read(client.get("/do/problems.report/"))) == []


def test_a_button_pressed_too_late_says_that_nothing_was_saved(client: Client, world: World) -> None:
    sheet = SimpleUploadedFile("表.xlsx", b"PK")
    came = {"referer": "http://testserver/imports/"}
    late = client.post("/me/tokens/", {"file": sheet}, headers=came)
    assert late.status_code == 401
    assert "刚才的没有保存。请登录后再做一次，文件要重新选" in read(late)
    assert 'name="next" value="/imports/"' in read(late)
    other = client.post("/accounts/post/", headers={"referer": "https://evil.example/x"})
    assert 'name="next" value="/desk/"' in read(other)
    assert "文件要重新选" not in read(other)


def test_what_is_far_too_large_is_turned_away_unread(client: Client, db: None) -> None:
    response = client.post("/do/problems.report/", {"x": "1"}, CONTENT_LENGTH=str(200 << 20))
    assert response.status_code == 413
    assert "太大" in read(response)


def test_a_photo_of_40_mb_is_said_at_its_field(sign_in: SignIn, world: World) -> None:
    response = report(sign_in("worker"), sent(b"\xff\xd8\xff" + bytes(40 << 20)))
    assert response.status_code == 422
    assert "40 MB，最多 20 MB" in read(response)
    assert "井盖松动" in read(response)


def test_erasing_a_person_destroys_their_photos_and_files(world: World) -> None:
    with world.on("2020-06-10T09:00"):
        raw = {"role": "grid_worker", "place": "LH-YGHY", "name": "韦明", "username": "weim"}
        world.do("secretary", "people.appoint", **raw)
        stored = store.put(
            picture(), actor=world.actor("weim"), purpose="photo", name="照片.jpg", media_type="image/jpeg"
        )
        world.do("weim", "problems.report", **FOUND, photos=[str(stored.pk)])
        paper = store.put(b"x", actor=world.actor("weim"), purpose="export", name="a.csv", media_type="text/csv")
        world.do("secretary", "people.dismiss", person="weim", role="grid_worker", place="LH-YGHY")
    world.do("district", "people.erase", person="weim")
    assert not Stored.objects.filter(pk__in=[stored.pk, paper.pk]).exists()
    assert Photo.objects.get().salt == ""
    assert PROOFS["files"][1]() == []
    assert check.words() == []
