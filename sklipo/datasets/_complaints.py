"""Texts of errors: one for all that went wrong in a long job, and their ends."""

# Enough to see what is wrong; a list of thousands would hide it.
N_LISTED = 5


def end_sentence(reason):
    """Return the text of an error with a full stop, unless it ends in a mark."""
    text = str(reason)
    return text if text.endswith((".", "?", "!")) else f"{text}."


def raise_complaints(complaints, failure, separator=", "):
    """Raise :func:`describe_complaints` as a ValueError, if there is any complaint."""
    if description := describe_complaints(complaints, failure, separator):
        raise ValueError(description)


def describe_complaints(complaints, failure, separator=", "):
    """Return a text that counts the complaints and lists the first; None without any.

    Each item of the job has one complaint, None or empty for a good item. ``failure``
    names the items and what cannot be done with the bad ones.
    """
    bad = [complaint for complaint in complaints if complaint]
    if not bad:
        return None
    listed = list_first(bad, N_LISTED, separator)
    return f"{len(bad)} of {len(complaints)} {failure}{listed}."


def list_first(texts, n, separator=", "):
    """Return the first n of some texts as one, and how many more there are."""
    more = [f"and {len(texts) - n} more"] * (len(texts) > n)
    return separator.join([*texts[:n], *more])
