"""An inbox in an S3-compatible service; tests/stress kills writers and pulls."""

import secrets
from datetime import date
from pathlib import Path

import pytest
from inbox_kills import SECRET
from lightmeter import Store
from lightmeter.errors import StoreError
from lightmeter.store.inbox import Inbox, Pulled, pull
from stores import view

obstore = pytest.importorskip("obstore")


pytest_plugins = ["bucket"]
DAY = date(2022, 9, 7)


@pytest.fixture
def address(bucket: str) -> str:
    return f"{bucket}/{secrets.token_hex(8)}/a prefix"


def put(inbox: Inbox, images: int, seq: int, **place: str) -> str:
    dataset = place.pop("dataset", "é/..%")
    return inbox.put(dataset, view(images), **{"at": DAY, "writer": "a b/+~", "seq": seq, **place})


def test_pull_and_delete(address: str, tmp_path: Path) -> None:
    inbox = Inbox(address)
    names = {put(inbox, seq, seq, segment="a=%2F&b=") for seq in (1, 2)} | {put(inbox, 1, 1)}
    assert set(inbox.list()) == names
    obstore.put(inbox._objects, "foreign.txt", b"hello")
    obstore.put(Inbox(f"{address} too")._objects, "another.txt", b"hello")  # beside the prefix
    with Store(tmp_path / "drift.db") as store:
        for delete, counts in ((False, (2, 0, 1, 0, 1)), (True, (0, 2, 1, 0, 1))):
            with pytest.warns(UserWarning, match="foreign"):
                assert pull(inbox, store, delete=delete) == Pulled(*counts)
        assert list(inbox.list()) == ["foreign.txt"]
        assert store.read("é/..%", segment="a=%2F&b=").images == 2
        for name in ("foreign.txt", *names):  # if it is there
            inbox.delete(name)
        assert inbox.list() == {}
        for number in range(30):
            put(inbox, 1, 1, writer=str(number))
        assert pull(inbox, store, delete=True).new == 30
        assert inbox.list() == {}


def test_errors(address: str, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for target in (Inbox(f"{bucket}-that-is-not/x"), Inbox(f"{bucket}-that-is-not")):
        with pytest.raises(StoreError, match="NoSuchBucket") as caught:
            put(target, 1, 1)
        assert SECRET not in str(caught.value)
        with pytest.raises(StoreError, match="NoSuchBucket") as caught:
            target.list()
        assert SECRET not in str(caught.value)
    import boto3

    key = f"{address.removeprefix(f'{bucket}/')}//x"
    boto3.client("s3").put_object(Bucket="bucket", Key=key, Body=b"")
    name = put(Inbox(address), 1, 1, dataset="cells")
    with Store(tmp_path / "drift.db") as store:
        for counts in ((1, 0, 0, 0, 1), (0, 1, 0, 0, 1)):
            with pytest.warns(
                UserWarning, match="a prefix//x' stays in .* its name cannot be parsed"
            ):
                assert pull(Inbox(address), store, delete=counts[0] == 0) == Pulled(*counts)
    assert name not in Inbox(address).list()
    for odd in (f"{address}//more", f"{address}/../more", f"{bucket}/."):
        with pytest.raises(StoreError, match="not the address of an inbox"):
            Inbox(odd)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(StoreError, match=r"writing .* failed: .*error sending request") as caught:
        put(Inbox(address), 1, 1)
    assert SECRET not in str(caught.value)
