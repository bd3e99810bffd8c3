"""One error for all that went wrong in a long job."""

# So many cases show what is wrong, and still fit on a screen.
N_LISTED = 5


def raise_complaints(complaints, failure, separator=", "):
    """Raise a ValueError that counts the complaints and lists the first, if any.

    There is one complaint for each item of the job, empty if nothing is wrong with it.
    ``failure`` says what cannot be done with the others, in the plural.
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
