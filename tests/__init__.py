"""The tests, driven by `fastloss.LOSSES`: a loss gets all of them from its declaration."""
