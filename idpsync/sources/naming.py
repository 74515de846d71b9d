"""What every kind of directory may be told alike: its name, where there are several."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, field_validator

from idpsync.settings import Duration, Settings


class DirectorySettings(Settings):
    """Base of every kind of `directory:`. The name stands before the ids of people in a later one.

    What is not read within `read_deadline` counts as unread: it takes nothing from anybody.
    """

    name: Annotated[str | None, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=40)] = None
    read_deadline: Duration = timedelta(minutes=30)

    @field_validator("read_deadline")
    @classmethod
    def _is_some_time(cls, value: timedelta) -> timedelta:
        if value < timedelta(seconds=1):
            raise ValueError("is at least 1s: in no time nothing is read")
        return value
