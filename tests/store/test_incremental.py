"""Runs from what changed over real stores: they end where runs end that read everything."""

import pytest

from tests.engine.test_incremental_twins import live_alike, twins
from tests.store.conftest import StoreOpener


@pytest.mark.parametrize("seed", range(200, 204))
def test_what_changed_leads_to_where_everything_leads(opener: StoreOpener, seed: int) -> None:
    live_alike(*twins(seed, opener), seed)
