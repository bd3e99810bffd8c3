"""Packages that only some parts of sklipo need."""

from importlib import import_module


def import_extra(module, extra):
    """Import a module of an optional package, or say how to install it.

    Parameters
    ----------
    module : str
        Full name of the module.
    extra : str
        The extra of sklipo that brings it.

    Returns
    -------
    module
        The imported module.

    Raises
    ------
    ImportError
        If the package is not installed. The message names the extra.

    Examples
    --------
    >>> from sklipo._extras import import_extra
    >>> import_extra("matplotlib.pyplot", "plot").__name__
    'matplotlib.pyplot'
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(
            f"This needs {package}, which is not installed. "
            f'Install it by: pip install "sklipo[{extra}]"'
        ) from error
