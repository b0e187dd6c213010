import hashlib

import pytest

from ssc_deploy import card as cards
from ssc_deploy.errors import CardError
from ssc_deploy.metadata import Preprocessing

TEXT = """
schema_version = 1
name = "Tiny"
arch = "ssc-net"
checkpoint = "tiny.pt"
sha256 = "{sha256}"
labels = ["cat", "dog"]
golden = "golden"
[config]
B = 1
[preprocessing]
mean = [0.5, 0.5, 0]
std = [1, 0.2, 0.3]
[training]
data = "two pictures"
recipe = "none"
command = "ssc-deploy train"
log = "tiny.jsonl"
[accuracy]
top1 = 0.5
pictures = 2
data = "the same two"
command = "python measure.py"
"""


@pytest.fixture
def model(tmp_path):
    """A folder with checkpoint, card and one golden picture; returns a function that rewrites the card."""
    content = b"weights"
    (tmp_path / "tiny.pt").write_bytes(content)
    (tmp_path / "tiny.jsonl").write_text("{}\n")
    (tmp_path / "golden").mkdir()
    (tmp_path / "golden/cat-1.png").write_bytes(b"png")
    (tmp_path / "golden/labels.csv").write_text("file,label\ncat-1.png,cat\n")
    text = TEXT.format(sha256=hashlib.sha256(content).hexdigest())

    def write(*changes):
        changed = text
        for old, new in changes:
            assert old in changed
            changed = changed.replace(old, new)
        (tmp_path / "model.toml").write_text(changed)
        return tmp_path / "model.toml"

    write()
    return write


def test_a_card_is_read_whole(model):
    read = cards.read(model())
    assert (read.name, read.arch, read.config, read.labels) == ("Tiny", "ssc-net", {"B": 1}, ("cat", "dog"))
    assert read.preprocessing == Preprocessing((0.5, 0.5, 0.0), (1.0, 0.2, 0.3), "RGB")
    assert read.training == cards.Training(
        "two pictures", "none", "ssc-deploy train", read.path.with_name("tiny.jsonl"), None
    )
    assert read.accuracy == cards.Accuracy(0.5, 2, "the same two", "python measure.py")
    assert [(p.path.name, p.label) for p in read.golden_pictures()] == [("cat-1.png", 0)]


def test_the_least_card(tmp_path):
    path = tmp_path / "model.toml"
    path.write_text('schema_version = 1\nname = "N"\ncheckpoint = "n.pt"\nsha256 = "AB"\n')
    read = cards.read(path)
    assert read == cards.Card(path, "N", "n.pt", "ab")
    assert read.golden_pictures() == ()


