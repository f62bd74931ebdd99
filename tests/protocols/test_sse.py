from laba.protocols.sse import event, patience


def test_an_event_is_one_line_of_data_and_a_blank_one():
    # S4: HTML Living Standard section 9.2.6
    assert event(b'{"a":1}') == b'data: {"a":1}\n\n'
    assert event(b"{}", "e.7") == b"id: e.7\ndata: {}\n\n"


def test_patience_is_in_milliseconds():
    # S4: HTML Living Standard section 9.2.6
    assert patience(5) == b"retry: 5000\n\n"
