"""One error for all that went wrong in a long job."""

# Enough to see what is wrong; a list of thousands would hide it.
N_LISTED = 5


def raise_complaints(complaints, failure, separator=", "):
    """Raise a ValueError that counts the complaints and lists the first, if any.

    Each item of the job has one complaint, None or empty for a good item. ``failure``
    names the items and what cannot be done with the bad ones.
    """
    bad = [complaint for complaint in complaints if complaint]
    if not bad:
        return
    listed = bad[:N_LISTED]
    if len(bad) > N_LISTED:
        listed.append(f"and {len(bad) - N_LISTED} more")
    raise ValueError(
        f"{len(bad)} of {len(complaints)} {failure}{separator.join(listed)}."
    )