def test_a_byte_order_mark_as_windows_writes_it_is_no_part_of_card_or_list(model):
    path = model()
    listed = path.parent / "golden" / "labels.csv"
    expected = cards.read(path).golden_pictures()
    for file in (path, listed):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert cards.read(path).golden_pictures() == expected
    assert len(expected) > 0


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("schema_version = 1", "schema_version = 2", "schema_version is 2, this package reads 1"),
        ('name = "Tiny"', "", "the key name is missing"),
        ('name = "Tiny"', "name = 3", "name must be a string, not 3"),
        ("labels =", "labls =", r"the key labls is unknown; did you mean labels\?"),
        ('["cat", "dog"]', '["cat", 3]', r"labels\.1 must be a string"),
        ("mean = [0.5, 0.5, 0]", "mean = [0.5]", "one number for each channel of RGB"),
        ("mean = [0.5, 0.5, 0]", "", r"the key preprocessing\.mean is missing"),
        ("std = [1, 0.2, 0.3]", "std = [1, inf, 1]", r"preprocessing\.std must be finite"),
        ("std = [1, 0.2, 0.3]", "std = [1, -0.2, 1]", r"preprocessing\.std must be above 0"),
        ("mean = [0.5, 0.5, 0]", "mean = [nan, 0.5, 0]", r"preprocessing\.mean must be finite"),
        ("std = [1, 0.2, 0.3]", "std = [1, 0, 1]", r"preprocessing\.std must be above 0"),
        (
            "std = [1, 0.2, 0.3]",
            'std = [1, 1, 1]\nresize = "no"',
            r"preprocessing\.resize must be none or shorter-side",
        ),
        ("std = [1, 0.2, 0.3]", 'std = [1, 1, 1]\ncolour = "CMY"', r"preprocessing\.colour must be RGB, BGR or L"),
        ("top1 = 0.5", "top1 = 50", r"accuracy\.top1 is a share"),
        ("top1 = 0.5", "top1 = true", r"accuracy\.top1 must be a number"),
        ('recipe = "none"', 'recipe = "none"\nlr = 1', r"the key training\.lr is unknown"),
        ('log = "tiny.jsonl"', 'curve = "tiny.png"', r"training\.curve names 'tiny.png', which is not a file beside"),
        ('log = "tiny.jsonl"', 'log = "/etc/passwd"', r"training\.log names '/etc/passwd', which is not a file beside"),
        ('golden = "golden"', 'golden = "missing"', "golden names .*missing"),
        ('golden = "golden"', 'golden = ".."', "not a folder beside the card"),
        ("[config]", "[config", "cannot be read"),
        ("top1 = 0.5", f"top1 = {'1' * 5000}", r"cannot be read: .*digits"),
        ("top1 = 0.5", f"top1 = 1{'0' * 400}", r"accuracy\.top1 is beyond the 64 bits of a whole number"),
        ("mean = [0.5, 0.5, 0]", f"mean = [0.5, 0.5, {2**63}]", r"preprocessing\.mean\.2 is beyond the 64 bits"),
        ('name = "Tiny"', f"name = 0x{'f' * 5000}", "name is beyond the 64 bits"),
        ('name = "Tiny"', f"name{'.a' * 2000} = 1", "name must be a string, not a table"),
        ("B = 1", f"B = [[0x{'f' * 5000}]]", r"config\.B\.0\.0 is beyond"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_key(model, old, new, sentence):
    path = model((old, new))
    with pytest.raises(CardError, match=sentence) as caught:
        cards.read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("listed", "sentence"),
    [
        ("file,label\ncat-2.png,cat\n", "no image 'cat-2.png'"),
        ("file,label\n../tiny.pt,cat\n", r"no image '\.\./tiny\.pt'"),
        ("file,label\ncat-1.png,horse\n", "needs a file and a label"),
        ("file,label\n", "lists no images"),
        ("cat-1.png,cat\ncat-1.png,cat\n", "needs a file and a label"),
    ],
)
def test_a_wrong_list_of_golden_pictures_is_named(model, listed, sentence):
    path = model()
    (path.parent / "golden/labels.csv").write_text(listed)
    with pytest.raises(CardError, match=sentence):
        cards.read(path).golden_pictures()


def test_a_golden_picture_of_a_class_whose_name_another_has_is_refused(model):
    read = cards.read(model(('["cat", "dog"]', '["cat", "dog", "cat"]')))
    assert read.labels == ("cat", "dog", "cat")  # names alone may be alike, as in ImageNet
    with pytest.raises(CardError, match=r"lists 'cat' more than once in its labels, so the class of cat-1\.png is not"):
        read.golden_pictures()


def test_a_missing_list_of_golden_pictures_is_named(model):
    path = model()
    (path.parent / "golden/labels.csv").unlink()
    with pytest.raises(CardError, match=r"labels\.csv: the list of golden images cannot be read"):
        cards.read(path).golden_pictures()


def test_a_card_is_found_beside_its_checkpoint_only(model, recwarn):
    path = model()
    sha256 = cards.read(path).sha256
    found = cards.find(path.with_name("tiny.pt"), sha256)
    assert found is not None
    assert found.name == "Tiny"
    assert cards.find(path.with_name("other.pt"), sha256) is None
    assert cards.find(path.parent / "golden/tiny.pt", sha256) is None
    assert not recwarn


def test_a_card_of_another_version_of_the_file_is_not_used(model):
    with pytest.warns(UserWarning, match=r"model\.toml is not used: it describes a tiny\.pt of SHA-256"):
        assert cards.find(model().with_name("tiny.pt"), "0" * 64) is None
