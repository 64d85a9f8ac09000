"""Which group a picture belongs to: by its name, Exif or columns, a manifest or a function."""

from collections.abc import Callable, Sequence

from lightmeter.batch.segments import check_files, origin_of
from lightmeter.batch.sources.item import Item
from lightmeter.image.exif import ExifPolicy
from lightmeter.profile.grouping import Group, GroupName, group_of

__all__ = ["GroupBy", "GroupOf"]

# Where the name of a group comes from, such as "path:([^/]+)/"; or a function of the path.
GroupBy = str | Callable[[str], GroupName]


class GroupOf:
    """From a picture to its group."""

    def __init__(self, group_by: GroupBy, *, root: str | None, exif: ExifPolicy) -> None:
        """Read what `group_by` says.

        Args:
            group_by: as for `lightmeter.profile_images`.
            root: the folder that the files were found in, if it is one.
            exif: a tag that it denies can make no groups either.

        Raises:
            TypeError: `group_by` is of another type.
            ValueError: a source is not understood, or names a personal tag; a manifest is damaged.
            OSError: a manifest cannot be read.
        """
        self._root = root
        self._function = group_by if callable(group_by) else None
        self._origins = [origin_of(group_by, exif)] if isinstance(group_by, str) else []
        if not self._function and not self._origins:
            raise TypeError(
                f"group is {group_by!r}; expected a function of the path, or a text such as "
                "'path:([^/]+)/'"
            )

    def __call__(self, item: Item) -> Group:
        """The group of a picture; without a name it is a group of its own."""
        name: GroupName
        if self._function is not None:
            name = self._function(item.name)
        else:
            name = self._origins[0](item, self._root)
        return group_of("" if name is None else name) or Group(None)

    def check_files(self, files: Sequence[str]) -> None:
        """Find out before they are measured that a manifest is of other images.

        Raises:
            ValueError: it names none of them.
        """
        check_files(self._origins, files, self._root)
