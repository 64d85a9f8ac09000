"""Pictures of two sides that were not decoded alike."""

from lightmeter.profile import ProfileView

_MOST = 3  # formats to name


def decoded_unlike(target: ProfileView, reference: ProfileView) -> str:
    """Which formats of both sides were decoded by others, as sentences; empty if none was.

    Two decoders of one format may round otherwise, and so may two versions of one. What a side
    does not know, and a format that one side lacks, is no difference.
    """
    own, other = target.decoders, reference.decoders
    unlike = [name for name in own if name in other and own[name] != other[name]]
    if not unlike:
        return ""
    told = [
        f"{name}: {' and '.join(other[name])} in the reference, {' and '.join(own[name])} in the "
        "target."
        for name in unlike[:_MOST]
    ]
    more = [f"Other formats: {len(unlike) - _MOST}."] if len(unlike) > _MOST else []
    first = "Not decoded alike: a small change may come from the decoder."
    return " ".join([first, *told, *more])
