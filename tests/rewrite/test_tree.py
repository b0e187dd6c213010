from hypothesis import given
from hypothesis import strategies as st

from ssc_deploy.rewrite.tree import Tree


def path(parents, vertex):
    """From a vertex to the root."""
    found = [vertex]
    while found[-1] != "0":
        found.append(parents[found[-1]])
    return found


@given(st.lists(st.lists(st.integers(0, 10**6), min_size=1, max_size=3), max_size=60), st.data())
def test_the_common_ancestor_is_the_first_that_both_paths_to_the_root_share(below, data):
    names = ["0"]
    tree, parents = Tree(names[0]), {}
    for choices in below:
        under = [names[choice % len(names)] for choice in choices]
        vertex = str(len(names))
        tree.add(vertex, under)
        shared = set(path(parents, under[0])).intersection(*(path(parents, u) for u in under))
        parents[vertex] = next(v for v in path(parents, under[0]) if v in shared)
        assert tree.parent(vertex) == parents[vertex]
        names.append(vertex)
    a, b = data.draw(st.sampled_from(names)), data.draw(st.sampled_from(names))
    on_a = path(parents, a)
    assert tree.common(a, b) == next(v for v in path(parents, b) if v in on_a)
    assert tree.is_under(a, b) == (b in on_a)
