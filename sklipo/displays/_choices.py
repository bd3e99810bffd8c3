"""Parameters that take one of a few words."""


def check_choice(name, value, known):
    """Raise an error if a value is not among those known."""
    if value not in known:
        raise ValueError(f"{name}={value!r}; expected one of {list(known)}.")
