"""What is sklipo's own, and what is of other libraries.

Members that a class inherits from other libraries stay out of its page. A name in a
docstring leads to its page without the module that it is in.
"""

from sphinx.util.nodes import make_refnode


def is_own(member):
    """Return whether a method or property was written in sklipo."""
    # The function of a property, or of a cached one.
    member = getattr(member, "fget", getattr(member, "func", member))
    return (getattr(member, "__module__", None) or "").startswith("sklipo")


def find_page(name, objects):
    """Return the full name under which the API reference lists an object.

    Parameters
    ----------
    name : str
        Name of a class or function alone, or with the module in which it is written.
    objects : dict
        What the reference lists, by full name.

    Returns
    -------
    str or None
        None if nothing has this name, or more than one thing.
    """
    *module, last = name.split(".")
    if module and module[0] != "sklipo":
        return None
    found = [
        full
        for full, entry in objects.items()
        if full.split(".")[-1] == last
        and entry.objtype in ("class", "function")
        and not entry.aliased
    ]
    return found[0] if len(found) == 1 else None


def _skip_foreign(app, kind, name, member, skip, options):
    """Skip what is foreign, and leave the rest to Sphinx."""
    return True if kind == "class" and not is_own(member) else None


def _resolve(app, env, node, contents):
    """Return a link for a name that Sphinx by itself does not find."""
    domain = env.domains["py"]
    if node.get("refdomain") != "py":
        return None
    name = find_page(node["reftarget"], domain.objects)
    if name is None:
        return None
    entry = domain.objects[name]
    return make_refnode(
        app.builder, node["refdoc"], entry.docname, entry.node_id, contents, name
    )


def setup(app):
    """Let Sphinx ask about each member and each unknown name."""
    app.connect("autodoc-skip-member", _skip_foreign)
    app.connect("missing-reference", _resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
