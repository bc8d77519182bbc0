from onboard.minerals import MINERALS


def test_ten_minerals_in_alphabetical_order() -> None:
    assert len(MINERALS) == 10
    assert list(MINERALS) == sorted(MINERALS)
