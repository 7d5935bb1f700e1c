"""Rows that are cards on a phone say what their columns are called."""

from writeback.console.presenters.tables import cells

HEAD = [("Choose", "pick"), "School", ("Waiting", "num")]


def test_every_cell_says_its_column_and_its_role() -> None:
    rows = '<tr>\n<td class="pick"></td><th scope="row">Hillside</th>\n<td class="num">3</td></tr><tr><td>a</td></tr>'

    assert cells(rows, HEAD) == (
        '<tr role="row">\n<td role="cell" data-label="Choose" class="pick"></td>'
        '<th role="rowheader" data-label="School" scope="row">Hillside</th>\n'
        '<td role="cell" data-label="Waiting" class="num">3</td></tr>'
        '<tr role="row"><td role="cell" data-label="Choose">a</td></tr>'
    )


def test_what_a_cell_says_is_left_as_it_is_and_names_are_escaped() -> None:
    rows = "<tr><th>&lt;td&gt;<small>trust</small></th></tr>"

    assert cells(rows, ['"School"']) == (
        '<tr role="row"><th role="rowheader" data-label="&#34;School&#34;">&lt;td&gt;<small>trust</small></th></tr>'
    )


def test_cell_beyond_the_columns_has_no_name() -> None:
    assert cells("<tr><td>a<td>b", ["One"]) == '<tr role="row"><td role="cell" data-label="One">a<td role="cell">b'
