import pytest

from ssc_deploy import labels as class_names
from ssc_deploy.errors import LabelsError


@pytest.mark.parametrize(
    "text",
    [
        "cat\ndog\nfrog\n",
        "cat\ndog\nfrog",
        "cat\r\ndog\r\nfrog\r\n",
        "cat\rdog\rfrog\r",
        "\ufeffcat\r\ndog\r\nfrog",
        "cat\ndog\nfrog\n\n\n",
        "cat\ndog\nfrog\n  \n\t\n",
        " cat\ndog \n\tfrog\n",
    ],
)
def test_marks_line_ends_and_blank_ends_are_no_part_of_the_names(text):
    assert class_names.parse(text, "labels.txt") == ("cat", "dog", "frog")


def test_names_keep_what_is_inside_them():
    text = "n01440764 tench, Tinca tinca\ncrane\ncrane\n\u2028odd\nÅland \u3000 x"
    assert class_names.parse(text, "a") == (
        "n01440764 tench, Tinca tinca",
        "crane",
        "crane",
        "\u2028odd",
        "Åland \u3000 x",
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "labels.txt holds no labels"),
        ("\ufeff\n\n", "labels.txt holds no labels"),
        ("cat\n\ndog\n", "line 2 of labels.txt is blank"),
        ("\ncat\ndog\n", "line 1 of labels.txt is blank"),
        ("cat\n \ndog\n", "line 2 of labels.txt is blank"),
        ("cat\nd\x00og\n", "line 2 of labels.txt holds control characters"),
        ("0\tcat\n", "line 1 of labels.txt holds control characters"),
    ],
)
def test_what_could_shift_or_garble_the_names_is_refused(text, sentence):
    with pytest.raises(LabelsError, match=sentence):
        class_names.parse(text, "labels.txt")


def test_another_number_than_the_outputs_is_refused():
    class_names.check((), 10, "a")
    class_names.check(("a", "b"), 2, "a")
    with pytest.raises(LabelsError, match=r"a\.txt lists 1 label, the network has 2 outputs; give one label for each"):
        class_names.check(("a",), 2, "a.txt")
    with pytest.raises(LabelsError, match="lists 2 labels, the network has 1 output;"):
        class_names.check(("a", "b"), 1, "a.txt")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (("cat", ""), "label 1 of model.toml, '', is blank"),
        ((" \t", "cat"), "label 0 of model.toml, .*, is blank"),
        (("cat", "d\x1b[31mog"), "label 1 of model.toml, .* holds control characters; give a name of printable ones"),
        (("c\nat", "dog"), "label 0 of model.toml, .* holds control characters"),
        (("cat", "d\x9b31mog"), "label 1 of model.toml, .* holds control characters"),
    ],
)
def test_names_that_cannot_be_shown_are_refused_wherever_they_come_from(given, sentence):
    with pytest.raises(LabelsError, match=sentence):
        class_names.check(given, 2, "model.toml")


def test_names_may_be_alike():
    class_names.check(("crane", "crane"), 2, "model.toml")


@pytest.mark.parametrize("given", ["abc", ["a", 3], [b"a"]])
def test_what_is_no_list_of_names_is_refused(given):
    with pytest.raises(LabelsError, match="a list of names"):
        class_names.checked(given)
