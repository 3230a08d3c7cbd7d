"""A party of ours and hubs of other makes, for registering in earnest."""

from functools import partial

import pytest

from tests.support.field import FieldHub
from tests.support.instances import Instance, Instances
from tests.support.registering import MakeHub, MakePlatform


@pytest.fixture
def party(instances: Instances) -> Instance:
    return instances.make("NL-TNM", "CPO")


@pytest.fixture
def make_hub(make_platform: MakePlatform) -> MakeHub:
    return partial(make_platform, FieldHub)


@pytest.fixture
def hub(make_hub: MakeHub) -> FieldHub:
    return make_hub()
